import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, percentWords } from '../diagnosis-words.js';
import { fixesFor } from '../fixes.js';

const leastRequests = 5;
const share = 0.9;
const leastConnections = 10;
const connectionShare = 0.8;
/** Requests that come at this distance, as health checks do, gain nothing to speak of from a connection that is kept. */
const seldomNs = 1.9e9;

export const reuseDisabled: Rule = {
  id: 'reuse-disabled',
  level: 'warning',
  confidence: 'high',
  owner: 'client',
  title: 'The client asks for a close with every request',
  prose:
    'Every request says “Connection: close”, or is HTTP/1.0 without keep-alive. So each request pays for a new connection: a handshake ' +
    'before it, a close behind it, and a port that cannot be used again for a minute. Often nobody decided this: it is the default of an ' +
    'old client, of a benchmark tool, or of nginx towards its upstreams.',
  notToConfuseWith: 'Connections that are closed after one request although nobody asked for it (churn).',
  fixes: [
    {
      for: 'nginx as proxy',
      setting: 'upstream { … keepalive 32; }  proxy_http_version 1.1; proxy_set_header Connection "";',
      why: 'before 1.29.7 it sends HTTP/1.0 and Connection: close to its upstreams',
    },
    { for: 'Node.js client', setting: 'new http.Agent({ keepAlive: true })', why: 'without it requests say Connection: close' },
    {
      for: 'Go net/http client',
      setting: 'Transport.DisableKeepAlives = false, Request.Close = false',
      why: 'the defaults are right',
    },
    { for: 'ApacheBench', setting: 'ab -k', why: 'without it ab speaks HTTP/1.0 and measures handshakes' },
  ],
  asksPair: { count: 'closeAskedByClient', least: leastRequests },
  onPair: (pair) => {
    const { closeAskedByClient, requests, singleUse, usedConnections } = pair;
    const always = closeAskedByClient >= share * requests;
    // Beside the pool of another program of the same host: most connections.
    const besidePool = singleUse.clientAsked >= leastConnections && singleUse.clientAsked >= connectionShare * usedConnections;
    if (!always && !besidePool) return null;
    const shown = pair.recent.filter(({ requests: count }) => count === 1);
    const isSeldom = pair.spanNs / (usedConnections - 1) >= seldomNs;
    return {
      level: isSeldom ? 'info' : 'warning',
      fixes: () => fixesFor(reuseDisabled.fixes, pair.software),
      count: closeAskedByClient,
      connections: shown.map(({ id }) => id),
      packets: shown.slice(0, 20).map(({ openedPacket }) => openedPacket),
      delayNs: pair.handshakeNs,
      text: () => {
        const handshakes = pair.handshakes === 0 ? '' : ` The handshakes took ${durationWords(pair.handshakeNs)}.`;
        const seldom = isSeldom ? ' They are so seldom that it costs little: health checks, for example, are like this.' : '';
        return `Client ${pair.clientAddress} asked for the close in ${percentWords(closeAskedByClient, requests)} of ${counted(requests, 'request')}.${handshakes}${seldom}`;
      },
    };
  },
  sum: () => '',
};
