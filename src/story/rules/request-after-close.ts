import type { Rule } from '../diagnosis-rule.js';
import { counted, requestWords } from '../diagnosis-words.js';

export const requestAfterClose: Rule = {
  id: 'request-after-close',
  level: 'bad',
  confidence: 'high',
  owner: 'client',
  title: 'Requests were sent on connections that had been announced as closing',
  prose:
    'An answer (or the request before it) said “Connection: close”: this is the last exchange on this connection. The client sent another ' +
    'request on it all the same. The server ignores everything behind its announcement, so that request had no chance. The client ' +
    'software does not honour the announcement, or puts connections back into its pool before it has read the whole head of the answer.',
  notToConfuseWith:
    'Requests that were sent before the announcement arrived (pipeline-tail-dropped), and closes without any announcement (stale-reuse).',
  fixes: [
    {
      for: 'the client',
      setting: 'take the connection out of the pool when a response says Connection: close',
      why: 'RFC 9112 §9.6: a client that receives the close option must not send another request on that connection',
    },
    {
      for: 'a proxy or middleware in between',
      setting: 'do not remove the Connection field of a response without closing yourself',
      why: 'a client can only honour what it gets to see',
    },
  ],
  onLostRequest: (lost) => {
    if (lost.by !== 'server' || lost.pipelined || lost.closeSaidBefore === 'none' || lost.number === 1) return null;
    const said =
      lost.closeSaidBefore === 'client'
        ? 'its own request before had asked for the close'
        : 'the answer before had announced the close';
    return {
      packets: [lost.requestAt.packet, lost.closeAt.packet],
      lostRequests: lost.pending,
      text: () =>
        `For example connection #${lost.connection}: ${requestWords(lost)} (packet ${lost.requestAt.packet}), although ${said}.`,
    };
  },
  sum: ({ lostRequests, requests }) =>
    `${lostRequests} of ${counted(requests, 'request')} came behind an announced close and got no answer.`,
};
