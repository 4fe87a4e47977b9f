/**
 * Who kept an exchange waiting: the time from its first request byte to its last response byte, cut into slices at every
 * observation of the connection, each slice given to the client, the network or the server. The shares sum to the whole.
 *
 * How a slice is given, seen from where the capture was made:
 * - While the request is being sent: to the server when its window is 0, to the network while sent bytes are unacknowledged or its
 *   sender had more to send (sending-pace.ts), else to the client, who did not send; but to the server while the client
 *   waits to be told to go on (Expect: 100-continue, RFC 9110 §10.1.1).
 * - While the answer is awaited: to the network until the request is acknowledged, but without retransmissions not for longer
 *   than a round trip (an acknowledgement may be delayed for up to 500 ms, RFC 9293 §3.8.6.3, and ride on the answer); else to
 *   the server.
 * - While the response comes: to the client when its window is 0, to the network while response bytes are unacknowledged or their
 *   sender had more to send, else to the server, who did not send.
 * - A loss shows late: when something is sent again, or comes behind a hole, what passed meanwhile goes to the network after all.
 * - A request that stays unacknowledged is sent again and again, each time after twice as long (RFC 6298 §5.5). Where that stops, the
 *   acknowledgement came and is missing from the capture.
 */
import { nsPerMs, type Side } from '../base/index.js';
import type { Exchange } from './model.js';
import { SendingPace } from './sending-pace.js';

/** Used as the round trip where the capture shows none. */
const unknownRoundTripNs = 10e6;
/** A sender that has begun to send again goes on within this many times what it waited before, and one of these times at least. */
const againWithin = { times: 2.5, leastNs: 500e6 } as const;
/** Pipelined exchanges beyond this many in flight are not accounted slice by slice. */
const accountedPending = 64;

export class WaitAccount {
  private lastNs = 0;
  /** Since when bytes of the client are unacknowledged; −1 when none are. Likewise of the server. */
  private clientUnackedSinceNs = -1;
  private serverUnackedSinceNs = -1;
  /** When the client's unacknowledged bytes were sent again, or came out of order, last; −1 when they were not. */
  private clientTroubledNs = -1;
  /** Until when they have to be sent once more if they are still unacknowledged. */
  private clientAgainNs = -1;
  /** The side announces a window of 0: it does not read. */
  private clientWindowClosed = false;
  private serverWindowClosed = false;
  /** Behind a hole in the server's bytes: they wait for what is lost. */
  private serverTroubled = false;
  private lastServerBytesNs = -1;
  /** Until when standing still was counted. */
  private stalledUntilNs = -1;
  private readonly clientPace = new SendingPace();
  private readonly serverPace = new SendingPace();
  /** The server has ended its stream: nobody waits for it any more. */
  private serverEnded = false;
  /** The client waits to be told to send the body of this one. */
  private expecting: Exchange | null = null;
  /** −1 while unknown. */
  roundTripNs = -1;

  /** Forgets everything, for the next connection. */
  restart(): void {
    this.lastNs = 0;
    this.clientUnackedSinceNs = -1;
    this.serverUnackedSinceNs = -1;
    this.clientTroubledNs = -1;
    this.clientAgainNs = -1;
    this.clientWindowClosed = false;
    this.serverWindowClosed = false;
    this.serverTroubled = false;
    this.lastServerBytesNs = -1;
    this.stalledUntilNs = -1;
    this.clientPace.restart();
    this.serverPace.restart();
    this.serverEnded = false;
    this.expecting = null;
    this.roundTripNs = -1;
  }

  /** Gives the time since the last call to whoever it belongs to. Call before anything changes at `nowNs`. */
  advance(nowNs: number, pending: readonly Exchange[], pendingFrom: number): void {
    const from = this.lastNs;
    if (nowNs <= from) return;
    this.lastNs = nowNs;
    if (this.serverEnded) return;
    const to = Math.min(pending.length, pendingFrom + accountedPending);
    for (let index = pendingFrom; index < to; index++) this.share(pending[index], from, nowNs);
  }

  /** A new exchange: its head took from its first byte until now to arrive. */
  begin(exchange: Exchange, nowNs: number): void {
    if (nowNs > exchange.requestAt.atNs) exchange.waited.client += nowNs - exchange.requestAt.atNs;
  }

  /** Its head asked to be told to go on. */
  expects(exchange: Exchange): void {
    this.expecting = exchange;
  }

  /** What one side announced as the largest segment that it takes. */
  segmentsUpTo(byteCount: number): void {
    this.clientPace.segmentsUpTo(byteCount);
    this.serverPace.segmentsUpTo(byteCount);
  }

  /** New bytes, of one segment. */
  bytes(from: Side, byteCount: number, nowNs: number): void {
    if (from === 'client') {
      this.expecting = null;
      this.clientPace.segment(byteCount, nowNs);
      if (this.clientUnackedSinceNs < 0) this.clientUnackedSinceNs = nowNs;
      this.clientWindowClosed = false;
    } else {
      this.serverTroubled = false;
      this.serverPace.segment(byteCount, nowNs);
      if (nowNs > this.lastServerBytesNs) this.lastServerBytesNs = nowNs;
      if (this.serverUnackedSinceNs < 0) this.serverUnackedSinceNs = nowNs;
      this.serverWindowClosed = false;
    }
  }

