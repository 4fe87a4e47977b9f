/**
 * Finds the next message in a stream whose framing is not known: joined in mid-stream, behind a gap, behind bytes that
 * are no message. It holds one line at a time, and recognises a start line when its line feed is there, whatever pieces
 * the bytes come in.
 */

import { CR, LF } from './characters.js';

/** Longest line that may hold a start line; of a longer one only the tail is looked at. */
const resynchroniserLineByteCount = 16 * 1024;

/** Where a start line begins within line[start, end), or −1. `startCounts`: the first byte is a likely place. */
export type FindStart = (line: Uint8Array, start: number, end: number, startCounts: boolean) => number;

/**
 * Whether the next byte may begin a message: `likely` (behind a gap or a line end), `unlikely` (bytes of a body run into it),
 * `never` (it was read as a start line before and is none).
 */
export type Prospect = 'likely' | 'unlikely' | 'never';

export class Resynchroniser {
  /** The line so far; when `receive` has found a start, the start line with its line feed is line[foundAt, lineEnd). */
  line: Uint8Array = new Uint8Array(256);
  lineEnd = 0;
  foundAt = -1;
  /** Bytes taken in since `begin`, the found line included. */
  byteCount = 0;
  private prospect: Prospect = 'likely';

  constructor(private readonly findStart: FindStart) {}

  begin(prospect: Prospect): void {
    this.lineEnd = 0;
    this.foundAt = -1;
    this.byteCount = 0;
    this.prospect = prospect;
  }

  /** Bytes are missing here: what comes next may begin a message. */
  gap(): void {
    this.lineEnd = 0;
    this.prospect = 'likely';
  }

  /** Takes bytes[start, end) up to the first start line's end. Returns the place reached; `foundAt` tells whether there is one. */
  receive(bytes: Uint8Array, start: number, end: number): number {
    let pos = start;
    while (pos < end) {
      let lineFeed = pos;
      while (lineFeed < end && bytes[lineFeed] !== LF) lineFeed++;
      const whole = lineFeed < end;
      const pieceEnd = whole ? lineFeed + 1 : end;
      this.append(bytes, pos, pieceEnd);
      this.byteCount += pieceEnd - pos;
      pos = pieceEnd;
      if (!whole) break;
      let contentEnd = this.lineEnd - 1;
      if (contentEnd > 0 && this.line[contentEnd - 1] === CR) contentEnd--;
      this.foundAt = this.findStart(this.line, this.prospect === 'never' ? 1 : 0, contentEnd, this.prospect === 'likely');
      if (this.foundAt !== -1) break;
      this.lineEnd = 0;
      this.prospect = 'likely';
    }
    return pos;
  }

  private append(bytes: Uint8Array, start: number, end: number): void {
    let from = start;
    while (from < end) {
      if (this.lineEnd === resynchroniserLineByteCount) this.dropFirstHalf();
      const to = Math.min(end, from + resynchroniserLineByteCount - this.lineEnd);
      this.makeRoom(this.lineEnd + to - from);
      this.line.set(bytes.subarray(from, to), this.lineEnd);
      this.lineEnd += to - from;
      from = to;
    }
  }

  private dropFirstHalf(): void {
    const half = resynchroniserLineByteCount / 2;
    this.line.copyWithin(0, half, resynchroniserLineByteCount);
    this.lineEnd = half;
    this.prospect = 'unlikely';
  }

  private makeRoom(byteCount: number): void {
    if (byteCount <= this.line.length) return;
    let length = this.line.length;
    while (length < byteCount) length *= 2;
    const larger = new Uint8Array(length);
    larger.set(this.line.subarray(0, this.lineEnd));
    this.line = larger;
  }
}
