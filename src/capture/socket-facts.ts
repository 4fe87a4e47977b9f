/** What rules and groups ask of a socket, and how findings say numbers. */
import type { Endpoint, SocketOwner, SocketPeer, SocketTable, TcpSocket } from '../base/index.js';
import type { SocketDirections } from './socket-directions.js';

/** What a rule knows. */
export interface SocketFacts {
  readonly table: SocketTable;
  /** The sockets that were asked for, of every state. */
  readonly sockets: readonly TcpSocket[];
  readonly peers: readonly SocketPeer[];
  readonly directions: SocketDirections;
  /** The same, a moment earlier; null at the first look. */
  readonly before: { readonly table: SocketTable; readonly peers: readonly SocketPeer[] } | null;
}

/** How long no data have passed, either way. */
export const idleMsOf = ({ measures }: TcpSocket): number | null =>
  measures === null ? null : Math.min(measures.sinceSentMs, measures.sinceReceivedMs);

/** `node/4711`. */
export const ownerName = ({ name, pid }: SocketOwner): string => `${name}/${pid}`;

/** Begins a sentence. */
export const unnamedProgram = 'A program that cannot be named from here';

/**
 * Sockets by the processes that have them; those of nobody known are under null. What waits in an accept queue belongs to nobody yet:
 * it is put down to the program that listens.
 */
export function byOwner(sockets: readonly TcpSocket[], { listenerOf }: SocketDirections): Map<string | null, TcpSocket[]> {
  const groups = new Map<string | null, TcpSocket[]>();
  for (const socket of sockets) {
    const own = socket.owners?.[0];
    const waitsFor = socket.owners?.length === 0 ? listenerOf(socket)?.owners?.[0] : undefined;
    const owner =
      own !== undefined ? ownerName(own) : waitsFor === undefined ? null : `${ownerName(waitsFor)}, which has not accepted them,`;
    const group = groups.get(owner);
    if (group === undefined) groups.set(owner, [socket]);
    else group.push(socket);
  }
  return groups;
}

export const endpointText = ({ address, port }: Endpoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** `1 socket`, `2,000 sockets`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${countText(count)} ${count === 1 ? one : many}`;

export const countText = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** `0.4 s`, `12 s`, `5 min`, `3.5 h`. */
export function durationText(ms: number): string {
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 119_500) return `${Math.round(ms / 1000)} s`;
  return ms < 7_170_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}

/** Bytes that the program has not read. In states behind the peer's FIN the kernel counts that FIN as one. */
export const unreadBytes = ({ state, receiveQueueBytes }: TcpSocket): number =>
  state === 'CLOSE_WAIT' || state === 'LAST_ACK' || state === 'CLOSING' ? Math.max(0, receiveQueueBytes - 1) : receiveQueueBytes;

/** The other ends, most sockets first: `10.0.0.5:5432 (12), clients of *:8080 (3) and 2 others`. */
export function placesText(sockets: readonly TcpSocket[], { of, listenerOf }: SocketDirections): string {
  const counts = new Map<string, number>();
  for (const socket of sockets) {
    const place =
      of(socket) === 'out'
        ? endpointText(socket.remote)
        : `clients of ${endpointText(listenerOf(socket)?.local ?? socket.local)}`;
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  const places = [...counts].sort((a, b) => b[1] - a[1]);
  const texts = places
    .slice(0, placesNamed)
    .map(([place, count]) => (places.length === 1 ? place : `${place} (${countText(count)})`));
  const others = places.length - texts.length;
  if (others > 0) texts.push(counted(others, 'other'));
  return texts.length < 2 ? (texts[0] ?? '') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}

const placesNamed = 3;

/** Whose program it is that runs here, and at the other end: that of most of these sockets. */
export function sidesOf(sockets: readonly TcpSocket[], { of }: SocketDirections): Record<'here' | 'there', 'client' | 'server'> {
  const out = sockets.filter((socket) => of(socket) === 'out').length;
  return out * 2 >= sockets.length ? { here: 'client', there: 'server' } : { here: 'server', there: 'client' };
}
