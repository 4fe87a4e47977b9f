/**
 * What is known of one client address and one server endpoint over all their connections: reuse, closes, sockets in TIME_WAIT.
 * Counts over any number of connections, details of the newest ones only.
 *
 * The numbers are those of a row (facts-rows.ts); what is seldom needed is beside it.
 */
import { assert, type ConnectionId } from '../base/index.js';
import { cameTooLate } from './ending.js';
import type { ConnectionFacts } from './facts-connection.js';
import { type Constant, ConstantFinder } from './facts-constant.js';
import { type ConnectionOutline, keptIn, OutlineRings, ringWidth } from './facts-outline.js';
import { Rows } from './facts-rows.js';
import type { ServerFacts } from './facts-server.js';
import type { TableEntry } from './facts-table.js';
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

const nothing: readonly number[] = [];

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

/** The memory of many pairs. */
export class PairMemory {
  readonly rows: Rows;
  readonly outlines = new OutlineRings();

  /** For so many pairs at once. */
  constructor(limit: number) {
    this.rows = new Rows({ width: rowWidth, limit });
  }
}

export class PairFacts implements TableEntry {
  server: ServerFacts;
  clientAddress: string;
  used = true;
  slot = -1;
  private readonly rows: Rows;
  private readonly outlines: OutlineRings;
  private readonly from: number;
  /** Idle times after which the client closed, in ns, when there are more than fit into the row. */
  private idleFinder: ConstantFinder | null = null;
  unreadConnections: readonly ConnectionId[] = nothing;
  unreadPackets: readonly number[] = nothing;
  /** The first User-Agent; raw. */
  software: string | null = null;
  /** The first Host asked for. */
  host: string | null = null;

  constructor({ rows, outlines }: PairMemory, server: ServerFacts, clientAddress: string) {
    this.server = server;
    this.clientAddress = clientAddress;
    this.rows = rows;
    this.outlines = outlines;
    this.from = rows.take();
    assert(this.from >= 0, 'there is room for a pair');
    this.begin();
  }

  /** Forgets all that is known, for another pair: where there are more than the table holds, each new connection may be of one. */
  restart(server: ServerFacts, clientAddress: string): this {
    this.server = server;
    this.clientAddress = clientAddress;
    this.used = true;
    const { numbers } = this.rows;
    const { from } = this;
    numbers.fill(0, from, from + counted);
    this.outlines.restart(numbers, from + place.ring);
    restartTimeWait(numbers, from + place.clientTimeWait);
    restartTimeWait(numbers, from + place.serverTimeWait);
    this.idleFinder = null;
    this.unreadConnections = nothing;
    this.unreadPackets = nothing;
    this.software = null;
    this.host = null;
    this.begin();
    return this;
  }

  /** What is not zero in the row of a pair of which nothing is known. */
  private begin(): void {
    const { numbers } = this.rows;
    numbers[this.from + place.firstNs] = Number.POSITIVE_INFINITY;
    numbers[this.from + place.longestGapConnection] = -1;
  }

  add(connection: Connection, facts: ConnectionFacts): void {
    const { ending, exchanges, exchangeCount, opened, handshakeNs } = connection;
    const { from } = this;
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
    this.host ??= exchanges[0]!.host;
    this.software ??= connection.software.client;
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
      if (ending.by === 'client' && ending.idleNs !== null) this.addClientIdleClose(ending.idleNs);
      else if (ending.by === 'server') numbers[from + place.idleClosesByServer]!++;
    } else if (ending.why === 'still-open') numbers[from + place.stillOpen]!++;
    else if (ending.by === 'client' && ending.why === 'after-response') numbers[from + place.promptCloses]!++;
    this.addUnread(connection, numbers);
    if (!facts.tunnelled) this.outlines.add(numbers, from + place.ring, connection, facts);
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
    const finder = count > idleTimesInRow ? this.idleFinder : this.finderOfRow(count);
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
    return timeWaitIn(this.rows.numbers, this.from + place.clientTimeWait);
  }

  get serverTimeWait(): TimeWait {
    return timeWaitIn(this.rows.numbers, this.from + place.serverTimeWait);
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
    return keptIn(this.rows.numbers, this.from + place.ring);
  }

  get recent(): ConnectionOutline[] {
    return this.outlines.all(this.rows.numbers, this.from + place.ring);
  }

  /** The most connections that were in use at once, among the newest. */
  mostAtOnce(): number {
    return this.outlines.mostAtOnce(this.rows.numbers, this.from + place.ring);
  }

  reaches({ at, least }: PairNeed): boolean {
    return this.numberAt(at) >= least;
  }

  private numberAt(at: number): number {
    return this.rows.numbers[this.from + at]!;
  }

  private addClientIdleClose(idleNs: number): void {
    const { numbers } = this.rows;
    const count = numbers[this.from + place.idleClosesByClient]!++;
    if (count < idleTimesInRow) {
      numbers[this.from + place.idleTimes + count] = idleNs;
      return;
    }
    if (count === idleTimesInRow) this.idleFinder = this.finderOfRow(count);
    this.idleFinder?.add(idleNs);
  }

  private finderOfRow(count: number): ConstantFinder {
    const finder = new ConstantFinder();
    for (let index = 0; index < count; index++) finder.add(this.numberAt(place.idleTimes + index));
    return finder;
  }

  private addUnread({ id, tcp, exchanges, ending, closing, last: lastPacket }: Connection, numbers: Float64Array): void {
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
    numbers[this.from + place.unread]!++;
    if (stalled) numbers[this.from + place.stalled]!++;
    if (this.unreadConnections.length >= pairLimits.evidence) return;
    this.unreadConnections = [...this.unreadConnections, id];
    this.unreadPackets = [...this.unreadPackets, last.firstByte.packet, ending.at.packet];
  }
}

function placeOfSingleUse({ ending, exchanges }: Connection): number {
  const { closeAskedBy } = exchanges[0]!;
  if (closeAskedBy === 'client' || closeAskedBy === 'both') return clientAsked;
  if (closeAskedBy === 'server') return serverAsked;
  if (ending.why === 'idle' || ending.why === 'still-open') return singleIdle;
  if (ending.by === 'server') return serverPrompt;
  return ending.by === 'client' ? clientPrompt : singleOther;
}
