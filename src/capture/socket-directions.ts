/**
 * Who opened a connection, as far as a table of sockets tells: to a port that somebody listens on here it came in. Where the listener
 * has gone, the end that has more connections is the service, and of equals the port from the range for outgoing connections is
 * the opener's.
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
  const listeners = new Map<number, TcpSocket[]>();
  for (const socket of sockets) {
    if (socket.state !== 'LISTEN') continue;
    const ofPort = listeners.get(socket.local.port);
    if (ofPort === undefined) listeners.set(socket.local.port, [socket]);
    else ofPort.push(socket);
  }
  const { first, last } = ports ?? usualRange;
  const inRange = (port: number): boolean => port >= first && port <= last;
  const listenerOf = ({ local }: TcpSocket): TcpSocket | null => {
    const ofPort = listeners.get(local.port);
    if (ofPort === undefined) return null;
    return ofPort.find((one) => one.local.address === local.address) ?? ofPort.find((one) => one.local.address === '*') ?? null;
  };
  const ends = countEnds(sockets);
  return {
    listenerOf,
    of: (socket) => {
      if (listenerOf(socket) !== null) return 'in';
      const [here, there] = [ends.local(socket), ends.remote(socket)];
      if (here !== there) return here > there ? 'in' : 'out';
      return !inRange(socket.local.port) && inRange(socket.remote.port) ? 'in' : 'out';
    },
  };
}

/** How many sockets have the same local end, or the same remote end. */
function countEnds(sockets: readonly TcpSocket[]): Record<'local' | 'remote', (socket: TcpSocket) => number> {
  const count = (end: 'local' | 'remote'): ((socket: TcpSocket) => number) => {
    // By port and then address: a text for each socket would cost more than all the rest.
    const counts = new Map<number, Map<string, number>>();
    for (const socket of sockets) {
      const { address, port } = socket[end];
      let ofPort = counts.get(port);
      if (ofPort === undefined) {
        ofPort = new Map();
        counts.set(port, ofPort);
      }
      ofPort.set(address, (ofPort.get(address) ?? 0) + 1);
    }
    return (socket) => counts.get(socket[end].port)?.get(socket[end].address) ?? 0;
  };
  return { local: count('local'), remote: count('remote') };
}
