/**
 * What is known of one server endpoint over all its connections, from whatever clients: how long it keeps idle connections, what
 * it announces, how many requests and how much age it allows, whom it refused. In bounded memory on streams of any length.
 */
import { type ConnectionId, type Endpoint, otherSide, zeroNs } from '../base/index.js';
import { closeOfServer } from './encrypted-use.js';
import type { ConnectionFacts } from './facts-connection.js';
import { ConstantFinder, type ProvenConstant, ProvenConstantFinder } from './facts-constant.js';
import type { LostRequest } from './facts-lost-request.js';
import type { PairFacts } from './facts-pair.js';
import { RecentRows } from './facts-rows.js';
import type { TableEntry } from './facts-table.js';
import type { Connection, EncryptedUse, EndingWhy, Exchange, Moment } from './model.js';

export const serverLimits = {
  /** Distinct values of a `Keep-Alive` parameter, or of requests per connection, that are counted one by one. */
  distinctValues: 64,
  /** Refused and unanswered openings kept with their time, of each. */
  failedOpenings: 64,
  /** Half-open connections kept. */
  halfOpen: 256,
  /** Requests that wait on open connections. */
  waiting: 256,
  /** Closes before the announced time or count that are kept. */
  earlyCloses: 1000,
  /** Newest closes by the server, for bursts. */
  recentCloses: 128,
  /** Connections and packets kept as evidence for an inferred value. */
  evidence: 8,
  /** Answered exchanges kept in outline, for exchanges that one proxy made out of another. */
  recentExchanges: 32,
  hintedPerConnection: 4,
} as const;

/** A close by the server, of an idle connection or right behind an answer. */
export interface ServerClose {
  readonly connection: ConnectionId;
  readonly atNs: number;
  readonly packet: number;
  readonly idleNs: number;
  readonly openedNs: number;
}
/** How many numbers these are. */
const closeWidth = 5;

/** A close before what the answers of its connection had announced. */
export interface EarlyClose {
  readonly connection: ConnectionId;
  readonly atNs: number;
  readonly packet: number;
  readonly idleNs: number;
  readonly requests: number;
  readonly hintSeconds: number | null;
  readonly hintMax: number | null;
  /** `prompt`: the time, by a close right behind an answer. */
  readonly broken: 'timeout' | 'prompt' | 'max';
}

/** A request without an answer on a connection that stayed open. */
export interface WaitingRequest {
  readonly connection: ConnectionId;
  readonly method: string;
  readonly target: string;
  readonly requestPacket: number;
  /** Since when all of it was with the server; or since when the server had no room for the rest. */
  readonly sinceNs: number;
  readonly stuckInUpload: boolean;
}

/** A side that closes sooner behind the other's FIN is only slow. */
export const leastHalfOpenNs = 5e9;

/** A FIN that the other side acknowledged and did not answer with its own, or late. */
export interface HalfOpen {
  readonly connection: ConnectionId;
  /** The side that stays. */
  readonly stays: 'client' | 'server';
  readonly sinceNs: number;
  readonly finPacket: number;
  /** When something ended it, and what; null when nothing did while the capture ran. */
  readonly endedNs: number | null;
  readonly endedBy: 'a reset' | 'its FIN' | null;
  readonly endPacket: number;
}

export interface FailedOpening {
  readonly connection: ConnectionId;
  readonly atNs: number;
  readonly packet: number;
  /** From the first SYN on, in ns. */
  readonly waitedNs: number;
}

export interface HintedExchange {
  startNs: number;
  endNs: number;
  target: string;
  packet: number;
  connection: ConnectionId;
}

/** Where only turns are known, a shorter pause may lie within an answer. */
const leastTurnIdleNs = 200e6;

const oneMomentNs = 100e6;

/** What closes alike at the same value so often that it is a setting. */
const enough = { least: 2, share: 0.6 } as const;

