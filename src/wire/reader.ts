/**
 * The reader that requests and responses have in common: from bytes, in pieces of any size, to the callbacks of a
 * `MessageHandler`. No sockets, no clock.
 *
 *     between ──► head ──► counted ─────┐
 *        ▲         │  ├──► chunked ──► trailers
 *        │         │  ├──► until-close  │           strict leaves through failed (refused), done (the last message)
 *        │         │  └──► (no body)    │           observing through lost, which leads back to head
 *        └─────────┴───────────────────-┘
 *
 * Rules
 * - The same bytes give the same callbacks however they are cut (except that body pieces end where the input does).
 * - A head that lies within one call is read in place. Only when it is cut are its bytes copied, and never more than the limit.
 * - Counted bodies cost the same whatever their size.
 *
 * What is not here: body limits, timeouts, and what to answer; those are the engine's.
 */

import { assert } from '../base/index.js';
import { CR, LF } from './characters.js';
import { FieldSection } from './field-section.js';
import { notHttp, stopped } from './judge.js';
import { ReaderCore } from './reader-core.js';

export abstract class MessageReader<Head> extends ReaderCore<Head> {
  /** Forgets everything and reads another stream from its first byte on, for the same handler. */
  restart(): void {
    this.phase = 'between';
    this.problemFound = null;
    this.taken = 0;
    this.sectionOffset = 0;
    this.own.drop();
    this.remaining = 0;
    this.emptyLineCount = 0;
    this.afterCr = false;
    this.pauseAsked = false;
    this.overSaid = false;
    this.persists = true;
    this.headCut = false;
    if (this.noted.length > 0) this.noted = [];
    this.lost = null;
  }

  /**
   * Takes the next bytes of the stream, data[start, end). Returns the index up to which they were taken: `end`, unless the
   * reader paused, failed, is done or became a tunnel; the rest is the caller's. Never throws on what a peer sent.
   */
  receive(data: Uint8Array, start = 0, end = data.length): number {
    const zero = this.taken - start;
    const pos = this.read(data, start, end, zero);
    this.taken = zero + pos;
    return pos;
  }

  /** `zero` here and below: bytes of the stream before data[0] (negative where data has a prefix that is not the stream's). */
  private read(data: Uint8Array, start: number, end: number, zero: number): number {
    let pos = start;
    while (pos < end) {
      switch (this.phase) {
        case 'between': {
          const first = data[pos]!;
          if (first === CR || first === LF || this.afterCr) {
            pos = this.passEmptyLines(data, pos, end, zero);
            break;
          }
          this.startMessage(zero + pos);
          pos = this.readHead(data, pos, end, zero);
          break;
        }
        case 'head':
          pos = this.readHead(data, pos, end, zero);
          break;
        case 'counted':
          pos = this.readCounted(data, pos, end);
          break;
        case 'chunked':
          pos = this.readChunked(data, pos, end, zero);
          break;
        case 'trailers':
          pos = this.readTrailers(data, pos, end, zero);
          break;
        case 'until-close':
          this.bodyByteCount += end - pos;
          this.handler.onBody(data, pos, end);
          pos = end;
          break;
        case 'lost':
          pos = this.lookForStart(data, pos, end, zero);
          break;
        default:
          return pos;
      }
    }
    return pos;
  }

  /**
   * The stream is over. `orderly`: by a FIN, so that a close-delimited body is whole; false for a reset, a timeout, or the end
   * of what was captured.
   */
  end(orderly = true): void {
    switch (this.phase) {
      case 'until-close':
        if (!orderly && this.object('cut-short', 0, this.taken)) return;
        this.endMessage(orderly ? 'complete' : 'cut');
        break;
      case 'head':
      case 'counted':
      case 'chunked':
      case 'trailers':
        if (this.object('cut-short', 0, this.taken)) return;
        this.endMessage('cut');
        break;
      case 'lost':
        this.tellSkipped(this.resynchroniser.byteCount);
        break;
      case 'failed':
        return;
    }
    this.phase = 'ended';
  }

  /** Observing: `byteCount` bytes of the stream are missing here; what comes next lies behind them. */
  gap(byteCount: number): void {
    assert(!this.strict, 'a strict reader has no gaps');
    this.taken += byteCount;
    switch (this.phase) {
      case 'between':
        this.beginLost('likely');
        break;
      case 'counted': {
        const within = Math.min(byteCount, this.remaining);
        this.countMissing(within);
        this.remaining -= within;
        if (this.remaining === 0) this.endMessage('complete');
        if (byteCount > within && this.state === 'between') this.beginLost('likely');
        break;
      }
      case 'until-close':
        this.countMissing(byteCount);
        break;
      case 'chunked':
        if (this.chunks.gap(byteCount)) this.countMissing(byteCount);
        else this.giveUpAtGap(byteCount);
        break;
      case 'head':
      case 'trailers':
        this.giveUpAtGap(byteCount);
        break;
      case 'lost':
        this.resynchroniser.gap();
        break;
    }
  }

