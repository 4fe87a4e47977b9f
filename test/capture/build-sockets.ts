/** Tables of sockets made by hand. */
import type { SocketMeasures, SocketTable, TcpSocket } from 'holdfast/base';

export const measures = (changes: Partial<SocketMeasures> = {}): SocketMeasures => ({
  rttMs: 0.5,
  totalRetransmissions: 0,
  sinceSentMs: 10,
  sinceReceivedMs: 10,
  sinceAckMs: 10,
  bytesAcknowledged: 100,
  bytesReceived: 100,
  notSentBytes: 0,
  busyMs: 0,
  windowLimitedMs: 0,
  ...changes,
});

/** `10.0.0.1:40000`, `*:80`. */
export function end(text: string): TcpSocket['local'] {
  const colon = text.lastIndexOf(':');
  return { address: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

export function socket(state: TcpSocket['state'], local: string, remote: string, changes: Partial<TcpSocket> = {}): TcpSocket {
  return {
    state,
    local: end(local),
    remote: end(remote),
    receiveQueueBytes: 0,
    sendQueueBytes: 0,
    acceptQueue: null,
    timer: null,
    uid: 1000,
    owners: state === 'TIME_WAIT' ? [] : [{ pid: 4711, name: 'node' }],
    measures: state === 'TIME_WAIT' ? null : measures(),
    ...changes,
  };
}

export const listener = (local: string, used = 0, limit: number | null = 511): TcpSocket =>
  socket('LISTEN', local, '*:0', { acceptQueue: { used, limit }, measures: null });

/** So many sockets, from local ports that follow each other. */
export const many = (
  count: number,
  state: TcpSocket['state'],
  remote: string,
  changes: Partial<TcpSocket> = {},
  firstPort = 40_000,
): TcpSocket[] => Array.from({ length: count }, (_, index) => socket(state, `10.0.0.1:${firstPort + index}`, remote, changes));

export const tableOf = (sockets: readonly TcpSocket[], changes: Partial<SocketTable> = {}): SocketTable => ({
  takenAtMs: Date.UTC(2026, 0, 1),
  source: 'sock_diag',
  sockets,
  ports: { first: 32_768, last: 60_999, reserved: 0, reuseOfTimeWait: 'loopback' },
  listenCounters: { overflows: 0, drops: 0 },
  finTimeoutSeconds: 60,
  missing: [],
  ...changes,
});
