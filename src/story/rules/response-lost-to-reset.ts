import type { Rule } from '../diagnosis-rule.js';
import { counted, requestWords } from '../diagnosis-words.js';

export const responseLostToReset: Rule = {
  id: 'response-lost-to-reset',
  level: 'bad',
  confidence: 'medium',
  owner: 'server',
  title: 'An early answer was followed by a reset while the client was still sending',
  prose:
    'The server answered before it had the whole request (“413 too large”, “401”, a redirect), closed at once, and then answered the rest of the upload with ' +
    'a reset. When a reset arrives, the client’s machine may throw away what the client has not read yet, and that is the very answer. ' +
    'The caller sees “connection reset” where it should see “too large”. The server must go on reading for a while after its answer.',
  notToConfuseWith: 'A reset without any answer (closed-without-answer).',
  fixes: [
    {
      for: 'nginx',
      setting: 'lingering_close on; lingering_timeout 5s;',
      why: 'reads on after its answer, so that no reset destroys it; do not turn it off',
    },
    {
      for: 'Node.js server',
      setting: 'request.resume() before response.end(…)',
      why: 'reads the rest of the upload instead of leaving it in the socket',
    },
    { for: 'Go net/http server', setting: 'http.MaxBytesReader', why: 'answers and lingers for half a second' },
    { for: 'the client', setting: 'Expect: 100-continue for large uploads', why: 'asks before it sends' },
  ],
  asks: ['reset'],
  onConnection: ({ id, closing, exchanges }) => {
    const { reset } = closing;
    if (reset === null || reset.from !== 'server') return null;
    const last = exchanges[exchanges.length - 1];
    if (last === undefined || !last.requestSeen || last.firstByte === null || last.status === null) return null;
    const unfinished = last.requestEnd === null || last.requestEnd.atNs > last.firstByte.atNs;
    if (!unfinished || last.requestFraming === 'none') return null;
    return {
      packets: [last.firstByte.packet, reset.at.packet],
      lostRequests: 1,
      text: () =>
        `For example connection #${id}: ${last.status} for ${requestWords(last)} in packet ${last.firstByte?.packet}, reset in packet ${reset.at.packet}.`,
    };
  },
  sum: ({ count }) => `${counted(count, 'answer')} followed by a reset while the upload was still coming.`,
};
