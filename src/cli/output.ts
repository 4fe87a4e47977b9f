/**
 * Standard output, as a command wants it: text in, gathered into few writes, and quiet when the reader has gone (`| head`):
 * from then on nothing is written, `closed` is true, and the command may stop early.
 */
import type { Writable } from 'node:stream';

/** Characters gathered before they are written. */
const gatherLimit = 64 * 1024;

export class Output {
  closed = false;
  /** A failure other than a reader that has gone: a full disk. */
  failure: Error | null = null;
  readonly #stream: Writable;
  #gathered: string[] = [];
  #size = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.closed = true;
      if (error.code !== 'EPIPE') this.failure ??= error;
    });
  }

  write(text: string): void {
    if (this.closed) return;
    this.#gathered.push(text);
    this.#size += text.length;
    if (this.#size >= gatherLimit) this.#hand();
  }

  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** Hands over what is gathered and waits until the stream takes more. */
  async flush(): Promise<void> {
    if (this.#size === 0 && !this.#stream.writableNeedDrain) return;
    this.#hand();
    while (!this.closed && this.#stream.writableNeedDrain) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          for (const event of ['drain', 'error', 'close']) this.#stream.off(event, done);
          resolve();
        };
        for (const event of ['drain', 'error', 'close']) this.#stream.once(event, done);
      });
    }
    // An EPIPE is told one turn after the write.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #hand(): void {
    if (this.#size === 0 || this.closed) return;
    const text = this.#gathered.join('');
    this.#gathered = [];
    this.#size = 0;
    this.#stream.write(text);
  }
}
