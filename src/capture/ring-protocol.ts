/**
 * What the ring's worker and its main thread say to each other: messages when something is to be told, and one piece of shared memory
 * for what is looked at often.
 *
 * The worker never returns to its event loop while it captures, so nothing is said to it by messages.
 */
import type { CaptureErrorCode } from './capture-error.js';
import type { CaptureFileOptions } from './capture-files.js';
import type { PacketSourceStatistics } from './packet-source.js';

/** What the worker is started with. Everything decided: no defaults here. */
export interface RingRequest {
  readonly shared: SharedArrayBuffer;
  readonly interface: string;
  readonly filter: string;
  readonly snapLength: number;
  readonly bufferBytes: number;
  readonly packetLimit: number | null;
  readonly promiscuous: boolean;
  /** Null: the packets are handed to the main thread. */
  readonly files: CaptureFileOptions | null;
  /** Of what is handed over: when so many bytes are not taken yet, `whenBehind` says what happens. */
  readonly queueLimitBytes: number;
  readonly whenBehind: 'drop' | 'wait';
}

interface ToldError {
  readonly code: CaptureErrorCode;
  readonly message: string;
  readonly wayOut: string | null;
}

export type RingMessage =
  /** Listening. The waker is a descriptor that ends the worker's wait when eight bytes are written to it. */
  | { readonly kind: 'listening'; readonly waker: number }
  | { readonly kind: 'chunk'; readonly chunk: Uint8Array }
  /** A file was begun. */
  | { readonly kind: 'file'; readonly path: string }
  /** The last message. */
  | { readonly kind: 'ended'; readonly failure: ToldError | null };

const Control = { stop: 0, queuedBytes: 1 } as const;
const Count = { received: 0, droppedByKernel: 1, droppedBySource: 2, delivered: 3, writtenBytes: 4, files: 5 } as const;
const controlByteCount = 8;

/** Counts and signals in shared memory; both sides make one over the same memory. */
export class RingShared {
  static readonly byteCount = controlByteCount + Object.keys(Count).length * 8;
  readonly #control: Int32Array;
  readonly #counts: BigUint64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#control = new Int32Array(memory, 0, 2);
    this.#counts = new BigUint64Array(memory, controlByteCount);
  }

  get stopRequested(): boolean {
    return Atomics.load(this.#control, Control.stop) !== 0;
  }

  requestStop(): void {
    Atomics.store(this.#control, Control.stop, 1);
    Atomics.notify(this.#control, Control.queuedBytes);
  }

  /** Bytes handed over and not taken yet. */
  get queuedBytes(): number {
    return Atomics.load(this.#control, Control.queuedBytes);
  }

  queue(byteCount: number): void {
    Atomics.add(this.#control, Control.queuedBytes, byteCount);
  }

  taken(byteCount: number): void {
    Atomics.sub(this.#control, Control.queuedBytes, byteCount);
    Atomics.notify(this.#control, Control.queuedBytes);
  }

  /** Waits until the queue is another than `queuedBytes`, or a stop was asked for, or the time is over. */
  waitForReader(queuedBytes: number, timeoutMs: number): void {
    if (!this.stopRequested) Atomics.wait(this.#control, Control.queuedBytes, queuedBytes, timeoutMs);
  }

  tell(counts: RingCounts): void {
    for (const name of Object.keys(Count) as (keyof RingCounts)[]) Atomics.store(this.#counts, Count[name], BigInt(counts[name]));
  }

  get counts(): RingCounts {
    const of = (name: keyof RingCounts): number => Number(Atomics.load(this.#counts, Count[name]));
    return {
      received: of('received'),
      droppedByKernel: of('droppedByKernel'),
      droppedBySource: of('droppedBySource'),
      delivered: of('delivered'),
      writtenBytes: of('writtenBytes'),
      files: of('files'),
    };
  }
}

export interface RingCounts extends PacketSourceStatistics {
  readonly received: number;
  readonly droppedByKernel: number;
  /** Bytes of the files so far. */
  readonly writtenBytes: number;
  /** Files begun. */
  readonly files: number;
}
