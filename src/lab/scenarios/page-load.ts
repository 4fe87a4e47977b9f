import { connections, exchangesTogether, wholeTook } from '../expect-facts.js';
import { askingWith, type Expectation } from '../expectation.js';
import { scriptPaths } from '../peers/site.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const roundTripMs = 40;
const scriptCount = scriptPaths.length;

/** The ways to load the page, and what each costs in round trips. */
const ways = {
  'non-persistent': { roundTrips: 2 * (1 + scriptCount), formula: `(1 + ${scriptCount}) × 2 RTT` },
  persistent: { roundTrips: 1 + 1 + scriptCount, formula: `(1 + 1 + ${scriptCount}) RTT` },
  pipelined: { roundTrips: 3, formula: 'handshake, page and batch: 3 RTT' },
  // After the page one connection is warm and five are new: 1 script in the first round trip, 6 in the second, 3 in the third.
  six: { roundTrips: 2 + 3, formula: 'page 2 RTT, ten scripts on six connections 3 RTT' },
} as const;

type Way = keyof typeof ways;

const as = (way: Way) => (path: string) => get(`${path}?${way}`);

const costs = (way: Way): Expectation =>
  wholeTook(askingWith(`?${way}`), ways[way].roundTrips * roundTripMs, 0.1, ways[way].formula);

export const pageLoad: Scenario = {
  name: 'page-load',
  line: 'a page and ten scripts over 40 ms: one connection each, one for all, pipelined, six at once',
  story:
    'Over a link with a round trip of 40 ms a client loads a page and its ten scripts in four ways: HTTP/1.0 with a connection for each, one persistent connection, the same with the scripts pipelined, and six connections.',
  fastest: 1,
  server: { usual: 'holdfast', needs: [] },
  client: { usual: 'holdfast', needs: ['http-1.0', 'pipeline', 'many-lists'] },
  link: () => ({ roundTripMs }),
  play: async (stage) => {
    await stage.server();
    const everything = (way: Way) => ['/page.html', ...scriptPaths].map(as(way));
    const scripts = (way: Way) => scriptPaths.map(as(way));
    const nonPersistent = await stage.client({ version: '1.0', keepAlive: false });
    await nonPersistent.take({ kind: 'in-turn', asks: everything('non-persistent') });
    const persistent = await stage.client();
    await persistent.take({ kind: 'in-turn', asks: everything('persistent') });
    await persistent.leave();
    const pipelining = await stage.client();
    await pipelining.take(
      { kind: 'pipelined', asks: [as('pipelined')('/page.html')] },
      { kind: 'pipelined', asks: scripts('pipelined') },
      { kind: 'leave' },
    );
    const six = await stage.client({ connections: 6 });
    await six.take(
      { kind: 'ask', ask: as('six')('/page.html') },
      { kind: 'side-by-side', asks: scripts('six') },
      { kind: 'leave' },
    );
  },
  expect: () => [
    connections(1 + scriptCount + 1 + 1 + 6),
    ...(Object.keys(ways) as Way[]).flatMap((way) => [exchangesTogether(askingWith(`?${way}`), 1 + scriptCount), costs(way)]),
  ],
};
