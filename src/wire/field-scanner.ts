/**
 * Scans field lines up to the empty line (RFC 9112 §5), in place, resumable at every byte:
 *
 *     field-line = field-name ":" OWS field-value OWS CRLF
 *
 * The regular line is one pass. Strict, the first byte that does not fit is the end. Observing, a line that does not fit
 * is put aside until its line feed is there, then read as most implementations would.
 *
 * All places are kept relative to the start of the section, because the bytes may move between two calls.
 */

import * as characters from './characters.js';
import { valueBytesEnd } from './characters.js';
import { Facts } from './facts.js';
import type { FieldSection } from './field-section.js';
import { incomplete, type Judge, needsOwnBuffer, stopped } from './judge.js';

// An imported binding is looked up at each use; a constant of the module's own is folded into the code. This is the hot path.
const { COLON, CR, HT, LF, SP, tokenBytes, valueBytes } = characters;

type Phase = 'line' | 'name' | 'before-value' | 'value' | 'value-end' | 'section-end' | 'odd-line';

export class FieldScanner {
  readonly facts = new Facts();
  private phase: Phase = 'line';
  private at = 0;
  private lineStart = 0;
  private nameEnd = 0;
  private valueStart = 0;
  private folded = false;
  /** Up to where line ends within folded values have become spaces: each is visited once. */
  private unfoldedTo = 0;

  constructor(
    private readonly judge: Judge,
    private readonly lineLimit: number,
  ) {}

  /** Begins a section's field lines `at` bytes into it. */
  begin(at: number): void {
    this.phase = 'line';
    this.at = at;
    this.folded = false;
    this.unfoldedTo = 0;
    this.facts.reset();
  }

  /**
   * Scans bytes up to `end`; the section starts at bytes[base]. Returns the place behind the empty line, or `incomplete`,
   * `stopped`, `needsOwnBuffer`. `owned`: the bytes may be altered.
   */
  scan(bytes: Uint8Array, base: number, end: number, fields: FieldSection, owned: boolean): number {
    let pos = base + this.at;
    let phase = this.phase;
    let lineStart = base + this.lineStart;
    let nameEnd = base + this.nameEnd;
    let valueStart = base + this.valueStart;
    // The phases of a regular line follow one another in this order; each `break` is for want of bytes.
    while (pos < end) {
      if (phase === 'line') {
        lineStart = pos;
        phase = 'name';
        if (bytes[pos] === CR) {
          phase = 'section-end';
          if (++pos === end) break;
        }
      }
      if (phase === 'name') {
        while (pos < end && tokenBytes[bytes[pos]!] === 1) pos++;
        if (pos === end) break;
        if (bytes[pos] === COLON && pos > lineStart) {
          nameEnd = pos;
          phase = 'before-value';
          if (++pos === end) break;
        } else if (this.judge.strict) return this.refuseName(bytes, base, pos, lineStart);
        else phase = 'odd-line';
      }
      if (phase === 'before-value') {
        while (pos < end && (bytes[pos] === SP || bytes[pos] === HT)) pos++;
        if (pos === end) break;
        valueStart = pos;
        phase = 'value';
      }
      if (phase === 'value') {
        pos = valueBytesEnd(bytes, pos, end);
        if (pos === end) break;
        if (bytes[pos] === CR) {
          phase = 'value-end';
          if (++pos === end) break;
        } else if (this.judge.strict) return this.refuse(bytes[pos] === LF ? 'bare-lf' : 'control-in-value', pos - base);
        else phase = 'odd-line';
      }
      if (phase === 'value-end') {
        if (bytes[pos] === LF) {
          if (this.takeLine(bytes, base, lineStart, nameEnd, valueStart, pos - 1, fields)) return stopped;
          phase = 'line';
          pos++;
          continue;
        }
        if (this.judge.strict) return this.refuse('bare-cr', pos - 1 - base);
        phase = 'odd-line';
      }
      if (phase === 'section-end') {
        if (bytes[pos] === LF) return this.finish(bytes, base, pos + 1, fields);
        if (this.judge.strict) return this.refuse('bare-cr', pos - 1 - base);
        phase = 'odd-line';
      }
      while (pos < end && bytes[pos] !== LF) pos++;
      if (pos === end) break;
      if (!owned && fields.count > 0 && (bytes[lineStart] === SP || bytes[lineStart] === HT)) {
        this.phase = phase;
        this.at = pos - base;
        this.lineStart = lineStart - base;
        return needsOwnBuffer;
      }
      if (this.takeOddLine(bytes, base, lineStart, pos, fields)) return this.finish(bytes, base, pos + 1, fields);
      pos++;
      phase = 'line';
    }
    this.phase = phase;
    this.at = pos - base;
    this.lineStart = lineStart - base;
    this.nameEnd = nameEnd - base;
    this.valueStart = valueStart - base;
    return incomplete;
  }

