import { asksForClose, connections, ends, ofExchange } from '../expect-facts.js';
import { fin, responseEnd, takes } from '../expect-moments.js';
import { theConnection } from '../expectation.js';
import type { Scenario } from '../scenario.js';

export const badRequest: Scenario = {
  name: 'bad-request',
  line: 'garbage on a kept connection: 400, Connection: close, FIN',
  story: 'After an ordinary exchange the client sends bytes that are no request.',
  fastest: 1,
  server: { usual: 'holdfast', needs: [] },
  client: { usual: 'plain', needs: ['bytes'] },
  play: async (stage) => {
    await stage.server();
    const client = await stage.client();
    await client.ask('/');
    await client.take({ kind: 'bytes', text: 'these bytes are no request\r\n\r\n' });
    await client.untilClosed(5000);
  },
  expect: () => [
    connections(1),
    ofExchange(theConnection, 1, 'status 200', ({ status }) => ({ met: status === 200, showed: `${status}` })),
    ofExchange(theConnection, 'last', 'status 400', ({ status }) => ({ met: status === 400, showed: `${status}` })),
    asksForClose(theConnection, 'last', ['server', 'both']),
    ends(theConnection, 'server', 'fin', ['close-announced', 'error-response', 'body-end']),
    takes(theConnection, { from: responseEnd(), to: fin('server'), ms: 0, tolerance: { lateMs: 100 } }),
  ],
};
