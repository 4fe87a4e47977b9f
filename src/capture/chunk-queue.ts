/**
 * Chunks on their way from whoever captures to whoever reads, in order. The queue itself never refuses: its bound is kept by the
 * side that pushes, which looks at `byteCount` and is told through `onTaken` when there is less of it.
 *
 * One reader. A reader that leaves early (`break`) gives up the rest: what is pushed after that is let go.
 */
export class ChunkQueue implements AsyncIterable<Uint8Array> {
  /** Bytes pushed and not yet taken. */
  byteCount = 0;
  readonly #onTaken: (byteCount: number) => void;
  #chunks: Uint8Array[] = [];
  #state: 'open' | 'ended' | 'abandoned' = 'open';
  #failure: Error | null = null;
  #wake: () => void = () => {};

  constructor(onTaken: (byteCount: number) => void) {
    this.#onTaken = onTaken;
  }

  push(chunk: Uint8Array): void {
    if (this.#state === 'abandoned') {
      this.#onTaken(chunk.length);
      return;
    }
    this.#chunks.push(chunk);
    this.byteCount += chunk.length;
    this.#wake();
  }

  /** No more chunks; the reader still gets what is there, and then the failure if there is one. */
  end(failure: Error | null): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#failure ??= failure;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    try {
      for (;;) {
        for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) {
          this.#took(chunk.length);
          yield chunk;
        }
        if (this.#state !== 'open') break;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#failure !== null) throw this.#failure;
    } finally {
      this.#state = 'abandoned';
      this.#chunks = [];
      if (this.byteCount > 0) this.#took(this.byteCount);
    }
  }

  #took(byteCount: number): void {
    this.byteCount -= byteCount;
    this.#onTaken(byteCount);
  }
}
