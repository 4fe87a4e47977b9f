/**
 * Places in a head that lies in one piece, found by whoever has the bytes at hand first and time to look: another thread, for
 * one. A reader that is given them takes the head without scanning it; what it tells is the same.
 *
 *     numbers  │ kind │ bytes of the head │ end of the first word │ end of the second │ field lines │ a number a field line …
 *
 * - Only a head without any irregularity has places, one that strict and observing readers read alike; whoever is not given any scans.
 * - Ends are counted from the start of the head. A request line has method and target, a status line only what is before CR.
 * - The number of a field line is four lengths: of the name, the white space behind the colon, the value, the white space behind it.
 */
import type { HeadPlaces } from '../base/index.js';
import * as characters from './characters.js';
import { matches, valueBytesEnd } from './characters.js';
import type { Facts } from './facts.js';
import type { FieldSection } from './field-section.js';
import { incomplete } from './judge.js';
import { strictLimits } from './limits.js';

// An imported binding is looked up at each use; a constant of the module's own is folded into the code. This is the hot path.
const { COLON, CR, HT, LF, SP, targetBytes, tokenBytes, valueBytes } = characters;

export type HeadKind = 'request' | 'response';

const requestCode = 1;
const responseCode = 2;
/** Numbers before those of the lines. */
const linesStart = 5;
const mostLines = 59;
/** Room for the places of any head. */
export const longestHeadPlaces = linesStart + mostLines;

// The four lengths, as digits of one number of 31 bits.
const nameBits = 8;
const blankBits = 4;
const valueBits = 15;
const blankShift = nameBits;
const valueShift = blankShift + blankBits;
const trailShift = valueShift + valueBits;
const mostName = (1 << nameBits) - 1;
const mostBlank = (1 << blankBits) - 1;
const mostValue = (1 << valueBits) - 1;

/** `HTTP/1.1 200`: what comes before the reason. */
const statusEnd = 12;

/**
 * Looks for a whole head at the start of bytes[start, end) and writes its places into `into`, which has room for
 * `longestHeadPlaces`. Returns how many numbers they are; 0: there is none that is regular, or it is longer than most.
 */
export function findHeadPlaces(bytes: Uint8Array, start: number, end: number, into: Float64Array): number {
  const stop = Math.min(end, start + strictLimits.headByteCount);
  const isResponse = stop - start > statusEnd && bytes[start + 4] === 0x2f && matches(bytes, start, start + 7, 'HTTP/1.');
  const at = isResponse ? statusLineEnd(bytes, start, stop, into) : requestLineEnd(bytes, start, stop, into);
  if (at < 0) return 0;
  into[0] = isResponse ? responseCode : requestCode;
  return findLines(bytes, start, at, stop, into);
}

/** Behind the line feed, or `incomplete`. */
function requestLineEnd(bytes: Uint8Array, start: number, end: number, into: Float64Array): number {
  let at = start;
  while (at < end && tokenBytes[bytes[at]!] === 1) at++;
  if (at === start || at - start > strictLimits.methodByteCount || bytes[at] !== SP) return incomplete;
  into[2] = at - start;
  const targetStart = ++at;
  while (at < end && targetBytes[bytes[at]!] === 1) at++;
  if (at === targetStart || at - targetStart > strictLimits.targetByteCount) return incomplete;
  into[3] = at - start;
  const lineEnd = at + 11;
  if (lineEnd > end || bytes[at] !== SP || !matches(bytes, at + 1, at + 8, 'HTTP/1.') || !isDigit(bytes[at + 8]!))
    return incomplete;
  return bytes[at + 9] === CR && bytes[at + 10] === LF ? lineEnd : incomplete;
}

/** Likewise; there are `HTTP/1.` and as many bytes as a status line has at least. */
function statusLineEnd(bytes: Uint8Array, start: number, end: number, into: Float64Array): number {
  const isRegular =
    isDigit(bytes[start + 7]!) &&
    bytes[start + 8] === SP &&
    isDigit(bytes[start + 9]!) &&
    bytes[start + 9] !== 0x30 &&
    isDigit(bytes[start + 10]!) &&
    isDigit(bytes[start + 11]!);
  if (!isRegular) return incomplete;
  let at = start + statusEnd;
  if (bytes[at] === SP) at++;
  else if (bytes[at] !== CR) return incomplete;
  while (at < end && valueBytes[bytes[at]!] === 1) at++;
  into[2] = at - start;
  into[3] = 0;
  return at + 2 <= end && bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : incomplete;
}

function findLines(bytes: Uint8Array, start: number, linesAt: number, end: number, into: Float64Array): number {
  let count = 0;
  let at = linesAt;
  while (at < end) {
    const lineStart = at;
    while (at < end && tokenBytes[bytes[at]!] === 1) at++;
    const nameLength = at - lineStart;
    if (nameLength === 0) {
      if (at + 2 > end || bytes[at] !== CR || bytes[at + 1] !== LF) return 0;
      into[1] = at + 2 - start;
      into[4] = count;
      return linesStart + count;
    }
    if (count === mostLines || nameLength > mostName || at === end || bytes[at] !== COLON) return 0;
    const blankStart = ++at;
    while (at < end && (bytes[at] === SP || bytes[at] === HT)) at++;
    const blank = at - blankStart;
    const valueStart = at;
    at = valueBytesEnd(bytes, at, end);
    if (at + 2 > end || bytes[at] !== CR || bytes[at + 1] !== LF) return 0;
    let valueEnd = at;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HT)) valueEnd--;
    const trail = at - valueEnd;
    const valueLength = valueEnd - valueStart;
    if (blank > mostBlank || trail > mostBlank || valueLength > mostValue) return 0;
    into[linesStart + count++] = nameLength | (blank << blankShift) | (valueLength << valueShift) | (trail << trailShift);
    at += 2;
  }
  return 0;
}

/** Whether the places are those of a head of this kind. */
export const arePlacesOf = (kind: HeadKind, { numbers, start }: HeadPlaces): boolean =>
  numbers[start] === (kind === 'request' ? requestCode : responseCode);

/** Bytes of the head. */
export const headByteCountAt = ({ numbers, start }: HeadPlaces): number => numbers[start + 1]! | 0;
/** End of the method, or of the reason. */
export const firstEndAt = ({ numbers, start }: HeadPlaces): number => numbers[start + 2]! | 0;
/** End of the target. */
export const secondEndAt = ({ numbers, start }: HeadPlaces): number => numbers[start + 3]! | 0;

/** Takes the field lines as a scan of bytes[base, …) from `base + linesAt` on would; all were forgotten before. */
export function takeLines(
  places: HeadPlaces,
  bytes: Uint8Array,
  base: number,
  linesAt: number,
  fields: FieldSection,
  facts: Facts,
): void {
  const { numbers, start } = places;
  const first = start + linesStart;
  const count = numbers[start + 4]! | 0;
  let at = linesAt;
  for (let line = 0; line < count; line++) {
    const lengths = numbers[first + line]! | 0;
    const nameEnd = at + (lengths & mostName);
    const valueStart = nameEnd + 1 + ((lengths >> blankShift) & mostBlank);
    const valueEnd = valueStart + ((lengths >> valueShift) & mostValue);
    facts.recognise(bytes, base + at, base + nameEnd, base + valueStart, base + valueEnd, line);
    fields.add(at, nameEnd, valueStart, valueEnd);
    at = valueEnd + (lengths >> trailShift) + 2;
  }
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
