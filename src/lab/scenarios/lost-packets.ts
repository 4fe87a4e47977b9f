import { connections, exchanges, together, waitedMost } from '../expect-facts.js';
import { theConnection } from '../expectation.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const requestCount = 10;

export const lostPackets: Scenario = {
  name: 'lost-packets',
  line: '1 % of the packets are lost: retransmissions, and waiting that is the fault of the network',
  story: 'Over a link with a round trip of 40 ms that loses one packet of a hundred, a client asks for ten large bodies.',
  fastest: 1,
  server: { usual: 'holdfast', needs: [] },
  client: { usual: 'plain', needs: [] },
  link: () => ({ roundTripMs: 40, lossRate: 0.01 }),
  play: async (stage) => {
    await stage.server();
    const client = await stage.client();
    await client.take({ kind: 'in-turn', asks: Array.from({ length: requestCount }, () => get('/large')) });
    await client.leave();
  },
  expect: () => [
    connections(1),
    exchanges(theConnection, requestCount),
    together(
      theConnection,
      'packets are sent again',
      ({ tcp }) => tcp.retransmissions.client + tcp.retransmissions.server,
      (count) => count > 0,
    ),
    waitedMost(theConnection, 'network'),
  ],
};
