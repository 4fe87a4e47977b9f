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

export const noPieces = new Uint8Array(0);

export class IncomingBody {
  /** Bytes received so far. */
  byteCount = 0;
  queuedByteCount = 0;
  use: 'unclaimed' | 'claimed' | 'discarded' = 'unclaimed';
  ended = false;
  trailers: Fields | null = null;
  private error: HoldfastError | null = null;
  private pieces: Uint8Array[] = [];
  private collecting = false;
  private resolve: ((piece: Uint8Array | null) => void) | null = null;
  private reject: ((error: HoldfastError) => void) | null = null;

  constructor(private readonly source: BodySource) {}

  /** The next piece, or null at the end. Rejects with the error that cut the body. */
  read(): Promise<Uint8Array | null> {
    if (this.use === 'discarded') return Promise.reject(new HoldfastError('body-already-used'));
    this.claim();
    if (this.resolve !== null || this.collecting) return Promise.reject(new HoldfastError('body-already-used'));
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

  /** The whole body. */
  collect(): Promise<Uint8Array> {
    if (this.use !== 'unclaimed') return Promise.reject(new HoldfastError('body-already-used'));
    this.claim();
    this.collecting = true;
    if (this.error !== null) return Promise.reject(this.error);
    if (this.ended) return Promise.resolve(this.joined());
    return new Promise((resolve, reject) => {
      this.resolve = () => resolve(this.joined());
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

  /** Takes a piece; true while there is room for more. */
  push(piece: Uint8Array, roomByteCount: number): boolean {
    this.byteCount += piece.length;
    if (this.use === 'discarded') return true;
    if (this.collecting) {
      this.pieces.push(piece);
      return true;
    }
    if (this.resolve !== null) {
      this.settle()!(piece);
      return true;
    }
    this.pieces.push(piece);
    this.queuedByteCount += piece.length;
    return this.queuedByteCount < roomByteCount;
  }

  /** Whether more would be taken at once. */
  hasRoom(roomByteCount: number): boolean {
    return this.collecting || this.use === 'discarded' || this.queuedByteCount < roomByteCount;
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

  private joined(): Uint8Array {
    const { pieces } = this;
    this.pieces = [];
    if (pieces.length === 0) return noPieces;
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }
}
