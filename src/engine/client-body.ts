/**
 * The body of a response as it comes: to be iterated, collected, streamed or thrown away, once.
 *
 * Rules
 * - Pieces are copied out of the connection's buffer and kept until read, up to `heldByteCount`; then the connection is asked to
 *   stop. A body that fits ends in here, read or not, and its connection is free.
 * - A body left early (`break`, `cancel`, `dump`) is read on for nobody within the client's drain limits, so that the connection
 *   lives if little is left and is dropped if much is. A body never touched is dropped by its deadline (`response-not-read`).
 */

import type { FieldLine } from '../base/index.js';
import type { Exchange } from './client-exchange.js';
import { HoldfastError } from './errors.js';

/** Bytes held before the connection is asked to wait. */
const heldByteCount = 64 * 1024;
/** What `bytes`, `text` and `json` collect unless told otherwise. */
const collectedByteLimit = 128 * 1024 * 1024;

export interface CollectOptions {
  /** Bytes; beyond it fails with `response-too-large`. Default 128 MiB. */
  readonly limit?: number;
}

export class ResponseBody implements AsyncIterable<Uint8Array> {
  /** The trailer section, once the body has ended; empty when there was none. */
  trailers: readonly FieldLine[] = [];
  private pieces: Uint8Array[] = [];
  private held = 0;
  private state: 'open' | 'ended' | 'failed' = 'open';
  private error: HoldfastError | null = null;
  private used = false;
  private discarded = false;
  private limit = heldByteCount;
  private waiting: (() => void) | null = null;

  constructor(private readonly exchange: Exchange) {}

  /** Reading has begun, or the body was thrown away. */
  get isUsed(): boolean {
    return this.used;
  }

  // ---- from the connection ----

  /** Returns whether there is room for more. */
  push(data: Uint8Array, start: number, end: number): boolean {
    const piece = Buffer.allocUnsafe(end - start);
    piece.set(data.subarray(start, end));
    this.pieces.push(piece);
    this.held += piece.length;
    this.tell();
    return this.held < this.limit;
  }

  end(): void {
    this.state = 'ended';
    this.tell();
  }

  fail(error: HoldfastError): void {
    this.state = 'failed';
    this.error = error;
    this.tell();
  }

  private tell(): void {
    const { waiting } = this;
    this.waiting = null;
    waiting?.();
  }

  // ---- to the reader ----

  /** The whole body. */
  async bytes(options: CollectOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const limit = options.limit ?? collectedByteLimit;
    this.use();
    this.limit = limit + 1;
    if (this.state === 'open') this.exchange.resume();
    while (this.state === 'open' && this.held <= limit) await this.change();
    if (this.held > limit) {
      this.discard();
      throw new HoldfastError('response-too-large', { detail: `Limit: ${limit} bytes.` });
    }
    if (this.error !== null) throw this.error;
    const { pieces } = this;
    this.pieces = [];
    return (pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, this.held)) as Uint8Array<ArrayBuffer>;
  }

  /** The whole body as UTF-8, without a byte order mark. */
  async text(options?: CollectOptions): Promise<string> {
    const bytes = await this.bytes(options);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  /** The whole body as JSON. Throws SyntaxError. */
  async json(options?: CollectOptions): Promise<unknown> {
    return JSON.parse(await this.text(options));
  }

  /** Throws the body away. Ends when its connection is free or gone; never fails. */
  async dump(): Promise<void> {
    this.used = true;
    this.discard();
    while (this.state === 'open') await this.change();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    this.use();
    return {
      next: async () => {
        const value = await this.next();
        return value === null ? { done: true, value: undefined } : { done: false, value };
      },
      return: async () => {
        this.discard();
        return { done: true, value: undefined };
      },
    };
  }

  /** As a web stream of bytes. */
  stream(): ReadableStream<Uint8Array> {
    this.use();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const piece = await this.next();
          if (piece === null) controller.close();
          else controller.enqueue(piece);
        },
        cancel: () => this.discard(),
      },
      { highWaterMark: 0 },
    );
  }

  private use(): void {
    if (this.used) throw new HoldfastError('response-already-used');
    this.used = true;
  }

  /** The next piece, or null at the end. */
  private async next(): Promise<Uint8Array | null> {
    for (;;) {
      if (this.discarded) return null;
      const piece = this.pieces.shift();
      if (piece !== undefined) {
        this.held -= piece.length;
        if (this.state === 'open' && this.held < this.limit) this.exchange.resume();
        return piece;
      }
      if (this.error !== null) throw this.error;
      if (this.state === 'ended') return null;
      this.exchange.resume();
      await this.change();
    }
  }

  private discard(): void {
    this.discarded = true;
    this.pieces = [];
    this.held = 0;
    if (this.state === 'open') this.exchange.dump();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }
}
