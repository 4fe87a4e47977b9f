/**
 * Reads the TCP sockets of this host: from the kernel by netlink, else from /proc, on macOS from netstat. Whatever could not be
 * read is said in the table.
 */
import type { SocketTable, TcpSocket } from '../base/index.js';
import { CaptureError } from './capture-error.js';
import type { FoundSocket } from './socket-found.js';
import { readNetstat } from './socket-netstat.js';
import { findSocketOwners } from './socket-owners.js';
import { readProcTable } from './socket-proc.js';
import { readFinTimeout, readListenCounters, readPortSettings, textOf } from './socket-settings.js';
import { readSockDiag } from './socket-sock-diag.js';

export interface SocketTableOptions {
  /** Default: the best that works. */
  readonly source?: 'sock_diag' | 'proc';
  /** Look for the processes. Default: yes. */
  readonly owners?: boolean;
}

/** Throws CaptureError where the sockets of a host cannot be read at all. */
export function readSocketTable(options: SocketTableOptions = {}): SocketTable {
  return process.platform === 'linux' ? readLinuxTable(options) : readOtherTable();
}

function readLinuxTable({ source, owners = true }: SocketTableOptions): SocketTable {
  const missing: string[] = [];
  const diag = source === 'proc' ? 'asked not to' : readSockDiag();
  let found: readonly FoundSocket[];
  if (typeof diag === 'string') {
    if (source === 'sock_diag') throw new CaptureError('not-supported', diag);
    if (source === undefined) missing.push(diag);
    found = readProc();
  } else {
    found = diag.sockets;
    missing.push(...diag.missing);
  }
  return {
    takenAtMs: Date.now(),
    source: typeof diag === 'string' ? '/proc/net/tcp' : 'sock_diag',
    sockets: owners ? withOwners(found, missing) : found.map((socket) => asTold(socket, null)),
    ports: readPortSettings(),
    listenCounters: readListenCounters(),
    finTimeoutSeconds: readFinTimeout(),
    missing,
  };
}

function readProc(): FoundSocket[] {
  const texts = ['/proc/net/tcp', '/proc/net/tcp6'].map(textOf);
  if (texts[0] === null) throw new CaptureError('not-supported', '/proc/net/tcp cannot be read: is /proc mounted?');
  return texts.flatMap((text) => (text === null ? [] : readProcTable(text)));
}

function withOwners(found: readonly FoundSocket[], missing: string[]): TcpSocket[] {
  const inodes = new Set(found.flatMap(({ inode }) => (inode === null || inode === 0 ? [] : [inode])));
  const { owners, closedProcesses } = findSocketOwners(inodes);
  let ownerless = 0;
  const sockets = found.map((socket) => {
    if (socket.inode === 0) return asTold(socket, []);
    const known = owners.get(socket.inode ?? 0) ?? null;
    if (known === null) ownerless++;
    return asTold(socket, known);
  });
  if (ownerless > 0) {
    const why =
      closedProcesses > 0
        ? 'they belong to processes of other users: root sees them (sudo)'
        : 'they belong to no process that is seen here, as those of another container';
    missing.push(`the processes of ${ownerless} ${ownerless === 1 ? 'socket' : 'sockets'} are not known: ${why}`);
  }
  return sockets;
}

function asTold({ inode: _, ...socket }: FoundSocket, owners: TcpSocket['owners']): TcpSocket {
  return { ...socket, owners };
}

function readOtherTable(): SocketTable {
  const sockets = process.platform === 'darwin' ? readNetstat() : `sockets cannot be read on ${process.platform}`;
  if (typeof sockets === 'string') throw new CaptureError('not-supported', sockets);
  return {
    takenAtMs: Date.now(),
    source: 'netstat',
    sockets,
    ports: null,
    listenCounters: null,
    finTimeoutSeconds: null,
    missing: ['netstat tells no timers, no round-trip times and no accept queues'],
  };
}
