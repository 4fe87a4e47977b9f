import { connections, ends, ofExchange } from '../expect-facts.js';
import { connectionNumber, type Expectation } from '../expectation.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const framed = (connection: number, exchange: number, framing: 'length' | 'chunked' | 'until-close'): Expectation =>
  ofExchange(connectionNumber(connection), exchange, `whole, framed by ${framing}`, (one) => ({
    met: one.complete && one.responseFraming === framing,
    showed: `${one.complete ? 'whole' : 'not whole'}, framed by ${one.responseFraming}`,
  }));

export const framing: Scenario = {
  name: 'framing',
  line: 'one resource with Content-Length, in chunks, and ended by the close: only the last costs the connection',
  story:
    'The same resource three times: with Content-Length; in chunks with extensions and a trailer; without either, so that its end is the end of the connection. Then once more, which needs a new one.',
  fastest: 1,
  server: { usual: 'plain', needs: ['literal'] },
  client: { usual: 'node', needs: [] },
  play: async (stage) => {
    await stage.server();
    const client = await stage.client();
    await client.take({ kind: 'in-turn', asks: ['/length', '/chunked', '/until-close', '/length'].map(get) });
    await client.leave();
  },
  expect: () => [
    connections(2),
    framed(1, 1, 'length'),
    framed(1, 2, 'chunked'),
    framed(1, 3, 'until-close'),
    ends(connectionNumber(1), 'server', 'fin', 'body-end'),
    framed(2, 1, 'length'),
    ends(connectionNumber(2), 'client', 'fin', ['idle', 'after-response']),
  ],
};
