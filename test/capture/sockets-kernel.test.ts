/**
 * Sockets in known states on loopback, as the kernel tells them by netlink, by /proc and through ss. Those of other programs on this
 * machine are left out by address and port.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { SocketReport, TcpSocket } from 'holdfast/base';
import { readSocketTable, reportSockets } from 'holdfast/capture';
import { connected, connecting, deafListener, haveSs, listen, loopback, portOf, socketsOfSs, until } from './socket-states.js';

const isLinux = process.platform === 'linux';
const skip = !isLinux && 'only Linux has these tables';

/** For what listens on all addresses. */
const isOtherLoopback = (address: string): boolean => address === '::1';

const withPort =
  (port: number) =>
  ({ local, remote }: TcpSocket): boolean =>
    [local, remote].some(
      (end) => end.port === port && (end.address === loopback || end.address === '*' || isOtherLoopback(end.address)),
    );

/** Without looking for processes, which takes long where there are many. */
const ofPort = (port: number): TcpSocket[] =>
  readSocketTable({ source: 'sock_diag', owners: false }).sockets.filter(withPort(port));
const withOwners = (port: number, source: 'sock_diag' | 'proc'): TcpSocket[] =>
  readSocketTable({ source }).sockets.filter(withPort(port));
const reportOf = (port: number): SocketReport => reportSockets(readSocketTable(), { belongs: withPort(port) });

/** Waits until the sockets of a port are in these states. */
const inStates = (port: number, ...states: TcpSocket['state'][]): Promise<TcpSocket[]> =>
  until(() => {
    const sockets = ofPort(port);
    const found = sockets.map(({ state }) => state).sort();
    return found.join() === states.sort().join() && sockets;
  });

const endText = ({ address, port }: TcpSocket['local']): string => `${address}:${port === 0 ? '*' : port}`;

/** As ss says it. */
const inWordsOfSs = (sockets: readonly TcpSocket[]): object[] =>
  sockets
    .map(({ state, local, remote, receiveQueueBytes, sendQueueBytes, acceptQueue, timer, owners }) => ({
      state,
      local: endText(local),
      remote: endText(remote),
      receiveQueue: acceptQueue?.used ?? receiveQueueBytes,
      sendQueue: acceptQueue?.limit ?? sendQueueBytes,
      timer: timer?.kind ?? null,
      pids: (owners ?? []).map(({ pid }) => pid),
    }))
    .sort((a, b) => (a.local + a.remote < b.local + b.remote ? -1 : 1));

/** Netlink, /proc and ss say the same of a port. */
function assertAgreement(port: number): void {
  const sockets = withOwners(port, 'sock_diag');
  assert.ok(sockets.length > 0);
  if (haveSs) {
    const theirs = socketsOfSs(port).map(({ rttMs: _, ...each }) => each);
    assert.deepEqual(
      inWordsOfSs(sockets),
      theirs.sort((a, b) => (a.local + a.remote < b.local + b.remote ? -1 : 1)),
      'ss says otherwise',
    );
  }
  const comparable = (list: readonly TcpSocket[]): object[] =>
    inWordsOfSs(list.map((one) => ({ ...one, acceptQueue: one.acceptQueue && { ...one.acceptQueue, limit: null } })));
  assert.deepEqual(comparable(withOwners(port, 'proc')), comparable(sockets), '/proc/net/tcp says otherwise');
}

test('LISTEN and ESTABLISHED, with a keep-alive timer', { skip }, async (t) => {
  if (!haveSs) t.diagnostic('not compared with ss: it is not installed (iproute2)');
  const server = await listen(() => {});
  const client = await connected(portOf(server));
  client.setKeepAlive(true, 30_000);
  const port = portOf(server);
  await inStates(port, 'LISTEN', 'ESTABLISHED', 'ESTABLISHED');
  assertAgreement(port);
  const own = withOwners(port, 'sock_diag').find(({ remote }) => remote.port === port);
  assert.equal(own!.timer?.kind, 'keep-alive');
  assert.ok(own!.timer!.expiresMs > 20_000 && own!.timer!.expiresMs <= 30_000);
  assert.ok(own!.measures!.rttMs > 0);
  assert.deepEqual(
    own!.owners?.map(({ pid }) => pid),
    [process.pid],
  );
  const { peers } = reportOf(port);
  assert.deepEqual(peers.map(({ direction, sockets }) => [direction, sockets]).sort(), [
    ['in', 1],
    ['out', 1],
  ]);
});

test('bytes that wait: unread here, unacknowledged there', { skip }, async () => {
  let accepted: Socket | null = null;
  const server = await listen((socket) => {
    accepted = socket;
  });
  const client = await connected(portOf(server));
  client.write(Buffer.alloc(777));
  const waiting = await until(() => ofPort(portOf(server)).find(({ receiveQueueBytes }) => receiveQueueBytes === 777));
  assert.equal(waiting.local.port, portOf(server));
  assertAgreement(portOf(server));
  // More than both kernels have room for.
  const chunk = Buffer.alloc(1 << 20);
  for (let sent = 0; sent < 64; sent++) client.write(chunk);
  const stuck = await until(() => ofPort(portOf(server)).find(({ timer }) => timer?.kind === 'probe'));
  assert.ok(stuck.sendQueueBytes > 0);
  assert.equal(stuck.local.port, client.localPort);
  const { findings } = reportOf(portOf(server));
  assert.ok(findings.some(({ rule }) => rule === 'peer-does-not-read'));
  assert.notEqual(accepted, null);
});

