/**
 * The marks of one connection, bounded: the first half of what may be kept, and a ring of the newest for the other half. The
 * beginning of a story and its end tell more than its middle.
 */
import type { Side } from '../base/index.js';
import { type Connection, type Mark, type MarkKind, storyLimits } from './model.js';

export class MarkKeeper {
  /** Ordinary marks (ACKs, data, messages) are kept too. */
  readonly keepsAll: boolean;
  /** Marks that were there, kept or not. */
  count = 0;
  private readonly limit: number;
  private newest: Mark[] | null = null;
  private newestNext = 0;

  constructor(limit: number, keepsAll: boolean) {
    this.limit = limit;
    this.keepsAll = keepsAll || limit === storyLimits.marksOfDetail;
  }

  add(
    connection: Connection,
    kind: MarkKind,
    from: Side,
    atNs: number,
    packet: number,
    byteCount: number,
    exchange: number,
  ): void {
    this.count++;
    if (this.limit === 0) return;
    const mark: Mark = { kind, from, atNs, packet, byteCount, exchange };
    const half = this.limit >> 1;
    if (connection.marks.length < half) {
      connection.marks.push(mark);
      return;
    }
    this.newest ??= [];
    if (this.newest.length < this.limit - half) {
      this.newest.push(mark);
      return;
    }
    this.newest[this.newestNext] = mark;
    this.newestNext = (this.newestNext + 1) % this.newest.length;
    connection.marksOmitted++;
  }

  /** The newest marks behind the first ones. */
  all({ marks }: Connection): Mark[] {
    const { newest, newestNext } = this;
    return newest === null ? marks : marks.concat(newest.slice(newestNext), newest.slice(0, newestNext));
  }

  finish(connection: Connection): void {
    connection.marks = this.all(connection);
    this.newest = null;
  }
}
