/**
 * What is known of one client address and one server endpoint over all their connections, as rules see it: reuse, closes, sockets in
 * TIME_WAIT. Its numbers are among those of all pairs (facts-pairs.ts), and where they are is written here.
 */
import type { ConnectionId } from '../base/index.js';
import { type Constant, ConstantFinder } from './facts-constant.js';
import { type ConnectionOutline, keptIn, type OutlineRings, ringWidth } from './facts-outline.js';
import type { ServerFacts } from './facts-server.js';
import { type TimeWait, timeWaitBuckets, timeWaitIn, timeWaitWidth } from './facts-time-wait.js';

/** How connections that served exactly one request came to their end. */
export interface SingleUse {
  /** The client closed right after the response although nobody had asked for it. */
  readonly clientPrompt: number;
  /** The client had asked for the close. */
  readonly clientAsked: number;
  readonly serverPrompt: number;
  readonly serverAsked: number;
  /** Closed after an idle time, or never. */
  readonly idle: number;
}

/** The client's closes for idleness that agree on one time. */
const agreeing = { least: 2, share: 0.6 } as const;
/** Most pairs have few such closes. */
export const idleTimesKept = 4;

/** Where the counts of a pair are among its integers. What most connections change is side by side. */
export const countPlaces = {
  connections: 0,
  requests: 1,
  handshakes: 2,
  reusedConnections: 3,
  wholeConnections: 4,
  closeAskedByClient: 5,
  usedConnections: 6,
  promptCloses: 7,
  idleClosesByClient: 8,
  idleClosesByServer: 9,
  clientPrompt: 10,
  clientAsked: 11,
  serverPrompt: 12,
  serverAsked: 13,
  singleIdle: 14,
  singleOther: 15,
  byTurns: 16,
  stillOpen: 17,
  unread: 18,
  stalled: 19,
  ring: 20,
  clientTimeWait: 20 + ringWidth,
  serverTimeWait: 20 + ringWidth + timeWaitWidth,
  clientBuckets: 20 + ringWidth + 2 * timeWaitWidth,
  serverBuckets: 20 + ringWidth + 2 * timeWaitWidth + timeWaitBuckets,
} as const;

/** And its times and the like, as floats. */
export const timePlaces = {
  firstNs: 0,
  lastNs: 1,
  handshakeNs: 2,
  waitedNs: 3,
  longestGapNs: 4,
  longestGapPacket: 5,
  longestGapConnection: 6,
} as const;

/** How many there are of each. */
export const widths = { counts: countPlaces.serverBuckets + timeWaitBuckets, times: 7 } as const;

/** Counts that say whether a rule has anything to look at. */
export type PairCount = 'usedConnections' | 'closeAskedByClient' | 'promptCloses' | 'idleClosesByClient' | 'stillOpen' | 'unread';

/** That a count is at least so high. */
export interface PairNeed {
  /** Where it is among the integers. */
  readonly at: number;
  readonly least: number;
}

export const needOf = ({ count, least }: { readonly count: PairCount; readonly least: number }): PairNeed => ({
  at: countPlaces[count],
  least,
});

export interface Unread {
  readonly connections: ConnectionId[];
  readonly packets: number[];
}
interface PairParts {
  readonly server: ServerFacts;
  readonly clientAddress: string;
  readonly host: string | null;
  readonly software: string | null;
  readonly slot: number;
  readonly counts: Int32Array;
  readonly times: Float64Array;
  readonly idleTimes: Float64Array;
  readonly outlines: OutlineRings;
  readonly idleFinder: ConstantFinder | null;
  readonly unread: Unread;
}

/** One pair as rules see it: good until the next connection comes. */
export class PairFacts {
  readonly server: ServerFacts;
  readonly clientAddress: string;
  /** The first Host asked for. */
  readonly host: string | null;
  /** The first User-Agent; raw. */
  readonly software: string | null;
  private readonly slot: number;
  private readonly counts: Int32Array;
  private readonly times: Float64Array;
  private readonly idleTimes: Float64Array;
  private readonly outlines: OutlineRings;
  private readonly idleFinder: ConstantFinder | null;
  private readonly unreadParts: Unread;

  constructor({
    server,
    clientAddress,
    host,
    software,
    slot,
    counts,
    times,
    idleTimes,
    outlines,
    idleFinder,
    unread,
  }: PairParts) {
    this.server = server;
    this.clientAddress = clientAddress;
    this.host = host;
    this.software = software;
    this.slot = slot;
    this.counts = counts;
    this.times = times;
    this.idleTimes = idleTimes;
    this.outlines = outlines;
    this.idleFinder = idleFinder;
    this.unreadParts = unread;
  }

  get connections(): number {
    return this.countAt(countPlaces.connections);
  }

  get requests(): number {
    return this.countAt(countPlaces.requests);
  }

