/**
 * Reads a capture and tells its observations, chunk by chunk, at the pace of whoever asks for the next one.
 *
 * A large file is read by a thread of its own (capture-thread.ts): reading packets is nearly half of the work, and the other
 * half, telling stories, stays here. What is told is the same in either way, to the last observation.
 */
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import {
  BatchReader,
  gatherLimits,
  type ObservationBatch,
  ObservationGatherer,
  ObservationReader,
  type Observer,
  type SourceSummary,
} from '../base/index.js';
import { observeCapture, type SegmentTap } from '../packets/index.js';
import { CommandFailure } from './failure.js';
import { inRoom, type OpenedInput, openInput } from './open-input.js';

/** A file of so many bytes is worth a thread, which takes a while to start and to become fast. */
const leastBytesForThread = 128 * 1024 * 1024;

export interface CaptureReading {
  /** Bytes of the file as it lies on disk, or null where that is not known. */
  readonly size: number | null;
  /** Packets told so far, and bytes of the file read so far. */
  readonly packets: number;
  bytesRead(): number;
  /** Tells the next observations; false when there was nothing more. Rejects with CommandFailure when the input cannot be read. */
  next(): Promise<boolean>;
  /** What is known of the source so far. */
  summary(): SourceSummary;
  /** Call when `next` said false, or to read no further: ends every connection and gives the summary. */
  end(): SourceSummary;
  /** Releases everything; needed only when it was not read to its end. */
  close(): Promise<void>;
}

export interface ReadingOptions {
  readonly observe: Observer;
  /** Takes every segment; see `observeCapture`. */
  readonly tap?: SegmentTap | undefined;
  /** Takes every chunk of an input that cannot be read twice, after its observations. */
  readonly onChunk: (chunk: Uint8Array) => Promise<void> | undefined;
  readonly leastBytesForThread?: number;
}

/** Opens a capture: a file by name, or `-` for standard input. Throws CommandFailure when there is nothing to read. */
export async function openCapture(input: string, options: ReadingOptions): Promise<CaptureReading> {
  const { tap, leastBytesForThread: least = leastBytesForThread } = options;
  const mayUseThread = input !== '-' && tap === undefined && availableParallelism() > 1;
  if (mayUseThread) {
    const facts = await stat(input).catch(() => null);
    if (facts?.isFile() === true && facts.size >= least) return new ReadingInThread(input, facts.size, options.observe);
  }
  return new ReadingHere(await openInput(input), options);
}

class ReadingHere implements CaptureReading {
  readonly #source: OpenedInput;
  readonly #chunks: AsyncGenerator<Uint8Array>;
  readonly #capture: ReturnType<typeof observeCapture>;
  readonly #gatherer: ObservationGatherer;
  readonly #onChunk: ReadingOptions['onChunk'];

  constructor(source: OpenedInput, { observe, tap, onChunk }: ReadingOptions) {
    this.#source = source;
    this.#chunks = inRoom(source.chunks, (byteCount) => this.#gatherer.room(byteCount));
    const reader = new ObservationReader(observe);
    const memory = new ArrayBuffer(gatherLimits.ringByteCount);
    const bytes = new Uint8Array(memory);
    this.#gatherer = new ObservationGatherer({ memory, hand: (log) => reader.read(log.noted(bytes)) });
    this.#capture = observeCapture({ observe: this.#gatherer.observe, tap });
    this.#onChunk = onChunk;
  }

  get size(): number | null {
    return this.#source.size;
  }

  get packets(): number {
    return this.#capture.packets;
  }

  bytesRead(): number {
    return this.#source.bytesRead();
  }

  async next(): Promise<boolean> {
    if (this.#capture.done) return false;
    const { done, value } = await this.#chunks.next();
    if (done === true) return false;
    this.#gatherer.filled(value.length);
    this.#capture.push(value);
    if (this.size === null) await this.#onChunk(value);
    return true;
  }

  summary(): SourceSummary {
    return this.#capture.summary();
  }

  end(): SourceSummary {
    const told = this.#capture.end();
    this.#gatherer.flush();
    return { ...told, problems: [...this.#source.problems(), ...told.problems] };
  }

  async close(): Promise<void> {
    await this.#chunks.return(undefined);
  }
}

/** What the thread is given. */
export interface ThreadTask {
  /** Name of the file. */
  readonly input: string;
  /** Shared: the ring that the file is read into, and one 32-bit number, how many batches have been told. */
  readonly memory: SharedArrayBuffer;
  readonly told: SharedArrayBuffer;
}

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

class ReadingInThread implements CaptureReading {
  readonly size: number;
  readonly #worker: Worker;
  readonly #reader: BatchReader;
  readonly #memory: Uint8Array;
  readonly #toldCount: Int32Array;
  readonly #waiting: (ThreadBatch | ThreadFailure)[] = [];
  #told: ThreadBatch | null = null;
  #error: Error | null = null;
  #wake: () => void = () => {};

  constructor(input: string, size: number, observe: Observer) {
    this.size = size;
    this.#reader = new BatchReader(observe);
    const task: ThreadTask = {
      input,
      memory: new SharedArrayBuffer(gatherLimits.ringByteCount),
      told: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
    };
    this.#memory = new Uint8Array(task.memory);
    this.#toldCount = new Int32Array(task.told);
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
  }

  get packets(): number {
    return this.#told?.summary.packets ?? 0;
  }

  bytesRead(): number {
    return this.#told?.bytesRead ?? 0;
  }

  async next(): Promise<boolean> {
    if (this.#told?.isLast === true) return false;
    while (this.#waiting.length === 0) {
      if (this.#error !== null) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const said = this.#waiting.shift()!;
    if (said.kind === 'failure') throw new CommandFailure(said.code, said.message);
    this.#told = said;
    this.#reader.read(said.batch, this.#memory);
    // The thread may use its memory again.
    Atomics.add(this.#toldCount, 0, 1);
    Atomics.notify(this.#toldCount, 0);
    return true;
  }

  summary(): SourceSummary {
    return this.#told!.summary;
  }

  end(): SourceSummary {
    return this.#told!.summary;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
