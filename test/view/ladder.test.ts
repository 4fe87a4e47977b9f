import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from 'holdfast/story';
import { type LadderRow, ladderOf } from 'holdfast/view';
import { ladderRowsLimit } from '#dist/view/ladder.js';
import { at, buildConnection, buildExchange, buildMark, ms, unanswered } from './build-connection.js';

/** `>>` from the client, `<<` from the server, `--` a break; as a person would read it. */
const read = (rows: readonly LadderRow[]): string[] =>
  rows.map((row) => {
    if (row.kind === 'break') return `-- ${row.label} ${row.durationNs / 1e6}`;
    if (row.kind === 'omission') return `-- ${row.count} omitted`;
    const detail = row.detail === '' ? '' : ` (${row.detail})`;
    return `${row.from === 'client' ? '>>' : '<<'} ${row.packet} ${row.label}${detail}`;
  });

const ladder = (connection: Partial<Connection>): string[] => read(ladderOf(buildConnection(connection)));

const handshake = [buildMark('syn', 'client', 0, 1), buildMark('syn-ack', 'server', 0.4, 2), buildMark('ack', 'client', 0.5, 3)];

test('a life from the handshake to the close', () => {
  const marks = [
    ...handshake,
    buildMark('request', 'client', 1, 10, { exchange: 0 }),
    buildMark('response', 'server', 5.5, 11, { exchange: 0 }),
    buildMark('keep-alive-probe', 'client', 3000, 12),
    buildMark('keep-alive-answer', 'server', 3001, 13),
    buildMark('fin', 'server', 5006, 14),
    buildMark('fin', 'client', 5007, 15),
  ];
  assert.deepEqual(ladder({ marks }), [
    '>> 1 SYN',
    '<< 2 SYN, ACK',
    '>> 3 ACK',
    '>> 10 GET / HTTP/1.1 (request 1)',
    '<< 11 200 OK (body 12 B)',
    '-- idle 2994.5',
    '>> 12 keep-alive probe',
    '<< 13 keep-alive answered',
    '-- idle 2005',
    '<< 14 FIN',
    '>> 15 FIN',
  ]);
});

test('a silence says who is waited for', () => {
  const slow = buildExchange(1, 1, 3000, { responseHeadEnd: at(1000, 11), responseEnd: at(3001, 12) });
  const marks = [
    buildMark('request', 'client', 1, 10, { exchange: 0 }),
    buildMark('response', 'server', 1000, 11, { exchange: 0 }),
    buildMark('response-end', 'server', 3001, 12, { exchange: 0 }),
  ];
  assert.deepEqual(
    ladder({ exchanges: [slow], marks }).filter((line) => line.startsWith('--')),
    ['-- waiting for the response 999', '-- silence within the response 2001'],
  );
  const upload = buildExchange(1, 1, 3000, {
    method: 'POST',
    requestHeadEnd: at(1, 10),
    requestEnd: at(2000, 12),
    requestFraming: 'length',
  });
  const uploading = [
    buildMark('request', 'client', 1, 10, { exchange: 0 }),
    buildMark('request-end', 'client', 2000, 12, { exchange: 0 }),
  ];
  assert.deepEqual(
    ladder({ exchanges: [upload], marks: uploading }).filter((line) => line.startsWith('--')),
    ['-- silence within the request 1999'],
  );
});

test('a delayed acknowledgement is no idle time', () => {
  const marks = [
    buildMark('request', 'client', 1, 10, { exchange: 0 }),
    buildMark('response', 'server', 6, 11, { exchange: 0 }),
    buildMark('ack', 'client', 206, 12),
  ];
  assert.deepEqual(
    ladder({ marks }).filter((line) => line.startsWith('--')),
    [],
  );
});

test('what one packet carries is one arrow, and a run of data is one arrow', () => {
  const marks = [
    buildMark('response', 'server', 1, 10, { exchange: 0 }),
    buildMark('fin', 'server', 1, 10),
    ...[11, 12, 13].map((packet) => buildMark('data', 'server', packet / 10, packet, { byteCount: 1000, exchange: 0 })),
    buildMark('data', 'client', 2, 14, { byteCount: 5 }),
  ];
  assert.deepEqual(ladder({ marks }), ['<< 10 200 OK + FIN (body 12 B)', '<< 11 3 data packets (3.00 kB)', '>> 14 data (5 B)']);
});

test('a head in two segments is told from its first on', () => {
  const exchange = buildExchange(1, 1, 5, { requestAt: at(1, 8), requestHeadEnd: at(2, 9), requestEnd: at(2, 9) });
  const marks = [
    buildMark('data', 'client', 1, 8, { byteCount: 1448, exchange: -1 }),
    buildMark('request', 'client', 2, 9, { exchange: 0 }),
  ];
  assert.deepEqual(ladder({ exchanges: [exchange], marks }), [
    '>> 8 start of a request (1.45 kB)',
    '>> 9 GET / HTTP/1.1 (request 1)',
  ]);
});

test('marks that were not kept are counted where they are missing', () => {
  const marks = [...handshake, buildMark('fin', 'server', 900, 400), buildMark('fin', 'client', 901, 401)];
  const rows = ladder({ marks, marksOmitted: 396, exchanges: [buildExchange(1, 1, 5, unanswered)] });
  assert.equal(rows[3], '-- 396 omitted');
});

test('wire text in a ladder is escaped and bounded', () => {
  const hostile = buildExchange(1, 1, 5, {
    target: `/\u001b[2J\u009b${'x'.repeat(100_000)}`,
    reason: '\u0007\u001b]0;owned\u0007',
  });
  const marks = [buildMark('request', 'client', 1, 10, { exchange: 0 }), buildMark('response', 'server', 5, 11, { exchange: 0 })];
  for (const row of ladderOf(buildConnection({ exchanges: [hostile], marks }))) {
    assert.ok(row.kind === 'arrow' && /^[\x20-\x7e]*$/.test(row.label) && row.label.length <= 400);
  }
});

test('deltas and sizes come with each arrow', () => {
  const rows = ladderOf(buildConnection({ marks: handshake }));
  assert.deepEqual(
    rows.map((row) => row.kind === 'arrow' && row.sinceBeforeNs),
    [null, ms(0.4), ms(0.1)],
  );
});

test('a ladder without end keeps its beginning and its end', () => {
  const marks = Array.from({ length: 100_000 }, (_, index) =>
    buildMark(index % 2 === 0 ? 'retransmission' : 'ack', index % 2 === 0 ? 'client' : 'server', index, index + 1),
  );
  const rows = ladderOf(buildConnection({ marks }));
  assert.equal(rows.length, ladderRowsLimit + 1);
  const omission = rows[ladderRowsLimit / 2];
  assert.deepEqual(omission, { kind: 'omission', count: 100_000 - ladderRowsLimit });
  assert.match(read(rows).at(-1)!, /100000 ACK/);
});
