import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type Connection, Diagnosis } from 'holdfast/story';
import { connectionsOfInterest, PageCollector, renderLadderPicture, renderPage, renderTimeline } from 'holdfast/view';
import { clockOf } from '#dist/view/clock.js';
import { pageScript, pageScriptHash } from '#dist/view/html/page-script.js';
import { pageStyle, pageStyleHash } from '#dist/view/html/page-style.js';
import { pageLimits } from '#dist/view/page-collector.js';
import { at, buildConnection, buildExchange, buildMark, ms } from './build-connection.js';

const source = {
  format: 'pcap',
  linkTypes: ['Ethernet'],
  packets: 1000,
  bytes: 100_000,
  originSeconds: 1_700_000_000,
  timeDecimals: 6,
  firstAtNs: 0,
  lastAtNs: ms(60_000),
  tcpPackets: 1000,
  otherPackets: { UDP: 3 },
  problems: [],
} as const;

interface Rendered {
  readonly page: string;
  readonly timeline: string;
  readonly data: ReturnType<PageCollector['end']>;
}

function render(connections: readonly Connection[], name = 'a.pcap'): Rendered {
  const collector = new PageCollector();
  const diagnosis = new Diagnosis();
  for (const connection of connections) {
    collector.add(connection);
    diagnosis.take(connection);
  }
  const findings = diagnosis.findings();
  const data = collector.end();
  const ids = connectionsOfInterest(findings, data.mostTelling);
  const verdict = diagnosis.verdict(findings);
  const page = renderPage({
    name,
    source,
    totals: {
      connections: connections.length,
      requests: 0,
      responses: 0,
      reusedConnections: 0,
      resets: 0,
      fins: 0,
      keepAliveProbes: 0,
      keepAliveAnswers: 0,
      retransmissions: 0,
    },
    diagnosed: { verdict, findings, inferences: diagnosis.inferences() },
    data,
    detailed: ids.map((id) => connections.find((connection) => connection.id === id)!),
    laddersMissing: null,
    chosenBy: null,
  });
  return { page, data, timeline: renderTimeline({ name, source, data, headline: verdict.headline }) };
}

const countOf = (pattern: RegExp, text: string): number => text.match(pattern)?.length ?? 0;

/** Every kind of text that a peer can choose. */
const hostile = `/"><script>alert(1)</script><img src=x onerror=alert(2)>'\`--></style>\x1b]0;x\x07\x9b\xe2\x80\xae\r\n`;

const hostileConnection = (id: number): Connection => {
  const openedMs = 10 * id;
  const exchange = buildExchange(1, openedMs + 1, 5, {
    method: hostile,
    target: hostile,
    host: hostile,
    reason: hostile,
    version: hostile,
  });
  return buildConnection({
    id,
    client: { address: '10.0.0.1', port: 1024 + (id % 60_000) },
    server: { address: `10.0.${id % 200}.5`, port: 8080 },
    opened: at(openedMs),
    protocol: { name: 'http/1', serverName: hostile, detail: hostile },
    exchanges: [{ ...exchange, notes: [{ code: 'x', text: hostile, packet: 3 }] }],
    marks: [
      buildMark('request', 'client', openedMs + 1, 2 * id + 3, { exchange: 0 }),
      buildMark('reset', 'server', openedMs + 9, 2 * id + 4),
    ],
    ending: { by: 'server', how: 'rst', why: 'response-cut', at: at(openedMs + 9, 4), idleNs: 0 },
  });
};

