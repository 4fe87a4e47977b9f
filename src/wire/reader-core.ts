/**
 * What a reader has and does wherever it stands in a message: its state, its judgement of problems, where messages begin and
 * end, empty lines between them. How the parts of a message are read is in reader.ts.
 */

import { CR, LF } from './characters.js';
import { ChunkReader } from './chunk-reader.js';
import { FieldScanner } from './field-scanner.js';
import { FieldSection } from './field-section.js';
import type { Judge } from './judge.js';
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

export abstract class ReaderCore<Head> implements Judge {
  readonly strict: boolean;
  protected readonly handler: MessageHandler<Head>;
  protected readonly limits: Limits;
  protected readonly scanner: FieldScanner;
  /** Fields of the head or trailer section being read; replaced when its taker keeps it. */
  protected fields = new FieldSection();
  protected readonly chunks: ChunkReader;
  /** Made when it is first needed, which is nearly never. */
  protected lost: Resynchroniser | null = null;
  protected readonly findStart: FindStart;

  protected phase: ReaderState = 'between';
  protected problemFound: MessageProblem | null = null;
  /** Bytes of the stream taken before the current call. */
  protected taken = 0;
  /** Bytes of the stream before the section (head, chunks, trailers) being read: where problems are counted from. */
  protected sectionOffset = 0;
  /** What there is of a section that was cut. */
  protected readonly own = new SectionBuffer();
  protected startLineDone = false;
  /** Bytes of a counted body still to come. */
  protected remaining = 0;
  protected bodyByteCount = 0;
  protected missingByteCount = 0;
  protected emptyLineCount = 0;
  protected afterCr = false;
  protected pauseAsked = false;
  /** Observing: the last message said it was the last. */
  protected overSaid = false;
  protected persists = true;
  /** Observing: the head being judged lacks its end, so that what it lacks is no irregularity. */
  protected headCut = false;
  /** Observing: codes already told of this message. */
  protected noted: ProblemCode[] = [];

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

  protected get resynchroniser(): Resynchroniser {
    this.lost ??= new Resynchroniser(this.findStart);
    return this.lost;
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

  /** Between two messages with nothing taken of the next, not even of an empty line before it: nothing is known that matters later. */
  get isAtRest(): boolean {
    return this.phase === 'between' && !this.afterCr && this.emptyLineCount === 0;
  }

  /** Strict: why the reader has stopped, or null. */
  get problem(): MessageProblem | null {
    return this.problemFound;
  }

  /** Bytes of the stream taken by finished calls, gaps counted. */
  get offset(): number {
    return this.taken;
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

  protected passEmptyLines(data: Uint8Array, start: number, end: number, zero: number): number {
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

  protected startMessage(offset: number): void {
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

  protected endMessage(outcome: MessageOutcome): void {
    this.own.drop();
    if (this.noted.length > 0) this.noted = [];
    if (!this.persists) {
      this.overSaid = true;
      this.persists = true;
    }
    this.phase = this.strict && this.overSaid ? 'done' : this.pauseAsked ? 'paused' : 'between';
    this.handler.onMessageEnd(outcome, this.bodyByteCount, this.missingByteCount);
  }

  protected beginLost(prospect: Prospect): void {
    this.phase = 'lost';
    this.resynchroniser.begin(prospect);
  }

  protected tellSkipped(byteCount: number): void {
    if (byteCount > 0) this.handler.onSkipped(byteCount);
  }

  protected countMissing(byteCount: number): void {
    this.bodyByteCount += byteCount;
    this.missingByteCount += byteCount;
  }

  /** Strict: index in the caller's data of the byte that was refused, but not before what was taken by earlier calls. */
  protected placeOfProblem(earliest: number, zero: number): number {
    return Math.max(earliest, this.problemFound!.offset - zero);
  }
}
