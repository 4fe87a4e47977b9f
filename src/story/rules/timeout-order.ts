import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';
import { fixesFor, keepIdleLonger, letGoEarlier } from '../fixes.js';

/** A reuse this near to the server’s timeout, as a share of it, was luck. */
const nearShare = 0.9;
/** Far beyond it, the timeout measured is not that of these connections. */
const farShare = 1.1;

export const timeoutOrder: Rule = {
  id: 'timeout-order',
  level: 'warning',
  confidence: 'medium',
  owner: 'client',
  title: 'The client reuses connections until the moment the server closes them',
  prose:
    'The server closes idle connections after a certain time, and the client was seen to send requests on connections that had been idle ' +
    'for nearly that long. It went well this time. A little later the request would have met the server’s close and would have been ' +
    'lost. The client must stop reusing a connection clearly earlier than the server closes it: a second, or a tenth of the time.',
  notToConfuseWith: 'stale-reuse, where it has already gone wrong.',
  fixes: [...letGoEarlier.slice(0, 5), ...keepIdleLonger.slice(0, 5)],
  onPair: (pair) => {
    if (pair.server.idleCloses.count < 2) return null;
    const gapNs = pair.longestSurvivedGapNs;
    // The timeout is at least its shortest sample: most pairs need not know it.
    if (gapNs < nearShare * pair.server.idleCloses.least) return null;
    const timeout = pair.server.idleTimeout();
    if (timeout === null || timeout.count < 2) return null;
    if (gapNs < nearShare * timeout.value || gapNs > farShare * timeout.value) return null;
    return {
      fixes: () => fixesFor(timeoutOrder.fixes, pair.software),
      confidence: timeout.count >= 3 ? 'high' : 'medium',
      connections: [pair.longestGapConnection],
      packets: [pair.longestGapPacket, ...timeout.packets],
      text: () =>
        `Client ${pair.clientAddress} reused connection #${pair.longestGapConnection} after ${durationWords(gapNs)} of idleness (packet ${pair.longestGapPacket}); this server closes after ${durationWords(timeout.value)} (${counted(timeout.count, 'close')}).`,
    };
  },
  sum: () => '',
};
