import type { Rule } from '../diagnosis-rule.js';
import { counted } from '../diagnosis-words.js';

export const pipelineTailDropped: Rule = {
  id: 'pipeline-tail-dropped',
  level: 'warning',
  confidence: 'high',
  owner: 'client',
  title: 'The server closed before it had answered all pipelined requests',
  prose:
    'The client sent several requests without waiting for the answers (pipelining). The server answered the first ones and closed the ' +
    'connection; the rest got no answer. That is allowed: whoever pipelines must be ready to send the rest again on a new connection, ' +
    'one at a time at first. A client that does not loses them.',
  notToConfuseWith:
    'A single request that met a close (stale-reuse), and an answer that breaks off in its middle (response-cut).',
  fixes: [
    {
      for: 'the client',
      setting: 'send unanswered idempotent requests again on a new connection',
      why: 'RFC 9112 §9.3.2 expects it',
    },
    {
      for: 'the client',
      setting: 'no pipelining (undici: pipelining: 1)',
      why: 'several connections give the same speed without the risk',
    },
  ],
  onLostRequest: (lost) => {
    if (lost.by !== 'server' || !lost.pipelined) return null;
    return {
      packets: [lost.requestAt.packet, lost.closeAt.packet],
      lostRequests: lost.pending,
      text: () =>
        `For example connection #${lost.connection}: ${counted(lost.pending, 'request')} unanswered at the close (packet ${lost.closeAt.packet}), after ${counted(lost.number - 1, 'answer')}.`,
    };
  },
  sum: ({ lostRequests, count }) => `${counted(lostRequests, 'pipelined request')} unanswered at ${counted(count, 'close')}.`,
};
