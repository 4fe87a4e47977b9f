import type { Owner, Rule } from '../diagnosis-rule.js';
import { countWords, durationWords, percentWords } from '../diagnosis-words.js';
import type { PairFacts } from '../facts-pair.js';
import { ephemeralPorts } from '../facts-time-wait.js';
import { fixesFor, keepIdleLonger, reuseConnections } from '../fixes.js';
import type { Fix } from '../model.js';
import { leftIdle } from './leak.js';
import { isTinyPool } from './tiny-pool.js';

const leastConnections = 10;
/** Requests per connection below which hardly any connection is reused. */
const mostRequestsPerConnection = 1.2;
/** Beside a pool: this share of all connections carries one request. */
const mostlySingle = 0.8;
/** Of the ports that one address has for one destination: from here on they run out. */
const portsInDanger = 0.8;

export const churn: Rule = {
  id: 'churn',
  level: 'warning',
  confidence: 'high',
  owner: 'client',
  title: 'Nearly every request opens a connection of its own',
  prose:
    'Both sides speak HTTP/1.1 and nobody asked for a close, and yet each connection carries about one request. Every request pays for a ' +
    'handshake (with TLS two or three), and every closed connection leaves a socket in state TIME_WAIT for a minute at the side that ' +
    'closed first. At some 470 connections a second to one destination a client runs out of ports.',
  notToConfuseWith:
    'Clients that ask for the close (reuse-disabled), a pool that keeps too few (tiny-pool), and many parallel requests, which need as many connections.',
  fixes: reuseConnections,
  asksPair: { count: 'usedConnections', least: leastConnections },
  onPair: (pair, { latestNs }) => {
    const cause = churnCause(pair, latestNs);
    if (cause === null) return null;
    const { clientTimeWait, serverTimeWait, usedConnections, requests, handshakes, handshakeNs, recent } = pair;
    const inDanger = clientTimeWait.peak > portsInDanger * ephemeralPorts;
    const shown = recent.filter(({ requests: count }) => count === 1);
    return {
      level: inDanger ? 'bad' : 'warning',
      owner: cause.owner,
      fixes: () => fixesFor(cause.fixes, cause.owner === 'server' ? pair.server.software : pair.software),
      count: usedConnections,
      connections: shown.map(({ id }) => id),
      packets: shown.slice(0, 20).flatMap(({ openedPacket, endPacket }) => [openedPacket, endPacket]),
      delayNs: handshakeNs,
      text: () => {
        const mean =
          handshakes === 0
            ? ''
            : `, ${durationWords(handshakeNs / handshakes)} of handshake each (${durationWords(handshakeNs)} together)`;
        const holder = clientTimeWait.count >= serverTimeWait.count ? 'client' : 'server';
        const peak = Math.max(clientTimeWait.peak, serverTimeWait.peak);
        const ports = holder === 'client' ? `, ${percentWords(peak, ephemeralPorts)} of the client’s ports` : '';
        return `Client ${pair.clientAddress}: ${countWords(requests)} requests on ${countWords(usedConnections)} connections${mean}. ${cause.text} Up to ${countWords(peak)} sockets in TIME_WAIT at the ${holder}${ports}.`;
      },
    };
  },
  sum: () => '',
};

interface Cause {
  readonly owner: Owner;
  readonly text: string;
  readonly fixes: readonly Fix[];
}

function churnCause(pair: PairFacts, latestNs: number): Cause | null {
  const { usedConnections, requests, singleUse, wholeConnections } = pair;
  const { clientPrompt, clientAsked, serverPrompt, serverAsked, idle } = singleUse;
  // Another program of the same host may have a pool: then it is most connections that count.
  const single = clientPrompt + clientAsked + serverPrompt + serverAsked + idle;
  if (requests > mostRequestsPerConnection * usedConnections && single < mostlySingle * usedConnections) return null;
  // The pool has no chance: that is another finding.
  if (2 * pair.unread > usedConnections) return null;
  // Where the capture misses packets, a close may be among them.
  if (wholeConnections < 0.8 * usedConnections) return null;
  if (2 * pair.byTurns > usedConnections) return null;
  if (clientAsked > 0.5 * usedConnections || isTinyPool(pair)) return null;
  // Parallel requests need as many connections; only what goes beyond was avoidable. Known of the newest connections.
  if (pair.mostAtOnce() > 0.5 * Math.min(usedConnections, pair.recentCount)) return null;
  const most = Math.max(clientPrompt, serverPrompt, serverAsked, idle);
  if (most < 0.5 * usedConnections) return null;
  if (most === serverAsked || most === serverPrompt) {
    const announced = most === serverAsked ? ', as its answers say (Connection: close, or HTTP/1.0)' : '';
    return {
      owner: 'server',
      text: `The server closes behind each answer${announced}.`,
      fixes: [
        {
          for: 'the server',
          setting: 'turn keep-alive on (Apache KeepAlive On, nginx keepalive_timeout 65s, gunicorn -k gthread --keep-alive 65)',
          why: 'it closes each connection after one answer',
        },
        ...keepIdleLonger,
      ],
    };
  }
  if (most === clientPrompt) {
    return { owner: 'client', text: 'The client closes behind each answer.', fixes: reuseConnections };
  }
  // Where they pile up besides, that is the finding (leak).
  if (!leavesIdle(pair) || leftIdle(pair, latestNs) !== null) return null;
  return {
    owner: 'client',
    text: 'Each connection is left idle behind its answer and never used again.',
    fixes: [
      {
        for: 'the client',
        setting: 'read each response body to its end and close it (Go: io.Copy(io.Discard, body); undici: body.dump())',
        why: 'a connection goes back to the pool only then',
      },
      ...reuseConnections,
    ],
  };
}

/** Another connection was opened although an idle one was there: not merely requests so rare that the idle ones are closed between them. */
function leavesIdle({ recent }: PairFacts): boolean {
  const spared = recent.filter(({ openedNs }) =>
    recent.some((other) => other.lastUseNs < openedNs && (other.why === 'still-open' || openedNs < other.endedNs)),
  );
  return 2 * spared.length >= recent.length;
}
