import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';
import type { LostRequest } from '../facts-lost-request.js';
import { isPoll } from '../meant-to-wait.js';

/** A caller that leaves sooner did not wait; one that leaves before a second may have changed its mind. */
const leastWaitNs = 250e6;
const leastSureNs = 1e9;
/** Callers that leave nearer together than this were ended together. */
const oneMomentNs = 20e6;

export const clientGaveUp: Rule = {
  id: 'client-gave-up',
  level: 'warning',
  confidence: 'high',
  owner: 'server',
  title: 'Callers gave up before the answer came',
  prose:
    'The request had arrived at the server and no byte of an answer came; then the caller closed the connection. Its patience (a client ' +
    'timeout, or a person) was shorter than the server’s work. The server may go on working for nobody. When all callers leave after ' +
    'the same time, that time is a timeout set in the client.',
  notToConfuseWith:
    'A close by the server or a proxy (cut-while-waiting), and a client that only closed its sending side and kept reading: the packets ' +
    'look alike until the client’s machine refuses the answer.',
  fixes: [
    {
      for: 'the application',
      setting: 'find out what the requests named here wait for',
      why: 'the server had them and did not answer',
    },
    {
      for: 'the client',
      setting: 'a timeout above the slowest healthy answer',
      why: 'a caller that leaves too early gets nothing and comes again',
    },
  ],
  onLostRequest: (lost, server) => {
    if (lost.by !== 'client' || !lost.whole || !lost.acknowledged || lost.waitedNs < leastWaitNs || isPoll(lost.target))
      return null;
    // A machine that runs acknowledges the client’s close: that is path-lost.
    if (lost.sentAgain >= 2) return null;
    const together = ({ by, closeAt, connection }: LostRequest): boolean =>
      by === 'client' && connection !== lost.connection && Math.abs(closeAt.atNs - lost.closeAt.atNs) < oneMomentNs;
    if (lost.waitedNs < leastSureNs && server.lost.some(together)) return null;
    return {
      confidence: lost.waitedNs < leastSureNs ? 'medium' : 'high',
      packets: [lost.requestAt.packet, lost.closeAt.packet],
      lostRequests: lost.pending,
      delayNs: lost.waitedNs,
      text: () =>
        `For example connection #${lost.connection}: ${requestWords(lost)} (packet ${lost.requestAt.packet}) was given up after ${durationWords(lost.waitedNs)} (packet ${lost.closeAt.packet}).`,
    };
  },
  sum: ({ lostRequests, requests, delayNs }) =>
    `${lostRequests} of ${counted(requests, 'request')} given up, after ${durationWords(delayNs)} of waiting together.`,
};
