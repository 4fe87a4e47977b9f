/**
 * The exchanges of one connection that are not over, oldest first. Answers leave in this order (RFC 9112 §9.3.2).
 */

import type { Clock } from './deadlines.js';
import type { ServerResponse } from './server-response.js';

export class ExchangeQueue {
  oldest: ServerResponse | null = null;
  newest: ServerResponse | null = null;
  count = 0;

  add(response: ServerResponse): void {
    this.count += 1;
    if (this.newest === null) this.oldest = response;
    else this.newest.next = response;
    this.newest = response;
  }

  removeOldest(): void {
    const { oldest } = this;
    if (oldest === null) return;
    this.count -= 1;
    this.oldest = oldest.next;
    oldest.next = null;
    if (this.oldest === null) this.newest = null;
  }

  /** Empties the queue; the responses stay linked. */
  takeAll(): ServerResponse | null {
    const { oldest } = this;
    this.oldest = null;
    this.newest = null;
    this.count = 0;
    return oldest;
  }

  /** When the first of the responses that handlers have not begun is late. */
  dueAtMs(clock: Clock, responseTimeoutMs: number): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (let response = this.oldest; response !== null; response = response.next) {
      if (!response.started || response.phase !== 'open') continue;
      if (response.startedAtMs === 0) response.startedAtMs = clock.now();
      earliest = Math.min(earliest, response.startedAtMs + responseTimeoutMs);
    }
    return earliest;
  }

  /** The oldest response that is late. */
  late(nowMs: number, responseTimeoutMs: number): ServerResponse | null {
    for (let response = this.oldest; response !== null; response = response.next) {
      const waitedFor = response.phase === 'open' && response.startedAtMs !== 0;
      if (waitedFor && response.startedAtMs + responseTimeoutMs <= nowMs) return response;
    }
    return null;
  }
}
