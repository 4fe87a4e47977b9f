/**
 * Sockets grouped by what they lead to: outgoing ones by the address and port of the service, incoming ones by the listener they
 * came to. Of an outgoing group it is said how many local ports are left for it: a connection is its four numbers, so each pair of
 * local address and service has the whole range to itself, in which its own sockets of every state (TIME_WAIT too) and the ports of
 * listeners take their places.
 */
import type { Endpoint, PortSettings, SocketPeer, SocketState, TcpSocket } from '../base/index.js';
import type { SocketDirection, SocketDirections } from './socket-directions.js';
import { idleMsOf, ownerName, unreadBytes } from './socket-facts.js';

/** Without data for so long, an open connection counts as idle. */
export const idleAfterMs = 1000;
/** Owners named for a group. */
const ownersNamed = 8;

interface Group {
  readonly direction: SocketDirection;
  readonly service: Endpoint;
  readonly sockets: TcpSocket[];
}

/**
 * @param sockets those to group
 * @param all every socket of the table: ports are taken by those that were not asked for, too
 */
export function groupPeers(
  sockets: readonly TcpSocket[],
  all: readonly TcpSocket[],
  ports: PortSettings | null,
  directions: SocketDirections,
): SocketPeer[] {
  const groups = new Map<string, Group>();
  for (const socket of sockets) {
    if (socket.state === 'LISTEN' || socket.state === 'CLOSE') continue;
    const direction = directions.of(socket);
    const service = direction === 'out' ? socket.remote : (directions.listenerOf(socket)?.local ?? socket.local);
    const key = `${direction} ${service.address} ${service.port}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { direction, service, sockets: [socket] });
    else group.sockets.push(socket);
  }
  const portsTaken = ports === null ? null : takenPorts(all, ports, directions);
  return [...groups.values()]
    .map((group) => peerOf(group, ports === null || portsTaken === null ? null : portsLeft(group, ports, portsTaken)))
    .sort((a, b) => b.sockets - a.sockets || a.service.port - b.service.port);
}

function peerOf({ direction, service, sockets }: Group, portsLeftOfGroup: number | null): SocketPeer {
  const states: Partial<Record<SocketState, number>> = {};
  const addresses = new Set<string>();
  const owners = new Map<string, number>();
  const roundTrips: number[] = [];
  let idle: number | null = 0;
  let queuedBytes = 0;
  for (const socket of sockets) {
    const { state, local, remote, measures } = socket;
    states[state] = (states[state] ?? 0) + 1;
    addresses.add(direction === 'out' ? local.address : remote.address);
    queuedBytes += socket.sendQueueBytes + unreadBytes(socket);
    for (const owner of socket.owners ?? []) owners.set(ownerName(owner), (owners.get(ownerName(owner)) ?? 0) + 1);
    if (measures !== null && measures.rttMs > 0) roundTrips.push(measures.rttMs);
    if (state !== 'ESTABLISHED') continue;
    const idleMs = idleMsOf(socket);
    idle = idleMs === null || idle === null ? null : idle + (idleMs >= idleAfterMs ? 1 : 0);
  }
  return {
    direction,
    service,
    address: addresses.size === 1 ? [...addresses][0]! : null,
    addressCount: addresses.size,
    sockets: sockets.length,
    states,
    idle,
    rttMs: median(roundTrips),
    queuedBytes,
    portsLeft: portsLeftOfGroup,
    owners: [...owners]
      .sort((a, b) => b[1] - a[1])
      .slice(0, ownersNamed)
      .map(([name]) => name),
  };
}

function median(values: number[]): number | null {
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)]!;
}

interface TakenPorts {
  /** Ports of the range that outgoing sockets have, by local address and service. */
  readonly byWay: ReadonlyMap<string, ReadonlySet<number>>;
  /** Ports of the range that listeners have, by address. */
  readonly byListener: ReadonlyMap<string, ReadonlySet<number>>;
}

const wayOf = (local: string, { address, port }: Endpoint): string => `${local} ${address} ${port}`;

function takenPorts(all: readonly TcpSocket[], { first, last }: PortSettings, directions: SocketDirections): TakenPorts {
  const byWay = new Map<string, Set<number>>();
  const byListener = new Map<string, Set<number>>();
  const add = (map: Map<string, Set<number>>, key: string, port: number): void => {
    const ports = map.get(key);
    if (ports === undefined) map.set(key, new Set([port]));
    else ports.add(port);
  };
  for (const socket of all) {
    const { port, address } = socket.local;
    if (port < first || port > last) continue;
    if (socket.state === 'LISTEN') add(byListener, address, port);
    else if (directions.of(socket) === 'out') add(byWay, wayOf(address, socket.remote), port);
  }
  return { byWay, byListener };
}

/** Of the local address that has the fewest left. */
function portsLeft(
  { direction, service, sockets }: Group,
  ports: PortSettings,
  { byWay, byListener }: TakenPorts,
): number | null {
  if (direction === 'in') return null;
  const size = ports.last - ports.first + 1 - ports.reserved;
  const addresses = new Set(sockets.map(({ local }) => local.address));
  const left = [...addresses].map((address) => {
    const listening = new Set([...(byListener.get('*') ?? []), ...(byListener.get(address) ?? [])]);
    return size - listening.size - (byWay.get(wayOf(address, service))?.size ?? 0);
  });
  return Math.max(0, Math.min(...left));
}