test('the policy allows this style and this script, by their hashes, and nothing else', () => {
  const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64');
  assert.equal(pageStyleHash, hashOf(pageStyle), 'pageStyleHash in page-style.ts');
  assert.equal(pageScriptHash, hashOf(pageScript), 'pageScriptHash in page-script.ts');
  const { page } = render([buildConnection()]);
  const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(page)?.[1];
  assert.equal(
    policy,
    `default-src 'none'; style-src 'sha256-${pageStyleHash}'; script-src 'sha256-${pageScriptHash}'; base-uri 'none'; form-action 'none'`,
  );
  assert.ok(page.indexOf('Content-Security-Policy') < page.indexOf('<title>'), 'the policy stands before any text from outside');
  assert.doesNotMatch(pageStyle, /url\((?!#)|@import|@font-face/);
  assert.doesNotMatch(pageStyle + pageScript, /<\/?(script|style)/i);
});

test('the page refers to nothing outside itself', () => {
  const { page, timeline } = render([buildConnection(), hostileConnection(1)]);
  for (const text of [page, timeline]) {
    assert.doesNotMatch(text, /<[^>]*\s(src|srcset|data|action|poster|background)=/i);
    for (const [, target] of text.matchAll(/<[^>]*\s(?:xlink:)?href="([^"]*)"/g)) assert.match(target!, /^#/);
  }
  assert.deepEqual(
    [...(page + timeline).matchAll(/https?:\/\/[^\s"<]*/g)]
      .map(([address]) => address)
      .filter((address) => address !== 'http://www.w3.org/2000/svg'),
    [],
  );
});

test('text from the wire and from the file system stays text', () => {
  const { page, timeline } = render([hostileConnection(0), hostileConnection(1)], `${hostile}.pcap`);
  assert.equal(countOf(/<script/gi, page), 1);
  assert.equal(countOf(/<style/gi, page), 1);
  assert.equal(countOf(/<img|<!--|onerror=\w+>/gi, page.replace(/&[a-z#0-9]+;/g, ' ')), 0);
  assert.equal(countOf(/<script|<img/gi, timeline), 0);
  const picture = renderLadderPicture(hostileConnection(0), clockOf(source), hostile);
  assert.equal(countOf(/<script|<img/gi, picture), 0);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  for (const text of [page, timeline, picture]) assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]/);
  assert.ok(page.includes('&lt;script&gt;alert(1)&lt;/script&gt;'), 'and can be read');
});

test('every link leads somewhere, and no two places share a name', () => {
  const { page } = render(Array.from({ length: 40 }, (_, id) => hostileConnection(id)));
  const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id!);
  assert.deepEqual(
    ids.filter((id, index) => ids.indexOf(id) !== index),
    [],
  );
  const places = new Set(ids);
  const links = [...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id!);
  assert.ok(links.length > 40);
  assert.deepEqual([...new Set(links.filter((id) => !places.has(id)))], []);
});

test('thousands of connections give a bounded page that says what it leaves out', () => {
  const connections = Array.from({ length: 5000 }, (_, id) => {
    const opened = 10 * id;
    const exchanges = Array.from({ length: 30 }, (_, index) =>
      buildExchange(index + 1, opened + 1 + 20 * index, 5, { target: 'x'.repeat(3000) }),
    );
    return buildConnection({ id, opened: at(opened), exchanges, server: { address: `10.0.${id % 30}.5`, port: 80 } });
  });
  const { page, timeline, data } = render(connections);
  assert.equal(data.lanes.length, pageLimits.lanes);
  assert.equal(data.exchanges.length, pageLimits.exchanges);
  assert.equal(data.strips.length, pageLimits.servers);
  assert.match(page, /The 300 connections with most to tell, of 5,000/);
  assert.match(timeline, /the 300 connections with most to tell, of 5,000/);
  assert.ok(page.length < 12e6, `${page.length} characters`);
  assert.ok(timeline.length < 6e6, `${timeline.length} characters`);
});

test('a capture without connections has a page and a picture', () => {
  const { page, timeline } = render([]);
  assert.match(page, /<h1 id="headline">/);
  assert.doesNotMatch(page.replace(pageScript, ''), /NaN|undefined|Infinity/);
  assert.doesNotMatch(timeline, /NaN|undefined|Infinity/);
});

test('ladders: those that findings name, one of each in turn, then a few with most to tell', () => {
  const finding = (connections: number[], level: 'bad' | 'good' = 'bad') => ({ connections, level }) as never;
  assert.deepEqual(
    connectionsOfInterest([finding([5, 6]), finding([7]), finding([8], 'good')], [1, 5, 2, 3, 4]),
    [5, 7, 6, 1, 2, 3],
  );
  const many = connectionsOfInterest([finding(Array.from({ length: 1000 }, (_, id) => id))], [2000]);
  assert.equal(many.length, pageLimits.ladders);
});

test('evidence keeps its row in a ladder that is cut', () => {
  const marks = Array.from({ length: 3000 }, (_, index) =>
    buildMark('keep-alive-probe', index % 2 === 0 ? 'client' : 'server', index, index + 1),
  );
  const connection = buildConnection({ marks });
  const collector = new PageCollector();
  collector.add(connection);
  const finding = {
    rule: 'x',
    level: 'bad',
    confidence: 'high',
    owner: 'server',
    title: 'T',
    detail: 'D',
    fixes: [],
    connections: [0],
    packets: [1500],
    server: connection.server,
    count: 1,
    sureCount: 1,
    connectionCount: 1,
    lostRequests: 0,
    delayMs: 0,
  } as const;
  const diagnosis = new Diagnosis();
  const page = renderPage({
    name: 'a.pcap',
    source,
    totals: {
      connections: 1,
      requests: 1,
      responses: 1,
      reusedConnections: 0,
      resets: 0,
      fins: 2,
      keepAliveProbes: 3000,
      keepAliveAnswers: 0,
      retransmissions: 0,
    },
    diagnosed: { verdict: diagnosis.verdict([finding]), findings: [finding], inferences: [] },
    data: collector.end(),
    detailed: [connection],
    laddersMissing: null,
    chosenBy: null,
  });
  assert.match(page, /<a class="pill" href="#packet-1500">1,500<\/a>/);
  assert.match(page, /<tr id="packet-1500" class="rung [^"]*proves"/);
  assert.equal(countOf(/<tr class="rung-omission"/g, page), 2);
  assert.ok(countOf(/<tr id="packet-/g, page) <= pageLimits.ladderRows);
});
