/**
 * Reads /proc/net/tcp and /proc/net/tcp6 (proc_net_tcp.rst): what there is without koffi. Addresses are the kernel's 32-bit words
 * printed as numbers, so on a little-endian host each word has its bytes turned around. Of a listener the receive queue is
 * that of connections, as in netlink; how many may wait is not told.
 *
 *     sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt   uid  timeout inode …
 *      0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 19213 …
 */
import type { Endpoint } from '../base/index.js';
import { formatIpv4Bytes, formatIpv6Bytes } from './socket-address.js';
import { type FoundSocket, socketLimit } from './socket-found.js';
import { stateOfNumber, timerOf } from './socket-numbers.js';

/** Ticks a second of the times in /proc (USER_HZ), the same on every architecture that Node runs on. */
const ticksPerSecond = 100;

const address = '((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})';
const line = new RegExp(
  `^\\s*\\d+: ${address} ${address} (?<state>[0-9A-F]{2}) (?<send>[0-9A-F]{8}):(?<receive>[0-9A-F]{8}) ` +
    '(?<timer>[0-9A-F]{2}):(?<when>[0-9A-F]{8}) (?<attempts>[0-9A-F]{8}) +(?<uid>\\d+) +\\d+ +(?<inode>\\d+)',
);

/** The sockets of one such file. Lines that are none are left out. */
export function readProcTable(text: string): FoundSocket[] {
  const sockets: FoundSocket[] = [];
  for (const each of text.split('\n')) {
    const match = line.exec(each);
    const socket = match === null ? null : socketOf(match);
    if (socket !== null) sockets.push(socket);
    if (sockets.length >= socketLimit) break;
  }
  return sockets;
}

function socketOf(match: RegExpExecArray): FoundSocket | null {
  const field = match.groups as Readonly<Record<string, string>>;
  const hex = (name: string): number => Number.parseInt(field[name]!, 16);
  const state = stateOfNumber(hex('state'));
  if (state === null) return null;
  const isListener = state === 'LISTEN';
  return {
    state,
    local: endpoint(match[1]!, match[2]!),
    remote: endpoint(match[3]!, match[4]!),
    receiveQueueBytes: isListener ? 0 : hex('receive'),
    sendQueueBytes: isListener ? 0 : hex('send'),
    acceptQueue: isListener ? { used: hex('receive'), limit: null } : null,
    timer: timerOf(hex('timer'), (hex('when') * 1000) / ticksPerSecond, hex('attempts')),
    uid: Number(field.uid),
    inode: Number(field.inode),
    measures: null,
  };
}

function endpoint(digits: string, port: string): Endpoint {
  const bytes = Buffer.from(digits, 'hex');
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  return {
    address: bytes.length === 16 ? formatIpv6Bytes(bytes, 0) : formatIpv4Bytes(bytes, 0),
    port: Number.parseInt(port, 16),
  };
}