export class ServerFacts implements TableEntry {
  readonly endpoint: Endpoint;
  used = true;
  slot = -1;
  /** By client address. */
  readonly pairs = new Map<string, PairFacts>();
  /** Another port of the same address. */
  nextPort: ServerFacts | null = null;
  connections = 0;
  /** When the first of its connections was opened. */
  firstNs = Number.POSITIVE_INFINITY;
  httpConnections = 0;
  requests = 0;
  answered = 0;
  handshakes = 0;
  handshakeNs = zeroNs;
  /** Idle times after which the server closed, in ns, with evidence. */
  readonly idleCloses = new ProvenConstantFinder();
  private timeout: ProvenConstant | null = null;
  private timeoutAtCount = 0;
  /** `Keep-Alive: timeout=N`: N → responses. */
  readonly hintSeconds = new Map<number, number>();
  /** Largest `max` announced. */
  hintMax = 0;
  /** What the Server field said last; raw. */
  software: string | null = null;
  longestSurvivedGapNs = zeroNs;
  /** The longest that a request waited for the first byte of its answer, in ns. */
  longestAnswerNs = zeroNs;
  /** Requests on a connection when the server closed it right behind a response: count → connections, announced and not. */
  readonly requestsAtClose = new Map<
    number,
    { announced: number; silent: number; connections: ConnectionId[]; packets: number[] }
  >();
  /** The most answered requests on one connection. */
  mostRequests = 0;
  /** Ages in ns at which the server closed connections that were in use. */
  readonly serverAges = new ProvenConstantFinder();
  /** The times since the last answer at these closes: an age limit strikes after any. */
  readonly serverAgeIdles = new ConstantFinder();
  readonly refusals: FailedOpening[] = [];
  refused = 0;
  readonly unansweredOpenings: FailedOpening[] = [];
  unanswered = 0;
  readonly halfOpen: HalfOpen[] = [];
  readonly waiting: WaitingRequest[] = [];
  readonly earlyCloses: EarlyClose[] = [];
  private readonly closes = new RecentRows({ width: closeWidth, limit: serverLimits.recentCloses });
  readonly hinted: HintedExchange[] = [];
  private hintedNext = 0;
  /** Requests lost here and not judged yet. */
  readonly lost: LostRequest[] = [];

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  /** `mayBeChained`: it may be a proxy, or behind one. */
  add(connection: Connection, facts: ConnectionFacts, mayBeChained: boolean): void {
    const { ending, exchangeCount } = connection;
    this.connections++;
    if (connection.opened.atNs < this.firstNs) this.firstNs = connection.opened.atNs;
    if (connection.handshakeNs !== null) {
      this.handshakes++;
      this.handshakeNs += connection.handshakeNs;
    }
    if (ending.why === 'refused') {
      this.refused++;
      keepOpening(this.refusals, connection);
    } else if (ending.why === 'no-answer') {
      this.unanswered++;
      keepOpening(this.unansweredOpenings, connection);
    }
    if (ending.how === 'fin' && facts.sound) this.addHalfOpen(connection);
    if (connection.encrypted !== null && facts.sound) this.addEncryptedClose(connection, connection.encrypted);
    if (!facts.isHttp) return;
    this.httpConnections++;
    this.software ??= connection.software.server;
    this.requests += exchangeCount;
    this.answered += facts.answered;
    if (facts.answered > this.mostRequests) this.mostRequests = facts.answered;
    if (facts.longestAnswerNs > this.longestAnswerNs) this.longestAnswerNs = facts.longestAnswerNs;
    if (facts.longestSurvivedGapNs > this.longestSurvivedGapNs) this.longestSurvivedGapNs = facts.longestSurvivedGapNs;
    if (facts.lastHintSeconds !== null) {
      this.countHint(facts.lastHintSeconds);
      if (mayBeChained) this.addHinted(connection);
    }
    if (facts.firstHintMax !== null && facts.firstHintMax > this.hintMax) this.hintMax = facts.firstHintMax;
    if (facts.sound) {
      this.addClose(connection, facts);
      this.addMaximum(connection, facts);
    }
    if (ending.why === 'still-open' && facts.firstUnanswered >= 0 && facts.sound) this.addWaiting(connection, facts);
  }

