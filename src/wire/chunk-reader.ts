/**
 * Chunked framing (RFC 9112 §7.1), byte by byte, without a buffer:
 *
 *     chunk     = 1*HEXDIG [ chunk-ext ] CRLF chunk-data CRLF
 *     chunk-ext = *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
 *
 * It ends with the line of the last chunk (size 0); the trailer section that follows is the reader's. Observing, any bytes up
 * to the line feed are taken as an extension; only a bad size, or data that run on, lose the framing.
 */

import * as characters from './characters.js';
import type { Judge } from './judge.js';
import type { Limits } from './limits.js';
import type { ProblemCode } from './problem.js';

// An imported binding is looked up at each use; a constant of the module's own is folded into the code. This is the hot path.
const { CR, HT, hexDigits, LF, SP, tokenBytes, valueBytes } = characters;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

type Phase =
  | 'size' // before and within the digits
  | 'after-size' // white space behind the digits: only ';' may follow
  | 'before-name'
  | 'name'
  | 'after-name' // white space behind a name: ';' or '=' may follow
  | 'before-value'
  | 'token'
  | 'quoted'
  | 'quoted-pair'
  | 'after-quoted'
  | 'after-value' // white space behind a value: only ';' may follow
  | 'odd' // observing: up to the line feed
  | 'line-feed'
  | 'data'
  | 'data-cr'
  | 'data-lf';

/** `data`: a piece of content lies between `dataStart` and the place returned. `lost` is observing's, `stopped` strict's. */
export type ChunkResult = 'more' | 'data' | 'last' | 'stopped' | 'lost';

export class ChunkReader {
  result: ChunkResult = 'more';
  dataStart = 0;
  private phase: Phase = 'size';
  private size = 0;
  private digitCount = 0;
  private extensionByteCount = 0;
  /** Bytes of data still to come in this chunk. */
  private remaining = 0;

  constructor(
    private readonly judge: Judge,
    private readonly limits: Limits,
  ) {}

  begin(): void {
    this.beginSize();
    this.extensionByteCount = 0;
  }

  /** Takes a gap if it lies within the data of a chunk. */
  gap(byteCount: number): boolean {
    if (this.phase !== 'data' || byteCount > this.remaining) return false;
    this.remaining -= byteCount;
    if (this.remaining === 0) this.phase = 'data-cr';
    return true;
  }

  /**
   * Reads bytes[pos, end) up to the end of the next piece of content, the last chunk's line, a problem, or `end`. Returns the
   * place reached and leaves what it is in `result`. Problems are placed in bytes from `zero`.
   */
  read(bytes: Uint8Array, start: number, end: number, zero: number): number {
    let pos = start;
    while (pos < end) {
      if (this.phase === 'data') {
        const pieceEnd = Math.min(end, pos + this.remaining);
        this.remaining -= pieceEnd - pos;
        if (this.remaining === 0) this.phase = 'data-cr';
        this.dataStart = pos;
        this.result = 'data';
        return pieceEnd;
      }
      const byte = bytes[pos]!;
      const problem = this.step(byte);
      if (problem !== null && !this.tolerate(problem, byte, pos - zero)) return pos;
      pos++;
      if (this.isAtLastChunk()) {
        this.beginSize();
        this.result = 'last';
        return pos;
      }
    }
    this.result = 'more';
    return pos;
  }

  /** One byte of framing. Returns the problem with it, if any; the phase is then still the one before it. */
  private step(byte: number): ProblemCode | null {
    switch (this.phase) {
      case 'size': {
        const digit = hexDigits[byte]!;
        if (digit !== 255) {
          this.size = this.size * 16 + digit;
          const tooLarge = ++this.digitCount > this.limits.chunkSizeDigitCount || this.size > Number.MAX_SAFE_INTEGER;
          return tooLarge ? 'chunk-size-too-large' : null;
        }
        if (this.digitCount === 0) return 'chunk-size-invalid';
        if (byte === SP || byte === HT) return this.to('after-size');
        return this.endOf(byte, 'chunk-size-invalid');
      }
      case 'line-feed':
        return byte === LF ? this.beginData() : 'bare-cr';
      case 'data-cr':
        return byte === CR ? this.to('data-lf') : byte === LF ? 'bare-lf' : 'chunk-unterminated';
      case 'data-lf':
        if (byte !== LF) return 'chunk-unterminated';
        return this.beginSize();
      case 'data':
        return null;
      default:
        return ++this.extensionByteCount > this.limits.chunkExtensionByteCount
          ? 'chunk-extensions-too-large'
          : this.stepExtension(byte);
    }
  }

