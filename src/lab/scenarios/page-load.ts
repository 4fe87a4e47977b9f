/** What round trips cost, by formula and on the wire. The scripts are so small that ten of them fit into a connection's first flight. */

import { connections, exchangesTogether, loadTook } from '../expect-facts.js';
import { askingWith, type Expectation } from '../expectation.js';
import { scriptPaths } from '../peers/site.js';
import { type Ask, get, type Step } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const roundTripMs = 40;
const scriptCount = scriptPaths.length;

interface Way {
  /** Loads, of which the fastest counts: the shorter one is, the more a busy machine adds to it. */
  readonly loads: number;
  readonly roundTrips: number;
  readonly formula: string;
  readonly connections: number;
}

/** The ways to load the page, and what each costs in round trips. */
const ways = {
  'non-persistent': {
    loads: 2,
    roundTrips: 2 * (1 + scriptCount),
    formula: `(1 + ${scriptCount}) × 2 RTT`,
    connections: 1 + scriptCount,
  },
  persistent: { loads: 3, roundTrips: 1 + 1 + scriptCount, formula: `(1 + 1 + ${scriptCount}) RTT`, connections: 1 },
  pipelined: { loads: 6, roundTrips: 3, formula: 'handshake, page and batch: 3 RTT', connections: 1 },
  // After the page one connection is warm and five are new: 1 script in the first round trip, 6 in the second, 3 in the third.
  six: { loads: 5, roundTrips: 2 + 3, formula: 'page 2 RTT, ten scripts on six connections 3 RTT', connections: 6 },
} as const satisfies Readonly<Record<string, Way>>;

type WayName = keyof typeof ways;
const wayNames = Object.keys(ways) as WayName[];

const loadsOf = (way: WayName): readonly string[] =>
  Array.from({ length: ways[way].loads }, (_, index) => `?${way}-${index + 1}`);

/** Page first, then the scripts in the client's way, then everything closed. */
const load = (suffix: string, kind: 'in-turn' | 'pipelined' | 'side-by-side'): readonly Step[] => {
  const ask = (path: string): Ask => get(`${path}${suffix}`);
  return [
    kind === 'pipelined' ? { kind, asks: [ask('/page.html')] } : { kind: 'ask', ask: ask('/page.html') },
    { kind, asks: scriptPaths.map(ask) },
    { kind: 'leave' },
  ];
};

const costs = (way: WayName): Expectation =>
  loadTook(loadsOf(way).map(askingWith), ways[way].roundTrips * roundTripMs, 0.1, ways[way].formula);

export const pageLoad: Scenario = {
  name: 'page-load',
  line: 'a page and ten scripts over 40 ms: one connection each, one for all, pipelined, six at once',
  story:
    'Over a link with a round trip of 40 ms a client loads a page and its ten scripts in four ways: HTTP/1.0 with a connection for each, one persistent connection, the same with the scripts pipelined, and six connections.',
  fastest: 1,
  server: { usual: 'holdfast', needs: [] },
  client: { usual: 'holdfast', needs: ['http-1.0', 'pipeline', 'many-lists'] },
  link: () => ({ roundTripMs }),
  measures: true,
  play: async (stage) => {
    await stage.server();
    const nonPersistent = await stage.client({ version: '1.0', keepAlive: false });
    for (const suffix of loadsOf('non-persistent')) await nonPersistent.take(...load(suffix, 'in-turn'));
    const persistent = await stage.client();
    for (const suffix of loadsOf('persistent')) await persistent.take(...load(suffix, 'in-turn'));
    const pipelining = await stage.client();
    for (const suffix of loadsOf('pipelined')) await pipelining.take(...load(suffix, 'pipelined'));
    const six = await stage.client({ connections: 6 });
    for (const suffix of loadsOf('six')) await six.take(...load(suffix, 'side-by-side'));
  },
  expect: () => [
    connections(wayNames.reduce((sum, way) => sum + ways[way].loads * ways[way].connections, 0)),
    ...wayNames.flatMap((way) => [
      ...loadsOf(way).map((suffix) => exchangesTogether(askingWith(suffix), 1 + scriptCount)),
      costs(way),
    ]),
  ],
};