  /** All that the other side had sent. */
  acknowledged(by: Side, roundTripNs: number | null): void {
    if (by === 'client') {
      this.serverUnackedSinceNs = -1;
      this.serverTroubled = false;
    } else {
      this.clientUnackedSinceNs = -1;
      this.clientTroubledNs = -1;
    }
    if (roundTripNs !== null && roundTripNs > 0 && this.roundTripNs < 0) this.roundTripNs = roundTripNs;
  }

  /** The server's FIN. */
  ended(): void {
    this.serverEnded = true;
  }

  /** Something was sent again, or came out of order: it was lost, or late. `oldest`: the oldest exchange that waits. */
  trouble(from: Side, nowNs: number, oldest: Exchange | null): void {
    let sinceNs = nowNs;
    if (from === 'client') {
      const sentNs = Math.max(this.clientUnackedSinceNs, this.clientTroubledNs);
      if (sentNs >= 0 && oldest?.firstByte === null) sinceNs = sentNs;
      this.clientTroubledNs = nowNs;
      const waitedNs = sentNs < 0 ? 0 : nowNs - sentNs;
      this.clientAgainNs = nowNs + Math.max(againWithin.leastNs, againWithin.times * waitedNs);
    } else {
      if (!this.serverTroubled && oldest !== null && oldest.firstByte !== null) sinceNs = this.lastServerBytesNs;
      this.serverTroubled = true;
    }
    if (oldest === null || sinceNs < 0) return;
    // Whoever receives missed it for a round trip at least.
    this.stall(oldest, Math.min(sinceNs, nowNs - Math.max(0, this.roundTripNs)), nowNs);
    moveToNetwork(oldest, nowNs - sinceNs);
  }

  /** What had arrived was sent again by the server: it stood still because acknowledgements were lost, or late. */
  needless(nowNs: number, oldest: Exchange | null): void {
    if (oldest === null || oldest.firstByte === null) return;
    this.stall(oldest, this.lastServerBytesNs, nowNs);
    moveToNetwork(oldest, nowNs - this.lastServerBytesNs);
  }

  /** Bytes of the server are missing before what came now. Since when, nobody can know. */
  hole(): void {
    this.serverTroubled = true;
  }

  private stall(exchange: Exchange, fromNs: number, toNs: number): void {
    const sinceNs = Math.max(fromNs, this.stalledUntilNs, exchange.requestAt.atNs);
    if (toNs <= sinceNs) return;
    exchange.stalledMs += Math.round((toNs - sinceNs) / nsPerMs);
    this.stalledUntilNs = toNs;
  }

  window(from: Side, closed: boolean): void {
    if (from === 'client') this.clientWindowClosed = closed;
    else this.serverWindowClosed = closed;
  }

  /** More of a response that had seemed whole: what passed since belongs to it after all. */
  late(exchange: Exchange, fromNs: number, toNs: number): void {
    this.share(exchange, fromNs, toNs);
  }

  private share(exchange: Exchange, fromNs: number, toNs: number): void {
    const waited = exchange.waited;
    const span = toNs - Math.max(fromNs, exchange.requestAt.atNs);
    if (span <= 0) return;
    if (exchange.firstByte !== null) {
      if (this.clientWindowClosed) waited.client += span;
      else if (this.serverUnackedSinceNs >= 0 || this.serverTroubled || this.serverPace.hasMore(toNs, this.roundTripNs)) {
        waited.network += span;
        if (this.serverTroubled) this.stall(exchange, toNs - span, toNs);
      } else waited.server += span;
      return;
    }
    if (exchange.requestEnd === null && (exchange !== this.expecting || exchange.interim.length > 0)) {
      if (this.serverWindowClosed) waited.server += span;
      else if (this.clientUnackedSinceNs >= 0 || this.clientPace.hasMore(toNs, this.roundTripNs)) waited.network += span;
      else waited.client += span;
      return;
    }
    const unackedSince = this.clientUnackedSinceNs;
    if (unackedSince < 0) {
      waited.server += span;
    } else if (this.clientTroubledNs >= 0 && toNs <= this.clientAgainNs) {
      waited.network += span;
    } else {
      const sentNs = Math.max(unackedSince, this.clientTroubledNs);
      const until = sentNs + (this.roundTripNs < 0 ? unknownRoundTripNs : this.roundTripNs);
      const network = Math.max(0, Math.min(span, until - (toNs - span)));
      waited.network += network;
      waited.server += span - network;
    }
  }
}

/** A span of the server's that was the network's after all. */
function moveToNetwork({ waited }: Exchange, span: number): void {
  const moved = Math.max(0, Math.min(waited.server, span));
  waited.server -= moved;
  waited.network += moved;
}

/**
 * An exchange is over: makes the shares sum to its length (in a capture whose clock jumped, or of deep pipelines, they may not) and
 * names the largest, the server's when all are equal.
 */
export function settleWaiting(exchange: Exchange): void {
  const { waited, requestAt, responseEnd } = exchange;
  if (responseEnd !== null) {
    const length = Math.max(0, responseEnd.atNs - requestAt.atNs);
    const sum = waited.client + waited.network + waited.server;
    if (sum !== length) {
      const scale = sum === 0 ? 0 : length / sum;
      // Rounded up, a share of some years could be more than the whole.
      waited.client = Math.min(Math.floor(waited.client * scale), length);
      waited.network = Math.min(Math.floor(waited.network * scale), length - waited.client);
      waited.server = length - waited.client - waited.network;
    }
  }
  if (waited.server >= waited.network && waited.server >= waited.client) exchange.waitedOn = 'server';
  else exchange.waitedOn = waited.network >= waited.client ? 'network' : 'client';
}