  /** Takes a regular line. True: too many, stop. */
  private takeLine(
    bytes: Uint8Array,
    base: number,
    lineStart: number,
    nameEnd: number,
    valueStart: number,
    lineEnd: number,
    fields: FieldSection,
  ): boolean {
    let valueEnd = lineEnd;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HT)) valueEnd--;
    if (fields.count === this.lineLimit) return this.judge.object('too-many-fields', lineStart - base);
    this.facts.recognise(bytes, lineStart, nameEnd, valueStart, valueEnd, fields.count);
    fields.add(lineStart - base, nameEnd - base, valueStart - base, valueEnd - base);
    return false;
  }

  private finish(bytes: Uint8Array, base: number, sectionEnd: number, fields: FieldSection): number {
    if (this.folded) this.recogniseAgain(bytes, base, fields);
    return sectionEnd;
  }

  private refuse(code: Parameters<Judge['object']>[0], at: number): number {
    this.judge.object(code, at);
    return stopped;
  }

  /** Strict: the byte at `pos` belongs neither to a name nor behind one. */
  private refuseName(bytes: Uint8Array, base: number, pos: number, lineStart: number): number {
    const byte = bytes[pos]!;
    const at = pos - base;
    if (byte === LF) return this.refuse('bare-lf', at);
    if (byte === CR) return this.refuse('field-without-colon', at);
    if (byte === SP || byte === HT) return this.refuse(pos === lineStart ? 'obs-fold' : 'space-before-colon', at);
    return this.refuse('field-name-invalid', at);
  }

  /** Observing: reads the irregular line bytes[lineStart, lineFeed). True when it is the empty line that ends the section. */
  private takeOddLine(bytes: Uint8Array, base: number, lineStart: number, lineFeed: number, fields: FieldSection): boolean {
    const { judge } = this;
    let lineEnd = lineFeed;
    if (lineEnd > lineStart && bytes[lineEnd - 1] === CR) lineEnd--;
    else judge.object('bare-lf', lineFeed - base);
    if (bytes.subarray(lineStart, lineEnd).includes(CR)) judge.object('bare-cr', lineStart - base);
    while (lineEnd > lineStart && isBlank(bytes[lineEnd - 1]!)) lineEnd--;
    const folds = bytes[lineStart] === SP || bytes[lineStart] === HT;
    if (lineEnd === lineStart && !folds) return true;
    if (folds) judge.object('obs-fold', lineStart - base);
    if (folds && fields.count > 0) {
      this.unfold(bytes, base, lineStart, lineEnd, fields);
      return false;
    }
    let start = lineStart;
    while (start < lineEnd && isBlank(bytes[start]!)) start++;
    const colon = bytes.subarray(start, lineEnd).indexOf(COLON);
    if (colon === -1) {
      if (lineEnd > start) judge.object('field-without-colon', start - base);
      return false;
    }
    let nameEnd = start + colon;
    while (nameEnd > start && isBlank(bytes[nameEnd - 1]!)) nameEnd--;
    if (nameEnd < start + colon) judge.object('space-before-colon', nameEnd - base);
    if (nameEnd === start || bytes.subarray(start, nameEnd).some((byte) => tokenBytes[byte] === 0)) {
      judge.object('field-name-invalid', start - base);
    }
    let valueStart = start + colon + 1;
    while (valueStart < lineEnd && isBlank(bytes[valueStart]!)) valueStart++;
    if (bytes.subarray(valueStart, lineEnd).some((byte) => valueBytes[byte] === 0 && byte !== CR)) {
      judge.object('control-in-value', valueStart - base);
    }
    if (fields.count === this.lineLimit) judge.object('too-many-fields', lineStart - base);
    else {
      this.facts.recognise(bytes, start, nameEnd, valueStart, Math.max(valueStart, lineEnd), fields.count);
      fields.add(start - base, nameEnd - base, valueStart - base, Math.max(valueStart, lineEnd) - base);
    }
    return false;
  }

  /** RFC 9112 §5.2: the line end becomes white space, and the value before it goes on with bytes[lineStart, lineEnd). */
  private unfold(bytes: Uint8Array, base: number, lineStart: number, lineEnd: number, fields: FieldSection): void {
    this.folded = true;
    const { places } = fields;
    const place = (fields.count - 1) * 4;
    const valueEnd = base + places[place + 3]!;
    for (let at = Math.max(valueEnd, base + this.unfoldedTo); at < lineStart; at++) bytes[at] = SP;
    this.unfoldedTo = lineStart - base;
    if (lineEnd === lineStart) return;
    if (places[place + 2] === places[place + 3]) {
      let valueStart = valueEnd;
      while (isBlank(bytes[valueStart]!)) valueStart++;
      places[place + 2] = valueStart - base;
    }
    places[place + 3] = lineEnd - base;
  }

  /** The facts were taken from the first lines of folded values; take them from the whole ones. */
  private recogniseAgain(bytes: Uint8Array, base: number, fields: FieldSection): void {
    this.facts.reset();
    for (let line = 0; line < fields.count; line++) {
      const place = line * 4;
      const { places } = fields;
      const [nameStart, nameEnd, valueStart, valueEnd] = [
        places[place]!,
        places[place + 1]!,
        places[place + 2]!,
        places[place + 3]!,
      ];
      this.facts.recognise(bytes, base + nameStart, base + nameEnd, base + valueStart, base + valueEnd, line);
    }
  }
}

const isBlank = (byte: number): boolean => byte === SP || byte === HT || byte === CR;
