import { asksForClose, closesFourWays, connections, endsAsAnnounced, exchanges, newPortEach } from '../expect-facts.js';
import { betweenOpenings } from '../expect-moments.js';
import { each } from '../expectation.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const requestCount = 4;

export const clientDisabled: Scenario = {
  name: 'client-disabled',
  line: 'a client with keep-alive off, one request a second: a handshake and a close around each',
  story:
    'A server that would keep its connections; a client that says `Connection: close` with each of four requests, a second apart.',
  fastest: 4,
  server: { usual: 'node', needs: [] },
  client: { usual: 'node', needs: [] },
  play: async (stage) => {
    await stage.server();
    const client = await stage.client({ keepAlive: false });
    const pause = { kind: 'pause', ms: stage.scale.ms(1) } as const;
    const ask = { kind: 'ask', ask: get('/') } as const;
    await client.take(ask, pause, ask, pause, ask, pause, ask);
  },
  expect: ({ scale }) => [
    connections(requestCount),
    exchanges(each, 1),
    asksForClose(each, 1, ['client', 'both']),
    endsAsAnnounced(each),
    closesFourWays(each),
    newPortEach(each),
    betweenOpenings(scale.ms(1)),
  ],
};
