/** What one connection is, what was called what, and what its stream holds: the places where readers of captures go wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handshake, type PacketLine, type Told, tell } from './tell-packets.js';

interface Expected {
  /** `how by why` of each connection's ending. */
  readonly endings?: readonly string[];
  readonly calls?: readonly string[];
  readonly client?: string;
  readonly server?: string;
  readonly gaps?: readonly string[];
  readonly totals?: Partial<Told['totals']>;
  readonly zeek?: readonly string[];
}

function check(
  name: string,
  lines: readonly PacketLine[],
  expected: Expected,
  also: (told: Told) => void = () => undefined,
): void {
  test(name, () => {
    const told = tell(lines);
    const { endings, zeek, totals, ...rest } = expected;
    for (const [key, value] of Object.entries(rest)) assert.deepEqual(told[key as keyof typeof rest], value, key);
    if (endings !== undefined) {
      assert.deepEqual(
        told.connections.map(({ ending }) => `${ending.how} ${ending.by} ${ending.why}`),
        endings,
      );
    }
    if (zeek !== undefined) {
      assert.deepEqual(
        told.connections.map((connection) => `${connection.zeek.connState} ${connection.zeek.history}`),
        zeek,
      );
    }
    for (const [key, value] of Object.entries(totals ?? {}))
      assert.equal(told.totals[key as keyof typeof told.totals], value, key);
    also(told);
  });
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const g = get.length;
const r = ok.length;
/** One exchange, over at 40 ms. */
const exchange: readonly PacketLine[] = [
  ...handshake,
  [0.03, '>', 'PA', 1, 1, get],
  [0.04, '<', 'PA', 1, 1 + g, ok],
  [0.05, '>', 'A', 1 + g, 1 + r],
];

check(
  'an ordinary exchange and an idle close',
  [...exchange, [5.04, '<', 'FA', 1 + r, 1 + g], [5.05, '>', 'FA', 1 + g, 2 + r], [5.06, '<', 'A', 2 + r, 2 + g]],
  {
    endings: ['fin server idle'],
    calls: [],
    client: get,
    server: ok,
    totals: { requests: 1, responses: 1, fins: 2 },
    zeek: ['SF ShADdfFa'],
  },
  ({ connections: [connection] }) => {
    assert.equal(connection!.handshakeNs, 20e6);
    assert.equal(connection!.exchanges[0]!.requestAt.packet, 4);
    assert.equal(connection!.exchanges[0]!.responseEnd?.packet, 5);
    assert.equal(connection!.ending.idleNs, 5e9);
    assert.equal(connection!.closed?.packet, 8);
  },
);

check(
  'a close that crosses a request, and the reset that follows from it',
  [...exchange, [5.0, '<', 'FA', 1 + r, 1 + g], [5.001, '>', 'PA', 1 + g, 1 + r, get], [5.011, '<', 'R', 2 + r, 0]],
  { endings: ['fin server request-crossed'], totals: { connections: 1, requests: 2, responses: 1, resets: 1 } },
);

check(
  'a response cut before its Content-Length',
  [...handshake, [0.03, '>', 'PA', 1, 1, get], [0.04, '<', 'FPA', 1, 1 + g, ok.slice(0, -1)]],
  {
    endings: ['fin server response-cut'],
  },
);

check(
  'a client that never closes stays in CLOSE_WAIT: one connection, not closed',
  [
    ...exchange,
    [5.0, '<', 'FA', 1 + r, 1 + g],
    [5.01, '>', 'A', 1 + g, 2 + r],
    [305, '>', 'A', g, 2 + r],
    [305.01, '<', 'R', 2 + r, 0],
  ],
  { endings: ['fin server idle'], calls: ['9 client keep-alive-probe'], totals: { connections: 1, keepAliveProbes: 1 } },
);

check(
  'three unanswered probes, then a reset: the network lost the peer',
  [...exchange, [10, '>', 'A', g, 1 + r], [11, '>', 'A', g, 1 + r], [12, '>', 'A', g, 1 + r], [13, '>', 'RA', 1 + g, 1 + r]],
  { endings: ['rst network probes-unanswered'], totals: { keepAliveProbes: 3 } },
);

check(
  'a silent drop after long idleness: retransmissions and a late reset, one connection',
  [
    ...exchange,
    [400, '>', 'PA', 1 + g, 1 + r, get],
    [400.3, '>', 'PA', 1 + g, 1 + r, get],
    [400.9, '>', 'PA', 1 + g, 1 + r, get],
    [402.1, '>', 'PA', 1 + g, 1 + r, get],
    [410, '>', 'R', 1 + 2 * g, 0],
  ],
  { endings: ['rst network data-unanswered'], totals: { connections: 1, requests: 2, retransmissions: 3 } },
);

check(
  'joined in mid-stream with a keep-alive probe: the answer tells that it was one',
  [
    [0, '>', 'A', 99, 50],
    [0.01, '<', 'A', 50, 100],
    [10, '>', 'A', 99, 50],
    [10.01, '<', 'A', 50, 100],
  ],
  {
    calls: ['1 client keep-alive-probe', '2 server keep-alive-answer', '3 client keep-alive-probe', '4 server keep-alive-answer'],
  },
);

check(
  'an ordinary ACK at the start of a capture is no probe',
  [
    [0, '>', 'A', 100, 50],
    [0.01, '<', 'PA', 50, 100, ok],
  ],
  { calls: [], server: ok },
);

check(
  'two pipelined requests in one segment are two exchanges',
  [
    ...handshake,
    [0.03, '>', 'PA', 1, 1, get + get],
    [0.04, '<', 'PA', 1, 1 + 2 * g, ok],
    [0.05, '<', 'PA', 1 + r, 1 + 2 * g, ok],
  ],
  { totals: { requests: 2, responses: 2, reusedConnections: 1 } },
  ({ connections: [connection] }) => {
    assert.deepEqual(
      connection!.exchanges.map(({ pipelined, responseEnd }) => [pipelined, responseEnd?.packet]),
      [
        [false, 5],
        [true, 6],
      ],
    );
  },
);

const post = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n';
check(
  '100 Continue: the time counts from the request head, the interim response is told beside the final one',
  [
    ...handshake,
    [0.03, '>', 'PA', 1, 1, post],
    [0.04, '<', 'PA', 1, 1 + post.length, 'HTTP/1.1 100 Continue\r\n\r\n'],
    [0.05, '>', 'PA', 1 + post.length, 26, 'hi'],
    [0.06, '<', 'PA', 26, 3 + post.length, ok],
  ],
  { totals: { requests: 1, responses: 2 } },
  ({ connections: [connection] }) => {
    const [only] = connection!.exchanges;
    assert.equal(only!.requestAt.packet, 4);
    assert.equal(only!.requestEnd?.packet, 6);
    assert.deepEqual(
      only!.interim.map(({ status, packet }) => [status, packet]),
      [[100, 5]],
    );
    assert.equal(only!.firstByte?.packet, 7);
    assert.equal(only!.waited.client + only!.waited.network + only!.waited.server, 30e6);
  },
);

check('a reset as the first close', [...exchange, [3, '<', 'R', 1 + r, 0]], {
  endings: ['rst server idle'],
  zeek: ['RSTR ShADdr'],
});

check('SYN-ACK captured before its SYN', [[0, '<', 'SA', 0, 1], [0.001, '>', 'S', 0, 0], ...handshake.slice(2)], {
  totals: { connections: 1 },
  calls: [],
});

const reopened = (at: number): PacketLine[] => [
  [at, '>', 'S', 70_000, 0],
  [at + 0.01, '<', 'SA', 90_000, 70_001],
  [at + 0.02, '>', 'A', 70_001, 90_001],
];
const closing: PacketLine[] = [
  [1, '>', 'FA', 1 + g, 1 + r],
  [1.01, '<', 'FA', 1 + r, 2 + g],
  [1.02, '>', 'A', 2 + g, 2 + r],
];
check('a port used again within TIME_WAIT is a new connection', [...exchange, ...closing, ...reopened(2)], {
  endings: ['fin client idle', 'open none still-open'],
});
check('a port used again while the old connection is half closed', [...exchange, closing[0]!, ...reopened(2)], {
  totals: { connections: 2 },
});
check(
  'a SYN sent again is the same connection',
  [
    [0, '>', 'S', 0, 0],
    [1, '>', 'S', 0, 0],
    [1.01, '<', 'SA', 0, 1],
    [1.02, '>', 'A', 1, 1],
  ],
  {
    totals: { connections: 1 },
    calls: ['2 client retransmission'],
  },
);
check(
  'packets behind the close belong to the closed connection',
  [...exchange, ...closing, [30, '<', 'R', 2 + r, 0], [90, '<', 'R', 2 + r, 0]],
  {
    endings: ['fin client idle'],
    totals: { connections: 1, resets: 2 },
  },
);

check(
  'an ACK captured before the data it acknowledges makes no gap',
  [...handshake, [0.03, '<', 'A', 1, 1 + g], [0.0301, '>', 'PA', 1, 1, get], [0.04, '<', 'PA', 1, 1 + g, ok]],
  { client: get, gaps: [], totals: { requests: 1 } },
);

check(
  'a frame captured on two interfaces is one segment',
  [
    ...handshake,
    [0.03, '>', 'PA', 1, 1, get, { identification: 900 }],
    [0.03, '>', 'PA', 1, 1, get, { identification: 900 }],
    [0.04, '<', 'PA', 1, 1 + g, ok],
  ],
  { calls: ['5 client duplicate-frame'], client: get, totals: { requests: 1, retransmissions: 0 } },
);

check(
  'a copy of a frame behind later frames of its sender is no retransmission',
  [
    ...handshake,
    [0.03, '>', 'PA', 1, 1, get, { identification: 900 }],
    [0.0301, '>', 'PA', 1 + g, 1, get, { identification: 901 }],
    [0.0304, '>', 'PA', 1, 1, get, { identification: 900 }],
    [0.0305, '>', 'PA', 1 + g, 1, get, { identification: 901 }],
    [0.2405, '>', 'PA', 1 + g, 1, get, { identification: 902 }],
  ],
  {
    calls: ['6 client duplicate-frame', '7 client duplicate-frame', '8 client retransmission'],
    client: get + get,
    totals: { retransmissions: 1 },
  },
);

check(
  'a probe of one byte overwrites nothing',
  [...exchange, [9, '>', 'A', g, 1 + r, 'X'], [9.01, '<', 'A', 1 + r, 1 + g], [10, '>', 'PA', 1 + g, 1 + r, get]],
  {
    calls: ['7 client keep-alive-probe', '8 server keep-alive-answer'],
    client: get + get,
  },
);

check(
  "Linux's zero-window probe is no keep-alive probe",
  [
    ...exchange,
    [1, '<', 'A', 1 + r, 1 + g, '', { window: 0 }],
    [2, '>', 'A', g, 1 + r],
    [2.01, '<', 'A', 1 + r, 1 + g, '', { window: 0 }],
  ],
  { totals: { keepAliveProbes: 0 } },
  ({ calls }) => assert.ok(calls.includes('8 client zero-window-probe'), calls.join()),
);

test('sequence numbers wrap around', () => {
  const told = tell([...exchange, [1, '>', 'PA', 1 + g, 1 + r, get], [1.01, '<', 'PA', 1 + r, 1 + 2 * g, ok]], {
    client: 0xffff_fff0,
    server: 0xffff_fffe,
  });
  assert.equal(told.client, get + get);
  assert.equal(told.server, ok + ok);
  assert.deepEqual(told.calls, []);
});

const [first, second, third] = [get.slice(0, 10), get.slice(10, 20), get.slice(20)] as const;
check(
  'reordered and overlapping segments make one stream, the first copy of a byte counts',
  [
    ...handshake,
    [0.03, '>', 'A', 21, 1, third],
    [0.031, '>', 'A', 1, 1, first],
    [0.032, '>', 'PA', 6, 1, `${'x'.repeat(5)}${second}${'y'.repeat(3)}`],
  ],
  { client: get, gaps: [] },
  ({ calls }) => assert.deepEqual(calls, ['4 client lost-segment', '5 client out-of-order', '6 client out-of-order']),
);

check(
  'a segment that the capture lost is a gap, and the stream goes on behind it',
  [
    ...exchange,
    [1, '>', 'PA', 1 + 2 * g, 1 + r, get],
    [1.01, '<', 'A', 1 + r, 1 + 3 * g],
    [1.2, '<', 'PA', 1 + r, 1 + 3 * g, ok],
  ],
  { client: `${get}<${g}>${get}`, gaps: [`7 client ${g} not-captured`], totals: { requests: 2 } },
);

check(
  'a first segment behind what was acknowledged before says that something was lost',
  [
    [0, '>', 'A', 1, 1],
    [0.01, '>', 'PA', 1, 1, get],
    [0.1, '>', 'PA', 1 + g, 1 + r, get],
    [1, '<', 'FA', 1 + r, 1 + 2 * g],
  ],
  { calls: ['4 server lost-segment'] },
);

check(
  'a first segment where the acknowledgments are says nothing',
  [
    [0, '>', 'A', 1, 1],
    [0.01, '>', 'PA', 1, 1, get],
    [1, '<', 'FA', 1, 1 + g],
  ],
  { calls: [] },
);

check(
  'a reset that answers acknowledgments of what was not captured says so',
  [
    [0, '>', 'S', 0, 0],
    [0.03, '>', 'PA', 1, 1, get],
    [0.04, '<', 'A', 1, 1 + g],
    [2, '<', 'R', 2 + r, 0],
  ],
  { calls: ['4 server lost-segment'] },
);

check(
  'only a reset that acknowledges refuses a SYN: another one answers what was not captured',
  [
    [0, '>', 'S', 0, 0],
    [0.01, '<', 'RA', 0, 1],
    [1, '>', 'S', 9000, 0],
    [1.01, '<', 'R', 77, 0],
  ],
  { endings: ['rst server refused', 'rst server handshake-aborted'] },
);

check(
  'what the snap length cut is a gap at once',
  [...handshake, [0.03, '>', 'PA', 1, 1, get.slice(0, 16), { wireByteCount: 54 + g, totalByteCount: 40 + g }]],
  {
    client: `${get.slice(0, 16)}<${g - 16}>`,
    gaps: [`4 client ${g - 16} cut-by-snap-length`],
    totals: { requests: 1 },
  },
);

check(
  'retransmissions by kind',
  [
    ...exchange,
    [1.0, '<', 'A', 1 + r, 1 + g, 'abcde'],
    [1.001, '<', 'A', 11 + r, 1 + g, 'klmno'],
    [1.002, '>', 'A', 1 + g, 6 + r],
    [1.003, '>', 'A', 1 + g, 6 + r],
    [1.004, '>', 'A', 1 + g, 6 + r],
    [1.006, '<', 'A', 6 + r, 1 + g, 'fghij'],
    [1.01, '>', 'A', 1 + g, 16 + r],
    [1.5, '<', 'A', 1 + r, 1 + g, 'abcde'],
    [2, '<', 'A', 16 + r, 1 + g, 'pqrst'],
    [2.5, '<', 'A', 16 + r, 1 + g, 'pqrst'],
  ],
  {
    calls: [
      '8 server lost-segment',
      '10 client duplicate-ack',
      '11 client duplicate-ack',
      '12 server fast-retransmission',
      '14 server spurious-retransmission',
      '16 server retransmission',
    ],
    server: `${ok}abcdefghijklmnopqrst`,
  },
);

check(
  'window updates and a full window',
  [
    [0, '>', 'S', 0, 0],
    [0.01, '<', 'SA', 0, 1, '', { window: 10 }],
    [0.02, '>', 'A', 1, 1],
    [0.025, '<', 'A', 1, 1, '', { window: 12 }],
    [0.03, '>', 'PA', 1, 1, 'x'.repeat(12)],
  ],
  { calls: ['4 server window-update', '5 client window-full'] },
);

check(
  'refused: a reset in answer to the SYN',
  [
    [0, '>', 'S', 0, 0],
    [0.01, '<', 'RA', 0, 1],
  ],
  {
    endings: ['rst server refused'],
    zeek: ['REJ Sr'],
  },
);
check(
  'never answered',
  [
    [0, '>', 'S', 0, 0],
    [1, '>', 'S', 0, 0],
    [3, '>', 'S', 0, 0],
  ],
  { endings: ['timeout network no-answer'] },
);
check(
  'opened and closed without a request',
  [...handshake, [9, '>', 'FA', 1, 1], [9.01, '<', 'FA', 1, 2], [9.02, '>', 'A', 2, 2]],
  {
    endings: ['fin client unused'],
  },
);
check(
  'a challenge ACK of an older connection, its reset, and the same SYN again: one connection that lives',
  [
    [0, '>', 'S', 0, 0],
    [0.01, '<', 'A', 800_000, 600_000],
    [0.011, '>', 'R', 600_000, 0],
    [1, '>', 'S', 0, 0],
    [1.01, '<', 'SA', 0, 1],
    [1.02, '>', 'A', 1, 1],
    [1.03, '>', 'PA', 1, 1, get],
    [1.04, '<', 'PA', 1, 1 + g, ok],
  ],
  { endings: ['open none still-open'], server: ok, gaps: [] },
);
check(
  'data in the SYN (TCP Fast Open)',
  [
    [0, '>', 'S', 0, 0, get],
    [0.01, '<', 'SA', 0, 1 + g],
    [0.02, '<', 'PA', 1, 1 + g, ok],
  ],
  {
    client: get,
    totals: { connections: 1, requests: 1, responses: 1 },
  },
);
check(
  'joined in mid-stream the wrong way round: the first bytes tell who is the client',
  [
    [0, '<', 'PA', 1, 1, ok, { sourcePort: 50_000, destinationPort: 40_000 }],
    [1, '>', 'PA', 1, 1 + r, get, { destinationPort: 50_000 }],
  ],
  {},
  ({ connections: [connection] }) => {
    assert.equal(connection!.sidesFrom, 'bytes');
    assert.equal(connection!.client.address, '10.0.0.1');
    assert.equal(connection!.zeek.history.startsWith('^') || connection!.client.port === 40_000, true);
  },
);
