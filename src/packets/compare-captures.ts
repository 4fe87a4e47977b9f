/**
 * Compares two captures of the same traffic. Each is read as ever, with a tap; when both are over, connections are matched, clocks
 * aligned, segments matched, and what only one capture has is judged:
 *
 *      client ─────[first]──────── the way between ────────[second]───── server
 *
 * Which point is nearer to the clients shows in any packet of a client and any packet of a server: the second's time less the first's
 * is larger for the client's packet when the first point is nearer to it, by the delay both ways.
 *
 * All work is done at the end, from two bounded logs.
 */
import type { Side, SourceSummary } from '../base/index.js';
import { alignClocks, type ClockAlignment, toFirst, toSecond } from './align-clocks.js';
import {
  type CaptureName,
  type ComparedConnection,
  type Comparison,
  comparisonLimits,
  type OneSidedConnection,
  type OneSidedPacket,
} from './comparison.js';
import { DelayAccount } from './delay-account.js';
import {
  addCounts,
  type JudgeQuestion,
  judgeOneSided,
  type MatchedDirection,
  noneOneSided,
  type OneSided,
  type RunningTime,
  settleTraceless,
  usualTimeToLive,
} from './judge-one-sided.js';
import { type ConnectionPair, matchConnections } from './match-connections.js';
import { matchAlike, matchBytes, matchCopies } from './match-segments.js';
import type { SegmentTap } from './observe-capture.js';
import { bySender, type LoggedConnection, SegmentLog, type SynOffer } from './segment-log.js';

/** A connection that both captures have. */
interface MatchedConnection {
  readonly pair: ConnectionPair;
  readonly client: MatchedDirection;
  readonly server: MatchedDirection;
}

export class CaptureComparer {
  readonly #first = new SegmentLog();
  readonly #second = new SegmentLog();

  /** To be given to `observeCapture` of the first and of the second capture. */
  tap(which: CaptureName): SegmentTap {
    const log = which === 'first' ? this.#first : this.#second;
    return (segment, connection, from) => log.add(segment, connection, from);
  }

