import { connections, countedInKernel, exchanges, newPortEach } from '../expect-facts.js';
import { asking } from '../expectation.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const requestCount = 200;
const without = '/?without';
const kept = '/?kept';
const many = (path: string) => Array.from({ length: requestCount }, () => get(path));

export const timeWait: Scenario = {
  name: 'time-wait',
  line: '200 requests with and without keep-alive: 200 sockets in TIME_WAIT on the first closer, and one',
  story:
    'A client asks 200 times with `Connection: close`: the server closes first, and each of its sockets stays in TIME_WAIT for a minute. Then 200 times on one connection, which the client closes.',
  fastest: 1,
  server: { usual: 'holdfast', needs: [] },
  client: { usual: 'plain', needs: ['many-lists'] },
  play: async (stage) => {
    const server = await stage.server();
    const wasteful = await stage.client({ keepAlive: false });
    await wasteful.take({ kind: 'in-turn', asks: many(without) });
    const thrifty = await stage.client();
    await thrifty.take({ kind: 'in-turn', asks: many(kept) });
    await thrifty.leave();
    await stage.pauseMs(100);
    stage.count('TIME_WAIT', 'server', server);
    stage.count('TIME_WAIT', 'client', server);
  },
  expect: () => [
    connections(requestCount + 1),
    newPortEach(asking(without)),
    exchanges(asking(without), 1),
    exchanges(asking(kept), requestCount),
    countedInKernel('TIME_WAIT', 'server', requestCount),
    countedInKernel('TIME_WAIT', 'client', 1),
  ],
};
