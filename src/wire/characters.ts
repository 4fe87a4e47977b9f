/** Byte values and the character classes of RFC 9110 §5.5, §5.6 and RFC 9112 §3, as tables of 256 entries (1 = in the class). */

export const HT = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;

function byteClass(contains: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (contains(byte) ? 1 : 0));
}

const isAlphanumeric = (byte: number): boolean => /^[0-9A-Za-z]$/.test(String.fromCharCode(byte));
const among = (characters: string) => (byte: number) => characters.includes(String.fromCharCode(byte));

/** `token` characters: methods, field names, codings. */
export const tokenBytes = byteClass((byte) => isAlphanumeric(byte) || among("!#$%&'*+-.^_`|~")(byte));

/** Visible ASCII: what a request target may consist of. Raw bytes above 0x7e are not allowed in one (RFC 3986 §2). */
export const targetBytes = byteClass((byte) => byte > 0x20 && byte < 0x7f);

/** Field values and reasons: HT, SP, visible ASCII, obs-text. */
export const valueBytes = byteClass((byte) => byte === HT || (byte >= 0x20 && byte !== 0x7f));

/** reg-name and IPv4address: unreserved, percent-encoded, sub-delims (RFC 3986 §3.2.2). */
export const hostBytes = byteClass((byte) => isAlphanumeric(byte) || among("-._~%!$&'()*+,;=")(byte));

/** Value of a hexadecimal digit, or 255. */
export const hexDigits = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /^[0-9A-Fa-f]$/.test(character) ? Number.parseInt(character, 16) : 255;
});

/** Whether data[start, end) is `text` exactly. */
export function matches(data: Uint8Array, start: number, end: number, text: string): boolean {
  const length = end - start;
  if (length !== text.length) return false;
  for (let index = 0; index < length; index++) {
    if (data[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** Whether data[start, end) is `lowerCase` without regard to the case of ASCII letters. `lowerCase` holds letters, digits and '-' only. */
export function matchesIgnoringCase(data: Uint8Array, start: number, end: number, lowerCase: string): boolean {
  const length = end - start;
  if (length !== lowerCase.length) return false;
  for (let index = 0; index < length; index++) {
    const byte = data[start + index]!;
    const expected = lowerCase.charCodeAt(index);
    if (byte !== expected && (byte < 0x41 || byte > 0x5a || byte + 0x20 !== expected)) return false;
  }
  return true;
}

/** A name to look for, in lower case: letters, digits and '-' only. */
export const caseless = (lowerCase: string): Uint8Array => Uint8Array.from(lowerCase, (character) => character.charCodeAt(0));

/** Whether data[start, end) is the name, without regard to the case of ASCII letters. */
export function isName(data: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  const length = end - start;
  if (length !== name.length) return false;
  for (let index = 0; index < length; index++) {
    const byte = data[start + index]!;
    // Below '-' is nothing that a name has; from there on this bit tells capitals from small letters, and nothing else.
    if (byte < 0x2d || (byte | 0x20) !== name[index]) return false;
  }
  return true;
}

/**
 * Where the run of value bytes (`valueBytes`) that begins at `start` ends: at the first other byte, or at `end`. Four at a time, with
 * one branch: as most bytes of a head are in values, this is where its reading spends its time.
 */
export function valueBytesEnd(data: Uint8Array, start: number, end: number): number {
  let at = start;
  for (const last = end - 4; at <= last; at += 4) {
    const a = data[at]!;
    const b = data[at + 1]!;
    const c = data[at + 2]!;
    const d = data[at + 3]!;
    // Negative where one is below 0x20 (tabs, too, which are looked at below) or is 0x7f.
    const below = (a - 0x20) | (b - 0x20) | (c - 0x20) | (d - 0x20);
    const deletes = ((a ^ 0x7f) - 1) | ((b ^ 0x7f) - 1) | ((c ^ 0x7f) - 1) | ((d ^ 0x7f) - 1);
    if ((below | deletes) < 0) break;
  }
  while (at < end && valueBytes[data[at]!] === 1) at++;
  return at;
}
