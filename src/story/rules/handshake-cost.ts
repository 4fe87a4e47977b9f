import type { Rule } from '../diagnosis-rule.js';
import { countWords, durationWords, percentWords } from '../diagnosis-words.js';
import { fixesFor, reuseConnections } from '../fixes.js';

const leastConnections = 10;
const leastShare = 0.3;
/** Who asks more often than this on a connection does reuse it. */
const mostRequestsPerConnection = 1.8;
/** Quicker handshakes cost nobody anything worth a setting. */
const leastHandshakeNs = 1e6;

export const handshakeCost: Rule = {
  id: 'handshake-cost',
  level: 'warning',
  confidence: 'high',
  owner: 'client',
  title: 'Opening connections makes up much of the waiting',
  prose:
    'Before the first request of a connection there is a handshake: one round trip to the server and back (with TLS two or three). Here ' +
    'these handshakes take a large part of all the time callers wait, because connections carry few requests. Reusing connections takes ' +
    'the handshakes away; nothing else has to become faster.',
  notToConfuseWith: 'Slow answers (slow-server) and lost packets (slow-network).',
  fixes: reuseConnections,
  asksPair: { count: 'usedConnections', least: leastConnections },
  onPair: (pair, { isLeaky }) => {
    // Where the ACK of a handshake is missing, it seems to last until the first request.
    if (isLeaky) return null;
    const { handshakes, handshakeNs, waitedNs, usedConnections, requests } = pair;
    const whole = handshakeNs + waitedNs;
    if (requests > mostRequestsPerConnection * usedConnections) return null;
    if (handshakes === 0 || handshakeNs < leastShare * whole) return null;
    if (handshakeNs / handshakes < leastHandshakeNs) return null;
    const avoidable = usedConnections - pair.mostAtOnce();
    if (avoidable < 0.5 * usedConnections) return null;
    return {
      fixes: () => fixesFor(handshakeCost.fixes, pair.software),
      count: usedConnections,
      connections: pair.recent.map(({ id }) => id),
      packets: pair.recent.slice(0, 20).map(({ openedPacket }) => openedPacket),
      delayNs: handshakeNs,
      text: () =>
        `Client ${pair.clientAddress}: ${countWords(handshakes)} handshakes of ${durationWords(handshakeNs / handshakes)} are ${percentWords(handshakeNs, whole)} of the waiting for ${countWords(requests)} requests; about ${countWords(avoidable)} of them could be spared.`,
    };
  },
  sum: () => '',
};
