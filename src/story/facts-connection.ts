/**
 * One pass over a finished connection: what several rules need, gathered once, and what its server's facts are fed with.
 * A single object is used again for every connection; rules must not keep it.
 */

import { zeroNs } from '../base/index.js';
import { cameTooLate } from './ending.js';
import type { PairFacts } from './facts-pair.js';
import type { ServerFacts } from './facts-server.js';
import { signsOf } from './facts-signs.js';
import { type Connection, type EndingWhy, type Exchange, endingReasons, type Moment } from './model.js';
import { payloadNotCaptured } from './turn-taking.js';

export class ConnectionFacts {
  server!: ServerFacts;
  pair!: PairFacts;
  /** The handshake's round trip in ns; 0 when unknown. */
  roundTripNs = zeroNs;
  /** Packets of both sides were captured. */
  bothSeen = false;
  /** The capture's clock was set back while it lasted: what came first and how long things took is unknown. */
  clockBack = false;
  /** No packet of it is known to be missing since it was first seen: what was not seen did not happen. */
  sound = false;
  /** Captured from its opening on, and sound. */
  whole = false;
  /** Its messages could not be read, only who sent when: what their heads say is unknown. */
  byTurns = false;
  isHttp = false;
  /** It became a tunnel or was upgraded: it does not come back for another request. */
  tunnelled = false;
  /** Index of the oldest exchange without a response byte; −1 when all have one. */
  firstUnanswered = -1;
  /** Exchanges with a final response. */
  answered = 0;
  /** Seconds of the last `Keep-Alive: timeout=N` of the connection; null when there was none. */
  lastHintSeconds: number | null = null;
  lastHintMax: number | null = null;
  firstHintMax: number | null = null;
  /** The longest idle gap that was followed by an answered request, and the first packet of that request; 0 when there was none. */
  longestSurvivedGapNs = zeroNs;
  longestGapPacket = 0;
  /** Sums over answered exchanges, in ns. */
  waitedClientNs = zeroNs;
  waitedNetworkNs = zeroNs;
  waitedServerNs = zeroNs;
  /** The longest that one of them waited for each, in ns. */
  longestClientNs = zeroNs;
  longestNetworkNs = zeroNs;
  longestServerNs = zeroNs;
  /** The longest from the end of a request to the first byte of its answer, in ns. */
  longestAnswerNs = zeroNs;
  closeAskedByClient = 0;
  /** Exchanges that are kept one by one over all servers (facts-whole.ts): not idempotent, or answered by a gateway. */
  ofNote = 0;
  /** What is out of the ordinary about it (facts-signs.ts). */
  signs = 0;
  /** Why it ended: a place in `endingReasons`. */
  reason = 0;

  /** Also counts its responses into `statusClasses`, by hundreds of their status. */
  read(connection: Connection, statusClasses: Float64Array): void {
    const { tcp, exchanges, sidesFrom } = connection;
    this.roundTripNs = connection.handshakeNs ?? connection.synToSynAckNs ?? 0;
    this.bothSeen = sawServer(connection) && sawClient(connection);
    this.clockBack = runsBackwards(connection);
    // Behind a captured SYN there was a SYN-ACK; where it is missing, more may be.
    const openingMissing = tcp.syns.client > 0 && tcp.syns.server === 0 && tcp.bytes.server > 0;
    this.sound =
      this.bothSeen &&
      !this.clockBack &&
      !openingMissing &&
      tcp.gapBytes.client + tcp.gapBytes.server === 0 &&
      tcp.lostSegments.client + tcp.lostSegments.server === 0 &&
      tcp.acksOfUnseen.client + tcp.acksOfUnseen.server === 0;
    this.byTurns = connection.protocol.detail === payloadNotCaptured;
    this.whole = this.sound && (sidesFrom === 'syn' || sidesFrom === 'syn-ack');
    this.isHttp = exchanges.length > 0;
    this.tunnelled = this.isHttp && exchanges[exchanges.length - 1]!.responseFraming === 'tunnel';
    this.readExchanges(connection, statusClasses);
    this.signs = signsOf(connection, this);
    this.reason = reasonNumbers.get(connection.ending.why)!;
  }

