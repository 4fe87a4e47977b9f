/**
 * Who opened a connection, as far as a table of sockets tells. In this order: to a port that somebody listens on here it came in; to a
 * listener of this host (over loopback) it went out; where one port alone is of the range for outgoing connections, that end is
 * the opener; else the end that has more connections is the service.
 *
 * The last comes last because a busy host uses one local port for many destinations at once.
 */
import type { Endpoint, PortSettings, TcpSocket } from '../base/index.js';

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
  const localAddresses = new Set(sockets.map(({ local }) => local.address));
  const listenerAt = ({ address, port }: Endpoint): TcpSocket | null => {
    const ofPort = listeners.get(port);
    if (ofPort === undefined) return null;
    return ofPort.find((one) => one.local.address === address) ?? ofPort.find((one) => one.local.address === '*') ?? null;
  };
  const ends = countEnds(sockets);
  return {
    listenerOf: ({ local }) => listenerAt(local),
    of: (socket) => {
      const { local, remote } = socket;
      if (listenerAt(local) !== null) return 'in';
      if (localAddresses.has(remote.address) && listenerAt(remote) !== null) return 'out';
      if (inRange(local.port) !== inRange(remote.port)) return inRange(local.port) ? 'out' : 'in';
      return ends.local(socket) > ends.remote(socket) ? 'in' : 'out';
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