  /** The idle timeout, when several closes agree on one. */
  idleTimeout(): ProvenConstant | null {
    if (this.timeoutAtCount !== this.idleCloses.count) {
      this.timeoutAtCount = this.idleCloses.count;
      const found = this.idleCloses.proven(enough);
      this.timeout = found !== null && this.isTimer(found) ? found : null;
    }
    return this.timeout;
  }

  /** Some opening was taken. */
  get hasServed(): boolean {
    return this.connections > this.refused + this.unanswered;
  }

  /** Where all closes came at one moment, and openings were refused, the server was stopped. */
  private isTimer({ least, most }: ProvenConstant): boolean {
    if (this.refused === 0) return true;
    let firstNs = Number.POSITIVE_INFINITY;
    let lastNs = 0;
    for (const sample of this.idleCloses.samples) {
      if (sample.value < least || sample.value > most) continue;
      firstNs = Math.min(firstNs, sample.atNs);
      lastNs = Math.max(lastNs, sample.atNs);
    }
    return lastNs - firstNs > oneMomentNs;
  }

  /** The newest closes by the server, in no certain order; made anew on each call. */
  recentCloses(): ServerClose[] {
    const { numbers, count } = this.closes;
    const closes: ServerClose[] = [];
    for (let from = 0; from < count * closeWidth; from += closeWidth) {
      closes.push({
        connection: numbers[from]!,
        atNs: numbers[from + 1]!,
        packet: numbers[from + 2]!,
        idleNs: numbers[from + 3]!,
        openedNs: numbers[from + 4]!,
      });
    }
    return closes;
  }

  /** What the server announces as its idle timeout, most often, in seconds; null when it announces none. */
  announcedSeconds(): number | null {
    let best: number | null = null;
    let most = 0;
    for (const [seconds, count] of this.hintSeconds) {
      if (count > most) {
        best = seconds;
        most = count;
      }
    }
    return best;
  }

  private addHalfOpen({ id, closing, last }: Connection): void {
    const { first, clientFin, serverFin, finAcknowledged, sentKnowing, reset } = closing;
    if (first === null || finAcknowledged === null || sentKnowing !== null || last.atNs < finAcknowledged.atNs) return;
    const otherFin = first.from === 'client' ? serverFin : clientFin;
    if (otherFin !== null && otherFin.atNs - finAcknowledged.atNs < leastHalfOpenNs) return;
    if (this.halfOpen.length >= serverLimits.halfOpen) return;
    const end = otherFin ?? reset?.at ?? null;
    const endedByReset = end === null ? null : 'a reset';
    this.halfOpen.push({
      connection: id,
      stays: otherSide(first.from),
      sinceNs: finAcknowledged.atNs,
      finPacket: first.at.packet,
      endedNs: end?.atNs ?? null,
      endedBy: otherFin !== null ? 'its FIN' : endedByReset,
      endPacket: (end ?? last).packet,
    });
  }

  private countHint(seconds: number): void {
    const count = this.hintSeconds.get(seconds);
    if (count !== undefined || this.hintSeconds.size < serverLimits.distinctValues)
      this.hintSeconds.set(seconds, (count ?? 0) + 1);
  }

  private addHinted({ exchanges, id }: Connection): void {
    for (let place = Math.max(0, exchanges.length - serverLimits.hintedPerConnection); place < exchanges.length; place++) {
      const exchange = exchanges[place]!;
      if (exchange.hint !== null && exchange.responseEnd !== null) this.addHintedExchange(exchange, exchange.responseEnd, id);
    }
  }

