/**
 * The main thread's side of the ring: starts its worker, takes what it says, tells it to end.
 *
 * The worker is alone with the kernel; here is only a queue and a few counts, so the event loop stays free. Whoever opens it gets it
 * when packets are seen, or a CaptureError that says why not.
 */
import { closeSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { CaptureError } from './capture-error.js';
import { ChunkQueue } from './chunk-queue.js';
import { type RingCounts, type RingMessage, type RingRequest, RingShared } from './ring-protocol.js';

export class RingCapture {
  readonly chunks: ChunkQueue;
  /** Resolves when everything is released; rejects with the CaptureError of the capture's end. */
  readonly ended: Promise<void>;
  /** The file that is written now; null where none is. */
  path: string | null = null;
  readonly #shared: RingShared;
  readonly #listening: Promise<void>;
  #waker = -1;

  private constructor(request: Omit<RingRequest, 'shared'>) {
    const memory = new SharedArrayBuffer(RingShared.byteCount);
    this.#shared = new RingShared(memory);
    this.chunks = new ChunkQueue((byteCount) => this.#shared.taken(byteCount));
    const worker = new Worker(new URL('./ring-worker.js', import.meta.url), {
      workerData: { ...request, shared: memory } satisfies RingRequest,
    });
    let failure: CaptureError | null = null;
    let listening = (): void => {};
    worker.on('message', (message: RingMessage) => {
      if (message.kind === 'chunk') this.chunks.push(message.chunk);
      else if (message.kind === 'file') this.path = message.path;
      else if (message.kind === 'listening') {
        this.#waker = message.waker;
        listening();
      } else if (message.failure !== null) {
        const { code, message: text, wayOut } = message.failure;
        failure = new CaptureError(code, text, wayOut === null ? {} : { wayOut });
      }
    });
    this.ended = new Promise((resolve, reject) => {
      worker.on('error', (cause) => {
        failure ??= new CaptureError('failed', `the packet ring failed: ${cause.message}`, { cause });
      });
      worker.on('exit', () => {
        const waker = this.#waker;
        this.#waker = -1;
        if (waker >= 0) closeSync(waker);
        this.chunks.end(failure);
        if (failure === null) resolve();
        else reject(failure);
      });
    });
    // Whoever waits for it is told; nobody has to.
    this.ended.catch(() => {});
    this.#listening = new Promise((resolve, reject) => {
      listening = resolve;
      this.ended.then(resolve, reject);
    });
  }

  static async open(request: Omit<RingRequest, 'shared'>): Promise<RingCapture> {
    const capture = new RingCapture(request);
    await capture.#listening;
    return capture;
  }

  counts(): RingCounts {
    return this.#shared.counts;
  }

  async stop(): Promise<void> {
    this.#shared.requestStop();
    if (this.#waker >= 0) writeSync(this.#waker, new BigUint64Array([1n]));
    await this.ended.catch(() => {});
  }
}
