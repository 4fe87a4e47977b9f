import type { Rule } from '../diagnosis-rule.js';
import { counted } from '../diagnosis-words.js';

export const framingDesync: Rule = {
  id: 'framing-desync',
  level: 'bad',
  confidence: 'medium',
  owner: 'server',
  title: 'Bytes were left over between messages',
  prose:
    'A message was read to the end that it had announced, and behind it came bytes that are not the beginning of another. So the sender ' +
    'announced another length than it sent (a wrong Content-Length, a body where none may be). Whoever reads on takes the left-over bytes ' +
    'for the next message: answers go to the wrong requests. With a proxy in between this can be abused (request smuggling).',
  notToConfuseWith: 'Captures that miss packets, and empty lines between messages, which are allowed.',
  fixes: [
    {
      for: 'the sender',
      setting: 'let the framework compute Content-Length; no body with 204, 304 or HEAD',
      why: 'the announced length and the sent one must be the same',
    },
    {
      for: 'Go, Node.js and other servers',
      setting: 'do not set Content-Length by hand on compressed or streamed bodies',
      why: 'the usual source of a wrong length',
    },
  ],
  asks: ['skipped-bytes'],
  onConnection: ({ id, skipped, protocol }, { whole, answered }) => {
    if (skipped === null || !whole || protocol.name !== 'http/1' || protocol.detail !== null || answered === 0) return null;
    const from = skipped.server > 0 ? 'server' : 'client';
    const bytes = skipped.server > 0 ? skipped.server : skipped.client;
    return {
      owner: from,
      packets: [skipped.packet],
      text: () =>
        `For example connection #${id}: ${counted(bytes, 'byte')} of the ${from} from packet ${skipped.packet} on belong to no message.`,
    };
  },
  sum: ({ count }) => `On ${counted(count, 'connection')}.`,
};