  /** Observing: what comes next may be in the middle of a message; passes over it to the next start line. */
  resynchronise(): void {
    assert(!this.strict, 'a strict reader reads from the first byte on');
    if (this.phase === 'head' || this.phase === 'counted' || this.phase === 'chunked' || this.phase === 'trailers') {
      this.endMessage('abandoned');
    } else if (this.phase === 'until-close') this.endMessage('cut');
    if (this.phase === 'between') this.beginLost('likely');
  }

  /** Asks for a stop behind the message being read (or at once when there is none). `receive` then takes nothing. */
  pause(): void {
    if (this.phase === 'between') this.phase = 'paused';
    else this.pauseAsked = true;
  }

  resume(): void {
    this.pauseAsked = false;
    if (this.phase === 'paused') this.phase = 'between';
  }

  /** The caller knows that what comes next is no longer HTTP (the other direction said 101, or 2xx to CONNECT). */
  becomeTunnel(): void {
    if (this.phase === 'failed' || this.phase === 'ended' || this.phase === 'tunnel') return;
    if (this.phase === 'lost') this.tellSkipped(this.resynchroniser.byteCount);
    else if (this.phase === 'head' || this.phase === 'trailers' || this.phase === 'counted' || this.phase === 'chunked') {
      this.endMessage(this.strict ? 'cut' : 'abandoned');
    }
    this.phase = 'tunnel';
    this.handler.onTunnel();
  }

  private readHead(data: Uint8Array, pos: number, end: number, zero: number): number {
    if (this.own.length === 0) {
      const result = this.scanHead(data, pos, Math.min(end, pos + this.limits.headByteCount), false);
      if (result >= 0) {
        this.finishHead(data, pos, result);
        return result;
      }
      if (result === stopped) return this.placeOfProblem(pos, zero);
      if (result === notHttp) return this.leaveHead(pos, zero);
    }
    return this.readHeadOwned(data, pos, end, zero);
  }

  /** The head was cut: its bytes are gathered in `own`, no more than its limit of them. */
  private readHeadOwned(data: Uint8Array, start: number, end: number, zero: number): number {
    const limit = this.limits.headByteCount;
    let pos = start;
    while (pos < end) {
      const before = this.own.length;
      const copied = this.own.append(data, pos, end, limit);
      const result = this.scanHead(this.own.bytes, 0, this.own.length, true);
      if (result >= 0) {
        this.finishHead(this.own.bytes, 0, result);
        this.own.drop();
        return pos + result - before;
      }
      if (result === stopped) return this.placeOfProblem(pos, zero);
      if (result === notHttp) return Math.max(start, this.leaveHead(pos + copied, zero));
      pos += copied;
      if (this.own.length === limit) return this.refuseLargeHead(pos);
    }
    return pos;
  }

  private refuseLargeHead(pos: number): number {
    if (!this.object('head-too-large', this.limits.headByteCount)) {
      const dropped = this.own.length;
      this.own.drop();
      this.giveUp(dropped);
    }
    return pos;
  }

  /** Start line and fields. The bytes of the head begin at bytes[base]; what was scanned before is not scanned again. */
  private scanHead(bytes: Uint8Array, base: number, end: number, owned: boolean): number {
    if (!this.startLineDone) {
      const result = this.scanStartLine(bytes, base, end);
      if (result < 0) return result;
      this.startLineDone = true;
      this.scanner.begin(result - base);
      if (!this.strict && this.endsWithStartLine) return result;
    }
    return this.scanner.scan(bytes, base, end, this.fields, owned);
  }

  private finishHead(bytes: Uint8Array, base: number, headEnd: number): void {
    this.fields.lend(bytes, base, headEnd - base);
    const framing = this.takeHead(bytes, base, headEnd);
    this.fields.release();
    if (framing === null) return;
    const persistence = this.persistence();
    this.persists = persistence.outcome !== 'ends';
    switch (framing) {
      case 'none':
        this.endMessage('complete');
        break;
      case 'length':
        this.remaining = this.bodyLength();
        if (this.remaining === 0) this.endMessage('complete');
        else this.phase = 'counted';
        break;
      case 'chunked':
        this.chunks.begin();
        this.phase = 'chunked';
        break;
      case 'until-close':
        this.phase = 'until-close';
        break;
      case 'tunnel':
        this.endMessage('complete');
        if (this.state !== 'tunnel') this.handler.onTunnel();
        this.phase = 'tunnel';
        break;
    }
  }