  /** In one pass, with what it finds in local variables: fields that hold floats cost at each change. */
  private readExchanges({ exchanges, closing, idleGapsNs }: Connection, statusClasses: Float64Array): void {
    let firstUnanswered = -1;
    let answered = 0;
    let lastHintSeconds: number | null = null;
    let lastHintMax: number | null = null;
    let firstHintMax: number | null = null;
    let longestGapNs = 0;
    let longestGapPacket = 0;
    let clientNs = 0;
    let networkNs = 0;
    let serverNs = 0;
    let longestClientNs = 0;
    let longestNetworkNs = 0;
    let longestServerNs = 0;
    let longestAnswerNs = 0;
    let closeAskedByClient = 0;
    let ofNote = 0;
    for (let index = 0; index < exchanges.length; index++) {
      const exchange = exchanges[index]!;
      const { status, closeAskedBy, hint, waited } = exchange;
      if (status !== null) {
        statusClasses[Math.min(5, Math.floor(status / 100))]!++;
        if (isOfGateway(status)) ofNote++;
      }
      if (isUnsafe(exchange.method)) ofNote++;
      if (closeAskedBy === 'client' || closeAskedBy === 'both') closeAskedByClient++;
      if (exchange.firstByte === null || (closing.reset !== null && cameTooLate(exchange, closing))) {
        if (firstUnanswered < 0) firstUnanswered = index;
        continue;
      }
      answered++;
      if (hint !== null) {
        if (hint.timeoutSeconds !== null) lastHintSeconds = hint.timeoutSeconds;
        if (hint.max !== null) {
          lastHintMax = hint.max;
          firstHintMax ??= hint.max;
        }
      }
      if (index > 0 && index <= idleGapsNs.length && idleGapsNs[index - 1]! > longestGapNs) {
        longestGapNs = idleGapsNs[index - 1]!;
        longestGapPacket = exchange.requestAt.packet;
      }
      if (!exchange.requestSeen) continue;
      const { client, network, server } = waited;
      clientNs += client;
      networkNs += network;
      serverNs += server;
      longestClientNs = Math.max(longestClientNs, client);
      longestNetworkNs = Math.max(longestNetworkNs, network);
      longestServerNs = Math.max(longestServerNs, server);
      if (exchange.requestEnd !== null)
        longestAnswerNs = Math.max(longestAnswerNs, exchange.firstByte.atNs - exchange.requestEnd.atNs);
    }
    this.firstUnanswered = firstUnanswered;
    this.answered = answered;
    this.lastHintSeconds = lastHintSeconds;
    this.lastHintMax = lastHintMax;
    this.firstHintMax = firstHintMax;
    this.longestSurvivedGapNs = longestGapNs;
    this.longestGapPacket = longestGapPacket;
    this.waitedClientNs = clientNs;
    this.waitedNetworkNs = networkNs;
    this.waitedServerNs = serverNs;
    this.longestClientNs = longestClientNs;
    this.longestNetworkNs = longestNetworkNs;
    this.longestServerNs = longestServerNs;
    this.longestAnswerNs = longestAnswerNs;
    this.closeAskedByClient = closeAskedByClient;
    this.ofNote = ofNote;
  }
}

const reasonNumbers: ReadonlyMap<EndingWhy, number> = new Map(endingReasons.map((why, place) => [why, place]));

/** A request whose method is not idempotent (RFC 9110 §9.2.2). */
export const isUnsafe = (method: string): boolean => method === 'POST' || method === 'PATCH';

/** 502, 503 or 504: a proxy may speak of what is behind it. */
export const isOfGateway = (status: number): boolean => status >= 502 && status <= 504;

const sawServer = ({ tcp }: Connection): boolean =>
  tcp.syns.server > 0 || tcp.bytes.server > 0 || tcp.fins.server > 0 || tcp.resets.server > 0;

const sawClient = ({ tcp }: Connection): boolean =>
  tcp.syns.client > 0 || tcp.bytes.client > 0 || tcp.fins.client > 0 || tcp.resets.client > 0;

/** Packets of two queues change places by less. */
const leastClockStepNs = 1e6;

function runsBackwards({ exchanges, ending }: Connection): boolean {
  const { at } = ending;
  for (let index = 0; index < exchanges.length; index++) {
    const { requestAt, firstByte, responseEnd } = exchanges[index]!;
    const end = responseEnd ?? firstByte ?? requestAt;
    if (isBackwards(requestAt, end) || isBackwards(end, at)) return true;
    const next = exchanges[index + 1];
    if (next !== undefined && isBackwards(end, next.requestAt)) return true;
  }
  return false;
}

const isBackwards = (one: Moment, other: Moment): boolean =>
  one.packet <= other.packet ? one.atNs - other.atNs > leastClockStepNs : other.atNs - one.atNs > leastClockStepNs;

/** Sent to its framed end. */
export const isRequestWhole = (exchange: Exchange): boolean => exchange.requestEnd !== null;
