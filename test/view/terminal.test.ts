import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceSummary } from 'holdfast/base';
import type { Connection } from 'holdfast/story';
import {
  clockOf,
  commonEnds,
  connectionRow,
  layOutList,
  lifeLegend,
  Overview,
  type Palette,
  plainPalette,
  renderConnection,
  renderListHead,
  renderListLine,
  renderSummary,
  type TerminalStyle,
  wrapItems,
} from 'holdfast/view';
import { at, buildConnection, buildExchange, buildExchanges, buildMark, buildTally, ms, unanswered } from './build-connection.js';
import { diagnose } from './diagnose.js';

const source: SourceSummary = {
  format: 'pcapng',
  linkTypes: ['Ethernet', 'Linux cooked v2'],
  packets: 12_345,
  bytes: 3_456_789,
  originSeconds: 1_700_000_000,
  timeDecimals: 9,
  firstAtNs: 0,
  lastAtNs: ms(60_000),
  tcpPackets: 12_000,
  otherPackets: { UDP: 345 },
  problems: [{ code: 'file-cut-short', count: 1, firstPacket: 12_345, text: 'The file ends in the middle of a packet.' }],
};
const clock = clockOf(source);

const styleOf = (style: Partial<TerminalStyle> = {}): TerminalStyle => ({
  width: 100,
  unicode: true,
  palette: plainPalette,
  times: 'relative',
  ...style,
});

/** Everything that a terminal is shown of some connections. */
function show(connections: readonly Connection[], style = styleOf(), name = 'a.pcap', facts = source): string[] {
  const overview = new Overview();
  for (const connection of connections) overview.add(connection);
  const rows = connections.map((connection) => connectionRow(connection));
  const layout = layOutList(rows, clock, style);
  return [
    ...renderSummary({ name, overview, source: facts, chosenBy: null, diagnosed: diagnose(connections) }, style),
    commonEnds(layout),
    renderListHead(layout, style),
    ...rows.map((row) => renderListLine(row, layout, clock, style)),
    ...wrapItems(lifeLegend(rows, layout.lifeWidth, style), '   ', style.width),
    ...connections.flatMap((connection) => renderConnection(connection, clock, style)),
  ];
}

const lostRequest = (id: number): Connection =>
  buildConnection({
    id,
    exchanges: [buildExchange(1, 1, 5), buildExchange(2, 5007, 0, unanswered)],
    ending: { by: 'server', how: 'fin', why: 'request-crossed', at: at(5007, 77), idleNs: ms(5001) },
    marks: [
      buildMark('request', 'client', 1, 10, { exchange: 0 }),
      buildMark('response', 'server', 5, 11, { exchange: 0 }),
      buildMark('fin', 'server', 5006.9, 77),
      buildMark('request', 'client', 5007, 78, { exchange: 1 }),
    ],
  });

/** What one peer and one file name could try. */
function hostileConnection(): Connection {
  const hostile = `${Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')}\u001b]0;owned\u0007\u202e`;
  const notes = [{ code: 'bare-lf', text: `Note ${hostile}`, packet: 3 }];
  const exchange = { method: hostile, target: hostile, version: hostile, reason: hostile, host: hostile, notes };
  return buildConnection({
    protocol: { name: 'tls', serverName: hostile, detail: hostile },
    exchanges: [buildExchange(1, 1, 5, exchange), buildExchange(2, 900, 5000, { ...exchange, ...unanswered })],
    zeek: { connState: 'SF', history: hostile },
    marks: [
      buildMark('request', 'client', 1, 10, { exchange: 0 }),
      buildMark('response', 'server', 5, 11, { exchange: 0 }),
      buildMark('interim', 'server', 6, 12, { exchange: 1 }),
    ],
  });
}

const many = (): Connection[] => [
  buildConnection({ id: 0, exchanges: buildExchanges(60) }),
  lostRequest(1),
  buildConnection({
    id: 2,
    exchanges: [],
    tcp: buildTally({ bytes: { client: 0, server: 0 } }),
    protocol: { name: 'none', serverName: null, detail: null },
  }),
  buildConnection({
    id: 123_456,
    client: { address: '2001:db8:1234:5678:9abc:def0:1234:5678', port: 65_535 },
    server: { address: '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', port: 65_535 },
    opened: at(59_999),
    exchanges: [buildExchange(1, 60_000, 123_456, { status: 503, target: `/${'long/'.repeat(100)}` })],
    ending: { by: 'network', how: 'timeout', why: 'data-unanswered', at: at(200_000, 99_999), idleNs: ms(10_000) },
    tcp: buildTally({
      keepAliveProbes: { client: 12, server: 3 },
      retransmissions: { client: 0, server: 9 },
      gapBytes: { client: 5, server: 0 },
    }),
  }),
];

