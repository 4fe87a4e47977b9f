/**
 * What is known of one client address and one server endpoint over all their connections: reuse, closes, sockets in TIME_WAIT.
 * Counts over any number of connections, details of the newest ones only.
 */
import type { ConnectionId } from '../base/index.js';
import { cameTooLate } from './ending.js';
import type { ConnectionFacts } from './facts-connection.js';
import { ConstantFinder } from './facts-constant.js';
import { type ConnectionOutline, Outlines } from './facts-outline.js';
import type { ServerFacts } from './facts-server.js';
import type { TableEntry } from './facts-table.js';
import { TimeWaitMeter } from './facts-time-wait.js';
import type { Connection } from './model.js';

const pairLimits = {
  /** Connections kept as evidence. */
  evidence: 32,
} as const;

/** How connections that served exactly one request came to their end. */
export interface SingleUse {
  /** The client closed right after the response although nobody had asked for it. */
  clientPrompt: number;
  /** The client had asked for the close. */
  clientAsked: number;
  serverPrompt: number;
  serverAsked: number;
  /** Closed after an idle time, or never. */
  idle: number;
}

/** Shorter answers are read together with their heads; a reset behind them is somebody's way of closing. */
const leastUnreadBytes = 4096;

/** Zero, but a float in memory from the beginning: a field that becomes one later costs more. */
const zeroNs = -0;
/** A window closed for less, when the capture ends, may open again. */
const leastStallNs = 2e9;

const nothing: readonly number[] = [];

export class PairFacts implements TableEntry {
  server!: ServerFacts;
  clientAddress!: string;
  used!: boolean;
  slot = -1;
  connections!: number;
  /** Connections with an answered request. */
  usedConnections!: number;
  reusedConnections!: number;
  /** Captured from their opening on, both sides, without missing bytes. */
  wholeConnections!: number;
  /** Of those used: the heads could not be read, so who asked for a close is unknown. */
  byTurns!: number;
  requests!: number;
  firstNs!: number;
  lastNs!: number;
  handshakes!: number;
  handshakeNs!: number;
  waitedNs!: number;
  /** Exchanges whose request asked for the close (or was HTTP/1.0 without the token). */
  closeAskedByClient!: number;
  readonly singleUse: SingleUse = { clientPrompt: 0, clientAsked: 0, serverPrompt: 0, serverAsked: 0, idle: 0 };
  /** Connections that the client closed right behind an answer, unasked, and that stayed open. */
  promptCloses!: number;
  stillOpen!: number;
  /** Idle times after which the client closed, in ns. */
  readonly clientIdleCloses = new ConstantFinder();
  /** Idle connections that the server closed. */
  idleClosesByServer!: number;
  longestSurvivedGapNs!: number;
  longestGapPacket!: number;
  longestGapConnection!: ConnectionId;
  /** Sockets in TIME_WAIT that the closes of each side left. */
  readonly clientTimeWait = new TimeWaitMeter();
  readonly serverTimeWait = new TimeWaitMeter();
  private readonly outlines = new Outlines();
  /** Connections on which the client did not read a response to its end, and how many of them with its window closed. */
  unread!: number;
  stalled!: number;
  unreadConnections!: readonly ConnectionId[];
  unreadPackets!: readonly number[];
  /** The first User-Agent; raw. */
  software!: string | null;
  /** The first Host asked for. */
  host!: string | null;

  constructor(server: ServerFacts, clientAddress: string) {
    this.restart(server, clientAddress);
  }

  /** Forgets all that is known, for another pair: where there are more than the table holds, each new connection may be of one. */
  restart(server: ServerFacts, clientAddress: string): void {
    this.server = server;
    this.clientAddress = clientAddress;
    this.used = true;
    this.connections = 0;
    this.usedConnections = 0;
    this.reusedConnections = 0;
    this.wholeConnections = 0;
    this.byTurns = 0;
    this.requests = 0;
    this.firstNs = Number.POSITIVE_INFINITY;
    this.lastNs = zeroNs;
    this.handshakes = 0;
    this.handshakeNs = zeroNs;
    this.waitedNs = zeroNs;
    this.closeAskedByClient = 0;
    const { singleUse } = this;
    singleUse.clientPrompt = 0;
    singleUse.clientAsked = 0;
    singleUse.serverPrompt = 0;
    singleUse.serverAsked = 0;
    singleUse.idle = 0;
    this.promptCloses = 0;
    this.stillOpen = 0;
    this.clientIdleCloses.restart();
    this.idleClosesByServer = 0;
    this.longestSurvivedGapNs = zeroNs;
    this.longestGapPacket = 0;
    this.longestGapConnection = -1;
    this.clientTimeWait.restart();
    this.serverTimeWait.restart();
    this.outlines.restart();
    this.unread = 0;
    this.stalled = 0;
    this.unreadConnections = nothing;
    this.unreadPackets = nothing;
    this.software = null;
    this.host = null;
  }

