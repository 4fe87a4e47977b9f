import type { ConnectionId } from '../../base/index.js';
import type { Rule } from '../diagnosis-rule.js';
import { counted, countWords, durationWords } from '../diagnosis-words.js';
import type { ServerFacts } from '../facts-server.js';

const leastRequests = 5;
const leastPerConnection = 3;
/** Connections named as evidence. */
const mostShown = 20;

export const reuseWorks: Rule = {
  id: 'reuse-works',
  level: 'good',
  confidence: 'high',
  owner: 'server',
  title: 'Connections are reused',
  prose:
    'Requests travel on kept connections: after the first one on each there is no handshake, no new port and no slow start from zero. This ' +
    'is how it should be.',
  notToConfuseWith: 'Whether reuse is also safe: that depends on the order of the timeouts (timeouts-in-order, timeout-order).',
  fixes: [],
  noFix: 'There is nothing to repair.',
  onServer: (server) => {
    const { answered, httpConnections, requests, handshakes, handshakeNs } = server;
    if (answered < leastRequests || requests < leastPerConnection * httpConnections) return null;
    return {
      count: requests - httpConnections,
      connections: someReused(server),
      packets: [],
      text: () => {
        const saved =
          handshakes === 0
            ? ''
            : `, which saved ${durationWords(((requests - httpConnections) * handshakeNs) / handshakes)} of handshakes`;
        const timeout = server.idleTimeout();
        const announced = server.announcedSeconds();
        const closes =
          timeout === null
            ? ''
            : ` This server closes after ${durationWords(timeout.value)} idle${announced === null ? '' : `, announced ${announced} s`}.`;
        return `${countWords(requests)} requests on ${counted(httpConnections, 'connection')}, ${(requests / httpConnections).toFixed(1)} on each${saved}.${closes}`;
      },
    };
  },
  sum: () => '',
};

/** For evidence; of all of them there may be very many. */
function someReused({ pairs }: ServerFacts): readonly ConnectionId[] {
  const found: ConnectionId[] = [];
  for (const pair of pairs.values()) {
    if (pair.reusedConnections === 0) continue;
    found.push(...pair.recent.filter(({ requests }) => requests > 1).map(({ id }) => id));
    if (found.length >= mostShown) break;
  }
  return found.slice(0, mostShown);
}
