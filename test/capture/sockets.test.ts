/** The table of sockets: how it is read from each source's bytes, how sockets are grouped, and each rule with its near misses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketFinding, SocketTable, TcpSocket } from 'holdfast/base';
import { reportSockets } from 'holdfast/capture';
import { diagRequest, readDiagAnswer } from '#dist/capture/socket-diag-messages.js';
import { parseNetstat } from '#dist/capture/socket-netstat.js';
import { readProcTable } from '#dist/capture/socket-proc.js';
import { countReserved, listenCountersOf } from '#dist/capture/socket-settings.js';
import { listener, many, measures, socket, tableOf } from './build-sockets.js';

// A netlink message about one socket: 127.0.0.1:8080 in ESTABLISHED with a keep-alive timer, and a tcp_info of 184 bytes.
function diagMessage(): Buffer {
  const message = Buffer.alloc(16 + 72 + 4 + 184);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(20, 4);
  message.set([2, 1, 2, 0], 16);
  message.writeUInt16BE(8080, 20);
  message.writeUInt16BE(40_000, 22);
  message.set([127, 0, 0, 1], 24);
  message.set([10, 0, 0, 7], 40);
  for (const [at, value] of [
    [52, 29_000],
    [56, 5],
    [60, 7],
    [64, 1000],
    [68, 4242],
  ] as const)
    message.writeUInt32LE(value, 16 + at);
  message.writeUInt16LE(188, 88);
  message.writeUInt16LE(2, 90);
  message.writeUInt32LE(1500, 92 + 68);
  message.writeUInt32LE(30_000, 92 + 44);
  message.writeBigUInt64LE(123n, 92 + 120);
  return message;
}

const doneMessage = (): Buffer => {
  const message = Buffer.alloc(20);
  message.writeUInt32LE(20, 0);
  message.writeUInt16LE(3, 4);
  return message;
};

test('a netlink answer is read to its end', () => {
  const found: object[] = [];
  const answer = readDiagAnswer(Buffer.concat([diagMessage(), diagMessage(), doneMessage()]), (one) => found.push(one));
  assert.deepEqual(answer, { done: true, error: 0, interrupted: false });
  assert.equal(found.length, 2);
  assert.deepEqual(found[0], {
    state: 'ESTABLISHED',
    local: { address: '127.0.0.1', port: 8080 },
    remote: { address: '10.0.0.7', port: 40_000 },
    receiveQueueBytes: 5,
    sendQueueBytes: 7,
    acceptQueue: null,
    timer: { kind: 'keep-alive', expiresMs: 29_000, attempts: 0 },
    uid: 1000,
    inode: 4242,
    measures: {
      rttMs: 1.5,
      totalRetransmissions: 0,
      sinceSentMs: 30_000,
      sinceReceivedMs: 0,
      sinceAckMs: 0,
      bytesAcknowledged: 123,
      bytesReceived: 0,
      notSentBytes: 0,
      busyMs: 0,
      windowLimitedMs: 0,
    },
  });
});

test('netlink bytes of any kind are read without harm', () => {
  const whole = Buffer.concat([diagMessage(), doneMessage()]);
  for (let length = 0; length <= whole.length; length++) readDiagAnswer(whole.subarray(0, length), () => {});
  for (let at = 0; at < whole.length; at++) {
    const damaged = Buffer.from(whole);
    for (const value of [0, 1, 3, 0x7f, 0xff]) {
      damaged[at] = value;
      readDiagAnswer(damaged, ({ local }) => assert.equal(typeof local.address, 'string'));
    }
  }
});

test('an error of the kernel is told', () => {
  const message = Buffer.alloc(36);
  message.writeUInt32LE(36, 0);
  message.writeUInt16LE(2, 4);
  message.writeInt32LE(-13, 16);
  assert.deepEqual(
    readDiagAnswer(message, () => {}),
    { done: true, error: 13, interrupted: false },
  );
});

test('a shorter tcp_info of an older kernel means that nothing was measured', () => {
  const message = diagMessage();
  message.writeUInt16LE(104, 88);
  readDiagAnswer(message, (one) => assert.equal(one.measures, null));
  assert.equal(diagRequest(2, 1).length, 72);
});

test('/proc/net/tcp is read', () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 19213 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0700000A:9C40 01 00000007:00000005 01:0000012C 00000002  1000        0 4242 1 0000000000000000 20 4 30 10 -1
   2: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1
   3: B80D01200000000000000000010000FF:0050 0000000000000000FFFF00000100007F:0051 06 00000000:00000000 03:00000BB8 00000000     0        0 0 3
   4: not a socket
`;
  const sockets = readProcTable(text);
  assert.deepEqual(
    sockets.map(({ state, local, remote }) => `${state} ${local.address}:${local.port} ${remote.address}:${remote.port}`),
    [
      'LISTEN 127.0.0.1:8080 *:0',
      'ESTABLISHED 127.0.0.1:8080 10.0.0.7:40000',
      'LISTEN *:80 *:0',
      'TIME_WAIT 2001:db8::ff00:1:80 127.0.0.1:81',
    ],
  );
  assert.deepEqual(sockets[0]!.acceptQueue, { used: 3, limit: null });
  assert.deepEqual(sockets[1]!.timer, { kind: 'retransmit', expiresMs: 3000, attempts: 2 });
  assert.equal(sockets[3]!.timer?.expiresMs, 30_000);
});

// Written after the documented columns; not from a Mac of ours.
const netstat = `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)      rhiwat  shiwat    pid   epid state  options           gencnt    flags   flags1 usscnt rtncnt fltrs
tcp4       0     33  127.0.0.1.49212        127.0.0.1.8080         ESTABLISHED  408300  146988   4711      0 00102 00000000 0000000000a1b2c3 00000080 01000900      1      0 000001
tcp46      0      0  *.8080                 *.*                    LISTEN       131072  131072    815      0 00100 00000006 0000000000a1b2c4 00000000 00000900      1      0 000001
tcp6       0      0  fe80::1%lo0.49300      fe80::1%lo0.8080       CLOSE_WAIT   408300  146988   4711      0 00102 00000000 0000000000a1b2c5 00000080 01000900      1      0 000001
tcp4       0      0  10.0.0.7.49301         10.0.0.5.5432          TIME_WAIT    131072  131072      0      0 00102 00000000 0000000000a1b2c6 00000080 01000900      1      0 000001
tcp4       0      0  10.0.0.7.49302         10.0.0.5.5432          FIN_WAIT_2   131072  131072   4711      0 00102 00000000 0000000000a1b2c7 00000080 01000900      1      0 000001
udp4       0      0  *.5353                 *.*                                 786896    9216    300      0 00100 00000004 00000000000001f6 00000000 00000800      1      0 000000
`;

test('netstat of macOS is read', () => {
  const sockets = parseNetstat(netstat);
  assert.deepEqual(
    sockets.map(({ state, local, remote, owners }) => [state, local, remote, owners?.map(({ pid }) => pid)]),
    [
      ['ESTABLISHED', { address: '127.0.0.1', port: 49_212 }, { address: '127.0.0.1', port: 8080 }, [4711]],
      ['LISTEN', { address: '*', port: 8080 }, { address: '*', port: 0 }, [815]],
      ['CLOSE_WAIT', { address: 'fe80::1', port: 49_300 }, { address: 'fe80::1', port: 8080 }, [4711]],
      ['TIME_WAIT', { address: '10.0.0.7', port: 49_301 }, { address: '10.0.0.5', port: 5432 }, []],
      ['FIN_WAIT2', { address: '10.0.0.7', port: 49_302 }, { address: '10.0.0.5', port: 5432 }, [4711]],
    ],
  );
  assert.equal(sockets[0]!.sendQueueBytes, 33);
  const named = parseNetstat(netstat.replace('   pid   epid', ' process:pid ').replace('   4711      0', ' my-node:4711'));
  assert.deepEqual(named[0]!.owners, [{ pid: 4711, name: 'my-node' }]);
});

test('settings and counters of the kernel are read', () => {
  assert.equal(countReserved('8080,32768-32777,60999-61010,x\n', 32_768, 60_999), 11);
  assert.deepEqual(listenCountersOf('TcpExt: A ListenOverflows ListenDrops\nTcpExt: 1 7 9\nIpExt: B\nIpExt: 5\n'), {
    overflows: 7,
    drops: 9,
  });
  assert.equal(listenCountersOf('TcpExt: A\nTcpExt: 1\n'), null);
});

test('peers: outgoing by service, incoming by listener', () => {
  const { peers } = reportSockets(
    tableOf([
      listener('*:8080'),
      socket('ESTABLISHED', '10.0.0.1:8080', '10.0.0.8:50000'),
      socket('TIME_WAIT', '10.0.0.1:8080', '10.0.0.9:50000'),
      socket('ESTABLISHED', '10.0.0.1:40000', '10.0.0.5:5432', {
        measures: measures({ sinceSentMs: 5000, sinceReceivedMs: 5000 }),
      }),
      ...many(3, 'TIME_WAIT', '10.0.0.5:5432', {}, 41_000),
    ]),
  );
  assert.deepEqual(
    peers.map(({ direction, service, address, addressCount, sockets, states, idle }) => ({
      direction,
      service,
      address,
      addressCount,
      sockets,
      states,
      idle,
    })),
    [
      {
        direction: 'out',
        service: { address: '10.0.0.5', port: 5432 },
        address: '10.0.0.1',
        addressCount: 1,
        sockets: 4,
        states: { ESTABLISHED: 1, TIME_WAIT: 3 },
        idle: 1,
      },
      {
        direction: 'in',
        service: { address: '*', port: 8080 },
        address: null,
        addressCount: 2,
        sockets: 2,
        states: { ESTABLISHED: 1, TIME_WAIT: 1 },
        idle: 0,
      },
    ],
  );
});

test('peers: where the listener has gone, the end that many share is the service', () => {
  const left = Array.from({ length: 5 }, (_, index) => socket('TIME_WAIT', '10.0.0.1:40123', `10.0.0.1:${50_000 + index}`));
  const { peers } = reportSockets(tableOf(left));
  assert.deepEqual(
    peers.map(({ direction, service, sockets }) => [direction, service.port, sockets]),
    [['in', 40_123, 5]],
  );
});

test('peers: a local port that is used for many destinations is no service', () => {
  const busyPort = Array.from({ length: 6 }, (_, index) => socket('TIME_WAIT', '127.0.0.1:40782', `10.0.0.${index + 1}:80`));
  const { peers } = reportSockets(
    tableOf([
      ...busyPort,
      listener('127.0.0.9:35911'),
      socket('ESTABLISHED', '127.0.0.1:40782', '127.0.0.9:35911'),
      socket('ESTABLISHED', '127.0.0.9:35911', '127.0.0.1:40782'),
    ]),
  );
  const text = peers.map(({ direction, service }) => `${direction} ${service.address}:${service.port}`).sort();
  assert.deepEqual(text, [
    'in 127.0.0.9:35911',
    ...[1, 2, 3, 4, 5, 6].map((last) => `out 10.0.0.${last}:80`),
    'out 127.0.0.9:35911',
  ]);
});

test('ports left are counted for each pair of local address and service', () => {
  const ports = { first: 40_000, last: 40_099, reserved: 10, reuseOfTimeWait: 'never' } as const;
  const { peers } = reportSockets(
    tableOf(
      [
        ...many(30, 'TIME_WAIT', '10.0.0.5:80'),
        ...many(20, 'ESTABLISHED', '10.0.0.6:80'),
        // The same ports from another address take nothing from these; a listener within the range takes one from all.
        ...many(5, 'ESTABLISHED', '10.0.0.5:80').map((one) => ({ ...one, local: { address: '10.0.0.2', port: one.local.port } })),
        listener('*:40090'),
      ],
      { ports },
    ),
  );
  assert.deepEqual(
    peers.map(({ service, portsLeft }) => [service.address, portsLeft]),
    [
      ['10.0.0.5', 100 - 10 - 1 - 30],
      ['10.0.0.6', 100 - 10 - 1 - 20],
    ],
  );
});

test('what is not listed still counts for peers and findings', () => {
  const table = tableOf([...many(2, 'ESTABLISHED', '10.0.0.5:80'), ...many(600, 'TIME_WAIT', '10.0.0.5:80', {}, 45_000)]);
  const report = reportSockets(table, { isListed: ({ state }) => state === 'ESTABLISHED' });
  assert.equal(report.chosen.length, 2);
  assert.equal(report.peers[0]!.sockets, 602);
  assert.ok(report.findings.some(({ rule }) => rule === 'time-wait-pile'));
});

const seconds = (count: number): Partial<TcpSocket> => ({
  measures: measures({ sinceSentMs: count * 1000, sinceReceivedMs: count * 1000, sinceAckMs: count * 1000 }),
});
const retransmit = (attempts: number): Partial<TcpSocket> => ({
  timer: { kind: 'retransmit', expiresMs: 200, attempts },
  sendQueueBytes: 500,
});
const smallRange = { ports: { first: 40_000, last: 40_999, reserved: 0, reuseOfTimeWait: 'never' } } as const;
const kernelOnly = { owners: [], timer: { kind: 'time-wait', expiresMs: 20_000, attempts: 0 } } as const;

/** Each rule where it speaks, with its level, and near misses where it must not (level null). */
const cases: readonly [rule: string, level: SocketFinding['level'] | null, words: string, table: SocketTable][] = [
  ['port-exhaustion', 'bad', 'nearly no port left', tableOf(many(960, 'TIME_WAIT', '10.0.0.5:80'), smallRange)],
  ['port-exhaustion', 'bad', 'no port left', tableOf(many(1000, 'TIME_WAIT', '10.0.0.5:80'), smallRange)],
  ['port-exhaustion', 'warning', 'most ports taken', tableOf(many(820, 'ESTABLISHED', '10.0.0.5:80'), smallRange)],
  ['port-exhaustion', null, 'most are left', tableOf(many(700, 'TIME_WAIT', '10.0.0.5:80'), smallRange)],
  [
    'port-exhaustion',
    null,
    'many, but to two services',
    tableOf([...many(500, 'TIME_WAIT', '10.0.0.5:80'), ...many(500, 'TIME_WAIT', '10.0.0.6:80')], smallRange),
  ],
  ['close-wait-leak', 'bad', 'for long', tableOf(many(3, 'CLOSE_WAIT', '10.0.0.5:80', seconds(120)))],
  ['close-wait-leak', 'bad', 'many', tableOf(many(60, 'CLOSE_WAIT', '10.0.0.5:80', seconds(10)))],
  ['close-wait-leak', 'warning', 'a few, for a while', tableOf(many(3, 'CLOSE_WAIT', '10.0.0.5:80', seconds(8)))],
  ['close-wait-leak', null, 'just closing', tableOf(many(60, 'CLOSE_WAIT', '10.0.0.5:80', seconds(1)))],
  ['close-wait-leak', 'warning', 'many, times unknown', tableOf(many(12, 'CLOSE_WAIT', '10.0.0.5:80', { measures: null }))],
  ['close-wait-leak', null, 'few, times unknown', tableOf(many(3, 'CLOSE_WAIT', '10.0.0.5:80', { measures: null }))],
  ['connects-unanswered', 'warning', 'one that is asked again', tableOf(many(1, 'SYN_SENT', '10.0.0.5:80', retransmit(1)))],
  ['connects-unanswered', 'bad', 'several that are asked again', tableOf(many(4, 'SYN_SENT', '10.0.0.5:80', retransmit(2)))],
  ['connects-unanswered', null, 'two under way', tableOf(many(2, 'SYN_SENT', '10.0.0.5:80', retransmit(0)))],
  ['accept-queue-full', 'bad', 'over its limit', tableOf([listener('*:80', 129, 128)])],
  ['accept-queue-full', 'warning', 'nearly full', tableOf([listener('*:80', 110, 128)])],
  ['accept-queue-full', null, 'a few wait', tableOf([listener('*:80', 20, 128)])],
  ['accept-queue-full', null, 'the limit is unknown', tableOf([listener('*:80', 200, null)])],
  ['connections-dropped', 'info', 'some time since the start', tableOf([], { listenCounters: { overflows: 4, drops: 5 } })],
  ['connections-dropped', null, 'never', tableOf([])],
  ['time-wait-pile', 'info', 'hundreds', tableOf(many(600, 'TIME_WAIT', '10.0.0.5:80'))],
  ['time-wait-pile', 'warning', 'thousands', tableOf(many(6000, 'TIME_WAIT', '10.0.0.5:80'))],
  ['time-wait-pile', null, 'a hundred', tableOf(many(100, 'TIME_WAIT', '10.0.0.5:80'))],
  ['idle-pool', 'info', 'idle for a while', tableOf(many(4, 'ESTABLISHED', '10.0.0.5:80', seconds(20)))],
  ['idle-pool', 'warning', 'idle for long without probes', tableOf(many(4, 'ESTABLISHED', '10.0.0.5:80', seconds(600)))],
  [
    'idle-pool',
    'info',
    'idle for long with probes',
    tableOf(
      many(4, 'ESTABLISHED', '10.0.0.5:80', { ...seconds(600), timer: { kind: 'keep-alive', expiresMs: 9000, attempts: 0 } }),
    ),
  ],
  ['idle-pool', null, 'in use', tableOf(many(4, 'ESTABLISHED', '10.0.0.5:80'))],
  [
    'idle-pool',
    null,
    'the pool of somebody else',
    tableOf([
      listener('10.0.0.1:80'),
      socket('ESTABLISHED', '10.0.0.1:80', '10.0.0.5:50000', seconds(20)),
      socket('ESTABLISHED', '10.0.0.1:80', '10.0.0.5:50001', seconds(20)),
    ]),
  ],
  ['unacknowledged-data', 'warning', 'sent again', tableOf(many(1, 'ESTABLISHED', '10.0.0.5:80', retransmit(2)))],
  ['unacknowledged-data', 'bad', 'sent again and again', tableOf(many(1, 'FIN_WAIT1', '10.0.0.5:80', retransmit(6)))],
  ['unacknowledged-data', null, 'an ordinary loss', tableOf(many(1, 'ESTABLISHED', '10.0.0.5:80', retransmit(1)))],
  ['unacknowledged-data', null, 'a connect', tableOf(many(1, 'SYN_SENT', '10.0.0.5:80', retransmit(4)))],
  [
    'peer-does-not-read',
    'warning',
    'a closed window',
    tableOf(many(1, 'ESTABLISHED', '10.0.0.5:80', { sendQueueBytes: 9, timer: { kind: 'probe', expiresMs: 100, attempts: 1 } })),
  ],
  ['peer-does-not-read', null, 'bytes on their way', tableOf(many(1, 'ESTABLISHED', '10.0.0.5:80', retransmit(0)))],
  [
    'unread-data',
    'warning',
    'unread for long',
    tableOf(many(1, 'ESTABLISHED', '10.0.0.5:80', { ...seconds(9), receiveQueueBytes: 70 })),
  ],
  ['unread-data', null, 'just arrived', tableOf(many(1, 'ESTABLISHED', '10.0.0.5:80', { receiveQueueBytes: 70 }))],
  ['half-closed', 'warning', 'held by the program', tableOf(many(1, 'FIN_WAIT2', '10.0.0.5:80', seconds(90)))],
  ['half-closed', 'info', 'many of the kernel', tableOf(many(12, 'FIN_WAIT2', '10.0.0.5:80', { ...kernelOnly, measures: null }))],
  ['half-closed', null, 'many, just closing', tableOf(many(12, 'FIN_WAIT2', '10.0.0.5:80', seconds(1)))],
  [
    'half-closed',
    null,
    'many of the kernel, just closing',
    tableOf(
      many(12, 'FIN_WAIT2', '10.0.0.5:80', {
        owners: [],
        timer: { kind: 'time-wait', expiresMs: 59_000, attempts: 0 },
        measures: null,
      }),
    ),
  ],
  ['half-closed', null, 'a few of the kernel', tableOf(many(3, 'FIN_WAIT2', '10.0.0.5:80', { ...kernelOnly, measures: null }))],
];

