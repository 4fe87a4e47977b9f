import { asksForClose, closesFourWays, connections, ends, exchanges, loadTook, newPortEach } from '../expect-facts.js';
import { connectionNumber, each } from '../expectation.js';
import { scriptPaths } from '../peers/site.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const roundTripMs = 40;
const connectionCount = 1 + scriptPaths.length;

export const nonPersistent: Scenario = {
  name: 'non-persistent',
  line: 'HTTP/1.0, a page and ten scripts one after another: 11 connections of two round trips each',
  story:
    'A client speaks HTTP/1.0 without the token keep-alive, over a link with a round trip of 40 ms. It loads a page and its ten scripts.',
  fastest: 1,
  server: { usual: 'node', needs: [] },
  client: { usual: 'plain', needs: ['http-1.0'] },
  link: () => ({ roundTripMs }),
  linkIsOptional: true,
  play: async (stage) => {
    await stage.server();
    const client = await stage.client({ version: '1.0', keepAlive: false });
    await client.take({ kind: 'in-turn', asks: ['/page.html', ...scriptPaths].map(get) });
  },
  expect: () => [
    connections(connectionCount),
    exchanges(each, 1),
    asksForClose(each, 1, ['client', 'both']),
    ends(each, 'server', 'fin', 'close-announced'),
    closesFourWays(each),
    newPortEach(each),
    loadTook(
      Array.from({ length: connectionCount }, (_, index) => connectionNumber(index + 1)),
      2 * roundTripMs,
      0.1,
      'handshake and exchange: 2 RTT',
    ),
  ],
};