  private addHintedExchange({ requestAt, firstByte, target }: Exchange, responseEnd: Moment, connection: ConnectionId): void {
    // The oldest makes room: its object is filled anew, because there may be one an exchange.
    let outline = this.hinted[this.hintedNext];
    if (outline === undefined) {
      outline = { startNs: Number.NaN, endNs: Number.NaN, target, packet: 0, connection };
      this.hinted.push(outline);
    }
    this.hintedNext = (this.hintedNext + 1) % serverLimits.recentExchanges;
    outline.startNs = requestAt.atNs;
    outline.endNs = responseEnd.atNs;
    outline.target = target;
    outline.packet = (firstByte ?? responseEnd).packet;
    outline.connection = connection;
  }

  private addWaiting({ id, exchanges, last, tcp, closing }: Connection, { firstUnanswered }: ConnectionFacts): void {
    const { method, target, requestAt, requestEnd, requestAcked, requestSeen, interim } = exchanges[firstUnanswered]!;
    if (!requestSeen || method === 'CONNECT' || interim.length > 0 || this.waiting.length >= serverLimits.waiting) return;
    const stuckInUpload = requestEnd === null && tcp.zeroWindows.server > 0 && tcp.zeroWindowProbes.client > 0;
    if (!stuckInUpload && (requestEnd === null || requestAcked === null || closing.unanswered !== null)) return;
    const sinceNs = stuckInUpload ? last.atNs : (requestAcked ?? last).atNs;
    this.waiting.push({ connection: id, method, target, requestPacket: requestAt.packet, sinceNs, stuckInUpload });
  }

  private addClose(connection: Connection, facts: ConnectionFacts): void {
    const { ending, exchanges, exchangeCount, opened, sidesFrom } = connection;
    const { idleNs } = ending;
    if (ending.by !== 'server' || idleNs === null) return;
    const { atNs, packet } = ending.at;
    const last = exchanges[exchanges.length - 1]!;
    if (sidesFrom === 'syn' && exchangeCount > 1) {
      this.serverAges.prove(atNs - opened.atNs, connection.id, ending.at);
      const used = last.responseEnd ?? exchanges[exchanges.length - 2]!.responseEnd;
      if (used !== null) this.serverAgeIdles.add(Math.max(0, atNs - used.atNs));
    }
    if (ending.why === 'idle' && (!facts.byTurns || idleNs >= leastTurnIdleNs)) {
      this.idleCloses.prove(idleNs, connection.id, ending.at);
    }
    this.addTimeBeforeLateRequest(connection, facts);
    const broken = brokenHint(ending.why, idleNs, exchangeCount, facts);
    if (broken !== null && this.earlyCloses.length < serverLimits.earlyCloses) {
      const { lastHintSeconds: hintSeconds, lastHintMax: hintMax } = facts;
      const { id } = connection;
      this.earlyCloses.push({ connection: id, atNs, packet, idleNs, requests: exchangeCount, hintSeconds, hintMax, broken });
    }
    if (ending.why === 'idle' || ending.why === 'after-response') this.addRecentClose(connection, idleNs);
  }

  /** A TLS connection that had been used. The close says goodbye with an alert first: what counts is the data before. */
  private addEncryptedClose({ id, closing }: Connection, encrypted: EncryptedUse): void {
    const { askedAt, isAnswered, answeredTurns, idleBeforeNs, lastDataNs } = encrypted;
    const closedAt = closeOfServer(closing, encrypted);
    if (closedAt === null || answeredTurns === 0) return;
    const cameLate = !isAnswered && askedAt !== null && askedAt.atNs > closedAt.atNs;
    if (!isAnswered && !cameLate) return;
    const idleNs = closedAt.atNs - (cameLate ? askedAt.atNs - idleBeforeNs : lastDataNs);
    if (idleNs >= leastTurnIdleNs) this.idleCloses.prove(idleNs, id, closedAt);
  }

