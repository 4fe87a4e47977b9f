/**
 * What is known of one client address and one server endpoint over all their connections: reuse, closes, sockets in TIME_WAIT.
 * Counts over any number of connections, details of the newest ones only.
 *
 * The numbers are those of a row (facts-rows.ts), one for each slot of the table; what is seldom needed is beside it. Rules see it as
 * an object that is made when they ask.
 */
import type { ConnectionId } from '../base/index.js';
import { cameTooLate } from './ending.js';
import type { ConnectionFacts } from './facts-connection.js';
import { type Constant, ConstantFinder } from './facts-constant.js';
import { type ConnectionOutline, keptIn, OutlineRings, ringWidth } from './facts-outline.js';
import { PairTable } from './facts-pair-table.js';
import { Slots } from './facts-rows.js';
import type { ServerFacts } from './facts-server.js';
import { addTimeWait, restartTimeWait, type TimeWait, timeWaitIn, timeWaitWidth } from './facts-time-wait.js';
import type { Connection } from './model.js';

const pairLimits = {
  /** Connections kept as evidence. */
  evidence: 32,
} as const;

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

/** Shorter answers are read together with their heads; a reset behind them is somebody's way of closing. */
const leastUnreadBytes = 4096;
/** A window closed for less, when the capture ends, may open again. */
const leastStallNs = 2e9;

/** The client's closes for idleness that agree on one time. */
const agreeing = { least: 2, share: 0.6 } as const;
/** Most pairs have few such closes. */
const idleTimesInRow = 4;

/** Where the numbers of a pair are in its row. What most connections change is side by side. */
const place = {
  connections: 0,
  requests: 1,
  firstNs: 2,
  lastNs: 3,
  handshakes: 4,
  handshakeNs: 5,
  reusedConnections: 6,
  wholeConnections: 7,
  waitedNs: 8,
  closeAskedByClient: 9,
  usedConnections: 10,
  promptCloses: 11,
  idleClosesByClient: 12,
  longestGapNs: 13,
  longestGapPacket: 14,
  longestGapConnection: 15,
  clientPrompt: 16,
  clientAsked: 17,
  serverPrompt: 18,
  serverAsked: 19,
  singleIdle: 20,
  singleOther: 21,
  byTurns: 22,
  stillOpen: 23,
  idleClosesByServer: 24,
  unread: 25,
  stalled: 26,
  ring: 27,
  idleTimes: 27 + ringWidth,
  clientTimeWait: 27 + ringWidth + idleTimesInRow,
  serverTimeWait: 27 + ringWidth + idleTimesInRow + timeWaitWidth,
} as const;

// By themselves: compiled code knows a place in an object only when it was looked up before.
const { clientPrompt, clientAsked, serverPrompt, serverAsked, singleIdle, singleOther } = place;

/** Counts that say whether a rule has anything to look at. */
export type PairCount = 'usedConnections' | 'closeAskedByClient' | 'promptCloses' | 'idleClosesByClient' | 'stillOpen' | 'unread';

/** That a count is at least so high. */
export interface PairNeed {
  /** Where it is in the row. */
  readonly at: number;
  readonly least: number;
}

export const needOf = ({ count, least }: { readonly count: PairCount; readonly least: number }): PairNeed => ({
  at: place[count],
  least,
});

/** Those that are counted from nothing. */
const counted = place.ring;
const rowWidth = place.serverTimeWait + timeWaitWidth;

/** All pairs, within a limit. */
export class Pairs {
  private readonly table: PairTable<ServerFacts>;
  private readonly rows = new Slots(rowWidth);
  private readonly outlines = new OutlineRings();
  /** By slot: the first Host asked for, and the first User-Agent; raw. */
  private readonly hosts: (string | null)[] = [];
  private readonly software: (string | null)[] = [];
  /** By slot: idle times after which the client closed, in ns, when there are more than fit into the row. */
  private readonly idleFinders = new Map<number, ConstantFinder>();
  private readonly unread = new Map<number, Unread>();

  /** `retire` is told of a pair that has to go. */
  constructor(limit: number, retire: (pair: PairFacts) => void) {
    this.table = new PairTable(limit, (slot) => retire(this.at(slot)));
  }

  /** The slot of this pair; −1 when it is not known. */
  find(server: ServerFacts, clientAddress: string): number {
    return this.table.find(server, clientAddress);
  }

