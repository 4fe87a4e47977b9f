/**
 * Requests that wait for a connection, in order. Those that were given up leave at once; the order of the rest stays.
 *
 * A Set keeps insertion order and deletes in constant time; requests that are sent again stand in a line of their own, before all
 * others.
 */

import type { Exchange } from './client-exchange.js';

export class WaitingLine {
  private readonly ordinary = new Set<Exchange>();
  private readonly first = new Set<Exchange>();

  get count(): number {
    return this.ordinary.size + this.first.size;
  }

  add(exchange: Exchange, first: boolean): void {
    (first ? this.first : this.ordinary).add(exchange);
  }

  remove(exchange: Exchange): void {
    if (!this.ordinary.delete(exchange)) this.first.delete(exchange);
  }

  /** Takes out whoever may have a connection next. `fresh`: the connection was made just now. */
  next(fresh: boolean): Exchange | null {
    return take(this.first, fresh) ?? take(this.ordinary, fresh);
  }

  all(): Exchange[] {
    return [...this.first, ...this.ordinary];
  }

  clear(): void {
    this.first.clear();
    this.ordinary.clear();
  }
}

function take(line: Set<Exchange>, fresh: boolean): Exchange | null {
  for (const exchange of line) {
    if (exchange.request.mayBecomeTunnel || (exchange.wantsFresh && !fresh)) continue;
    line.delete(exchange);
    return exchange;
  }
  return null;
}
