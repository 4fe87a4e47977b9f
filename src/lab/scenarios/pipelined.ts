/** Pipelining (RFC 9112 §9.3.2): answers in the order of the requests, so a slow one holds back all behind it. */

import { answersInOrder, connections, exchanges, ofExchange } from '../expect-facts.js';
import { firstByte, requestEnd, responseEnd, takes } from '../expect-moments.js';
import { theConnection } from '../expectation.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const requestCount = 10;
const slow = 3;
const slowSeconds = 3;

export const pipelined: Scenario = {
  name: 'pipelined',
  line: 'ten requests at once with a slow one among them: answers in order, and those behind it wait',
  story:
    'A client sends ten requests at once. The third takes 3 s; the other answers are there at once, and those behind it must wait for it.',
  fastest: 4,
  server: { usual: 'holdfast', needs: ['wait'] },
  client: { usual: 'plain', needs: ['pipeline'] },
  play: async (stage) => {
    await stage.server();
    const client = await stage.client();
    const slowPath = `/wait?ms=${stage.scale.ms(slowSeconds)}`;
    const asks = Array.from({ length: requestCount }, (_, index) =>
      get(index + 1 === slow ? slowPath : `/script-${index + 1}.js`),
    );
    await client.take({ kind: 'pipelined', asks });
    await client.leave();
  },
  expect: ({ scale }) => [
    connections(1),
    exchanges(theConnection, requestCount),
    answersInOrder(theConnection),
    ofExchange(theConnection, 'last', 'asked while others were unanswered', ({ pipelined: isPipelined }) => ({
      met: isPipelined,
      showed: isPipelined ? 'so it was' : 'it was asked when all others were answered',
    })),
    takes(theConnection, { from: requestEnd(1), to: firstByte(1), ms: 0, tolerance: { lateMs: 200 } }),
    takes(theConnection, { from: requestEnd(slow), to: responseEnd(slow), ms: scale.ms(slowSeconds) }, scale),
    takes(theConnection, { from: requestEnd('last'), to: firstByte('last'), ms: scale.ms(slowSeconds) }, scale),
  ],
};
