import { asksForClose, connections, ends, exchanges, ofExchange } from '../expect-facts.js';
import { fin, responseEnd, takes } from '../expect-moments.js';
import { theConnection } from '../expectation.js';
import type { Scenario } from '../scenario.js';

export const keepAlive10: Scenario = {
  name: 'keep-alive-1.0',
  line: 'HTTP/1.0: with the token keep-alive the connection stays, the first request without it ends it',
  story: 'A client speaks HTTP/1.0. It asks with `Connection: keep-alive`, and on the same connection once more without.',
  fastest: 1,
  server: { usual: 'node', needs: [] },
  client: { usual: 'plain', needs: ['http-1.0'] },
  play: async (stage) => {
    await stage.server();
    const client = await stage.client({ version: '1.0' });
    await client.ask('/');
    await client.ask({ path: '/', last: true });
    await client.untilClosed(5000);
  },
  expect: () => [
    connections(1),
    exchanges(theConnection, 2),
    ofExchange(theConnection, 'every', 'the request is HTTP/1.0', ({ version }) => ({
      met: version.endsWith('1.0'),
      showed: version,
    })),
    asksForClose(theConnection, 1, 'none'),
    asksForClose(theConnection, 2, ['client', 'both']),
    ends(theConnection, 'server', 'fin', 'close-announced'),
    takes(theConnection, { from: responseEnd(2), to: fin('server'), ms: 0, tolerance: { lateMs: 100 } }),
  ],
};
