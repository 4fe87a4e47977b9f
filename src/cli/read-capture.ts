/**
 * Reads a capture and tells its observations, chunk by chunk, at the pace of whoever asks for the next one.
 *
 * A large file is read by a thread of its own (capture-thread.ts): reading packets is nearly half of the work, and the other
 * half, telling stories, stays here. What is told is the same in either way, to the last observation.
 */
import {
  BatchReader,
  gatherLimits,
  ObservationGatherer,
  ObservationReader,
  type Observer,
  type SourceSummary,
} from '../base/index.js';
import { observeCapture, type SegmentTap } from '../packets/index.js';
import {
  type CaptureWorker,
  captureWorkerFor,
  hasCoreForThread,
  leastBytesForThread,
  sizeOf,
  type ThreadBatch,
} from './capture-worker.js';
import { CommandFailure } from './failure.js';
import { inRoom, type OpenedInput, openInput } from './open-input.js';
import { limitYoungGeneration } from './young-generation.js';

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
  if (input !== '-' && tap === undefined && hasCoreForThread()) {
    const size = sizeOf(input);
    if (size > 0 && size >= least) return new ReadingInThread(captureWorkerFor(input), size, options.observe);
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
    limitYoungGeneration();
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

class ReadingInThread implements CaptureReading {
  readonly size: number;
  readonly #worker: CaptureWorker;
  readonly #reader: BatchReader;
  #told: ThreadBatch | null = null;

  constructor(worker: CaptureWorker, size: number, observe: Observer) {
    this.size = size;
    this.#worker = worker;
    this.#reader = new BatchReader(observe);
  }

  get packets(): number {
    return this.#told?.summary.packets ?? 0;
  }

  bytesRead(): number {
    return this.#told?.bytesRead ?? 0;
  }

  async next(): Promise<boolean> {
    if (this.#told?.isLast === true) return false;
    const said = await this.#worker.next();
    // Not before: the heap of a new thread sets the growth of all back.
    limitYoungGeneration();
    if (said.kind === 'failure') throw new CommandFailure(said.code, said.message);
    this.#told = said;
    this.#reader.read(said.batch, this.#worker.memory);
    this.#worker.told();
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
