/**
 * What a relay sees of the two connections that it joins, as observations: the client's connection to it, and its own to the server.
 * Both have the number of the pair, so that they can be held side by side.
 *
 * A relay reads and writes; it sees no packets. So `packet` is 0, and probes and retransmissions are never said. A FIN is told when it has
 * been read, or when this side's has been handed to the kernel; bytes when they have been read or written. What was read has been
 * acknowledged by this machine's kernel; of what was written, that the kernel has taken it is all that can be known, and is
 * told as the acknowledgement. So waiting for a peer that does not read shows, and waiting for a slow network mostly does not.
 *
 * Times are nanoseconds since `tapOriginSeconds`, from the monotonic clock.
 */
import type { ConnectionId, Endpoint, Observer, Side } from '../base/index.js';

/** Unix time in whole seconds that every `atNs` of a relay counts from. */
export const tapOriginSeconds = Math.floor(performance.timeOrigin / 1000);

const originOffsetMs = performance.timeOrigin - tapOriginSeconds * 1000;

/** Now, as `atNs`. */
export const tapNowNs = (): number => Math.round((originOffsetMs + performance.now()) * 1e6);

/** Tells one connection to one observer; nothing when there is none. */
export class TapObservations {
  readonly #observer: Observer | undefined;
  readonly #connection: ConnectionId;
  #ended = false;
  #opened = false;
  readonly #finished = new Set<Side>();

  constructor(observer: Observer | undefined, connection: ConnectionId) {
    this.#observer = observer;
    this.#connection = connection;
  }

  opened(client: Endpoint, server: Endpoint, atNs = tapNowNs()): void {
    this.#opened = true;
    this.#observer?.({ kind: 'opened', ...this.#at(atNs), client, server, evidence: 'syn' });
  }

  syn(from: Side, atNs = tapNowNs()): void {
    if (this.#ended) return;
    const acknowledges = from === 'server';
    this.#observer?.({ kind: 'syn', ...this.#at(atNs), from, acknowledges, repeated: false, maximumSegmentSize: null });
  }

  bytes(from: Side, data: Uint8Array): void {
    if (this.#ended) return;
    this.#observer?.({ kind: 'bytes', ...this.#at(), from, data, start: 0, end: data.length });
  }

  ack(from: Side): void {
    if (this.#ended) return;
    this.#observer?.({ kind: 'ack', ...this.#at(), from, pure: true, coversAll: true, roundTripNs: null });
  }

  fin(from: Side): void {
    if (this.#ended || this.#finished.has(from)) return;
    this.#finished.add(from);
    this.#observer?.({ kind: 'fin', ...this.#at(), from, repeated: false, unacknowledgedByteCount: 0 });
  }

  reset(from: Side): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#observer?.({
      kind: 'reset',
      ...this.#at(),
      from,
      repeated: false,
      timeToLive: null,
      usualTimeToLive: null,
      identification: null,
      lastIdentification: null,
    });
  }

  closed(why: 'finished' | 'source-ended'): void {
    this.#ended = true;
    if (this.#opened) this.#observer?.({ kind: 'closed', ...this.#at(), why });
    this.#opened = false;
  }

  #at(atNs = tapNowNs()): { connection: ConnectionId; atNs: number; packet: 0 } {
    return { connection: this.#connection, atNs, packet: 0 };
  }
}
