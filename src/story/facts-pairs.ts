/**
 * What is known of all pairs of a client address and a server endpoint, within a limit: counts over any number of connections, details
 * of the newest ones only.
 *
 * The numbers lie side by side (facts-rows.ts), some for each slot of the table; what is seldom needed is beside them. With each
 * connection those of another pair are wanted, and each of them that lies elsewhere costs more than what is done with it.
 */
import { cameTooLate } from './ending.js';
import type { ConnectionFacts } from './facts-connection.js';
import type { ConstantFinder } from './facts-constant.js';
import { OutlineRings } from './facts-outline.js';
import { countPlaces, finderOf, idleTimesKept, PairFacts, timePlaces, type Unread, widths } from './facts-pair.js';
import { PairTable } from './facts-pair-table.js';
import { Slots } from './facts-rows.js';
import type { ServerFacts } from './facts-server.js';
import { addTimeWait, restartTimeWait } from './facts-time-wait.js';
import type { Connection } from './model.js';

const pairLimits = {
  /** Connections kept as evidence. */
  evidence: 32,
} as const;

/** Shorter answers are read together with their heads; a reset behind them is somebody's way of closing. */
const leastUnreadBytes = 4096;
/** A window closed for less, when the capture ends, may open again. */
const leastStallNs = 2e9;

// By themselves: an imported binding is looked up at each use, and so is a place in an object until it was looked up before.
const place = countPlaces;
const timeAt = timePlaces;
const { counts: countsWidth, times: timesWidth } = widths;
const { clientPrompt, clientAsked, serverPrompt, serverAsked, singleIdle, singleOther } = place;

/** All pairs, within a limit. */
export class Pairs {
  private readonly table: PairTable<ServerFacts>;
  private readonly counts = new Slots(countsWidth, (length) => new Int32Array(length));
  private readonly times = new Slots(timesWidth, (length) => new Float64Array(length));
  /** Idle times after which the client closed, in ns, as many as there is room for. */
  private readonly idleTimes = new Slots(idleTimesKept, (length) => new Float64Array(length));
  private readonly outlines = new OutlineRings();
  /** By slot: the first Host asked for, and the first User-Agent; raw. */
  private readonly hosts: (string | null)[] = [];
  private readonly software: (string | null)[] = [];
  /** By slot: all of them, when there are more. */
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
    for (const slots of [this.counts, this.times, this.idleTimes]) slots.reach(slot);
    const { numbers: times } = this.times;
    const from = slot * timesWidth;
    times.fill(0, from, from + timesWidth);
    times[from + timeAt.firstNs] = Number.POSITIVE_INFINITY;
    times[from + timeAt.longestGapConnection] = -1;
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
    return this.counts.numbers[slot * countsWidth + place.requests]!;
  }

  add(slot: number, connection: Connection, facts: ConnectionFacts): void {
    const { ending, exchanges, exchangeCount, opened, handshakeNs } = connection;
    const from = slot * countsWidth;
    const timesFrom = slot * timesWidth;
    const { numbers } = this.counts;
    const { numbers: times } = this.times;
    const endedNs = ending.at.atNs;
    numbers[from + place.connections]!++;
    numbers[from + place.requests]! += exchangeCount;
    if (opened.atNs < times[timesFrom + timeAt.firstNs]!) times[timesFrom + timeAt.firstNs] = opened.atNs;
    if (endedNs > times[timesFrom + timeAt.lastNs]!) times[timesFrom + timeAt.lastNs] = endedNs;
    if (handshakeNs !== null) {
      numbers[from + place.handshakes]!++;
      times[timesFrom + timeAt.handshakeNs]! += handshakeNs;
    }
    if (ending.how === 'fin') {
      if (ending.by === 'client') addTimeWait(numbers, from + place.clientTimeWait, from + place.clientBuckets, endedNs);
      else if (ending.by === 'server') addTimeWait(numbers, from + place.serverTimeWait, from + place.serverBuckets, endedNs);
    }
    if (!facts.isHttp) return;
    if (exchangeCount > 1) numbers[from + place.reusedConnections]!++;
    if (facts.whole) numbers[from + place.wholeConnections]!++;
    times[timesFrom + timeAt.waitedNs]! += facts.waitedClientNs + facts.waitedNetworkNs + facts.waitedServerNs;
    numbers[from + place.closeAskedByClient]! += facts.closeAskedByClient;
    this.hosts[slot] ??= exchanges[0]!.host;
    this.software[slot] ??= connection.software.client;
    if (facts.sound && facts.longestSurvivedGapNs > times[timesFrom + timeAt.longestGapNs]!) {
      times[timesFrom + timeAt.longestGapNs] = facts.longestSurvivedGapNs;
      times[timesFrom + timeAt.longestGapPacket] = facts.longestGapPacket;
      times[timesFrom + timeAt.longestGapConnection] = connection.id;
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
    const { numbers } = this.idleTimes;
    const from = slot * idleTimesKept;
    const count = this.counts.numbers[slot * countsWidth + place.idleClosesByClient]!++;
    if (count < idleTimesKept) {
      numbers[from + count] = idleNs;
      return;
    }
    if (count === idleTimesKept) this.idleFinders.set(slot, finderOf(numbers, from, count));
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
    const { numbers } = this.counts;
    const from = slot * countsWidth;
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
    const { numbers } = this.counts;
    const from = slot * countsWidth;
    numbers.fill(0, from, from + place.ring);
    this.outlines.restart(numbers, from + place.ring);
    restartTimeWait(numbers, from + place.clientTimeWait, from + place.clientBuckets);
    restartTimeWait(numbers, from + place.serverTimeWait, from + place.serverBuckets);
    this.idleFinders.delete(slot);
    this.unread.delete(slot);
  }

  private at(slot: number): PairFacts {
    return new PairFacts({
      server: this.table.servers[slot]!,
      clientAddress: this.table.addresses[slot]!,
      host: this.hosts[slot]!,
      software: this.software[slot]!,
      slot,
      counts: this.counts.numbers,
      times: this.times.numbers,
      idleTimes: this.idleTimes.numbers,
      outlines: this.outlines,
      idleFinder: this.idleFinders.get(slot) ?? null,
      unread: this.unread.get(slot) ?? { connections: [], packets: [] },
    });
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
