import type { Confidence, Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';
import type { LostRequest } from '../facts-lost-request.js';
import type { ServerFacts } from '../facts-server.js';

/** Shorter waits are no timeout of anybody. */
const leastWaitNs = 200e6;
/** Closes nearer together than this have one cause, which need not be a timer: requests that began together wait alike for anything. */
const oneMomentNs = 500e6;
/** Seconds that people set timeouts to. */
const roundSeconds = [5, 10, 15, 20, 30, 45, 50, 55, 60, 75, 90, 100, 120, 180, 240, 300, 350, 600, 900];

export const cutWhileWaiting: Rule = {
  id: 'cut-while-waiting',
  level: 'bad',
  confidence: 'high',
  owner: 'proxy',
  title: 'Waiting requests were cut off after a constant time',
  prose:
    'The request had arrived, and the answer was still being worked on when the other end closed the connection, always after the same ' +
    'time. That is not the timer for idle connections, because this connection was not idle: it is a limit on how long an answer may ' +
    'take, in the server or in a proxy or balancer in front of it. Raise that limit, or make the answer come (or begin) sooner.',
  notToConfuseWith:
    'The idle timeout (stale-reuse, timeout-inferred), a server that went away (server-died), and a caller who hung up first (client-gave-up).',
  fixes: [
    { for: 'nginx as proxy', setting: 'proxy_read_timeout 120s;', why: 'its default is 60 s without a byte from the upstream' },
    { for: 'HAProxy', setting: 'timeout server 120s', why: 'how long it waits for the server’s next byte' },
    {
      for: 'AWS ALB',
      setting: 'idle_timeout.timeout_seconds = 120',
      why: 'its idle timeout, 60 s by default, also counts while an answer is awaited',
    },
    { for: 'Envoy', setting: 'route: { timeout: 120s }', why: 'its default is 15 s for the whole answer' },
    { for: 'gunicorn', setting: '--timeout 120', why: 'a worker silent for 30 s is killed by default' },
    {
      for: 'Node.js server',
      setting: 'server.requestTimeout, server.setTimeout()',
      why: 'both close connections that take too long',
    },
  ],
  onLostRequest: (lost, server) => {
    if (lost.by !== 'server' || !lost.whole || lost.crossed || lost.waitedNs < Math.max(leastWaitNs, 10 * lost.roundTripNs))
      return null;
    const found = constantWait(lost, server);
    if (found === null) return null;
    return {
      confidence: found.confidence,
      packets: [lost.requestAt.packet, lost.closeAt.packet],
      lostRequests: lost.pending,
      delayNs: lost.waitedNs,
      text: () => {
        const alike = found.count > 1 ? ` ${found.count} requests were cut after this time.` : '';
        return `For example connection #${lost.connection}: ${requestWords(lost)} (packet ${lost.requestAt.packet}) was cut off after ${durationWords(lost.waitedNs)} (packet ${lost.closeAt.packet}).${alike}`;
      },
    };
  },
  sum: ({ lostRequests, delayNs }) =>
    `${counted(lostRequests, 'request')} cut off while waiting for an answer, after ${durationWords(delayNs)} of waiting together.`,
};

/** Several waits of one length; or a single one of a length that people set. */
function constantWait(lost: LostRequest, server: ServerFacts): { count: number; confidence: Confidence } | null {
  // A busy program starts its timer late.
  const slackNs = Math.max(0.02 * lost.waitedNs, Math.min(0.05 * lost.waitedNs, 50e6), 20e6 + lost.roundTripNs);
  // Where another request was answered after more than that, there is no such limit.
  if (server.longestAnswerNs > lost.waitedNs + slackNs) return null;
  let count = 0;
  let waits = 0;
  let apart = false;
  for (const other of server.lost) {
    if (other.by !== 'server' || !other.whole || other.crossed || other.waitedNs < leastWaitNs) continue;
    waits++;
    if (Math.abs(other.waitedNs - lost.waitedNs) > slackNs) continue;
    count++;
    if (Math.abs(other.closeAt.atNs - lost.closeAt.atNs) > oneMomentNs) apart = true;
  }
  // Among many waits of all lengths some are alike by chance.
  if (2 * count > waits && apart) return { count, confidence: count >= 3 ? 'high' : 'medium' };
  const seconds = lost.waitedNs / 1e9;
  const round = roundSeconds.some((value) => Math.abs(seconds - value) <= Math.max(0.01 * value, 0.1));
  return round ? { count, confidence: 'medium' } : null;
}
