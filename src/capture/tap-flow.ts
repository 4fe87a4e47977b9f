/**
 * One direction of a relayed pair: bytes from one socket to the other, in order, with delay and rate if asked, and with back-pressure:
 * the source is not read while the sink does not take, or while more than `heldByteLimit` waits for its time.
 *
 * States: `relaying`; `stalled` (nothing is read or written any more); `swallowing` (everything is read and thrown away, so that nobody
 * notices); `ended` (the FIN has been passed on, or the pair is over).
 */
import type { Socket } from 'node:net';

/** Bytes of one direction that wait for their time, before the source is left unread. */
const heldByteLimit = 1024 * 1024;

interface HeldPiece {
  readonly dueMs: number;
  /** Null: the source's FIN. */
  readonly chunk: Buffer | null;
}

export interface TapFlowOptions {
  readonly source: Socket;
  readonly sink: Socket;
  readonly delayMs: number;
  /** Infinity: no limit. */
  readonly bitsPerSecond: number;
  /** Bytes that are going to the sink. */
  readonly onRelayed: (chunk: Buffer) => void;
  /** All that was written is with the kernel. */
  readonly onTaken: () => void;
  /** The sink's FIN is with the kernel. */
  readonly onFin: () => void;
}

interface Threshold {
  readonly afterBytes: number;
  readonly act: () => void;
}

export class TapFlow {
  /** Bytes written to the sink. */
  relayedBytes = 0;
  readonly #options: TapFlowOptions;
  #state: 'relaying' | 'stalled' | 'swallowing' | 'ended' = 'relaying';
  #held: HeldPiece[] = [];
  #heldBytes = 0;
  #freeAtMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #thresholds: Threshold[] = [];

  constructor(options: TapFlowOptions) {
    this.#options = options;
    options.sink.on('drain', () => this.#pump());
  }

  /** Has `act` called when exactly so many bytes have been written. */
  after(afterBytes: number, act: () => void): void {
    this.#thresholds.push({ afterBytes, act });
    this.#thresholds.sort((a, b) => a.afterBytes - b.afterBytes);
  }

  /** Acts on thresholds of no bytes at all. */
  begin(): void {
    this.#crossThresholds();
  }

  /** What was read from the source. */
  take(chunk: Buffer): void {
    if (this.#state !== 'relaying') return;
    this.#hold(chunk);
  }

  /** The source has ended. */
  takeEnd(): void {
    if (this.#state === 'relaying') this.#hold(null);
  }

  stall(): void {
    if (this.#state !== 'relaying') return;
    this.#leave('stalled');
    this.#options.source.pause();
  }

  swallow(): void {
    if (this.#state === 'ended') return;
    this.#leave('swallowing');
    this.#options.source.resume();
  }

  /** Gives the sink a FIN now, whatever still waits. */
  finish(): void {
    if (this.#state !== 'ended') this.swallow();
    const { sink, onFin } = this.#options;
    if (sink.destroyed || sink.writableEnded) return;
    sink.end(onFin);
  }

  end(): void {
    this.#leave('ended');
  }

  #leave(state: 'stalled' | 'swallowing' | 'ended'): void {
    this.#state = state;
    this.#held = [];
    this.#heldBytes = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #hold(chunk: Buffer | null): void {
    const { delayMs, bitsPerSecond } = this.#options;
    const nowMs = performance.now();
    const length = chunk?.length ?? 0;
    this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + (length * 8000) / bitsPerSecond;
    this.#held.push({ dueMs: this.#freeAtMs + delayMs, chunk });
    this.#heldBytes += length;
    this.#pump();
  }

  #pump(): void {
    const { source, sink } = this.#options;
    while (this.#state === 'relaying' && this.#held.length > 0 && !sink.writableNeedDrain) {
      const { dueMs, chunk } = this.#held[0]!;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) {
        this.#wakeIn(waitMs);
        break;
      }
      this.#held.shift();
      this.#heldBytes -= chunk?.length ?? 0;
      if (chunk === null) this.#passEnd();
      else this.#write(chunk);
    }
    if (this.#state !== 'relaying') return;
    if (sink.writableNeedDrain || this.#heldBytes >= heldByteLimit) source.pause();
    else source.resume();
  }

  #wakeIn(waitMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#pump();
    }, Math.ceil(waitMs));
  }

  #passEnd(): void {
    this.#leave('ended');
    const { sink, onFin } = this.#options;
    if (!sink.destroyed && !sink.writableEnded) sink.end(onFin);
  }

  /** Writes up to the next threshold, and what is behind it only when that has not ended the relaying. */
  #write(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && this.#state === 'relaying') {
      const until = (this.#thresholds[0]?.afterBytes ?? Number.POSITIVE_INFINITY) - this.relayedBytes;
      const part = rest.length > until ? rest.subarray(0, until) : rest;
      rest = rest.subarray(part.length);
      this.relayedBytes += part.length;
      this.#options.onRelayed(part);
      const { sink, onTaken } = this.#options;
      if (!sink.destroyed && !sink.writableEnded) {
        sink.write(part, (error) => {
          if (!error && sink.writableLength === 0) onTaken();
        });
      }
      this.#crossThresholds();
    }
  }

  #crossThresholds(): void {
    for (let next = this.#thresholds[0]; next !== undefined && this.relayedBytes >= next.afterBytes; next = this.#thresholds[0]) {
      this.#thresholds.shift();
      next.act();
    }
  }
}
