/** Real sockets on loopback in states that are hard to catch, and ss (iproute2) as a second opinion on them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after } from 'node:test';
import type { SocketState, SocketTimer } from 'holdfast/base';

const open: { destroy?: () => unknown; close?: () => unknown; kill?: () => unknown }[] = [];
after(() => {
  for (const { destroy, close, kill } of open) (destroy ?? close ?? kill)?.();
});
const kept = <One extends Socket | Server | ChildProcess>(one: One): One => {
  open.push({
    ...('destroy' in one ? { destroy: () => one.destroy() } : {}),
    ...('close' in one ? { close: () => one.close() } : {}),
    ...('kill' in one ? { kill: () => one.kill('SIGKILL') } : {}),
  });
  return one;
};

/** A loopback address of our own: the ports of other programs on this machine are on others. */
export const loopback = `127.77.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`;

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** A server that does with its connections what is said. */
export async function listen(onConnection: (socket: Socket) => void, host = loopback): Promise<Server> {
  const server = kept(
    createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => onConnection(kept(socket).on('error', () => {}))),
  );
  server.listen(0, host);
  await once(server, 'listening');
  return server;
}

export async function connected(port: number, host = loopback): Promise<Socket> {
  const socket = kept(connect({ port, host, allowHalfOpen: true }));
  await once(socket, 'connect');
  return socket;
}

/** A connect that is not waited for: it may never be answered. */
export const connecting = (port: number): Socket => kept(connect({ port, host: loopback }).on('error', () => {}));

/** A process that listens with a backlog of 1 and never accepts. */
export async function deafListener(): Promise<number> {
  const script = `
    const server = require('node:net').createServer();
    server.listen({ port: 0, host: '${loopback}', backlog: 1 }, () => {
      require('node:fs').writeSync(1, server.address().port + '\\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = kept(spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] }));
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return Number(line.toString());
}

const patienceMs = 20_000;

/** Looks until it is so: the kernel sends no event for a change of state. */
export async function until<Value>(look: () => Value | null | undefined | false): Promise<Value> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const value = look();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const haveSs = spawnSync('ss', ['-V']).status === 0;

export interface SsSocket {
  readonly state: SocketState;
  readonly local: string;
  readonly remote: string;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly timer: SocketTimer['kind'] | null;
  readonly pids: readonly number[];
  readonly rttMs: number | null;
}

const statesOfSs: Readonly<Record<string, SocketState>> = {
  ESTAB: 'ESTABLISHED',
  'SYN-SENT': 'SYN_SENT',
  'SYN-RECV': 'SYN_RECV',
  'FIN-WAIT-1': 'FIN_WAIT1',
  'FIN-WAIT-2': 'FIN_WAIT2',
  'TIME-WAIT': 'TIME_WAIT',
  UNCONN: 'CLOSE',
  'CLOSE-WAIT': 'CLOSE_WAIT',
  'LAST-ACK': 'LAST_ACK',
  LISTEN: 'LISTEN',
  CLOSING: 'CLOSING',
};
const timersOfSs: Readonly<Record<string, SocketTimer['kind']>> = {
  on: 'retransmit',
  keepalive: 'keep-alive',
  timewait: 'time-wait',
  persist: 'probe',
};

/** What ss says of the sockets with this port of ours at either end. */
export function socketsOfSs(port: number): SsSocket[] {
  const filter = `( src ${loopback} and sport = :${port} ) or ( dst ${loopback} and dport = :${port} )`;
  const { stdout } = spawnSync('ss', ['-HOtanoip', filter], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [state = '', receiveQueue, sendQueue, local = '', remote = ''] = line.trim().split(/\s+/);
      return {
        state: statesOfSs[state]!,
        local,
        remote: remote.replace('0.0.0.0:', '*:'),
        receiveQueue: Number(receiveQueue),
        sendQueue: Number(sendQueue),
        timer: timersOfSs[/timer:\((\w+)/.exec(line)?.[1] ?? ''] ?? null,
        pids: [...line.matchAll(/pid=(\d+)/g)].map((match) => Number(match[1])),
        rttMs: Number(/\brtt:([\d.]+)/.exec(line)?.[1] ?? Number.NaN) || null,
      };
    });
}
