/**
 * The body of a request on its way to the handler.
 *
 *     unclaimed ─read, gather, consume─► claimed ──► ended | failed
 *         └───────────── discard ──────► discarded ──► ended | failed
 *
 * Rules
 * - Nothing is asked of the client before the handler asks: a `100 Continue` goes out when the body is first read.
 * - Pieces that came before are kept up to a limit; then the client is held back through TCP until they are taken.
 * - One reader a body. Pieces are the application's: the engine never touches them again; except those of `consume`, which are lent.
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
  private gathering: Gathering<unknown> | null = null;
  /** Whoever takes each piece as it comes. */
  private taker: ((piece: Uint8Array) => void) | null = null;
  private resolve: ((piece: Uint8Array | null) => void) | null = null;
  private reject: ((error: unknown) => void) | null = null;

  constructor(private readonly source: BodySource) {}

  /** The next piece, or null at the end. Rejects with the error that cut the body. */
  read(): Promise<Uint8Array | null> {
    if (this.use === 'discarded') return Promise.reject(new HoldfastError('body-already-used'));
    this.claim();
    if (this.resolve !== null || this.gathering !== null) return Promise.reject(new HoldfastError('body-already-used'));
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

  /**
   * What `make` makes of the whole body, which is `lent` when it is valid during that call only. `expectedByteCount`: what its length will
   * be, as far as is known.
   */
  gather<Made>(expectedByteCount: number, make: (bytes: Uint8Array, lent: boolean) => Made): Promise<Made> {
    if (this.use !== 'unclaimed') return Promise.reject(new HoldfastError('body-already-used'));
    this.claim();
    if (this.error !== null) return Promise.reject(this.error);
    const { pieces } = this;
    this.pieces = [];
    const gathering = new Gathering(expectedByteCount, Math.max(this.queuedByteCount, expectedByteCount), make);
    this.gathering = gathering;
    for (const piece of pieces) gathering.take(piece, 0, piece.length);
    if (this.ended) return gathering.made();
    return new Promise((resolve, reject) => {
      this.resolve = () => resolve(gathering.made());
      this.reject = reject;
      this.source.bodyTaken();
    });
  }

  /** Hands each piece to `take`, valid during the call only. Resolves at the end, or rejects with what `take` threw. */
  consume(take: (piece: Uint8Array) => void): Promise<void> {
    if (this.use !== 'unclaimed') return Promise.reject(new HoldfastError('body-already-used'));
    this.claim();
    const { pieces } = this;
    this.pieces = [];
    this.queuedByteCount = 0;
    return new Promise((resolve, reject) => {
      this.taker = take;
      this.resolve = () => resolve();
      this.reject = reject;
      for (const piece of pieces) this.give(piece);
      if (this.error !== null) this.reject?.(this.error);
      else if (this.ended) this.settle()?.(null);
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
    if (this.gathering !== null) {
      this.gathering.take(data, start, end);
      return;
    }
    if (this.taker !== null) {
      this.give(start === 0 && end === data.length ? data : data.subarray(start, end));
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
    return this.gathering !== null || this.taker !== null || this.use === 'discarded' || this.queuedByteCount < roomByteCount;
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

  private give(piece: Uint8Array): void {
    if (this.taker === null) return;
    try {
      this.taker(piece);
    } catch (error) {
      const { reject } = this;
      this.taker = null;
      this.settle();
      this.use = 'discarded';
      reject?.(error);
    }
  }
}

/** A body on its way to being whole. One that comes in a single piece, as small ones do, is never copied here. */
class Gathering<Made> {
  private result: { readonly made: Made } | { readonly error: unknown } | null = null;
  /** The body, as far as it has come: target[0, filledByteCount). */
  private target: Buffer | null = null;
  private filledByteCount = 0;

  constructor(
    private readonly wholeByteCount: number,
    private readonly firstByteCount: number,
    private readonly make: (bytes: Uint8Array, lent: boolean) => Made,
  ) {}

  take(data: Uint8Array, start: number, end: number): void {
    const piece = start === 0 && end === data.length ? data : data.subarray(start, end);
    if (this.target === null && piece.length === this.wholeByteCount) this.finish(piece, true);
    else this.fill(piece);
  }

  /** The body has ended. */
  made(): Promise<Made> {
    if (this.result === null) this.finish(this.target === null ? noBody : this.target.subarray(0, this.filledByteCount), false);
    const result = this.result!;
    return 'made' in result ? Promise.resolve(result.made) : Promise.reject(result.error);
  }

  private finish(bytes: Uint8Array, lent: boolean): void {
    try {
      this.result = { made: this.make(bytes, lent) };
    } catch (error) {
      this.result = { error };
    }
  }

  private fill(piece: Uint8Array): void {
    this.target ??= Buffer.allocUnsafe(Math.max(piece.length, Math.min(this.firstByteCount, firstTargetByteCount)));
    const needed = this.filledByteCount + piece.length;
    if (needed > this.target.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.target.length * 2));
      larger.set(this.target.subarray(0, this.filledByteCount));
      this.target = larger;
    }
    this.target.set(piece, this.filledByteCount);
    this.filledByteCount = needed;
  }
}
