import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceSummary } from 'holdfast/base';
import type { Connection, Totals } from 'holdfast/story';
import { clockOf, jsonReportWriter, type Report, type ReportConnection, reportConnection } from 'holdfast/view';
import { heldTextLimit } from '#dist/view/json-report.js';
import { at, buildConnection, buildExchange, buildMark, buildTally, ms, unanswered } from './build-connection.js';
import { diagnose } from './diagnose.js';

const source: SourceSummary = {
  format: 'pcap',
  linkTypes: ['Ethernet'],
  packets: 12,
  bytes: 3456,
  originSeconds: 1_700_000_000,
  timeDecimals: 6,
  firstAtNs: 0,
  lastAtNs: ms(5006),
  tcpPackets: 11,
  otherPackets: { UDP: 1 },
  problems: [],
};
const clock = clockOf(source);
const totals: Totals = {
  connections: 1,
  requests: 1,
  responses: 1,
  reusedConnections: 0,
  resets: 0,
  fins: 2,
  keepAliveProbes: 0,
  keepAliveAnswers: 0,
  retransmissions: 0,
};

function write(form: 'json' | 'ndjson', connections: readonly Connection[], skipped: readonly number[] = []): string {
  let text = '';
  const writer = jsonReportWriter({
    form,
    write: (part) => {
      text += part;
    },
  });
  for (const connection of connections) {
    if (skipped.includes(connection.id)) writer.skip(connection);
    else writer.connection(connection, clock);
  }
  writer.end('a.pcap', source, totals, diagnose([]));
  return text;
}

test('a connection in the report has the members of the schema', () => {
  const exchange = buildExchange(1, 1, 12.3, { waited: { client: 100_000, network: ms(1.2), server: ms(11) } });
  const { exchanges, ...report } = reportConnection(
    buildConnection({
      id: 7,
      exchanges: [exchange, buildExchange(2, 1013.3, 5, unanswered)],
      tcp: buildTally({ keepAliveProbes: { client: 2, server: 1 }, bytes: { client: 345, server: 678 } }),
    }),
    clock,
  );
  assert.equal(report.id, 7);
  assert.equal(report.client, '10.0.0.1:51234');
  assert.equal(report.openedAt, '2023-11-14T22:13:20.000000Z');
  assert.equal(report.handshakeMs, 0.5);
  assert.deepEqual(report.idleGapsMs, [1000]);
  assert.equal(report.tcp.keepAliveProbes, 3);
  assert.equal(report.tcp.fromClient.keepAliveProbes, 2);
  assert.equal(report.tcp.bytesFromServer, 678);
  assert.equal(report.ending.text, 'closed while idle');
  assert.equal(report.ending.idleMs, 5000);
  const [first, second] = exchanges;
  assert.equal(first?.firstByteAt, '2023-11-14T22:13:20.012070Z');
  assert.deepEqual(first?.waitedMs, { client: 0.1, network: 1.2, server: 11 });
  assert.deepEqual([first?.packets.request, first?.packets.response], [10, 11]);
  assert.deepEqual(
    [second?.status, second?.responseEndAt, second?.complete, second?.packets.response],
    [null, null, false, null],
  );
});

test('milliseconds carry no noise of floating point', () => {
  for (let ns = 1; ns < 1e13; ns = Math.floor(ns * 3.7) + 1) {
    const { handshakeMs } = reportConnection(buildConnection({ handshakeNs: ns }), clock);
    assert.ok(
      String(handshakeMs)
        .replace(/^\d+\.?/, '')
        .replace(/e-\d+$/, '').length <= 6,
      `${ns}: ${handshakeMs}`,
    );
    assert.equal(Math.round(handshakeMs! * 1e6), ns);
  }
});

test('the report is one object, its connections in order of their numbers though they ended in another', () => {
  const text = write(
    'json',
    [2, 0, 3, 1].map((id) => buildConnection({ id })),
  );
  const report = JSON.parse(text) as Report;
  assert.equal(report.schema, 'holdfast.report.v1');
  assert.deepEqual(
    report.connections.map(({ id }) => id),
    [0, 1, 2, 3],
  );
  assert.deepEqual(report.totals, totals);
  assert.equal(report.source.name, 'a.pcap');
  assert.equal(report.source.lastAt, '2023-11-14T22:13:25.006000Z');
  assert.deepEqual(report.findings, []);
});

test('a report without connections is an object too, and so is one of some', () => {
  assert.deepEqual((JSON.parse(write('json', [])) as Report).connections, []);
  const some = JSON.parse(
    write(
      'json',
      [1, 2, 0].map((id) => buildConnection({ id })),
      [0, 1],
    ),
  ) as Report;
  assert.deepEqual(
    some.connections.map(({ id }) => id),
    [2],
  );
});

test('ndjson: a connection a line as each ends, last the report without them', () => {
  const lines = write(
    'ndjson',
    [2, 0].map((id) => buildConnection({ id })),
  )
    .trimEnd()
    .split('\n');
  assert.deepEqual(
    lines.slice(0, 2).map((line) => (JSON.parse(line) as ReportConnection).id),
    [2, 0],
  );
  const last = JSON.parse(lines[2]!) as Report;
  assert.equal(last.schema, 'holdfast.report.v1');
  assert.equal('connections' in last, false);
});

test('what is held back to get the order right is bounded', () => {
  let written = 0;
  let made = 0;
  const writer = jsonReportWriter({
    form: 'json',
    write: (part) => {
      written += part.length;
    },
  });
  const target = 'x'.repeat(60_000);
  for (let id = 1; id < 2000; id++) {
    const connection = buildConnection({ id, exchanges: [buildExchange(1, 1, 5, { target })] });
    writer.connection(connection, clock);
    made += JSON.stringify(reportConnection(connection, clock)).length;
    assert.ok(made - written <= heldTextLimit + 100_000);
  }
  assert.ok(written > 0);
});

test('JSON holds no byte that could act on a terminal, and gives back what was on the wire', () => {
  const hostile = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
  const connection = buildConnection({ exchanges: [buildExchange(1, 1, 5, { target: hostile, reason: hostile })] });
  for (const form of ['json', 'ndjson'] as const) {
    const text = write(form, [connection]);
    assert.match(text, /^[\n\x20-\x7e]*$/);
    const parsed =
      form === 'json' ? (JSON.parse(text) as Report).connections[0] : (JSON.parse(text.split('\n')[0]!) as ReportConnection);
    assert.equal(parsed?.exchanges[0]?.target, hostile);
  }
});

test('marks come only when asked for', () => {
  const connection = buildConnection({
    marks: [buildMark('syn', 'client', 0, 1), buildMark('request', 'client', 1, 4, { exchange: 0, byteCount: 33 })],
    marksOmitted: 3,
  });
  assert.equal(reportConnection(connection, clock).marks, undefined);
  const { marks, marksOmitted } = reportConnection(connection, clock, { marks: true });
  assert.deepEqual(
    marks?.map(({ kind, packet, exchange, bytes }) => [kind, packet, exchange, bytes]),
    [
      ['syn', 1, null, 0],
      ['request', 4, 1, 33],
    ],
  );
  assert.equal(marksOmitted, 3);
});

test('an open connection has no closing time', () => {
  const ending = { by: 'none', how: 'open', why: 'still-open', at: at(9), idleNs: null } as const;
  const report = reportConnection(buildConnection({ closed: null, ending }), clock);
  assert.deepEqual([report.closedAt, report.ending.how, report.ending.idleMs, report.packets.closed], [null, 'open', null, null]);
});