  private stepExtension(byte: number): ProblemCode | null {
    const blank = byte === SP || byte === HT;
    switch (this.phase) {
      case 'after-size':
        return blank ? null : byte === SEMICOLON ? this.to('before-name') : 'chunk-size-invalid';
      case 'before-name':
        return blank ? null : tokenBytes[byte] === 1 ? this.to('name') : 'chunk-extension-invalid';
      case 'name':
        if (tokenBytes[byte] === 1) return null;
        if (blank) return this.to('after-name');
        return byte === EQUALS ? this.to('before-value') : this.endOf(byte, 'chunk-extension-invalid');
      case 'after-name':
        if (blank) return null;
        return byte === EQUALS
          ? this.to('before-value')
          : byte === SEMICOLON
            ? this.to('before-name')
            : 'chunk-extension-invalid';
      case 'before-value':
        if (blank) return null;
        return byte === QUOTE ? this.to('quoted') : tokenBytes[byte] === 1 ? this.to('token') : 'chunk-extension-invalid';
      case 'token':
        if (tokenBytes[byte] === 1) return null;
        return blank ? this.to('after-value') : this.endOf(byte, 'chunk-extension-invalid');
      case 'quoted':
        if (byte === QUOTE) return this.to('after-quoted');
        if (byte === BACKSLASH) return this.to('quoted-pair');
        return valueBytes[byte] === 1 ? null : 'chunk-extension-invalid';
      case 'quoted-pair':
        return valueBytes[byte] === 1 ? this.to('quoted') : 'chunk-extension-invalid';
      case 'after-quoted':
        return blank ? this.to('after-value') : this.endOf(byte, 'chunk-extension-invalid');
      case 'after-value':
        return blank ? null : byte === SEMICOLON ? this.to('before-name') : 'chunk-extension-invalid';
      default: // 'odd'
        return byte === LF ? this.beginData() : null;
    }
  }

  /** What may follow a size or a whole extension directly. */
  private endOf(byte: number, otherwise: ProblemCode): ProblemCode | null {
    if (byte === CR) return this.to('line-feed');
    if (byte === SEMICOLON) return this.to('before-name');
    return byte === LF ? 'bare-lf' : otherwise;
  }

  /** Strict: stops. Observing: notes the problem and finds the way on; false when there is none. */
  private tolerate(problem: ProblemCode, byte: number, at: number): boolean {
    const { judge } = this;
    if (judge.object(problem, at)) {
      this.result = 'stopped';
      return false;
    }
    this.result = 'lost';
    if (problem === 'chunk-size-too-large' || problem === 'chunk-unterminated') return false;
    if (this.phase === 'data-cr') {
      this.beginSize(); // bare LF
      return true;
    }
    if (this.phase === 'size' && this.digitCount === 0) {
      return byte === SP || byte === HT; // white space before the digits
    }
    if (byte === LF) this.beginData();
    else this.phase = 'odd';
    return true;
  }

  private isAtLastChunk(): boolean {
    return this.phase === 'data' && this.size === 0;
  }

  private to(phase: Phase): null {
    this.phase = phase;
    return null;
  }

  private beginSize(): null {
    this.phase = 'size';
    this.size = 0;
    this.digitCount = 0;
    return null;
  }

  private beginData(): null {
    this.phase = 'data';
    this.remaining = this.size;
    return null;
  }
}