  /** The slot of a pair that is not known yet. */
  begin(server: ServerFacts, clientAddress: string): number {
    const slot = this.table.add(server, clientAddress);
    if (slot < this.hosts.length) this.clear(slot);
    else this.rows.reach(slot);
    const { numbers } = this.rows;
    const from = slot * rowWidth;
    numbers[from + place.firstNs] = Number.POSITIVE_INFINITY;
    numbers[from + place.longestGapConnection] = -1;
    this.hosts[slot] = null;
    this.software[slot] = null;
    return slot;
  }

  /** Forgets those of this server. */
  forget(server: ServerFacts): void {
    this.table.forget(server);
  }

  /** Those of a server in order of first use. */
  of(server: ServerFacts): PairFacts[] {
    return this.table.slotsOf(server).map((slot) => this.at(slot));
  }

  requestsOf(slot: number): number {
    return this.rows.numbers[slot * rowWidth + place.requests]!;
  }

  add(slot: number, connection: Connection, facts: ConnectionFacts): void {
    const { ending, exchanges, exchangeCount, opened, handshakeNs } = connection;
    const from = slot * rowWidth;
    const { numbers } = this.rows;
    const endedNs = ending.at.atNs;
    numbers[from + place.connections]!++;
    numbers[from + place.requests]! += exchangeCount;
    if (opened.atNs < numbers[from + place.firstNs]!) numbers[from + place.firstNs] = opened.atNs;
    if (endedNs > numbers[from + place.lastNs]!) numbers[from + place.lastNs] = endedNs;
    if (handshakeNs !== null) {
      numbers[from + place.handshakes]!++;
      numbers[from + place.handshakeNs]! += handshakeNs;
    }
    if (ending.how === 'fin') {
      if (ending.by === 'client') addTimeWait(numbers, from + place.clientTimeWait, endedNs);
      else if (ending.by === 'server') addTimeWait(numbers, from + place.serverTimeWait, endedNs);
    }
    if (!facts.isHttp) return;
    if (exchangeCount > 1) numbers[from + place.reusedConnections]!++;
    if (facts.whole) numbers[from + place.wholeConnections]!++;
    numbers[from + place.waitedNs]! += facts.waitedClientNs + facts.waitedNetworkNs + facts.waitedServerNs;
    numbers[from + place.closeAskedByClient]! += facts.closeAskedByClient;
    this.hosts[slot] ??= exchanges[0]!.host;
    this.software[slot] ??= connection.software.client;
    if (facts.sound && facts.longestSurvivedGapNs > numbers[from + place.longestGapNs]!) {
      numbers[from + place.longestGapNs] = facts.longestSurvivedGapNs;
      numbers[from + place.longestGapPacket] = facts.longestGapPacket;
      numbers[from + place.longestGapConnection] = connection.id;
    }
    if (facts.answered > 0 && !facts.tunnelled) {
      numbers[from + place.usedConnections]!++;
      if (facts.byTurns) numbers[from + place.byTurns]!++;
      if (exchangeCount === 1) numbers[from + placeOfSingleUse(connection)]!++;
    }
    if (ending.why === 'idle') {
      if (ending.by === 'client' && ending.idleNs !== null) this.addClientIdleClose(slot, ending.idleNs);
      else if (ending.by === 'server') numbers[from + place.idleClosesByServer]!++;
    } else if (ending.why === 'still-open') numbers[from + place.stillOpen]!++;
    else if (ending.by === 'client' && ending.why === 'after-response') numbers[from + place.promptCloses]!++;
    this.addUnread(slot, connection);
    if (!facts.tunnelled) this.outlines.add(numbers, from + place.ring, connection, facts);
  }

  private addClientIdleClose(slot: number, idleNs: number): void {
    const { numbers } = this.rows;
    const from = slot * rowWidth;
    const count = numbers[from + place.idleClosesByClient]!++;
    if (count < idleTimesInRow) {
      numbers[from + place.idleTimes + count] = idleNs;
      return;
    }
    if (count === idleTimesInRow) this.idleFinders.set(slot, finderOf(numbers, from + place.idleTimes, count));
    this.idleFinders.get(slot)?.add(idleNs);
  }

