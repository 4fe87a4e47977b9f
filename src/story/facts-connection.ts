/**
 * One pass over a finished connection: what several rules need, gathered once, and what its server's facts are fed with.
 * A single object is used again for every connection; rules must not keep it.
 */

import { cameTooLate } from './ending.js';
import type { PairFacts } from './facts-pair.js';
import type { ServerFacts } from './facts-server.js';
import type { Connection, Exchange } from './model.js';
import { payloadNotCaptured } from './turn-taking.js';

export class ConnectionFacts {
  server!: ServerFacts;
  pair!: PairFacts;
  /** The handshake's round trip in ns; 0 when unknown. */
  roundTripNs = 0;
  /** Packets of both sides were captured. */
  bothSeen = false;
  /** No packet of it is known to be missing since it was first seen: what was not seen did not happen. */
  sound = false;
  /** Captured from its opening on, and sound. */
  whole = false;
  /** Its messages could not be read, only who sent when: what their heads say is unknown. */
  byTurns = false;
  isHttp = false;
  /** Index of the oldest exchange without a response byte; −1 when all have one. */
  firstUnanswered = -1;
  /** Exchanges with a final response. */
  answered = 0;
  /** Seconds of the last `Keep-Alive: timeout=N` of the connection; null when there was none. */
  lastHintSeconds: number | null = null;
  lastHintMax: number | null = null;
  firstHintMax: number | null = null;
  /** The longest idle gap that was followed by an answered request, and that request. */
  longestSurvivedGapNs = 0;
  longestGapExchange: Exchange | null = null;
  /** Sums over answered exchanges, in ns. */
  waitedClientNs = 0;
  waitedNetworkNs = 0;
  waitedServerNs = 0;
  /** The exchange that waited longest for each, and how long, in ns. */
  slowestServer: Exchange | null = null;
  slowestNetwork: Exchange | null = null;
  slowestClient: Exchange | null = null;
  closeAskedByClient = 0;
  closeAskedByServer = 0;
  pipelined = 0;
  noted = false;

  read(connection: Connection): void {
    const { tcp, exchanges, sidesFrom } = connection;
    this.roundTripNs = connection.handshakeNs ?? connection.synToSynAckNs ?? 0;
    this.bothSeen = sawServer(connection) && sawClient(connection);
    this.sound =
      this.bothSeen &&
      tcp.gapBytes.client + tcp.gapBytes.server === 0 &&
      tcp.lostSegments.client + tcp.lostSegments.server === 0 &&
      tcp.acksOfUnseen.client + tcp.acksOfUnseen.server === 0;
    this.byTurns = connection.protocol.detail === payloadNotCaptured;
    this.whole = this.sound && (sidesFrom === 'syn' || sidesFrom === 'syn-ack');
    this.isHttp = exchanges.length > 0;
    this.firstUnanswered = -1;
    this.answered = 0;
    this.lastHintSeconds = null;
    this.lastHintMax = null;
    this.firstHintMax = null;
    this.longestSurvivedGapNs = 0;
    this.longestGapExchange = null;
    this.waitedClientNs = 0;
    this.waitedNetworkNs = 0;
    this.waitedServerNs = 0;
    this.slowestServer = null;
    this.slowestNetwork = null;
    this.slowestClient = null;
    this.closeAskedByClient = 0;
    this.closeAskedByServer = 0;
    this.pipelined = 0;
    this.noted = false;
    for (let index = 0; index < exchanges.length; index++) this.#readExchange(exchanges[index]!, index, connection);
  }

  #readExchange(exchange: Exchange, index: number, connection: Connection): void {
    if (exchange.notes.length > 0) this.noted = true;
    if (exchange.pipelined) this.pipelined++;
    const { closeAskedBy } = exchange;
    if (closeAskedBy !== 'none') {
      if (closeAskedBy !== 'server') this.closeAskedByClient++;
      if (closeAskedBy !== 'client') this.closeAskedByServer++;
    }
    if (exchange.firstByte === null || (connection.closing.reset !== null && cameTooLate(exchange, connection.closing))) {
      if (this.firstUnanswered < 0) this.firstUnanswered = index;
      return;
    }
    this.answered++;
    const { hint, waited } = exchange;
    if (hint !== null) {
      if (hint.timeoutSeconds !== null) this.lastHintSeconds = hint.timeoutSeconds;
      if (hint.max !== null) {
        this.lastHintMax = hint.max;
        this.firstHintMax ??= hint.max;
      }
    }
    if (index > 0 && index <= connection.idleGapsNs.length) {
      const gap = connection.idleGapsNs[index - 1]!;
      if (gap > this.longestSurvivedGapNs) {
        this.longestSurvivedGapNs = gap;
        this.longestGapExchange = exchange;
      }
    }
    if (!exchange.requestSeen) return;
    this.waitedClientNs += waited.client;
    this.waitedNetworkNs += waited.network;
    this.waitedServerNs += waited.server;
    if (this.slowestServer === null || waited.server > this.slowestServer.waited.server) this.slowestServer = exchange;
    if (this.slowestNetwork === null || waited.network > this.slowestNetwork.waited.network) this.slowestNetwork = exchange;
    if (this.slowestClient === null || waited.client > this.slowestClient.waited.client) this.slowestClient = exchange;
  }
}

const sawServer = ({ tcp }: Connection): boolean =>
  tcp.syns.server > 0 || tcp.bytes.server > 0 || tcp.fins.server > 0 || tcp.resets.server > 0;

const sawClient = ({ tcp }: Connection): boolean =>
  tcp.syns.client > 0 || tcp.bytes.client > 0 || tcp.fins.client > 0 || tcp.resets.client > 0;

/** Sent to its framed end. */
export const isRequestWhole = (exchange: Exchange): boolean => exchange.requestEnd !== null;