  private addRecentClose({ id, ending, opened }: Connection, idleNs: number): void {
    const from = this.closes.add();
    const { numbers } = this.closes;
    numbers[from] = id;
    numbers[from + 1] = ending.at.atNs;
    numbers[from + 2] = ending.at.packet;
    numbers[from + 3] = idleNs;
    numbers[from + 4] = opened.atNs;
  }

  private addMaximum(connection: Connection, facts: ConnectionFacts): void {
    const { ending, exchanges, sidesFrom } = connection;
    const last = exchanges[exchanges.length - 1]!;
    // A maximum of requests shows in a FIN behind a healthy answer; pipelined requests behind that may stay unanswered.
    const lastAnswered = facts.firstUnanswered < 0 ? last : exchanges[facts.firstUnanswered - 1];
    const counts = lastAnswered !== undefined && ending.how === 'fin' && sidesFrom === 'syn' && (lastAnswered.status ?? 0) < 400;
    if (!counts || facts.byTurns || lastAnswered.responseFraming === 'until-close') return;
    const announced = lastAnswered.closeAskedBy === 'server';
    const silent = ending.why === 'after-response';
    // Once announced, it does not matter who is the first to close.
    if (ending.by !== 'server' && !(announced && ending.by === 'client')) return;
    if (announced || silent) this.countRequestsAtClose(connection, facts.answered, announced);
  }

  /** A request that came behind the close for idleness took nothing from that idle time. */
  private addTimeBeforeLateRequest({ id, ending, exchanges }: Connection, { firstUnanswered, byTurns }: ConnectionFacts): void {
    if (ending.why !== 'request-crossed' || ending.how !== 'fin' || firstUnanswered < 1 || byTurns) return;
    const { atNs } = ending.at;
    const before = exchanges[firstUnanswered - 1]!.responseEnd;
    if (before === null || exchanges[firstUnanswered]!.requestAt.atNs <= atNs || atNs - before.atNs < leastTurnIdleNs) return;
    this.idleCloses.prove(atNs - before.atNs, id, ending.at);
  }

  private countRequestsAtClose({ id, ending }: Connection, answered: number, announced: boolean): void {
    let counts = this.requestsAtClose.get(answered);
    if (counts === undefined) {
      if (this.requestsAtClose.size >= serverLimits.distinctValues) return;
      counts = { announced: 0, silent: 0, connections: [], packets: [] };
      this.requestsAtClose.set(answered, counts);
    }
    if (announced) counts.announced++;
    else counts.silent++;
    if (counts.connections.length < serverLimits.evidence) {
      counts.connections.push(id);
      counts.packets.push(ending.at.packet);
    }
  }
}

/** Earlier than this share of the announced time, less a moment, is early. */
const earlyShare = 0.9;
const earlySlackNs = 100e6;

function brokenHint(
  why: EndingWhy,
  idleNs: number,
  exchangeCount: number,
  { lastHintSeconds, lastHintMax, firstHintMax, firstUnanswered, whole }: ConnectionFacts,
): EarlyClose['broken'] | null {
  if (firstUnanswered >= 0 || (why !== 'idle' && why !== 'after-response')) return null;
  // Counted down it says how many more, else how many in all; the capture may have begun behind the first of them.
  const countsDown = firstHintMax !== lastHintMax;
  if (lastHintMax !== null && why === 'after-response' && (countsDown ? lastHintMax > 0 : whole && exchangeCount < lastHintMax))
    return 'max';
  if (lastHintSeconds === null) return null;
  if (why === 'after-response') return 'prompt';
  return idleNs < earlyShare * lastHintSeconds * 1e9 - earlySlackNs ? 'timeout' : null;
}

function keepOpening(list: FailedOpening[], { id, ending, opened, last }: Connection): void {
  if (list.length >= serverLimits.failedOpenings) return;
  const { packet, atNs } = ending.at;
  list.push({ connection: id, atNs, packet, waitedNs: Math.max(0, last.atNs - opened.atNs) });
}