  add(connection: Connection, facts: ConnectionFacts): void {
    const { ending, exchanges, exchangeCount, opened } = connection;
    this.connections++;
    this.requests += exchangeCount;
    if (opened.atNs < this.firstNs) this.firstNs = opened.atNs;
    if (ending.at.atNs > this.lastNs) this.lastNs = ending.at.atNs;
    if (connection.handshakeNs !== null) {
      this.handshakes++;
      this.handshakeNs += connection.handshakeNs;
    }
    if (ending.how === 'fin') {
      if (ending.by === 'client') this.clientTimeWait.add(ending.at.atNs);
      else if (ending.by === 'server') this.serverTimeWait.add(ending.at.atNs);
    }
    if (!facts.isHttp) return;
    if (exchangeCount > 1) this.reusedConnections++;
    if (facts.whole) this.wholeConnections++;
    this.waitedNs += facts.waitedClientNs + facts.waitedNetworkNs + facts.waitedServerNs;
    this.closeAskedByClient += facts.closeAskedByClient;
    this.host ??= exchanges[0]!.host;
    this.software ??= connection.software.client;
    if (facts.sound && facts.longestSurvivedGapNs > this.longestSurvivedGapNs) {
      this.longestSurvivedGapNs = facts.longestSurvivedGapNs;
      this.longestGapPacket = facts.longestGapExchange?.requestAt.packet ?? 0;
      this.longestGapConnection = connection.id;
    }
    if (facts.answered > 0 && !facts.tunnelled) {
      this.usedConnections++;
      if (facts.byTurns) this.byTurns++;
      if (exchangeCount === 1) this.addSingleUse(connection);
    }
    if (ending.by === 'client' && ending.why === 'idle' && ending.idleNs !== null) this.clientIdleCloses.add(ending.idleNs);
    if (ending.by === 'server' && ending.why === 'idle') this.idleClosesByServer++;
    this.addUnread(connection);
    if (ending.why === 'still-open') this.stillOpen++;
    else if (ending.by === 'client' && ending.why === 'after-response') this.promptCloses++;
    if (!facts.tunnelled) this.outlines.add(connection, facts.answered, facts.whole);
  }

  /** How many of the newest HTTP connections are kept in outline, and these, made anew on each call. */
  get recentCount(): number {
    return this.outlines.count;
  }

  get recent(): ConnectionOutline[] {
    return this.outlines.all();
  }

  /** Time from the first opening to the last ending, in ns. */
  get spanNs(): number {
    return Math.max(0, this.lastNs - this.firstNs);
  }

  private addUnread({ id, tcp, exchanges, ending, closing, last: lastPacket }: Connection): void {
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
    this.unread++;
    if (stalled) this.stalled++;
    if (this.unreadConnections.length >= pairLimits.evidence) return;
    this.unreadConnections = [...this.unreadConnections, id];
    this.unreadPackets = [...this.unreadPackets, last.firstByte.packet, ending.at.packet];
  }

  private addSingleUse({ ending, exchanges }: Connection): void {
    const { closeAskedBy } = exchanges[0]!;
    const { singleUse } = this;
    if (closeAskedBy === 'client' || closeAskedBy === 'both') singleUse.clientAsked++;
    else if (closeAskedBy === 'server') singleUse.serverAsked++;
    else if (ending.why === 'idle' || ending.why === 'still-open') singleUse.idle++;
    else if (ending.by === 'server') singleUse.serverPrompt++;
    else if (ending.by === 'client') singleUse.clientPrompt++;
  }
}