  /** Both captures are over. */
  end(sources: { readonly first: SourceSummary; readonly second: SourceSummary }): Comparison {
    const [first, second] = [this.#first, this.#second];
    const connections = matched(first, second);
    const nearerToClient = nearestToClient(connections);
    const align = (): ClockAlignment | null => alignClocks(pairsOf(connections, nearerToClient ?? 'first'));
    let clocks = align();
    if (clocks !== null) {
      matchFurther(connections, clocks, nearerToClient ?? 'first');
      clocks = align() ?? clocks;
    }
    const runs = { first: runningTime(first, sources.first), second: runningTime(second, sources.second) };
    const oneSided = clocks === null || nearerToClient === null ? null : judged(connections, clocks, nearerToClient, runs);
    const told = mostInteresting(connections, oneSided, nearerToClient ?? 'first').map((index) =>
      tellConnection(connections[index]!, oneSided?.[index] ?? null, clocks, nearerToClient ?? 'first'),
    );
    const alone = clocks === null ? [] : aloneIn(first, second, connections, clocks, runs);
    const only = (name: CaptureName) => alone.filter(({ seenIn }) => seenIn === name);
    const { oneSidedConnections: most } = comparisonLimits;
    return {
      clock: clocks === null ? null : tellClock(clocks, sources),
      nearerToClient,
      matchedConnections: connections.length,
      matchedPackets: connections.reduce((sum, connection) => sum + matchedPacketsOf(connection), 0),
      oneSided: { client: totalOf(oneSided, 'client'), server: totalOf(oneSided, 'server') },
      delays: delaysOfAll(connections, clocks, nearerToClient ?? 'first'),
      connections: told,
      oneSidedConnections: [...only('first').slice(0, most), ...only('second').slice(0, most)],
      oneSidedConnectionCounts: { first: only('first').length, second: only('second').length },
      leftOut: { first: first.leftOut, second: second.leftOut },
    };
  }
}

const both = ['client', 'server'] as const satisfies readonly Side[];

function matched(first: SegmentLog, second: SegmentLog): MatchedConnection[] {
  const [ofFirst, ofSecond] = [bySender(first), bySender(second)];
  return matchConnections(first, second).map((pair) => {
    const direction = (from: Side): MatchedDirection => {
      const lists = {
        first,
        second,
        inFirst: ofFirst.of(pair.first.id, from),
        inSecond: ofSecond.of(pair.second.id, from),
        shift: pair.shift[from],
        peerShift: pair.shift[from === 'client' ? 'server' : 'client'],
      };
      return { from, lists, match: matchAlike(lists) };
    };
    return { pair, client: direction('client'), server: direction('server') };
  });
}

/** Says each matched packet of a direction. */
function eachPair({ lists, match }: MatchedDirection, take: (firstNs: number, secondNs: number) => void): void {
  const { first, second, inFirst, inSecond } = lists;
  for (const [index, other] of match.ofFirst.entries()) {
    if (other >= 0) take(first.atNs[inFirst[index]!]!, second.atNs[inSecond[other]!]!);
  }
}

/** Whether packets of this side pass the first point first. */
const isOnward = (from: Side, nearerToClient: CaptureName): boolean => (from === 'client') === (nearerToClient === 'first');

const pairsOf =
  (connections: readonly MatchedConnection[], nearerToClient: CaptureName) =>
  (take: (firstNs: number, secondNs: number, onward: boolean) => void): void => {
    for (const connection of connections) {
      for (const from of both) {
        const onward = isOnward(from, nearerToClient);
        eachPair(connection[from], (firstNs, secondNs) => take(firstNs, secondNs, onward));
      }
    }
  };

/**
 * Each connection votes with packets of its two sides that are neighbours in time: clocks do not drift that fast. Two captures of one
 * point see the same times, and are not told apart.
 */
function nearestToClient(connections: readonly MatchedConnection[]): CaptureName | null {
  let [first, second, votes] = [0, 0, 0];
  for (const connection of connections) {
    const packets: { atNs: number; differenceNs: number; from: Side }[] = [];
    for (const from of both) {
      eachPair(connection[from], (firstNs, secondNs) => packets.push({ atNs: firstNs, differenceNs: secondNs - firstNs, from }));
    }
    packets.sort((a, b) => a.atNs - b.atNs);
    for (const [index, packet] of packets.entries()) {
      const next = packets[index + 1];
      if (next === undefined || next.from === packet.from) continue;
      const [client, server] = packet.from === 'client' ? [packet, next] : [next, packet];
      const delayNs = client.differenceNs - server.differenceNs;
      votes++;
      if (delayNs > 0) first++;
      else if (delayNs < 0) second++;
    }
  }
  if (2 * first > votes) return 'first';
  return 2 * second > votes ? 'second' : null;
}

function matchFurther(connections: readonly MatchedConnection[], clocks: ClockAlignment, nearerToClient: CaptureName): void {
  const range = { client: new DelayAccount(), server: new DelayAccount() };
  for (const connection of connections) {
    for (const from of both) {
      const { lists, match } = connection[from];
      matchCopies(lists, match, clocks);
      eachPair(connection[from], (firstNs, secondNs) => range[from].add(secondNs - toSecond(clocks, firstNs)));
    }
  }
  for (const connection of connections) {
    for (const from of both) {
      const { lists, match } = connection[from];
      matchBytes(lists, match, clocks, { onward: isOnward(from, nearerToClient), longestNs: range[from].rangeNs });
    }
  }
}

/** When a capture was running, as far as it shows, on its own scale. */
interface Runs {
  readonly first: RunningTime;
  readonly second: RunningTime;
}

const runningTime = (log: SegmentLog, { firstAtNs, lastAtNs }: SourceSummary): RunningTime => ({
  beganNs: firstAtNs ?? Number.POSITIVE_INFINITY,
  endedNs: Math.min(lastAtNs ?? Number.NEGATIVE_INFINITY, log.wholeUntilNs),
});

type Judged = Readonly<Record<Side, OneSided>>;

function judged(
  connections: readonly MatchedConnection[],
  clocks: ClockAlignment,
  nearerToClient: CaptureName,
  runs: Runs,
): Judged[] {
  const otherRuns = {
    first: { beganNs: toFirst(clocks, runs.second.beganNs), endedNs: toFirst(clocks, runs.second.endedNs) },
    second: { beganNs: toSecond(clocks, runs.first.beganNs), endedNs: toSecond(clocks, runs.first.endedNs) },
  };
  const atSender = (from: Side): CaptureName => ((from === 'client') === (nearerToClient === 'first') ? 'first' : 'second');
  const missedBy = { first: 0, second: 0 };
  const question = (direction: MatchedDirection, peer: MatchedDirection): JudgeQuestion => ({
    direction,
    peer,
    atSender: atSender(direction.from),
    otherRuns,
  });
  const found = connections.map(({ client, server }) => ({
    client: judgeOneSided(question(client, server), missedBy),
    server: judgeOneSided(question(server, client), missedBy),
  }));
  for (const one of found) for (const from of both) settleTraceless(one[from], atSender(from), missedBy);
  return found;
}

function tellConnection(
  connection: MatchedConnection,
  found: Judged | null,
  clocks: ClockAlignment | null,
  nearerToClient: CaptureName,
): ComparedConnection {
  const { first, second, by, shift } = connection.pair;
  const empty = noneOneSided();
  const packets = both.flatMap((from) => withUsual((found?.[from] ?? empty).packets, connection[from]));
  const timeOf = ({ seenIn, atNs }: OneSidedPacket): number =>
    seenIn === 'first' || clocks === null ? atNs : toFirst(clocks, atNs);
  return {
    first: first.id,
    second: second.id,
    clientEnds: [first.client.end, second.client.end],
    serverEnds: [first.server.end, second.server.end],
    matchedBy: by,
    isTranslated: first.client.end !== second.client.end || first.server.end !== second.server.end,
    hasShiftedNumbers: shift.client !== 0 || shift.server !== 0,
    rewritten: changesOf(connection.pair, nearerToClient),
    hops: { client: hopsOf(connection.client), server: hopsOf(connection.server) },
    matchedPackets: matchedPacketsOf(connection),
    oneSided: { client: found?.client.counts ?? empty.counts, server: found?.server.counts ?? empty.counts },
    packets: packets.sort((a, b) => timeOf(a) - timeOf(b)).slice(0, comparisonLimits.packetsPerConnection),
    delays: delaysOfAll([connection], clocks, nearerToClient),
  };
}

function withUsual(packets: readonly OneSidedPacket[], direction: MatchedDirection): OneSidedPacket[] {
  if (packets.length === 0) return [];
  const usual = { first: usualTimeToLive(direction, 'first'), second: usualTimeToLive(direction, 'second') };
  return packets.map((packet) => ({ ...packet, usualTimeToLive: usual[packet.seenIn] }));
}

function hopsOf(direction: MatchedDirection): number | null {
  const first = usualTimeToLive(direction, 'first');
  const second = usualTimeToLive(direction, 'second');
  return first === null || second === null ? null : Math.abs(first - second);
}

/** What the way changed in a SYN, in the order in which it passed: "client's maximum segment size 1460 → 1380". */
function rewritten(from: Side, first: SynOffer | null, second: SynOffer | null, onward: boolean): string[] {
  if (first === null || second === null) return [];
  const [before, after] = onward ? [first, second] : [second, first];
  const value = (option: number | boolean): string =>
    option === -1 || option === false ? 'none' : option === true ? 'yes' : String(option);
  const names = {
    maximumSegmentSize: 'maximum segment size',
    windowScale: 'window scale',
    sackPermitted: 'selective acknowledgment',
    timestamps: 'timestamps',
  } as const satisfies Record<keyof SynOffer, string>;
  return (Object.keys(names) as (keyof SynOffer)[])
    .filter((name) => before[name] !== after[name])
    .map((name) => `${from}'s ${names[name]} ${value(before[name])} → ${value(after[name])}`);
}

function delaysOfAll(connections: readonly MatchedConnection[], clocks: ClockAlignment | null, nearerToClient: CaptureName) {
  const delaysOf = (from: Side) => {
    if (clocks === null) return null;
    const account = new DelayAccount();
    const sign = isOnward(from, nearerToClient) ? 1 : -1;
    for (const connection of connections) {
      eachPair(connection[from], (firstNs, secondNs) => account.add(sign * (secondNs - toSecond(clocks, firstNs))));
    }
    return account.summary();
  };
  return { client: delaysOf('client'), server: delaysOf('server') };
}

function tellClock(clocks: ClockAlignment, sources: { readonly first: SourceSummary; readonly second: SourceSummary }) {
  const { offsetNs, driftPpm, uncertaintyNs, packets } = clocks;
  return {
    offsetNs: offsetNs + (sources.second.originSeconds - sources.first.originSeconds) * 1e9,
    driftPpm,
    uncertaintyNs: Number.isFinite(uncertaintyNs) ? uncertaintyNs : null,
    packets,
  };
}

function matchedPacketsOf({ client, server }: MatchedConnection): number {
  let count = 0;
  for (const { match } of [client, server]) for (const other of match.ofFirst) if (other >= 0) count++;
  return count;
}

const changesOf = ({ first, second }: ConnectionPair, nearerToClient: CaptureName): string[] => [
  ...rewritten('client', first.client.offer, second.client.offer, nearerToClient === 'first'),
  ...rewritten('server', first.server.offer, second.server.offer, nearerToClient === 'second'),
];

function totalOf(judgements: readonly Judged[] | null, from: Side) {
  const { counts } = noneOneSided();
  for (const judgement of judgements ?? []) addCounts(counts, judgement[from].counts);
  return counts;
}

/** Places of the connections that are told: forged packets first, then lost ones, then what is merely odd. */
function mostInteresting(
  connections: readonly MatchedConnection[],
  judgements: readonly Judged[] | null,
  nearerToClient: CaptureName,
): number[] {
  const interest = connections.map(({ pair }, index) => {
    const none = noneOneSided();
    const { client, server } = judgements?.[index] ?? { client: none, server: none };
    const sum = (name: keyof OneSided['counts']): number => client.counts[name] + server.counts[name];
    const shifted = pair.shift.client !== 0 || pair.shift.server !== 0 ? 1 : 0;
    const odd = sum('unclear') + sum('notCaptured') + changesOf(pair, nearerToClient).length + shifted;
    return sum('forged') * 1e12 + sum('lost') * 1e6 + odd;
  });
  return [...interest.keys()]
    .sort((a, b) => interest[b]! - interest[a]! || connections[a]!.pair.first.id - connections[b]!.pair.first.id)
    .slice(0, comparisonLimits.connections);
}

function aloneIn(
  first: SegmentLog,
  second: SegmentLog,
  connections: readonly MatchedConnection[],
  clocks: ClockAlignment,
  runs: Runs,
): OneSidedConnection[] {
  const isAlone = (log: SegmentLog, seenIn: CaptureName): OneSidedConnection[] => {
    const known = new Set(connections.map(({ pair }) => pair[seenIn].id));
    return [...log.connections.values()]
      .filter((connection) => !known.has(connection.id) && hasRunOther(connection, seenIn))
      .map(({ id, client, server }) => ({
        seenIn,
        connection: id,
        client: client.end,
        server: server.end,
        packets: client.segments + server.segments,
        isAnswered: server.segments > 0,
      }));
  };
  /** The other capture was running for all of it, as far as packets show. */
  const hasRunOther = ({ firstAtNs, lastAtNs }: LoggedConnection, seenIn: CaptureName): boolean => {
    const other = seenIn === 'first' ? runs.second : runs.first;
    const toOther = (atNs: number): number => (seenIn === 'first' ? toSecond(clocks, atNs) : toFirst(clocks, atNs));
    return toOther(firstAtNs) >= other.beganNs && toOther(lastAtNs) <= other.endedNs;
  };
  return [...isAlone(first, 'first'), ...isAlone(second, 'second')];
}
