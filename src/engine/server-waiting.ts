/**
 * How long a connection may wait for its client: for the first request, the rest of a head, the next piece of a body, the next request.
 *
 * One of these is being waited for at a time; which one, the reader's state says. The clock is read only when a wait begins, so that a request
 * that comes and goes in one turn costs a single reading. Time in which the client was held back by us is not the client's.
 */

import type { ReaderState } from '../wire/index.js';
import type { Clock } from './deadlines.js';
import type { ServerSettings } from './server-options.js';

const never = Number.POSITIVE_INFINITY;

export class Waiting {
  private readonly openedAtMs: number;
  /** A time by which an idle connection closes in any case. */
  private idleUntilMs = never;
  private idleSinceMs = 0;
  private headSinceMs = 0;
  private bodySinceMs = 0;
  private bodyPieceAtMs = 0;
  private bodyPieceCame = false;
  private heldSinceMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly settings: ServerSettings,
  ) {
    this.openedAtMs = clock.now();
  }

  get ageMs(): number {
    return this.clock.now() - this.openedAtMs;
  }

  get isHeld(): boolean {
    return this.heldSinceMs !== 0;
  }

  messageStarts(): void {
    this.headSinceMs = 0;
  }

  bodyStarts(): void {
    this.bodySinceMs = 0;
    this.bodyPieceCame = false;
  }

  bodyPiece(): void {
    this.bodyPieceCame = true;
  }

  /** The connection is idle from the next look on. */
  idleStarts(): void {
    this.idleSinceMs = 0;
  }

  closeIdleAfter(graceMs: number): void {
    this.idleUntilMs = this.clock.now() + graceMs;
  }

  hold(): void {
    this.heldSinceMs = this.clock.now();
  }

  letGo(): void {
    const heldMs = this.clock.now() - this.heldSinceMs;
    this.heldSinceMs = 0;
    if (this.bodySinceMs === 0) return;
    this.bodySinceMs += heldMs;
    this.bodyPieceAtMs += heldMs;
  }

  /** `answering`: a response is not over. `requestCount`: read so far. `bodyByteCount`: read of the present body. */
  dueAtMs(state: ReaderState, answering: boolean, requestCount: number, bodyByteCount: number): number {
    const { settings } = this;
    switch (state) {
      case 'between':
        if (answering) return never;
        if (requestCount === 0) return Math.min(this.idleUntilMs, this.openedAtMs + settings.firstRequestTimeoutMs);
        if (this.idleSinceMs === 0) this.idleSinceMs = this.clock.now();
        return Math.min(this.idleUntilMs, this.idleSinceMs + settings.idleTimeoutMs);
      case 'head':
        if (this.headSinceMs === 0) this.headSinceMs = this.clock.now();
        return this.headSinceMs + settings.headTimeoutMs;
      case 'counted':
      case 'chunked':
      case 'trailers':
        return this.isHeld ? never : this.bodyDueAtMs(bodyByteCount);
      default:
        return never;
    }
  }

  /** The earlier of: too long a silence, too low a rate. */
  private bodyDueAtMs(bodyByteCount: number): number {
    const { bodyTimeoutMs, bodyMinimumRate } = this.settings;
    if (this.bodySinceMs === 0 || this.bodyPieceCame) {
      this.bodyPieceAtMs = this.clock.now();
      if (this.bodySinceMs === 0) this.bodySinceMs = this.bodyPieceAtMs;
      this.bodyPieceCame = false;
    }
    const silentUntilMs = this.bodyPieceAtMs + bodyTimeoutMs;
    if (bodyMinimumRate === 0) return silentUntilMs;
    return Math.min(silentUntilMs, this.bodySinceMs + bodyTimeoutMs + (bodyByteCount / bodyMinimumRate) * 1000);
  }
}