for (const [rule, level, words, table] of cases) {
  test(`${rule}: ${words}: ${level ?? 'nothing said'}`, () => {
    const finding = reportSockets(table).findings.find((one) => one.rule === rule);
    assert.equal(finding?.level ?? null, level);
    if (finding === undefined) return;
    assert.match(finding.title, /^[A-Z].*[^.]$/);
    assert.match(finding.detail, /\.$/);
    assert.doesNotMatch(finding.detail, /undefined|NaN|null|Infinity/);
    if (level === 'bad' || level === 'warning') assert.ok(finding.fixes.length > 0);
  });
}

test('the programs that leak are named, each by itself', () => {
  const other = { ...seconds(90), owners: [{ pid: 12, name: 'java' }] };
  const { findings } = reportSockets(
    tableOf([...many(3, 'CLOSE_WAIT', '10.0.0.5:80', seconds(90)), ...many(2, 'CLOSE_WAIT', '10.0.0.6:80', other)]),
  );
  assert.deepEqual(
    findings.map(({ rule, detail }) => [rule, detail.slice(0, 30)]),
    [
      ['close-wait-leak', 'node/4711 has 3 sockets in CLO'],
      ['close-wait-leak', 'java/12 has 2 sockets in CLOSE'],
    ],
  );
});

