import { connections, ends, exchanges } from '../expect-facts.js';
import { inOrder, requestStart, responseEnd, takes } from '../expect-moments.js';
import { theConnection } from '../expectation.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const requestCount = 4;

export const persistent: Scenario = {
  name: 'persistent',
  line: 'HTTP/1.1, several requests a second apart: one SYN, one client port, no FIN between',
  story: 'A server with ordinary settings, a client that asks four times with a second between, and then closes.',
  fastest: 4,
  server: { usual: 'node', needs: [] },
  client: { usual: 'node', needs: [] },
  play: async (stage) => {
    await stage.server();
    const client = await stage.client();
    const pause = { kind: 'pause', ms: stage.scale.ms(1) } as const;
    const ask = { kind: 'ask', ask: get('/') } as const;
    await client.take(ask, pause, ask, pause, ask, pause, ask);
    await client.leave();
  },
  expect: ({ scale }) => [
    connections(1),
    exchanges(theConnection, requestCount),
    ...Array.from({ length: requestCount - 1 }, (_, index) =>
      takes(theConnection, { from: responseEnd(index + 1), to: requestStart(index + 2), ms: scale.ms(1) }, scale),
    ),
    ends(theConnection, 'client', 'fin', ['idle', 'after-response']),
    inOrder(theConnection, ['client syn', 'server syn-ack', 'client ack', 'client request', 'server response', 'client fin']),
  ],
};