test('no byte of a peer or of a file name reaches the terminal unescaped', () => {
  const facts = {
    ...source,
    linkTypes: ['Ether\u001b[2Jnet'],
    otherPackets: { 'X\u0007': 1 },
    problems: [{ code: 'x', count: 2, firstPacket: 1, text: 'bad\u009b2J' }],
  };
  for (const unicode of [true, false]) {
    for (const lines of [
      show([hostileConnection(), lostRequest(1)], styleOf({ unicode }), 'evil\u001b[31m\n.pcap', facts),
      show([], styleOf({ unicode }), 'evil\u001b[31m\n.pcap', { ...facts, tcpPackets: 0 }),
    ]) {
      for (const line of lines) assert.doesNotMatch(line, /[\p{C}\p{Zl}\p{Zp}]/u, JSON.stringify(line));
    }
  }
});

test('without UTF-8 everything is ASCII', () => {
  for (const line of show([...many(), hostileConnection()], styleOf({ unicode: false }))) assert.match(line, /^[\x20-\x7e]*$/);
});

test('lines keep to the width of the terminal', () => {
  for (const connections of [
    many(),
    [lostRequest(0)],
    Array.from({ length: 30 }, (_, id) => lostRequest(id)),
    [hostileConnection()],
  ]) {
    for (const unicode of [true, false]) {
      for (const times of ['relative', 'utc'] as const) {
        for (const width of [60, 72, 80, 100, 120, 140, 200]) {
          for (const line of show(connections, styleOf({ width, unicode, times }))) {
            assert.ok(line.length <= width, `${line.length} > ${width}: ${line}`);
          }
        }
      }
    }
  }
});

test('colours change nothing but the colour', () => {
  const paint = (name: string) => (text: string) => `<${name}>${text}</${name}>`;
  const names: readonly (keyof Palette)[] = ['strong', 'faint', 'good', 'warning', 'bad', 'client', 'server', 'notable'];
  const palette = Object.fromEntries(names.map((name) => [name, paint(name)])) as unknown as Palette;
  const painted = show(many(), styleOf({ palette }));
  assert.ok(painted.some((line) => line.includes('<bad>')));
  assert.deepEqual(
    painted.map((line) => line.replace(/<\/?\w+>/g, '')),
    show(many()),
  );
});

test('the first line says what is wrong, and nothing is wrong with a healthy capture', () => {
  const firstLine = (connections: readonly Connection[]): string | undefined => show(connections, styleOf({ width: 200 }))[0];
  assert.equal(firstLine([buildConnection()]), 'The one request was answered, and no fault was found.');
  assert.equal(
    firstLine([buildConnection({ exchanges: buildExchanges(1234) })]),
    'All 1,234 requests were answered, and no fault was found.',
  );
  assert.match(
    firstLine([lostRequest(0), lostRequest(1), buildConnection({ id: 2 })]) ?? '',
    /^The server closed .*\(10\.0\.0\.5:8080\)\.$/,
  );
  assert.equal(
    firstLine([buildConnection({ exchanges: [buildExchange(1, 1, 5, { status: 502 })] })]),
    'No connection failed, but 1 answer said error (status 5xx): look at the application, not at the connections.',
  );
  const open = { by: 'none', how: 'open', why: 'still-open', at: at(9), idleNs: ms(3) } as const;
  assert.equal(
    firstLine([buildConnection({ exchanges: [buildExchange(1, 1, 0, unanswered)], last: at(9), ending: open })]),
    'No fault was found; 1 request had no answer when the capture ended or cannot be judged.',
  );
  assert.equal(
    firstLine([buildConnection({ exchanges: [] })]),
    'No HTTP/1 request was seen on 1 connection; nothing is wrong with it as a connection.',
  );
});

test('without TCP the summary says what there was instead', () => {
  const style = styleOf();
  const summary = (facts: Partial<SourceSummary>, chosenBy: string | null = null): string | undefined =>
    renderSummary(
      { name: 'x', overview: new Overview(), source: { ...source, ...facts }, chosenBy, diagnosed: diagnose([]) },
      style,
    )[0];
  assert.equal(
    summary({ packets: 1350, tcpPackets: 0, otherPackets: { ARP: 150, UDP: 1200 } }),
    'No TCP in this capture: 1,350 packets (1,200 UDP, 150 ARP).',
  );
  assert.equal(summary({ packets: 0, tcpPackets: 0, otherPackets: {} }), 'The capture holds no packets.');
  assert.equal(summary({}, 'port 81'), 'No connection matches port 81.');
});

