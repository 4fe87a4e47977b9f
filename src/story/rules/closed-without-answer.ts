import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, percentWords, requestWords } from '../diagnosis-words.js';

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
    const confidence = lost.whole && lost.acknowledged && !lost.crossed ? 'high' : 'medium';
    return {
      confidence,
      packets: [lost.requestAt.packet, lost.closeAt.packet],
      lostRequests: lost.pending,
      text: () => {
        const part = lost.whole ? '' : ' (not yet sent in full)';
        return `For example connection #${lost.connection}: ${requestWords(lost)}${part} (packet ${lost.requestAt.packet}) got a ${lost.how === 'fin' ? 'FIN' : 'reset'} ${durationWords(Math.max(0, lost.waitedNs))} later (packet ${lost.closeAt.packet}).`;
      },
    };
  },
  sum: ({ lostRequests, requests }) =>
    `${lostRequests} of ${counted(requests, 'request')} (${percentWords(lostRequests, requests)}) got the end of the connection instead of an answer.`,
};
