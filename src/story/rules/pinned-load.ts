import type { Rule } from '../diagnosis-rule.js';
import { counted, countWords, durationWords, endpointWords } from '../diagnosis-words.js';

const leastRequests = 50;
/** A new server with less than this share of a fair part goes short. */
const shortShare = 0.1;
/** So long must both have been there for a comparison. */
const leastTogetherNs = 10e9;
/** Servers that come within this time were there from the beginning. */
const leastLaterNs = 1e9;

export const pinnedLoad: Rule = {
  id: 'pinned-load',
  level: 'info',
  confidence: 'low',
  owner: 'client',
  title: 'A new server gets hardly any requests because clients stay on old connections',
  prose:
    'The same client asks for the same host at several addresses. One address came later, and it gets hardly any of the requests: the ' +
    'client’s connections to the older ones are kept and used on and on. Kept connections do not notice new servers. A maximum age for ' +
    'connections makes clients look again.',
  notToConfuseWith: 'A balancer that prefers a server on purpose, and a spare server.',
  fixes: [
    {
      for: 'the client',
      setting: 'a maximum age for connections, a few minutes (.NET PooledConnectionLifetime, Apache HttpClient setTimeToLive)',
      why: 'old connections end, new ones see all addresses',
    },
    {
      for: 'the server',
      setting: 'a maximum age or number of requests (nginx keepalive_time, keepalive_requests; Envoy max_connection_duration)',
      why: 'the same from the other side',
    },
  ],
  onPair: (pair, whole) => {
    if (whole.requests < leastRequests || pair.server.firstNs - whole.earliestNs < leastLaterNs) return null;
    const { host, server, clientAddress, requests, firstNs } = pair;
    // Nobody has a fair part larger than the most that any pair has.
    if (host === null || requests > shortShare * whole.mostOfPair) return null;
    let older = 0;
    let theirRequests = 0;
    let latestNs = 0;
    for (const other of whole.siblingsOf(pair)) {
      const same = other !== pair && other.server.endpoint.port === server.endpoint.port;
      if (!same || server.firstNs - other.firstNs < leastLaterNs || other.lastNs < firstNs + leastTogetherNs) continue;
      older++;
      // Of all its time only the part since the newcomer counts; told by the rate.
      theirRequests += (other.requests * (other.lastNs - firstNs)) / Math.max(1, other.spanNs);
      latestNs = Math.max(latestNs, other.lastNs);
    }
    if (older === 0 || theirRequests < leastRequests || requests > (shortShare * theirRequests) / older) return null;
    return {
      packets: pair.recent.slice(0, 4).map(({ openedPacket }) => openedPacket),
      connections: pair.recent.map(({ id }) => id),
      text: () =>
        `${counted(requests, 'request')} of client ${clientAddress} went to ${endpointWords(server.endpoint)} in ${durationWords(latestNs - firstNs)}, about ${countWords(Math.round(theirRequests))} to ${counted(older, 'older address', 'older addresses')} of ${host}.`,
    };
  },
  sum: () => '',
};
