/**
 * Two ways in which a sender's TCP makes the other side wait although nobody is slow, read off the times of its writes:
 *
 * - A stall between two small writes: the second waits (Nagle's algorithm, RFC 9293 §3.7.4) for the acknowledgement of the first,
 *   which the receiver delays (RFC 9293 §3.8.6.3; 40 ms on Linux, 200 ms on Windows and BSD). In packets: an acknowledgement without
 *   data after just such a time, and at once more bytes of the same message.
 * - Slow start after idle (RFC 5681 §4.1; Linux tcp_slow_start_after_idle): the first response after a pause comes in flights that
 *   grow from a few packets again, one a round trip, although the connection had carried more at once before.
 *
 * Made only for connections where either can show: it costs nothing on the others.
 */
import type { Side } from '../base/index.js';
import type { SlowStart, WriteStalls, Writing } from './model.js';

/** A delayed acknowledgement comes after one of these times, in ns. */
const delayedAckNs: readonly (readonly [number, number])[] = [
  [36e6, 50e6],
  [180e6, 215e6],
];
/** Beyond it the round trip itself may be what is seen. */
const mostRoundTripNs = 25e6;
/** The held write leaves this soon behind the acknowledgement, besides a round trip. */
const promptNs = 2e6;
/** Packets and flights kept as evidence. */
const evidenceLimit = 8;
/** Shorter round trips show no flights. */
export const leastFlightRoundTripNs = 4e6;
/** Below it (the least retransmission timeout of Linux) nothing counts as idle. */
const leastIdleNs = 200e6;
/** More than the initial window of RFC 6928, ten segments, is no restart. */
const mostFirstFlight = 16_000;

export const mayBeDelayedAck = (roundTripNs: number): boolean => roundTripNs >= delayedAckNs[0]![0];

export class WritePattern implements Writing {
  clientStalls: WriteStalls | null = null;
  serverStalls: WriteStalls | null = null;
  slowStart: SlowStart | null = null;
  #heldSide: Side | null = null;
  #heldAtNs = 0;
  #heldForNs = 0;
  #heldPacket = 0;
  /** The present train of server bytes, uninterrupted by the client's: sizes of its flights. */
  #flights: number[] = [];
  #trainPacket = 0;
  #trainIdleNs = 0;
  #flightStartNs = 0;
  #regular = true;
  #lastServerNs = -1;
  #largestFlight = 0;

  /** A pure acknowledgement of all that `of` had sent, this long after it was sent. */
  acknowledged(of: Side, roundTripNs: number, baseNs: number, atNs: number, packet: number): void {
    if (baseNs <= 0 || baseNs > mostRoundTripNs) return;
    // The base is in it or not, as the capture was made at the one end or the other.
    const delayed = delayedAckNs.some(
      ([low, high]) =>
        (roundTripNs >= low && roundTripNs <= high) || (roundTripNs - baseNs >= low && roundTripNs - baseNs <= high),
    );
    if (!delayed) return;
    this.#heldSide = of;
    this.#heldAtNs = atNs;
    this.#heldForNs = roundTripNs;
    this.#heldPacket = packet;
  }

  /** Bytes of `from`; `inMessage`: they go on with a message that had begun before. */
  bytes(from: Side, byteCount: number, inMessage: boolean, baseNs: number, atNs: number, packet: number): void {
    if (this.#heldSide !== null) {
      if (this.#heldSide === from && inMessage && atNs - this.#heldAtNs <= promptNs + 1.5 * baseNs) this.#addStall(from, packet);
      this.#heldSide = null;
    }
    if (baseNs < leastFlightRoundTripNs) return;
    if (from === 'client') this.endTrain(baseNs);
    else this.#addToFlight(byteCount, baseNs, atNs, packet);
  }

  /** The server's present train of flights is over. */
  endTrain(roundTripNs: number): void {
    const flights = this.#flights;
    if (flights.length === 0) return;
    const before = this.#largestFlight;
    for (let index = 0; index < flights.length; index++) this.#largestFlight = Math.max(this.#largestFlight, flights[index]!);
    if (flights.length < 3) {
      flights.length = 0;
      return;
    }
    this.#flights = [];
    const first = flights[0]!;
    const second = flights[1]!;
    const restarted =
      this.#regular &&
      this.#trainIdleNs >= leastIdleNs &&
      first <= mostFirstFlight &&
      second >= 1.5 * first &&
      before >= 2 * first;
    if (!restarted) return;
    const total = flights.reduce((sum, flight) => sum + flight, 0);
    const extra = flights.length - Math.ceil(total / before);
    if (extra < 1) return;
    const soFar = this.slowStart;
    this.slowStart = {
      count: (soFar?.count ?? 0) + 1,
      delayNs: (soFar?.delayNs ?? 0) + extra * roundTripNs,
      flights: soFar?.flights ?? flights,
      largestBefore: soFar?.largestBefore ?? before,
      idleNs: soFar?.idleNs ?? this.#trainIdleNs,
      packets: soFar === null ? [this.#trainPacket] : [...soFar.packets.slice(0, evidenceLimit - 1), this.#trainPacket],
    };
  }

  swap(): void {
    [this.clientStalls, this.serverStalls] = [this.serverStalls, this.clientStalls];
  }

  #addStall(from: Side, packet: number): void {
    const soFar = from === 'client' ? this.clientStalls : this.serverStalls;
    const stalls: WriteStalls = {
      count: (soFar?.count ?? 0) + 1,
      delayNs: (soFar?.delayNs ?? 0) + this.#heldForNs,
      packets:
        soFar === null ? [this.#heldPacket, packet] : [...soFar.packets.slice(0, evidenceLimit - 2), this.#heldPacket, packet],
    };
    if (from === 'client') this.clientStalls = stalls;
    else this.serverStalls = stalls;
  }

  #addToFlight(byteCount: number, roundTripNs: number, atNs: number, packet: number): void {
    const flights = this.#flights;
    const sinceLastNs = this.#lastServerNs < 0 ? 0 : atNs - this.#lastServerNs;
    this.#lastServerNs = atNs;
    if (flights.length === 0) {
      this.#trainPacket = packet;
      this.#trainIdleNs = sinceLastNs;
      this.#flightStartNs = atNs;
      this.#regular = true;
      flights.push(byteCount);
      return;
    }
    if (sinceLastNs < 0.4 * roundTripNs || flights.length >= evidenceLimit) {
      flights[flights.length - 1]! += byteCount;
      return;
    }
    const sinceStartNs = atNs - this.#flightStartNs;
    if (sinceStartNs < 0.7 * roundTripNs || sinceStartNs > 1.6 * roundTripNs) this.#regular = false;
    this.#flightStartNs = atNs;
    flights.push(byteCount);
  }
}
