/**
 * Which connection of one capture is which of the other.
 *
 * - The same addresses and ports, and the same initial sequence numbers where both captures have them. A firewall that makes up its
 *   own sequence numbers shifts all of one side by one distance: then the nearest in time of the same ends is taken.
 * - Through address translation: the same initial sequence numbers of both sides, which translation leaves alone; where an opening
 *   was not captured, segments of the same numbers and lengths (`votesNeeded` of them).
 * - A proxy that opens connections of its own is another connection: it is not matched.
 */
import { type ConnectionId, groupedBy } from '../base/index.js';
import { type LoggedConnection, type LoggedSide, type SegmentLog, segmentLogLimits } from './segment-log.js';

export interface ConnectionPair {
  readonly first: LoggedConnection;
  readonly second: LoggedConnection;
  /** What the two were known by. */
  readonly by: 'addresses' | 'initial-sequence-numbers' | 'segments';
  /** To be added to the second's sequence numbers of a side to get the first's. */
  readonly shift: { readonly client: number; readonly server: number };
}

/** Segments with data looked at per connection, and how many must agree. */
const votesPerConnection = 16;
const votesNeeded = 3;

export function matchConnections(first: SegmentLog, second: SegmentLog): ConnectionPair[] {
  const pairs: ConnectionPair[] = [];
  const leftFirst = new Set(first.connections.keys());
  const leftSecond = new Set(second.connections.keys());
  const pair = (a: LoggedConnection, b: LoggedConnection, by: ConnectionPair['by']): void => {
    leftFirst.delete(a.id);
    leftSecond.delete(b.id);
    pairs.push({ first: a, second: b, by, shift: { client: shiftOf(a.client, b.client), server: shiftOf(a.server, b.server) } });
  };
  pairByEnds(first, second, pair);
  pairByInitialNumbers(connectionsOf(first, leftFirst), connectionsOf(second, leftSecond), pair);
  pairBySegments(first, second, leftFirst, leftSecond, pair);
  return pairs.sort((x, y) => x.first.id - y.first.id);
}

type Pair = (a: LoggedConnection, b: LoggedConnection, by: ConnectionPair['by']) => void;

const connectionsOf = (log: SegmentLog, ids: ReadonlySet<ConnectionId>): LoggedConnection[] =>
  [...ids].map((id) => log.connections.get(id)!);

/** Numbers that are known on one side only say nothing. */
const shiftOf = (a: LoggedSide, b: LoggedSide): number =>
  a.initialSequence === null || b.initialSequence === null ? 0 : (a.initialSequence - b.initialSequence) | 0;

const agrees = (a: LoggedSide, b: LoggedSide): boolean =>
  a.initialSequence === null || b.initialSequence === null || a.initialSequence === b.initialSequence;

/** The two ends in a fixed order: captures that begin late may disagree on who is the client. */
const endsOf = ({ client, server }: LoggedConnection): string => [client.end, server.end].sort().join(' ');

function pairByEnds(first: SegmentLog, second: SegmentLog, pair: Pair): void {
  const groups = groupedBy(first.connections.values(), endsOf);
  for (const [ends, others] of groupedBy(second.connections.values(), endsOf)) {
    const left = new Set(groups.get(ends) ?? []);
    if (left.size === 0) continue;
    const waiting: LoggedConnection[] = [];
    for (const other of others) {
      const same = [...left].find((one) => isSameOpening(one, other));
      if (same === undefined) waiting.push(other);
      else {
        left.delete(same);
        pair(same, other, 'addresses');
      }
    }
    // Alone in both captures, the same ends are the same connection, whatever the numbers (or the lack of them).
    const [one] = left;
    if (one === undefined) continue;
    if (left.size === 1 && waiting.length === 1 && one.client.end === waiting[0]!.client.end) pair(one, waiting[0]!, 'addresses');
    else {
      for (const other of waiting) {
        const match = [...left].find(({ client, server }) => agrees(client, other.client) && agrees(server, other.server));
        if (match === undefined || match.client.end !== other.client.end) continue;
        left.delete(match);
        pair(match, other, 'addresses');
      }
    }
  }
}

const isSameOpening = (a: LoggedConnection, b: LoggedConnection): boolean =>
  a.client.end === b.client.end &&
  ((a.client.initialSequence !== null && a.client.initialSequence === b.client.initialSequence) ||
    (a.server.initialSequence !== null && a.server.initialSequence === b.server.initialSequence));

function pairByInitialNumbers(firsts: LoggedConnection[], seconds: LoggedConnection[], pair: Pair): void {
  const keyOf = ({ client, server }: LoggedConnection): string | null =>
    client.initialSequence === null || server.initialSequence === null
      ? null
      : `${client.initialSequence} ${server.initialSequence}`;
  const groups = groupedBy(firsts, keyOf);
  for (const [key, others] of groupedBy(seconds, keyOf)) {
    const ones = groups.get(key);
    if (ones?.length === 1 && others.length === 1) pair(ones[0]!, others[0]!, 'initial-sequence-numbers');
  }
}

function pairBySegments(
  first: SegmentLog,
  second: SegmentLog,
  leftFirst: Set<number>,
  leftSecond: Set<number>,
  pair: Pair,
): void {
  if (leftFirst.size === 0 || leftSecond.size === 0) return;
  const owners = new Map<string, ConnectionId>();
  for (const [key, id] of votes(first, leftFirst)) owners.set(key, owners.has(key) && owners.get(key) !== id ? -1 : id);
  const tally = new Map<string, number>();
  for (const [key, id] of votes(second, leftSecond)) {
    const owner = owners.get(key) ?? -1;
    if (owner >= 0) tally.set(`${owner} ${id}`, (tally.get(`${owner} ${id}`) ?? 0) + 1);
  }
  for (const [ids, count] of [...tally].sort((x, y) => y[1] - x[1])) {
    const [one = -1, other = -1] = ids.split(' ').map(Number);
    if (count < votesNeeded) break;
    if (leftFirst.has(one) && leftSecond.has(other)) {
      pair(first.connections.get(one)!, second.connections.get(other)!, 'segments');
    }
  }
}

/** Segments with data, by what translation leaves alone. */
function* votes(log: SegmentLog, left: ReadonlySet<ConnectionId>): Iterable<readonly [key: string, id: ConnectionId]> {
  const cast = new Map<ConnectionId, number>();
  for (let at = 0; at < log.count && cast.size <= segmentLogLimits.connections; at++) {
    const id = log.connection[at]!;
    if (log.length[at] === 0 || !left.has(id)) continue;
    const count = cast.get(id) ?? 0;
    if (count >= votesPerConnection) continue;
    cast.set(id, count + 1);
    yield [`${log.from[at]} ${log.sequence[at]} ${log.acknowledgment[at]} ${log.length[at]}`, id];
  }
}
