/**
 * The body of a request on its way to the handler.
 *
 *     unclaimed ──read()/collect()──► claimed ──► ended | failed
 *         └──────── discard() ─────► discarded ──► ended | failed
 *
 * Rules
 * - Nothing is asked of the client before the handler asks: a `100 Continue` goes out when the body is first read.
 * - Pieces that came before are kept up to a limit; then the client is held back through TCP until they are taken.
 * - One reader a body. Pieces are the application's: the engine never touches them again.
 */

import type { Fields } from '../wire/index.js';
import { HoldfastError } from './errors.js';

/** What a body asks of its connection. */
export interface BodySource {
  /** The handler wants the body: say `100 Continue` where the client waits for it. */
  bodyWanted(): void;
  /** There is room again. */
  bodyTaken(): void;
}

export const noBody = new Uint8Array(0);
/** A length that was said is believed this far; what comes really is made room for as it comes. */
const firstTargetByteCount = 256 * 1024;

export class IncomingBody {
  /** Bytes received so far. */
  byteCount = 0;
  queuedByteCount = 0;
  use: 'unclaimed' | 'claimed' | 'discarded' = 'unclaimed';
  ended = false;
  trailers: Fields | null = null;
  private error: HoldfastError | null = null;
  private pieces: Uint8Array[] = [];
  /** The whole body, as far as it has come: target[0, filledByteCount). */
  private target: Buffer | null = null;
  private filledByteCount = 0;
  private resolve: ((piece: Uint8Array | null) => void) | null = null;
  private reject: ((error: HoldfastError) => void) | null = null;

  constructor(private readonly source: BodySource) {}

  /** The next piece, or null at the end. Rejects with the error that cut the body. */
  read(): Promise<Uint8Array | null> {
    if (this.use === 'discarded') return Promise.reject(new HoldfastError('body-already-used'));
    this.claim();
    if (this.resolve !== null || this.target !== null) return Promise.reject(new HoldfastError('body-already-used'));
    const piece = this.pieces.shift();
    if (piece !== undefined) {
      this.queuedByteCount -= piece.length;
      this.source.bodyTaken();
      return Promise.resolve(piece);
    }
    if (this.error !== null) return Promise.reject(this.error);
    if (this.ended) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.source.bodyTaken();
    });
  }

  /** The whole body. `expectedByteCount`: what its length will be, as far as is known. */
  collect(expectedByteCount: number): Promise<Uint8Array> {
    if (this.use !== 'unclaimed') return Promise.reject(new HoldfastError('body-already-used'));
    this.claim();
    if (this.error !== null) return Promise.reject(this.error);
    this.target = Buffer.allocUnsafe(Math.max(this.queuedByteCount, Math.min(expectedByteCount, firstTargetByteCount)));
    for (const piece of this.pieces) this.fill(piece, 0, piece.length);
    this.pieces = [];
    if (this.ended) return Promise.resolve(this.collected());
    return new Promise((resolve, reject) => {
      this.resolve = () => resolve(this.collected());
      this.reject = reject;
      this.source.bodyTaken();
    });
  }

  /** Nobody will read it. */
  discard(): void {
    if (this.use !== 'unclaimed' && this.resolve !== null) return;
    this.use = 'discarded';
    this.pieces = [];
    this.queuedByteCount = 0;
    this.source.bodyTaken();
  }

  /** Takes `data[start, end)`; `lent` when that is valid during the call only. */
  push(data: Uint8Array, start: number, end: number, lent: boolean): void {
    this.byteCount += end - start;
    if (this.use === 'discarded') return;
    if (this.target !== null) {
      this.fill(data, start, end);
      return;
    }
    const piece = lent ? Buffer.from(data.subarray(start, end)) : data.subarray(start, end);
    if (this.resolve !== null) this.settle()!(piece);
    else {
      this.pieces.push(piece);
      this.queuedByteCount += piece.length;
    }
  }

  /** Whether more would be taken at once. */
  hasRoom(roomByteCount: number): boolean {
    return this.target !== null || this.use === 'discarded' || this.queuedByteCount < roomByteCount;
  }

  end(): void {
    this.ended = true;
    this.settle()?.(null);
  }

  fail(error: HoldfastError): void {
    if (this.ended || this.error !== null) return;
    this.error = error;
    const { reject } = this;
    this.settle();
    reject?.(error);
  }

  private claim(): void {
    if (this.use === 'claimed') return;
    this.use = 'claimed';
    if (!this.ended && this.error === null) this.source.bodyWanted();
  }

  private settle(): ((piece: Uint8Array | null) => void) | null {
    const { resolve } = this;
    this.resolve = null;
    this.reject = null;
    return resolve;
  }

  private fill(data: Uint8Array, start: number, end: number): void {
    let target = this.target!;
    const needed = this.filledByteCount + end - start;
    if (needed > target.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, target.length * 2));
      larger.set(target.subarray(0, this.filledByteCount));
      this.target = larger;
      target = larger;
    }
    target.set(start === 0 && end === data.length ? data : data.subarray(start, end), this.filledByteCount);
    this.filledByteCount = needed;
  }

  private collected(): Uint8Array {
    return this.target!.subarray(0, this.filledByteCount);
  }
}
