/**
 * What is known of one client address and one server endpoint over all their connections: reuse, closes, sockets in TIME_WAIT.
 * Counts over any number of connections, details of the newest ones only.
 */
import type { ConnectionId } from '../base/index.js';
import type { ConnectionFacts } from './facts-connection.js';
import { ConstantFinder } from './facts-constant.js';
import type { ServerFacts } from './facts-server.js';
import type { Connection, EndingBy, EndingWhy } from './model.js';

export const pairLimits = {
  /** Newest connections of a pair that are kept in outline. */
  recentConnections: 64,
  /** Connections kept as evidence. */
  evidence: 8,
} as const;

/** A connection in outline. */
export interface ConnectionOutline {
  readonly id: ConnectionId;
  readonly openedNs: number;
  /** First FIN or reset; the last packet when it stayed open. */
  readonly endedNs: number;
  /** End of the last response; the opening when there was none. */
  readonly lastUseNs: number;
  readonly requests: number;
  readonly by: EndingBy;
  readonly why: EndingWhy;
  readonly openedPacket: number;
  readonly endPacket: number;
  /** Captured from its opening on without missing bytes: what was not seen did not happen. */
  readonly whole: boolean;
}

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

/** TIME_WAIT lasts this long on Linux (TCP_TIMEWAIT_LEN); the same in RFC 9293 terms: 2 MSL of 30 s each. */
export const timeWaitNs = 60e9;
/** Linux: net.ipv4.ip_local_port_range is 32768–60999 by default. */
export const ephemeralPorts = 28_232;
const timeWaitBucketNs = 5e9;
const timeWaitBuckets = timeWaitNs / timeWaitBucketNs;

/** The most sockets in TIME_WAIT at once: closes in the busiest 60 s, to within five seconds. */
class TimeWaitMeter {
  count = 0;
  peak = 0;
  #buckets: number[] | null = null;
  #newest = -1;

