import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';
import type { ServerClose, ServerFacts } from '../facts-server.js';
import { drainBeforeStop } from '../fixes.js';

const windowNs = 5e9;
const leastCloses = 8;
/** Idle timers that were started together also end together: here the idle times must differ by this factor at least. */
const idleFactor = 2;

export const deployBurst: Rule = {
  id: 'deploy-burst',
  level: 'warning',
  confidence: 'medium',
  owner: 'server',
  title: 'The server closed many connections at once',
  prose:
    'Within seconds the server closed connections that had been idle for quite different times, so it was no idle timer: the process was ' +
    'stopped, restarted or reconfigured. Requests on their way at that moment are lost unless the server drains first: it says ' +
    '“Connection: close” on its last answers, waits, and only then closes.',
  notToConfuseWith:
    'Idle timers that run out together because the requests came together: there the idle times are alike (timeout-inferred).',
  fixes: drainBeforeStop,
  onServer: (server) => {
    const burst = largestBurst(server);
    if (burst === null) return null;
    const idles = burst.map(({ idleNs }) => idleNs);
    return {
      count: burst.length,
      connections: burst.map(({ connection }) => connection),
      packets: burst.map(({ packet }) => packet),
      text: () =>
        `${counted(burst.length, 'connection')} closed within ${durationWords(burst[burst.length - 1]!.atNs - burst[0]!.atNs)}, idle for ${durationWords(Math.min(...idles))} to ${durationWords(Math.max(...idles))} (from packet ${burst[0]!.packet} on).`,
    };
  },
  sum: () => '',
};

function largestBurst(server: ServerFacts): ServerClose[] | null {
  const timeout = server.idleTimeout();
  // What the idle timer closes is no burst, whenever it happens.
  const closes = server
    .recentCloses()
    .filter(({ idleNs }) => timeout === null || Math.abs(idleNs - timeout.value) > 0.05 * timeout.value + timeout.spread)
    .sort((a, b) => a.atNs - b.atNs);
  let best: ServerClose[] | null = null;
  let start = 0;
  for (let end = 0; end < closes.length; end++) {
    while (closes[end]!.atNs - closes[start]!.atNs > windowNs) start++;
    const count = end - start + 1;
    if (count < leastCloses || (best !== null && count <= best.length)) continue;
    const window = closes.slice(start, end + 1);
    if (isVaried(window)) best = window;
  }
  return best;
}

/** Idle for long and for different times, and opened at different times: not the tail of one burst of short connections. */
function isVaried(window: readonly ServerClose[]): boolean {
  const idles = window.map(({ idleNs }) => idleNs).sort((a, b) => a - b);
  const low = idles[Math.floor(idles.length * 0.1)]!;
  const high = idles[Math.floor(idles.length * 0.9)]!;
  const latestOpened = Math.max(...window.map(({ openedNs }) => openedNs));
  return high >= 1e9 && high >= idleFactor * Math.max(low, 1) && latestOpened < window[0]!.atNs;
}