test('the summary counts who closed, why, and who kept whom waiting, and tells damage', () => {
  const lines = show([lostRequest(3), buildConnection({ id: 4, exchanges: buildExchanges(2) })]);
  const row = (label: string): string => lines.find((line) => line.trimStart().startsWith(label)) ?? '';
  assert.match(row('Trouble  '), /1 request crossed a close {2}#3/);
  assert.match(row('Requests'), /4 on 2 connections · 1 without response · 2 connections reused/);
  assert.match(row('Status'), /200 ×3/);
  assert.match(row('Closed by'), /server 2 FIN/);
  assert.match(row('Why'), /1 closed while idle/);
  assert.match(row('Waited on'), /server 13\.5 ms \(90 %\) · network 1\.50 ms \(10 %\)/);
  assert.match(row('Damage'), /The file ends in the middle of a packet\. \(packet 12,345\)/);
});

test('what all lines have in common is said once', () => {
  const list = (connections: readonly Connection[]): [string, string] => {
    const rows = connections.map((connection) => connectionRow(connection));
    const layout = layOutList(rows, clock, styleOf());
    return [commonEnds(layout), renderListLine(rows[0]!, layout, clock, styleOf())];
  };
  const here = lostRequest(0);
  assert.equal(list([here, here])[0], 'from 10.0.0.1 to 10.0.0.5:8080');
  assert.match(list([here, here])[1], / :51234 /);
  const other = { ...here, server: { address: '10.0.0.6', port: 8080 } };
  assert.equal(list([here, other])[0], 'from 10.0.0.1 to port 8080');
  assert.match(list([here, other])[1], / :51234 → 10\.0\.0\.5 /);
  const third = { ...other, client: { address: '10.0.0.2', port: 1 }, server: { address: '10.0.0.6', port: 81 } };
  assert.equal(list([here, third])[0], '');
  assert.match(list([here, third])[1], / 10\.0\.0\.1:51234 → 10\.0\.0\.5:8080 /);
});

test('a line tells the requests, the life and the ending', () => {
  const rows = [connectionRow(lostRequest(7))];
  const layout = layOutList(rows, clock, styleOf({ width: 80 }));
  assert.equal(
    renderListLine(rows[0]!, layout, clock, styleOf({ width: 80 })),
    '#7     0.000  :51234  1/2  ├█·5.0s·?┤  server FIN, request crossed',
  );
  assert.equal(
    renderListLine(rows[0]!, layout, clock, styleOf({ width: 80, unicode: false })),
    '#7     0.000  :51234  1/2  |#.5.0s.?|  server FIN, request crossed',
  );
});

test('a bad answer is told without colour', () => {
  for (const [status, sign] of [
    [200, '█'],
    [404, '4'],
    [503, '5'],
  ] as const) {
    const row = connectionRow(buildConnection({ exchanges: [buildExchange(1, 1, 5, { status })] }));
    const layout = layOutList([row], clock, styleOf());
    assert.ok(renderListLine(row, layout, clock, styleOf()).includes(`├${sign}·5.0s·┤`), `${status}`);
  }
});

test('a connection in full: its ending with the packet, its ladder, its exchanges', () => {
  const lines = renderConnection(lostRequest(3), clock, styleOf({ width: 110 }));
  assert.equal(lines[0], 'Connection #3: 10.0.0.1:51234 → 10.0.0.5:8080, HTTP/1.1');
  assert.match(lines[1]!, /^Ended by the server with FIN \(packet 77\): the close crossed a request/);
  const ladder = lines.filter((line) => /[├│⋮]/.test(line));
  assert.match(ladder[0]!, /^ +10 +0\.001000000 +├─ GET \/ HTTP\/1\.1 · request 1 ─+▶│$/);
  assert.match(ladder[1]!, /^ +11 +0\.005000000 +4\.00 ms {2}│◀─+ 200 OK · body 12 B ─┤$/);
  assert.match(ladder[2]!, /^ +⋮ +idle 5\.00 s +⋮$/);
  assert.match(lines.at(-1)!, /^ 2 {2}GET \/ +none /);
});
