import type { Rule } from '../diagnosis-rule.js';
import { counted } from '../diagnosis-words.js';

/** With its window closed a client shows that it does not read; a reset alone can also be somebody’s way of closing. */
const leastStalled = 2;
const leastReset = 3;

export const unreadBody: Rule = {
  id: 'unread-body',
  level: 'warning',
  confidence: 'medium',
  owner: 'client',
  title: 'The client does not read answers to their end',
  prose:
    'Answers were on their way, and the client did not read them to their end: its machine’s buffer filled up and said “no more” (window 0), ' +
    'or the client closed with bytes unread, which sends a reset, and the ' +
    'answer was never finished. A connection with an unread answer cannot carry the next request, so the client opens another one, and ' +
    'another. Typically the program looks at the status code only and forgets the body.',
  notToConfuseWith: 'A client that reads slowly but reads on (slow-client), and a person who stops a download.',
  fixes: [
    {
      for: 'Go',
      setting: 'io.Copy(io.Discard, response.Body); response.Body.Close()',
      why: 'only a body read to its end frees the connection',
    },
    { for: 'undici', setting: 'await response.body.dump()', why: 'reads what is left of the answer and throws it away' },
    { for: 'Node.js http', setting: 'response.resume()', why: 'reads what is left of the answer and throws it away' },
    { for: 'Java HttpClient', setting: 'BodyHandlers.discarding()', why: 'reads what is left of the answer and throws it away' },
    {
      for: 'Python requests',
      setting: 'with session.get(url, stream=True) as response: …',
      why: 'a streamed body must be read or closed',
    },
  ],
  asksPair: { count: 'unread', least: leastStalled },
  onPair: ({ clientAddress, unread, stalled, unreadConnections, unreadPackets }) => {
    if (stalled < leastStalled && unread < leastReset) return null;
    return {
      confidence: stalled >= 3 ? 'high' : 'medium',
      count: unread,
      connections: unreadConnections,
      packets: unreadPackets,
      text: () =>
        `Client ${clientAddress} left ${counted(unread, 'answer')} unread, each on a connection of its own: on ${stalled} its window closed, on ${unread - stalled} it closed while bytes lay unread, which sends a reset.`,
    };
  },
  sum: () => '',
};
