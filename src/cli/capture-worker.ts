/**
 * The thread that reads a large file (capture-thread.ts), as whoever starts it has it. `startAhead` starts one as soon as the command
 * line is known to name such a file: while the thread gets ready, the rest of the program is loaded.
 */
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { gatherLimits, type ObservationBatch, type SourceSummary } from '../base/index.js';
import type { CommandFailure } from './failure.js';

/** A file of so many bytes is worth a thread, which takes a while to start and to become fast. */
export const leastBytesForThread = 128 * 1024 * 1024;

/** What the thread is given. */
export interface ThreadTask {
  /** Name of the file. */
  readonly input: string;
  /** Shared: the ring that the file is read into, and two 32-bit numbers (`toldAt`, `wantedAt`). */
  readonly memory: SharedArrayBuffer;
  readonly told: SharedArrayBuffer;
}

/** How many batches have been told. */
export const toldAt = 0;
/** How many have to be before the thread wants to be woken. */
export const wantedAt = 1;
/** It does not want to be. */
export const neverWanted = 0x7fffffff;

/** What the thread says: what was in some chunks. The last one also closes all connections. */
export interface ThreadBatch {
  readonly kind: 'batch';
  readonly batch: ObservationBatch;
  readonly summary: SourceSummary;
  readonly bytesRead: number;
  readonly isLast: boolean;
}

export interface ThreadFailure {
  readonly kind: 'failure';
  readonly code: CommandFailure['code'];
  readonly message: string;
}

export class CaptureWorker {
  /** The ring: what batches tell of lies here. */
  readonly memory: Uint8Array;
  readonly #told: Int32Array;
  readonly #worker: Worker;
  readonly #waiting: (ThreadBatch | ThreadFailure)[] = [];
  #error: Error | null = null;
  #wake: () => void = () => {};

  constructor(input: string) {
    const task: ThreadTask = {
      input,
      memory: new SharedArrayBuffer(gatherLimits.ringByteCount),
      told: new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT),
    };
    this.memory = new Uint8Array(task.memory);
    this.#told = new Int32Array(task.told);
    this.#told[wantedAt] = neverWanted;
    this.#worker = new Worker(new URL('./capture-thread.js', import.meta.url), { workerData: task });
    this.#worker.on('message', (said: ThreadBatch | ThreadFailure) => {
      this.#waiting.push(said);
      this.#wake();
    });
    this.#worker.on('error', (error) => {
      this.#error = error;
    });
    this.#worker.on('exit', () => {
      this.#error ??= new Error('the thread that reads the capture ended early');
      this.#wake();
    });
    // Whoever ends before it is asked anything, over a misspelt option say, does not wait for it.
    this.#worker.unref();
  }

  /** What it says next. */
  async next(): Promise<ThreadBatch | ThreadFailure> {
    this.#worker.ref();
    while (this.#waiting.length === 0) {
      if (this.#error !== null) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#waiting.shift()!;
  }

  /** A batch has been told: its memory may be used again. */
  told(): void {
    const told = Atomics.add(this.#told, toldAt, 1) + 1;
    // To wake a thread may cost this one its place.
    if (told >= Atomics.load(this.#told, wantedAt)) Atomics.notify(this.#told, toldAt);
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Started and not asked for yet. */
const ahead = new Map<string, CaptureWorker>();

/** Starts the thread of the one file among the words of an `explain` command, if it is large. Two are compared, without threads. */
export function startAhead([command, ...words]: readonly string[]): void {
  if (command !== 'explain' || !hasCoreForThread()) return;
  const [input, ...others] = words.filter((word) => sizeOf(word) > 0);
  if (input === undefined || others.length > 0 || sizeOf(input) < leastBytesForThread) return;
  ahead.set(input, new CaptureWorker(input));
}

/** The thread that reads this file, started now unless it was before. */
export function captureWorkerFor(input: string): CaptureWorker {
  const worker = ahead.get(input) ?? new CaptureWorker(input);
  ahead.delete(input);
  return worker;
}

export const hasCoreForThread = (): boolean => availableParallelism() > 1;

/** Of a regular file, in bytes; else 0. */
export function sizeOf(input: string): number {
  const facts = statSync(input, { throwIfNoEntry: false });
  return facts?.isFile() === true ? facts.size : 0;
}