test('what waits to be accepted is put down to the program that listens', () => {
  const waiting = { ...seconds(90), owners: [] };
  const { findings } = reportSockets(
    tableOf([
      listener('*:8080', 2),
      socket('CLOSE_WAIT', '10.0.0.1:8080', '10.0.0.8:50000', waiting),
      socket('CLOSE_WAIT', '10.0.0.1:8080', '10.0.0.8:50001', waiting),
    ]),
  );
  assert.match(findings[0]!.detail, /^node\/4711, which has not accepted them, has 2 sockets in CLOSE_WAIT/);
  assert.equal(findings[0]!.owner, 'server');
});

test('two looks say how fast the ports go, and when the last one is gone', () => {
  const at = (count: number, takenAtMs: number): SocketTable =>
    tableOf(many(count, 'TIME_WAIT', '10.0.0.5:80'), { ...smallRange, takenAtMs });
  const first = reportSockets(at(300, 0));
  assert.ok(first.findings.every(({ rule }) => rule !== 'port-exhaustion'));
  const second = reportSockets(at(400, 2000), {}, first);
  const finding = second.findings.find(({ rule }) => rule === 'port-exhaustion');
  assert.equal(finding?.level, 'bad');
  assert.match(
    finding?.detail ?? '',
    /600 of 1,000 local ports are left.*50 more are taken each second, so the last one is gone in 12 s/,
  );
  const steady = reportSockets(at(400, 4000), {}, second);
  assert.ok(steady.findings.every(({ rule }) => rule !== 'port-exhaustion'));
});

test('two looks say that connections are dropped now', () => {
  const at = (drops: number): SocketTable => tableOf([], { listenCounters: { overflows: drops, drops } });
  const first = reportSockets(at(5));
  assert.equal(reportSockets(at(5), {}, first).findings.length, 0);
  const [finding] = reportSockets(at(8), {}, first).findings;
  assert.equal(finding?.level, 'bad');
  assert.match(finding?.detail ?? '', /^Since the last look, 3 new connections were dropped/);
});
