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
import { ChunkReader } from './chunk-reader.js';
import { FieldScanner } from './field-scanner.js';
import { FieldSection } from './field-section.js';
import { type Judge, notHttp, stopped } from './judge.js';
import { type Limits, observingLimits, strictLimits } from './limits.js';
import type { Framing, Manner, MessageHandler, MessageOutcome } from './message.js';
import type { Persistence } from './persistence.js';
import { type MessageProblem, type ProblemCode, problemKinds } from './problem.js';
import { type FindStart, type Prospect, Resynchroniser } from './resynchroniser.js';
import { SectionBuffer } from './section-buffer.js';

/**
 * `between`: no byte of a next message yet. `counted`, `chunked`, `until-close`: within a body. `lost`: observing, looking for the
 * next message. `paused`: on request. `tunnel`: no longer HTTP. `done`: strict, after a message that says it is the last.
 * `failed`: strict, after a problem. `ended`: the stream is over. From `paused` on, no bytes are taken.
 */
export type ReaderState =
  | 'between'
  | 'head'
  | 'counted'
  | 'chunked'
  | 'trailers'
  | 'until-close'
  | 'lost'
  | 'paused'
  | 'tunnel'
  | 'done'
  | 'failed'
  | 'ended';

export interface ReaderOptions<Handler> {
  readonly manner: Manner;
  readonly handler: Handler;
  /** Replaces single limits of the manner's own. */
  readonly limits?: Partial<Limits>;
}

export abstract class MessageReader<Head> implements Judge {
  readonly strict: boolean;
  protected readonly handler: MessageHandler<Head>;
  protected readonly limits: Limits;
  protected readonly scanner: FieldScanner;
  /** Fields of the head or trailer section being read; replaced when its taker keeps it. */
  protected fields = new FieldSection();
  private readonly chunks: ChunkReader;
  /** Made when it is first needed, which is nearly never. */
  private lost: Resynchroniser | null = null;
  private readonly findStart: FindStart;

  private phase: ReaderState = 'between';
  private problemFound: MessageProblem | null = null;
  /** Bytes of the stream taken before the current call. */
  private taken = 0;
  /** Bytes of the stream before the section (head, chunks, trailers) being read: where problems are counted from. */
  private sectionOffset = 0;
  /** What there is of a section that was cut. */
  private readonly own = new SectionBuffer();
  private startLineDone = false;
  /** Bytes of a counted body still to come. */
  private remaining = 0;
  private bodyByteCount = 0;
  private missingByteCount = 0;
  private emptyLineCount = 0;
  private afterCr = false;
  private pauseAsked = false;
  /** Observing: the last message said it was the last. */
  private overSaid = false;
  private persists = true;
  /** Observing: the head being judged lacks its end, so that what it lacks is no irregularity. */
  private headCut = false;
  /** Observing: codes already told of this message. */
  private noted: ProblemCode[] = [];

  protected constructor(
    manner: Manner,
    handler: MessageHandler<Head>,
    limits: Partial<Limits> | undefined,
    findStart: FindStart,
  ) {
    this.strict = manner === 'strict';
    this.handler = handler;
    const usual = this.strict ? strictLimits : observingLimits;
    this.limits = limits === undefined ? usual : { ...usual, ...limits };
    this.scanner = new FieldScanner(this, this.limits.fieldLineCount);
    this.chunks = new ChunkReader(this, this.limits);
    this.findStart = findStart;
  }

  private get resynchroniser(): Resynchroniser {
    this.lost ??= new Resynchroniser(this.findStart);
    return this.lost;
  }

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

