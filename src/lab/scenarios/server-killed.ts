import { closesUnanswered, connections, ends, exchanges } from '../expect-facts.js';
import { byPackets, connectionNumber, connectionsFrom } from '../expectation.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

export const serverKilled: Scenario = {
  name: 'server-killed',
  line: 'the process dies while a request waits: its kernel says FIN or RST, new connections are refused',
  story:
    'A request waits for its response when the process of the server is killed. The client tries twice more, a second apart, and gives up.',
  fastest: 5,
  server: { usual: 'node', needs: ['wait'] },
  client: { usual: 'node', needs: ['many-lists'] },
  play: async (stage) => {
    const server = await stage.server();
    const client = await stage.client();
    await client.ask('/');
    const waiting = client.ask(`/wait?ms=${stage.scale.ms(60)}`);
    await stage.pause(2);
    await server.kill();
    await waiting;
    const pause = { kind: 'pause', ms: stage.scale.ms(1) } as const;
    const ask = { kind: 'ask', ask: get('/') } as const;
    await client.take(pause, ask, pause, ask);
  },
  expect: () => [
    connections(3),
    closesUnanswered(connectionNumber(1), 'server'),
    byPackets(ends(connectionsFrom(2), 'server', 'rst', 'refused')),
    exchanges(connectionsFrom(2), 0),
  ],
};