  private readCounted(data: Uint8Array, start: number, end: number): number {
    const pieceEnd = Math.min(end, start + this.remaining);
    const byteCount = pieceEnd - start;
    this.remaining -= byteCount;
    this.bodyByteCount += byteCount;
    this.handler.onBody(data, start, pieceEnd);
    if (this.remaining === 0) this.endMessage('complete');
    return pieceEnd;
  }

  private readChunked(data: Uint8Array, start: number, end: number, zero: number): number {
    const { chunks } = this;
    this.sectionOffset = zero + start;
    const pos = chunks.read(data, start, end, start);
    switch (chunks.result) {
      case 'data':
        this.bodyByteCount += pos - chunks.dataStart;
        this.handler.onBody(data, chunks.dataStart, pos);
        break;
      case 'last':
        this.phase = 'trailers';
        this.sectionOffset = zero + pos;
        if (this.fields.kept) this.fields = new FieldSection();
        else this.fields.reset();
        this.scanner.begin(0);
        break;
      case 'lost':
        this.giveUp(0);
        break;
    }
    return pos;
  }

  private readTrailers(data: Uint8Array, start: number, end: number, zero: number): number {
    const limit = this.limits.trailerByteCount;
    if (this.own.length === 0) {
      const result = this.scanner.scan(data, start, Math.min(end, start + limit), this.fields, false);
      if (result >= 0) {
        this.finishTrailers(data, start, result);
        return result;
      }
      if (result === stopped) return this.placeOfProblem(start, zero);
    }
    let pos = start;
    while (pos < end) {
      const before = this.own.length;
      const copied = this.own.append(data, pos, end, limit);
      const result = this.scanner.scan(this.own.bytes, 0, this.own.length, this.fields, true);
      if (result >= 0) {
        this.finishTrailers(this.own.bytes, 0, result);
        this.own.drop();
        return pos + result - before;
      }
      if (result === stopped) return this.placeOfProblem(pos, zero);
      pos += copied;
      if (this.own.length === limit) {
        if (!this.object('trailers-too-large', limit)) {
          this.own.drop();
          this.giveUp(0);
        }
        return pos;
      }
    }
    return pos;
  }

  private finishTrailers(bytes: Uint8Array, base: number, sectionEnd: number): void {
    if (this.fields.count > 0) {
      this.fields.lend(bytes, base, sectionEnd - base);
      this.handler.onTrailers(this.fields);
      this.fields.release();
    }
    this.endMessage('complete');
  }

  /** Observing: the framing is lost; `skipped` bytes at least belong to no message. */
  private giveUp(skipped: number): void {
    this.endMessage('abandoned');
    this.beginLost('unlikely');
    this.resynchroniser.byteCount = skipped;
  }

  private giveUpAtGap(byteCount: number): void {
    if (this.phase === 'head' && this.startLineDone) this.tellCutHead();
    this.object('gap-in-message', 0, this.taken - byteCount);
    this.endMessage('abandoned');
    this.beginLost('likely');
  }

  /** The head's start line is there, and some of its fields: told, although how its body is framed can not be known. */
  private tellCutHead(): void {
    this.headCut = true;
    this.fields.lend(this.own.bytes, 0, this.own.length);
    this.takeHead(this.own.bytes, 0, this.own.length);
    this.fields.release();
    this.headCut = false;
  }

  /**
   * Observing: what was read since the message's start is no start line. It is read again as what it is: a body without a head,
   * or bytes to search, of which the first is no start. Those in `own` now, those of the caller's data by the caller from `pos` on.
   */
  private leaveHead(pos: number, zero: number): number {
    const { bytes, length } = this.own;
    this.own.drop();
    if (this.takeBareBody()) {
      this.phase = 'until-close';
      this.persists = false;
    } else {
      this.object('not-http', 0);
      this.endMessage('abandoned');
      this.beginLost('never');
    }
    if (length === 0) return pos;
    const read = this.read(bytes, 0, length, zero + pos - length);
    return pos - (length - read);
  }

  private lookForStart(bytes: Uint8Array, start: number, end: number, zero: number): number {
    const { resynchroniser } = this;
    const pos = resynchroniser.receive(bytes, start, end);
    const { foundAt, lineEnd, line } = resynchroniser;
    if (foundAt === -1) return pos;
    const lineByteCount = lineEnd - foundAt;
    this.tellSkipped(resynchroniser.byteCount - lineByteCount);
    resynchroniser.begin('unlikely');
    this.startMessage(zero + pos - lineByteCount);
    this.readHeadOwned(line, foundAt, lineEnd, zero + pos - lineEnd);
    return pos;
  }
}