  /** Begins a start line. */
  protected abstract beginStartLine(): void;
  /** Scans the start line; as `FieldScanner.scan`, and `notHttp` when (observing) the line is none. */
  protected abstract scanStartLine(bytes: Uint8Array, base: number, end: number): number;
  /** The head bytes[base, headEnd) is whole: judges it, tells it, says how its body is framed. Null: refused. */
  protected abstract takeHead(bytes: Uint8Array, base: number, headEnd: number): Framing | null;
  /** Length of the counted body and persistence of the head taken last. */
  protected abstract bodyLength(): number;
  protected abstract persistence(): Persistence;
  /** Observing: takes what is no start line as a message of another kind (HTTP/0.9). True when it did. */
  protected takeBareBody(): boolean {
    return false;
  }
  /** Observing: the start line that was just read is a whole message (HTTP/0.9). */
  protected get endsWithStartLine(): boolean {
    return false;
  }
  /** Whether empty lines may come before a message. */
  protected abstract readonly toleratesEmptyLines: boolean;

  get state(): ReaderState {
    return this.phase;
  }

  /** Strict: why the reader has stopped, or null. */
  get problem(): MessageProblem | null {
    return this.problemFound;
  }

  /** Bytes of the stream taken by finished calls, gaps counted. */
  get offset(): number {
    return this.taken;
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

  /** See `Judge`. `from`: what `at` is counted from, in bytes of the stream. */
  object(code: ProblemCode, at: number, from: number = this.sectionOffset): boolean {
    if (!this.strict) {
      if (this.headCut) return false;
      if (this.noted.includes(code)) return false;
      this.noted.push(code);
    }
    const { status, text } = problemKinds[code];
    const problem = { code, status: this.statusFor(status), text, offset: from + at };
    if (this.strict) {
      this.problemFound = problem;
      this.phase = 'failed';
    }
    this.handler.onProblem(problem);
    return this.strict;
  }

  protected abstract statusFor(status: number): number;

  private passEmptyLines(data: Uint8Array, start: number, end: number, zero: number): number {
    let pos = start;
    for (; pos < end; pos++) {
      const byte = data[pos]!;
      if (this.afterCr) {
        if (byte !== LF && this.object('bare-cr', 0, zero + pos - 1)) return pos;
        this.afterCr = false;
        if (byte !== LF) return pos;
      } else if (byte === CR) {
        if (!this.toleratesEmptyLines && this.object('empty-line-before-message', 0, zero + pos)) return pos;
        this.afterCr = true;
        continue;
      } else if (byte === LF) {
        if (this.object('bare-lf', 0, zero + pos)) return pos;
      } else return pos;
      if (++this.emptyLineCount > this.limits.emptyLineCount && this.object('too-many-empty-lines', 0, zero + pos)) return pos;
    }
    return pos;
  }

  private startMessage(offset: number): void {
    this.phase = 'head';
    this.sectionOffset = offset;
    this.startLineDone = false;
    this.bodyByteCount = 0;
    this.missingByteCount = 0;
    this.emptyLineCount = 0;
    if (this.fields.kept) this.fields = new FieldSection();
    else this.fields.reset();
    this.beginStartLine();
    this.handler.onMessageStart(offset);
    if (this.overSaid) {
      this.overSaid = false;
      this.object('bytes-after-close', 0);
    }
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

  private endMessage(outcome: MessageOutcome): void {
    this.own.drop();
    if (this.noted.length > 0) this.noted = [];
    if (!this.persists) {
      this.overSaid = true;
      this.persists = true;
    }
    this.phase = this.strict && this.overSaid ? 'done' : this.pauseAsked ? 'paused' : 'between';
    this.handler.onMessageEnd(outcome, this.bodyByteCount, this.missingByteCount);
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

  private beginLost(prospect: Prospect): void {
    this.phase = 'lost';
    this.resynchroniser.begin(prospect);
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

  private tellSkipped(byteCount: number): void {
    if (byteCount > 0) this.handler.onSkipped(byteCount);
  }

  private countMissing(byteCount: number): void {
    this.bodyByteCount += byteCount;
    this.missingByteCount += byteCount;
  }

  /** Strict: index in the caller's data of the byte that was refused, but not before what was taken by earlier calls. */
  private placeOfProblem(earliest: number, zero: number): number {
    return Math.max(earliest, this.problemFound!.offset - zero);
  }
}
