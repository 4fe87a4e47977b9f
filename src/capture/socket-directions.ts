/**
 * Who opened a connection, as far as a table of sockets tells: to a port that somebody listens on here it came in. Where the listener
 * has gone, the port from the range for outgoing connections is the opener's.
 */
import type { PortSettings, TcpSocket } from '../base/index.js';

/** The range that IANA gives (RFC 6335 §6), where the host's own is not known. */
const usualRange = { first: 49_152, last: 65_535 };

export type SocketDirection = 'out' | 'in';

export interface SocketDirections {
  of(socket: TcpSocket): SocketDirection;
  /** The listener that a connection came to, if it is still there. */
  listenerOf(socket: TcpSocket): TcpSocket | null;
}

export function socketDirections(sockets: readonly TcpSocket[], ports: PortSettings | null): SocketDirections {
  const listeners = new Map<string, TcpSocket>();
  for (const socket of sockets)
    if (socket.state === 'LISTEN') listeners.set(`${socket.local.address} ${socket.local.port}`, socket);
  const { first, last } = ports ?? usualRange;
  const inRange = (port: number): boolean => port >= first && port <= last;
  const listenerOf = ({ local }: TcpSocket): TcpSocket | null =>
    listeners.get(`${local.address} ${local.port}`) ?? listeners.get(`* ${local.port}`) ?? null;
  return {
    listenerOf,
    of: (socket) => {
      if (listenerOf(socket) !== null) return 'in';
      return !inRange(socket.local.port) && inRange(socket.remote.port) ? 'in' : 'out';
    },
  };
}