  private addUnread(slot: number, { id, tcp, exchanges, ending, closing, last: lastPacket }: Connection): void {
    if (ending.by === 'server' || ending.by === 'network') return;
    const last = exchanges[exchanges.length - 1]!;
    if (last.firstByte === null || cameTooLate(last, closing)) return;
    const mayReadOn = ending.how === 'open' && lastPacket.atNs - last.firstByte.atNs < leastStallNs;
    const stalled = tcp.zeroWindows.client > 0 && last.responseEnd === null && !mayReadOn;
    const reset = closing.reset?.from === 'client' && last.responseBodyBytes > 0;
    // A close with unread bytes in the machine's buffer sends a reset instead of a FIN (RFC 1122 §4.2.2.13); bytes that come
    // behind the FIN of a close are answered with one.
    const closedOnUnread =
      ending.how === 'rst' &&
      last.responseBodyBytes >= leastUnreadBytes &&
      (ending.why === 'after-response' || ending.why === 'response-cut');
    // An answer that had to be sent again had not come: whoever leaves it has waited.
    const closedBeforeEnd =
      ending.how === 'fin' && last.resent === 0 && (last.responseEnd?.atNs ?? Number.POSITIVE_INFINITY) > ending.at.atNs;
    if (!stalled && !(reset && (closedOnUnread || closedBeforeEnd))) return;
    const { numbers } = this.rows;
    const from = slot * rowWidth;
    numbers[from + place.unread]!++;
    if (stalled) numbers[from + place.stalled]!++;
    const kept = this.unread.get(slot) ?? { connections: [], packets: [] };
    if (kept.connections.length >= pairLimits.evidence) return;
    kept.connections.push(id);
    kept.packets.push(last.firstByte.packet, ending.at.packet);
    this.unread.set(slot, kept);
  }

  /** Makes the slot that of a pair of which nothing is known. */
  private clear(slot: number): void {
    const { numbers } = this.rows;
    const from = slot * rowWidth;
    numbers.fill(0, from, from + counted);
    this.outlines.restart(numbers, from + place.ring);
    restartTimeWait(numbers, from + place.clientTimeWait);
    restartTimeWait(numbers, from + place.serverTimeWait);
    this.idleFinders.delete(slot);
    this.unread.delete(slot);
  }

  private at(slot: number): PairFacts {
    return new PairFacts({
      server: this.table.servers[slot]!,
      clientAddress: this.table.addresses[slot]!,
      host: this.hosts[slot]!,
      software: this.software[slot]!,
      numbers: this.rows.numbers,
      from: slot * rowWidth,
      outlines: this.outlines,
      idleFinder: this.idleFinders.get(slot) ?? null,
      unread: this.unread.get(slot) ?? noneUnread,
    });
  }
}

interface Unread {
  readonly connections: ConnectionId[];
  readonly packets: number[];
}
const noneUnread: Unread = { connections: [], packets: [] };

interface PairParts {
  readonly server: ServerFacts;
  readonly clientAddress: string;
  readonly host: string | null;
  readonly software: string | null;
  readonly numbers: Float64Array;
  readonly from: number;
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
  private readonly numbers: Float64Array;
  private readonly from: number;
  private readonly outlines: OutlineRings;
  private readonly idleFinder: ConstantFinder | null;
  private readonly unreadParts: Unread;

  constructor({ server, clientAddress, host, software, numbers, from, outlines, idleFinder, unread }: PairParts) {
    this.server = server;
    this.clientAddress = clientAddress;
    this.host = host;
    this.software = software;
    this.numbers = numbers;
    this.from = from;
    this.outlines = outlines;
    this.idleFinder = idleFinder;
    this.unreadParts = unread;
  }

  get connections(): number {
    return this.numberAt(place.connections);
  }

  get requests(): number {
    return this.numberAt(place.requests);
  }

  /** Connections with an answered request. */
  get usedConnections(): number {
    return this.numberAt(place.usedConnections);
  }

  get reusedConnections(): number {
    return this.numberAt(place.reusedConnections);
  }

  /** Captured from their opening on, both sides, without missing bytes. */
  get wholeConnections(): number {
    return this.numberAt(place.wholeConnections);
  }

  /** Of those used: the heads could not be read, so who asked for a close is unknown. */
  get byTurns(): number {
    return this.numberAt(place.byTurns);
  }

  get firstNs(): number {
    return this.numberAt(place.firstNs);
  }

