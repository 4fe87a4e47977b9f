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
