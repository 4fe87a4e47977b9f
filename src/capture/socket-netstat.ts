/**
 * The sockets of macOS, from what `netstat -anvp tcp` prints. Best effort: written after the documented columns and lists that others
 * have published, not tried on a Mac here. The columns differ between versions, so they are found by their titles; the process
 * is `name:pid` in newer versions and a bare number in older ones.
 *
 *     Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)      rhiwat  shiwat    pid   epid …
 *     tcp4       0      0  127.0.0.1.49212        127.0.0.1.8080         ESTABLISHED  408300  146988   4711      0 …
 *     tcp46      0      0  *.8080                 *.*                    LISTEN       131072  131072   4711      0 …
 */
import { spawnSync } from 'node:child_process';
import { type Endpoint, type SocketOwner, type SocketState, socketStates, type TcpSocket } from '../base/index.js';
import { socketLimit } from './socket-found.js';

const outputLimit = 256 * 1024 * 1024;
const patienceMs = 20_000;

/** The sockets, or in a clause why there are none. */
export function readNetstat(): TcpSocket[] | string {
  const { error, status, stdout } = spawnSync('netstat', ['-anvp', 'tcp'], {
    encoding: 'utf8',
    maxBuffer: outputLimit,
    timeout: patienceMs,
  });
  if (error !== undefined || status !== 0) return `netstat cannot be run: ${error?.message ?? `exit code ${status}`}`;
  return parseNetstat(stdout);
}

/** Lines that are no TCP socket are left out. */
export function parseNetstat(text: string): TcpSocket[] {
  const sockets: TcpSocket[] = [];
  let processColumn: number | null = null;
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    // Two titles are of two words each; the addresses have none.
    if (words[0] === 'Proto') {
      const titles = line
        .replace(/(Local|Foreign) Address/g, '$1')
        .trim()
        .split(/\s+/);
      const at = titles.findIndex((title) => title === 'pid' || title === 'process:pid');
      processColumn = at < 0 ? null : at;
    } else if (/^tcp(4|6|46)$/.test(words[0] ?? '')) {
      const socket = socketOf(words, processColumn);
      if (socket !== null) sockets.push(socket);
      if (sockets.length >= socketLimit) break;
    }
  }
  return sockets;
}

const otherNames: Readonly<Record<string, SocketState>> = {
  FIN_WAIT_1: 'FIN_WAIT1',
  FIN_WAIT_2: 'FIN_WAIT2',
  SYN_RCVD: 'SYN_RECV',
  SYN_RECEIVED: 'SYN_RECV',
  CLOSED: 'CLOSE',
};

function socketOf(words: readonly string[], processColumn: number | null): TcpSocket | null {
  const [, receive, send, local, remote, stateName = ''] = words;
  const state = otherNames[stateName] ?? socketStates.find((name) => name === stateName);
  if (state === undefined || local === undefined || remote === undefined) return null;
  const isListener = state === 'LISTEN';
  return {
    state,
    local: endpoint(local),
    remote: endpoint(remote),
    receiveQueueBytes: isListener ? 0 : Number(receive),
    sendQueueBytes: isListener ? 0 : Number(send),
    acceptQueue: null,
    timer: null,
    uid: null,
    owners: processColumn === null ? null : ownersOf(words[processColumn]),
    measures: null,
  };
}

function ownersOf(text: string | undefined): readonly SocketOwner[] | null {
  const match = /^(?:(.*):)?(\d+)$/.exec(text ?? '');
  if (match === null) return null;
  const pid = Number(match[2]);
  return pid === 0 ? [] : [{ pid, name: match[1] ?? 'pid' }];
}

/** `127.0.0.1.8080`, `fe80::1%lo0.8080`, `*.*`: the port is behind the last dot. */
function endpoint(text: string): Endpoint {
  const dot = text.lastIndexOf('.');
  const port = Number.parseInt(text.slice(dot + 1), 10);
  const address = text
    .slice(0, dot)
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/, '');
  return { address, port: Number.isNaN(port) ? 0 : port };
}