  add(atNs: number): void {
    this.count++;
    this.#buckets ??= new Array<number>(timeWaitBuckets).fill(0);
    const buckets = this.#buckets;
    const bucket = Math.floor(atNs / timeWaitBucketNs);
    if (this.#newest < 0) this.#newest = bucket;
    // A close that is told late counts as one of its time as long as that is in the window.
    if (bucket <= this.#newest - timeWaitBuckets) return;
    for (; this.#newest < bucket; this.#newest++) {
      if (bucket - this.#newest > timeWaitBuckets) {
        buckets.fill(0);
        this.#newest = bucket;
        break;
      }
      buckets[(this.#newest + 1) % timeWaitBuckets] = 0;
    }
    buckets[bucket % timeWaitBuckets]!++;
    let sum = 0;
    for (const inBucket of buckets) sum += inBucket;
    if (sum > this.peak) this.peak = sum;
  }
}

export class PairFacts {
  readonly server: ServerFacts;
  readonly clientAddress: string;
  /** Since the limit on pairs last passed over it. */
  used = true;
  connections = 0;
  /** Connections with an answered request. */
  usedConnections = 0;
  reusedConnections = 0;
  /** Captured from their opening on, both sides, without missing bytes. */
  wholeConnections = 0;
  requests = 0;
  answered = 0;
  firstNs = Number.POSITIVE_INFINITY;
  lastNs = 0;
  handshakes = 0;
  handshakeNs = 0;
  waitedNs = 0;
  /** Exchanges whose request asked for the close (or was HTTP/1.0 without the token). */
  closeAskedByClient = 0;
  closeAskedByServer = 0;
  readonly singleUse: SingleUse = { clientPrompt: 0, clientAsked: 0, serverPrompt: 0, serverAsked: 0, idle: 0 };
  /** Idle times after which the client closed, in ns. */
  clientIdleCloses: ConstantFinder | null = null;
  /** Idle connections that the server closed. */
  idleClosesByServer = 0;
  longestSurvivedGapNs = 0;
  longestGapPacket = 0;
  longestGapConnection: ConnectionId = -1;
  readonly clientTimeWait = new TimeWaitMeter();
  readonly serverTimeWait = new TimeWaitMeter();
  readonly recent: ConnectionOutline[] = [];
  #recentNext = 0;
  /** Connections on which the client stopped reading a response, its window closed. */
  unread = 0;
  readonly unreadConnections: ConnectionId[] = [];
  readonly unreadPackets: number[] = [];
  /** The first Host asked for. */
  host: string | null = null;

  constructor(server: ServerFacts, clientAddress: string) {
    this.server = server;
    this.clientAddress = clientAddress;
  }

  add(connection: Connection, facts: ConnectionFacts): void {
    const { ending, exchanges, exchangeCount, opened } = connection;
    this.connections++;
    this.requests += exchangeCount;
    this.answered += facts.answered;
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
    if (facts.whole && facts.bothSeen) this.wholeConnections++;
    this.waitedNs += facts.waitedClientNs + facts.waitedNetworkNs + facts.waitedServerNs;
    this.closeAskedByClient += facts.closeAskedByClient;
    this.closeAskedByServer += facts.closeAskedByServer;
    this.host ??= exchanges[0]!.host;
    if (facts.longestSurvivedGapNs > this.longestSurvivedGapNs) {
      this.longestSurvivedGapNs = facts.longestSurvivedGapNs;
      this.longestGapPacket = facts.longestGapExchange?.requestAt.packet ?? 0;
      this.longestGapConnection = connection.id;
    }
    if (facts.answered > 0) {
      this.usedConnections++;
      if (exchangeCount === 1) this.#addSingleUse(connection);
    }
    if (ending.by === 'client' && ending.why === 'idle' && ending.idleNs !== null) {
      this.clientIdleCloses ??= new ConstantFinder();
      this.clientIdleCloses.add(ending.idleNs);
    }
    if (ending.by === 'server' && ending.why === 'idle') this.idleClosesByServer++;
    this.#addUnread(connection);
    this.#addOutline(connection, facts);
  }

  /** Time from the first opening to the last ending, in ns. */
  get spanNs(): number {
    return Math.max(0, this.lastNs - this.firstNs);
  }

  #addUnread({ id, tcp, exchanges, ending }: Connection): void {
    if (tcp.zeroWindows.client === 0 || ending.by === 'server' || ending.by === 'network') return;
    const last = exchanges[exchanges.length - 1]!;
    if (last.firstByte === null || last.responseEnd !== null) return;
    this.unread++;
    if (this.unreadConnections.length >= pairLimits.evidence) return;
    this.unreadConnections.push(id);
    this.unreadPackets.push(last.firstByte.packet, ending.at.packet);
  }

  #addSingleUse({ ending, exchanges }: Connection): void {
    const { closeAskedBy } = exchanges[0]!;
    const { singleUse } = this;
    if (closeAskedBy === 'client' || closeAskedBy === 'both') singleUse.clientAsked++;
    else if (closeAskedBy === 'server') singleUse.serverAsked++;
    else if (ending.why === 'idle' || ending.why === 'still-open') singleUse.idle++;
    else if (ending.by === 'server') singleUse.serverPrompt++;
    else if (ending.by === 'client') singleUse.clientPrompt++;
  }

  #addOutline({ id, opened, ending, exchanges, exchangeCount }: Connection, { answered, whole }: ConnectionFacts): void {
    const last = exchanges[exchanges.length - 1];
    const outline: ConnectionOutline = {
      id,
      openedNs: opened.atNs,
      endedNs: ending.at.atNs,
      lastUseNs: answered > 0 ? (last?.responseEnd?.atNs ?? ending.at.atNs) : opened.atNs,
      requests: exchangeCount,
      by: ending.by,
      why: ending.why,
      openedPacket: opened.packet,
      endPacket: ending.at.packet,
      whole,
    };
    if (this.recent.length < pairLimits.recentConnections) {
      this.recent.push(outline);
      return;
    }
    this.recent[this.#recentNext] = outline;
    this.#recentNext = (this.#recentNext + 1) % pairLimits.recentConnections;
  }
}