test('CLOSE_WAIT and FIN_WAIT2: one side has closed, the other does not', { skip }, async () => {
  const server = await listen(() => {});
  const client = await connected(portOf(server));
  client.end();
  const sockets = await inStates(portOf(server), 'LISTEN', 'CLOSE_WAIT', 'FIN_WAIT2');
  assert.equal(sockets.find(({ state }) => state === 'CLOSE_WAIT')!.local.port, portOf(server));
  assertAgreement(portOf(server));
});

test('TIME_WAIT stays with the side that closed first', { skip }, async () => {
  const server = await listen((socket) => socket.on('end', () => socket.end()).resume());
  const client = await connected(portOf(server));
  client.resume().end();
  await once(client, 'close');
  const sockets = await inStates(portOf(server), 'LISTEN', 'TIME_WAIT');
  const [waiting] = sockets.filter(({ state }) => state === 'TIME_WAIT');
  assert.equal(waiting!.local.port !== portOf(server), true);
  assert.equal(waiting!.timer?.kind, 'time-wait');
  assert.ok(waiting!.timer!.expiresMs <= 60_000);
  assertAgreement(portOf(server));
});

test('an accept queue that is full, and a connect that nobody answers', { skip }, async () => {
  const port = await deafListener();
  connecting(port);
  connecting(port);
  const listener = await until(() => ofPort(port).find(({ acceptQueue }) => acceptQueue?.used === 2));
  assert.deepEqual(listener.acceptQueue, { used: 2, limit: 1 });
  connecting(port);
  const pending = await until(() => ofPort(port).find(({ state, timer }) => state === 'SYN_SENT' && (timer?.attempts ?? 0) > 0));
  assert.equal(pending.timer?.kind, 'retransmit');
  const { findings } = reportOf(port);
  const rules = findings.map(({ rule, level }) => `${level} ${rule}`);
  assert.ok(rules.includes('bad accept-queue-full'), rules.join());
  assert.ok(rules.includes('warning connects-unanswered'), rules.join());
  assertAgreement(port);
});

test('IPv6, and IPv4 through a socket of IPv6', { skip }, async (t) => {
  const server = await listen(() => {}, '::').catch(() => null);
  if (server === null) {
    t.skip('this host has no IPv6');
    return;
  }
  await connected(portOf(server), '::1');
  await connected(portOf(server), loopback);
  const sockets = await inStates(portOf(server), 'LISTEN', 'ESTABLISHED', 'ESTABLISHED', 'ESTABLISHED', 'ESTABLISHED');
  const addresses = sockets.map(({ local }) => local.address).sort();
  assert.deepEqual(addresses, ['*', '127.0.0.1', loopback, '::1', '::1'].sort());
  const proc = withOwners(portOf(server), 'proc').map(({ local }) => local.address);
  assert.deepEqual(proc.sort(), addresses);
});

/** In a network namespace of its own with a hundred local ports: connects until there is none, and tells what the report said meanwhile. */
const exhausting = `
  import { createServer, connect } from 'node:net';
  import { writeFileSync } from 'node:fs';
  import { readSocketTable, reportSockets } from 'holdfast/capture';
  writeFileSync('/proc/sys/net/ipv4/ip_local_port_range', '40000 40099');
  writeFileSync('/proc/sys/net/ipv4/ip_local_reserved_ports', '40010-40019');
  const listening = (port, onConnection) =>
    new Promise((resolve) => {
      const server = createServer(onConnection).listen({ port, host: '127.0.0.1', backlog: 512 }, () => resolve(server));
    });
  const open = [];
  await listening(8080, (socket) => open.push(socket.on('error', () => {})));
  await listening(40050, () => {});
  const told = [];
  for (let error = null; error === null && told.length < 200; ) {
    error = await new Promise((resolve) => {
      const socket = connect(8080, '127.0.0.1', () => resolve(null)).on('error', ({ code }) => resolve(code));
      open.push(socket);
    });
    const { peers, findings } = reportSockets(readSocketTable({ owners: false }));
    const { portsLeft } = peers.find(({ direction }) => direction === 'out');
    told.push({ error, portsLeft, level: findings.find(({ rule }) => rule === 'port-exhaustion')?.level ?? null });
  }
  console.log(JSON.stringify(told));
  process.exit();
`;

interface Told {
  readonly error: string | null;
  readonly portsLeft: number;
  readonly level: string | null;
}

test('connect fails when, and only when, no port is left', { skip }, (t) => {
  const inside = 'ip link set lo up && exec "$0" --input-type=module -e "$1"';
  const run = spawnSync('unshare', ['--net', '--map-root-user', 'sh', '-c', inside, process.execPath, exhausting], {
    encoding: 'utf8',
  });
  if (run.error !== undefined || /unshare|ip: |not permitted|EACCES|EROFS/i.test(run.stderr)) {
    t.skip('no network namespace of our own can be had here (unshare, ip)');
    return;
  }
  const told: Told[] = JSON.parse(run.stdout);
  // A hundred ports, ten reserved, one with a listener.
  assert.equal(told.length, 90, run.stderr);
  for (const [index, { error, portsLeft }] of told.slice(0, -1).entries()) {
    assert.equal(error, null);
    assert.equal(portsLeft, 88 - index);
  }
  assert.deepEqual(told.at(-1), { error: 'EADDRNOTAVAIL', portsLeft: 0, level: 'bad' });
  assert.deepEqual([told[40]!.level, told[74]!.level, told[88]!.level], [null, 'warning', 'bad']);
});
