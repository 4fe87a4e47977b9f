import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, percentWords, requestWords } from '../diagnosis-words.js';
import type { Fix } from '../model.js';

/** For requests in the middle of which the client stopped. */
const forStopped: readonly Fix[] = [
  {
    for: 'the client',
    setting: 'send the rest of the body, or announce a Content-Length that is true',
    why: 'the server waited for the rest, and its patience ended',
  },
  {
    for: 'nginx',
    setting: 'client_body_timeout 120s;',
    why: 'how long it waits between two reads of a body, 60 s by default; then it closes without an answer',
  },
];

/** A client that sends nothing of the rest for so long, besides ten round trips, has stopped in the middle of its request. */
const leastSilentNs = 500e6;

export const closedWithoutAnswer: Rule = {
  id: 'closed-without-answer',
  level: 'bad',
  confidence: 'high',
  owner: 'server',
  title: 'The server closed instead of answering',
  prose:
    'The request had arrived, and instead of an answer the server’s machine sent the end of the connection. So the server program (or ' +
    'the proxy that plays the server) decided not to answer or could not: a crash in the handler, a killed worker, a limit on the size or ' +
    'the form of requests, a filter. An idle timer alone does not explain it.',
  notToConfuseWith:
    'A close that crossed the request on the way (stale-reuse), one after a constant wait (cut-while-waiting), and a server that was ' +
    'gone afterwards (server-died).',
  fixes: [
    {
      for: 'the server',
      setting: 'its error log at this time: worker exits, uncaught exceptions, limits',
      why: 'the packets prove that it closed, not why',
    },
    { for: 'the application', setting: 'answer 4xx or 5xx before closing', why: 'a caller can act on an answer, not on a reset' },
  ],
  onLostRequest: (lost) => {
    // A reset that crossed a request without an idle time before it was no idle timer's either.
    if (lost.by !== 'server' || (lost.crossed && lost.how !== 'rst')) return null;
    // Sent again and again until a reset came, it had not arrived: that is path-lost.
    if (lost.how === 'rst' && !lost.acknowledged && lost.sentAgain >= 2) return null;
    const { silentNs } = lost;
    const stopped = !lost.whole && !lost.crossed && silentNs >= leastSilentNs + 10 * lost.roundTripNs;
    const confidence = lost.whole && lost.acknowledged && !lost.crossed ? 'high' : 'medium';
    return {
      confidence,
      packets: [lost.requestAt.packet, lost.closeAt.packet],
      lostRequests: lost.pending,
      ...(stopped ? { owner: 'client', fixes: () => forStopped } : {}),
      text: () => {
        const part = stopped
          ? ` (not sent in full: nothing more of it came for ${durationWords(silentNs)})`
          : lost.whole
            ? ''
            : ' (not yet sent in full)';
        return `For example connection #${lost.connection}: ${requestWords(lost)}${part} (packet ${lost.requestAt.packet}) got a ${lost.how === 'fin' ? 'FIN' : 'reset'} ${durationWords(Math.max(0, lost.waitedNs))} later (packet ${lost.closeAt.packet}).`;
      },
    };
  },
  sum: ({ lostRequests, requests }) =>
    `${lostRequests} of ${counted(requests, 'request')} (${percentWords(lostRequests, requests)}) got the end of the connection instead of an answer.`,
};
