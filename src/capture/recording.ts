/**
 * A capture that is written to files. The ring's worker writes them itself, so that no packet passes the main thread; what a program
 * captures is written here.
 */
import { type CaptureFileOptions, CaptureFiles } from './capture-files.js';
import type { PacketSourceOptions } from './capture-options.js';
import { openRingOr, ringName } from './open-packet-source.js';
import type { PacketSource, PacketSourceStatistics } from './packet-source.js';
import { headByteCount, isStatistics, pcapngStatistics } from './pcapng-blocks.js';
import { RingCapture } from './ring-capture.js';

export interface RecordingOptions extends PacketSourceOptions, CaptureFileOptions {}

export interface RecordingStatistics extends PacketSourceStatistics {
  /** Bytes of all files, also of those that were deleted again. */
  readonly writtenBytes: number;
  /** Files begun. */
  readonly files: number;
}

export interface Recording {
  /** As of a PacketSource. */
  readonly name: string;
  /** The file that is written now; at the end the last one. */
  readonly path: string;
  /** Resolves when the capture has ended by itself or by `stop` and its files are complete; rejects with CaptureError. */
  readonly ended: Promise<void>;
  statistics(): RecordingStatistics;
  /** Ends it; what was already captured is still written. Resolves when everything is released. */
  stop(): Promise<void>;
}

/** Begins to capture into files; packets from the moment this resolves are seen. Throws CaptureError. */
export async function openRecording(options: RecordingOptions): Promise<Recording> {
  const { path, rotateBytes, rotateSeconds, files, leaveFreeBytes } = options;
  const fileOptions = { path, rotateBytes, rotateSeconds, files, leaveFreeBytes };
  const opened = await openRingOr(options, fileOptions);
  if (opened instanceof RingCapture) return ringRecording(opened, options);
  const recording = new ProgramRecording(opened, fileOptions);
  await recording.begun;
  return recording;
}

const ringRecording = (ring: RingCapture, options: RecordingOptions): Recording => ({
  name: ringName(options),
  get path() {
    return ring.path ?? options.path;
  },
  ended: ring.ended,
  statistics: () => ring.counts(),
  stop: () => ring.stop(),
});

class ProgramRecording implements Recording {
  readonly name: string;
  readonly ended: Promise<void>;
  /** The first file is there. */
  readonly begun: Promise<void>;
  readonly #source: PacketSource;
  readonly #startNs = BigInt(Date.now()) * 1_000_000n;
  #files: CaptureFiles | null = null;
  #path: string;

  constructor(source: PacketSource, options: CaptureFileOptions) {
    this.name = source.name;
    this.#path = options.path;
    this.#source = source;
    let begun = (): void => {};
    const first = new Promise<void>((resolve) => {
      begun = resolve;
    });
    this.ended = this.#write(options, begun);
    // Whoever waits for it is told; nobody has to.
    this.ended.catch(() => {});
    this.begun = Promise.race([first, this.ended]);
  }

  get path(): string {
    return this.#files?.path ?? this.#path;
  }

  statistics(): RecordingStatistics {
    const lost = this.#files?.lost ?? 0;
    const { delivered, droppedBySource, ...others } = this.#source.statistics();
    return {
      ...others,
      delivered: delivered - lost,
      droppedBySource: droppedBySource + lost,
      writtenBytes: this.#files?.byteCount ?? 0,
      files: this.#files?.begun ?? 0,
    };
  }

  async stop(): Promise<void> {
    await this.#source.stop();
    await this.ended.catch(() => {});
  }

  async #write(options: CaptureFileOptions, begun: () => void): Promise<void> {
    const last = (): Uint8Array => this.#lastBlock();
    try {
      for await (const chunk of this.#source.chunks) {
        let from = 0;
        if (this.#files === null) {
          from = headByteCount(chunk);
          this.#files = new CaptureFiles(options, chunk.slice(0, from));
          begun();
        }
        // The source's own last block is written with the counts of here.
        if (!isStatistics(chunk)) this.#files.write(chunk, from, chunk.length, last);
      }
    } catch (error) {
      await this.#source.stop();
      throw error;
    } finally {
      this.#files?.end(last());
    }
  }

  #lastBlock(): Uint8Array {
    const { received, droppedByKernel, delivered } = this.statistics();
    const endNs = BigInt(Date.now()) * 1_000_000n;
    return pcapngStatistics({ startNs: this.#startNs, endNs, received, droppedByKernel, delivered });
  }
}