  /** Connections with an answered request. */
  get usedConnections(): number {
    return this.countAt(countPlaces.usedConnections);
  }

  get reusedConnections(): number {
    return this.countAt(countPlaces.reusedConnections);
  }

  /** Captured from their opening on, both sides, without missing bytes. */
  get wholeConnections(): number {
    return this.countAt(countPlaces.wholeConnections);
  }

  /** Of those used: the heads could not be read, so who asked for a close is unknown. */
  get byTurns(): number {
    return this.countAt(countPlaces.byTurns);
  }

  get firstNs(): number {
    return this.timeAt(timePlaces.firstNs);
  }

  get lastNs(): number {
    return this.timeAt(timePlaces.lastNs);
  }

  /** Time from the first opening to the last ending, in ns. */
  get spanNs(): number {
    return Math.max(0, this.lastNs - this.firstNs);
  }

  get handshakes(): number {
    return this.countAt(countPlaces.handshakes);
  }

  get handshakeNs(): number {
    return this.timeAt(timePlaces.handshakeNs);
  }

  /** What its callers waited for answers, in ns. */
  get waitedNs(): number {
    return this.timeAt(timePlaces.waitedNs);
  }

  /** Exchanges whose request asked for the close (or was HTTP/1.0 without the token). */
  get closeAskedByClient(): number {
    return this.countAt(countPlaces.closeAskedByClient);
  }

  get singleUse(): SingleUse {
    return {
      clientPrompt: this.countAt(countPlaces.clientPrompt),
      clientAsked: this.countAt(countPlaces.clientAsked),
      serverPrompt: this.countAt(countPlaces.serverPrompt),
      serverAsked: this.countAt(countPlaces.serverAsked),
      idle: this.countAt(countPlaces.singleIdle),
    };
  }

  /** Connections that the client closed right behind an answer, unasked. */
  get promptCloses(): number {
    return this.countAt(countPlaces.promptCloses);
  }

  get stillOpen(): number {
    return this.countAt(countPlaces.stillOpen);
  }

  /** Idle connections that the client closed. */
  get idleClosesByClient(): number {
    return this.countAt(countPlaces.idleClosesByClient);
  }

  get idleClosesByServer(): number {
    return this.countAt(countPlaces.idleClosesByServer);
  }

  /** The idle time after which the client closes, in ns, where its closes agree on one. */
  idleLimit(): Constant | null {
    const count = this.idleClosesByClient;
    if (count < agreeing.least) return null;
    const finder = count > idleTimesKept ? this.idleFinder : finderOf(this.idleTimes, this.slot * idleTimesKept, count);
    return finder?.constant(agreeing) ?? null;
  }

  get longestSurvivedGapNs(): number {
    return this.timeAt(timePlaces.longestGapNs);
  }

  get longestGapPacket(): number {
    return this.timeAt(timePlaces.longestGapPacket);
  }

  get longestGapConnection(): ConnectionId {
    return this.timeAt(timePlaces.longestGapConnection);
  }

  /** Sockets in TIME_WAIT that the closes of each side left. */
  get clientTimeWait(): TimeWait {
    return timeWaitIn(this.counts, this.slot * widths.counts + countPlaces.clientTimeWait);
  }

  get serverTimeWait(): TimeWait {
    return timeWaitIn(this.counts, this.slot * widths.counts + countPlaces.serverTimeWait);
  }

  get unreadConnections(): readonly ConnectionId[] {
    return this.unreadParts.connections;
  }

  get unreadPackets(): readonly number[] {
    return this.unreadParts.packets;
  }

  /** Connections on which the client did not read a response to its end. */
  get unread(): number {
    return this.countAt(countPlaces.unread);
  }

  /** Those of them on which its window was closed. */
  get stalled(): number {
    return this.countAt(countPlaces.stalled);
  }

  /** How many of the newest HTTP connections are kept in outline, and these, made anew on each call. */
  get recentCount(): number {
    return keptIn(this.counts, this.slot * widths.counts + countPlaces.ring);
  }

  get recent(): ConnectionOutline[] {
    return this.outlines.all(this.counts, this.slot * widths.counts + countPlaces.ring);
  }

  /** The most connections that were in use at once, among the newest. */
  mostAtOnce(): number {
    return this.outlines.mostAtOnce(this.counts, this.slot * widths.counts + countPlaces.ring);
  }

  reaches({ at, least }: PairNeed): boolean {
    return this.countAt(at) >= least;
  }

  private countAt(at: number): number {
    return this.counts[this.slot * widths.counts + at]!;
  }

  private timeAt(at: number): number {
    return this.times[this.slot * widths.times + at]!;
  }
}

export function finderOf(numbers: Float64Array, from: number, count: number): ConstantFinder {
  const finder = new ConstantFinder();
  for (let index = 0; index < count; index++) finder.add(numbers[from + index]!);
  return finder;
}