  get lastNs(): number {
    return this.numberAt(place.lastNs);
  }

  /** Time from the first opening to the last ending, in ns. */
  get spanNs(): number {
    return Math.max(0, this.lastNs - this.firstNs);
  }

  get handshakes(): number {
    return this.numberAt(place.handshakes);
  }

  get handshakeNs(): number {
    return this.numberAt(place.handshakeNs);
  }

  /** What its callers waited for answers, in ns. */
  get waitedNs(): number {
    return this.numberAt(place.waitedNs);
  }

  /** Exchanges whose request asked for the close (or was HTTP/1.0 without the token). */
  get closeAskedByClient(): number {
    return this.numberAt(place.closeAskedByClient);
  }

  get singleUse(): SingleUse {
    return {
      clientPrompt: this.numberAt(place.clientPrompt),
      clientAsked: this.numberAt(place.clientAsked),
      serverPrompt: this.numberAt(place.serverPrompt),
      serverAsked: this.numberAt(place.serverAsked),
      idle: this.numberAt(place.singleIdle),
    };
  }

  /** Connections that the client closed right behind an answer, unasked. */
  get promptCloses(): number {
    return this.numberAt(place.promptCloses);
  }

  get stillOpen(): number {
    return this.numberAt(place.stillOpen);
  }

  /** Idle connections that the client closed. */
  get idleClosesByClient(): number {
    return this.numberAt(place.idleClosesByClient);
  }

  get idleClosesByServer(): number {
    return this.numberAt(place.idleClosesByServer);
  }

  /** The idle time after which the client closes, in ns, where its closes agree on one. */
  idleLimit(): Constant | null {
    const count = this.idleClosesByClient;
    if (count < agreeing.least) return null;
    const finder = count > idleTimesInRow ? this.idleFinder : finderOf(this.numbers, this.from + place.idleTimes, count);
    return finder?.constant(agreeing) ?? null;
  }

  get longestSurvivedGapNs(): number {
    return this.numberAt(place.longestGapNs);
  }

  get longestGapPacket(): number {
    return this.numberAt(place.longestGapPacket);
  }

  get longestGapConnection(): ConnectionId {
    return this.numberAt(place.longestGapConnection);
  }

  /** Sockets in TIME_WAIT that the closes of each side left. */
  get clientTimeWait(): TimeWait {
    return timeWaitIn(this.numbers, this.from + place.clientTimeWait);
  }

  get serverTimeWait(): TimeWait {
    return timeWaitIn(this.numbers, this.from + place.serverTimeWait);
  }

  get unreadConnections(): readonly ConnectionId[] {
    return this.unreadParts.connections;
  }

  get unreadPackets(): readonly number[] {
    return this.unreadParts.packets;
  }

  /** Connections on which the client did not read a response to its end. */
  get unread(): number {
    return this.numberAt(place.unread);
  }

  /** Those of them on which its window was closed. */
  get stalled(): number {
    return this.numberAt(place.stalled);
  }

  /** How many of the newest HTTP connections are kept in outline, and these, made anew on each call. */
  get recentCount(): number {
    return keptIn(this.numbers, this.from + place.ring);
  }

  get recent(): ConnectionOutline[] {
    return this.outlines.all(this.numbers, this.from + place.ring);
  }

  /** The most connections that were in use at once, among the newest. */
  mostAtOnce(): number {
    return this.outlines.mostAtOnce(this.numbers, this.from + place.ring);
  }

  reaches({ at, least }: PairNeed): boolean {
    return this.numberAt(at) >= least;
  }

  private numberAt(at: number): number {
    return this.numbers[this.from + at]!;
  }
}

function finderOf(numbers: Float64Array, from: number, count: number): ConstantFinder {
  const finder = new ConstantFinder();
  for (let index = 0; index < count; index++) finder.add(numbers[from + index]!);
  return finder;
}

function placeOfSingleUse({ ending, exchanges }: Connection): number {
  const { closeAskedBy } = exchanges[0]!;
  if (closeAskedBy === 'client' || closeAskedBy === 'both') return clientAsked;
  if (closeAskedBy === 'server') return serverAsked;
  if (ending.why === 'idle' || ending.why === 'still-open') return singleIdle;
  if (ending.by === 'server') return serverPrompt;
  return ending.by === 'client' ? clientPrompt : singleOther;
}
