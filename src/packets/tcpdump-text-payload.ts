/**
 * What a listing shows of one packet's bytes, below its line:
 *
 *         0x0000:  4500 003c 86bb 4000 4006 b5fe 7f00 0001  E..<..@.@.......      -x, -X, -xx, -XX: the bytes themselves
 *         GET /page-1 HTTP/1.1                                                      -v: HTTP as text, a tab before each line
 *     E..<..@.@...........P...GET /page-1 HTTP/1.1                                  -A: the packet as text
 *
 * Text is lossy: a byte that does not print is a dot (-A) or ends the text (-v), and a CR before an LF is left out. CRs are put back
 * where they must have been: all of them where the payload's length says so, else only in an HTTP head; what stays doubtful is not
 * used, and then is missing like the part of a packet that the snap length cut off.
 */

const payloadLimits = {
  /** Bytes of a hex dump, and characters of text, kept of one packet: as much as IP allows. */
  bytes: 65_536 + 64,
} as const;

const hexLine = /^\s{1,16}0x([0-9a-f]{4,6}):?\s{1,4}((?:[0-9a-f]{4} ){0,7}[0-9a-f]{2}(?:[0-9a-f]{2})?)(?=\s|$)/;
/** tcpdump 3.x with -x: no offsets. */
const bareHexLine = /^\t{2,4} ?((?:[0-9a-f]{4} ){0,7}[0-9a-f]{2}(?:[0-9a-f]{2})?)\s*$/;
const startLine = /^(?:[A-Z][A-Z-]{1,31} [\x21-\x7e]{1,8000} HTTP\/1\.\d|HTTP\/1\.\d \d{3}(?: [^\r\n]*)?)$/;
const startOfHead = /(?:[A-Z]{3,16} [/*h][^ ]{0,2000} HTTP\/1\.\d|HTTP\/1\.\d \d{3} )/;
/** tcpdump's mark where the snap length ended the text. */
const cutMark = / \[[|!][\w-]{1,16}\]$/;
/** Smallest and largest IP and TCP headers together. */
const leastHeaders = 40;
const mostHeaders = 120;

export class ListedPayload {
  hexByteCount = 0;
  /** A hex line that does not continue the ones before it. */
  hexDamaged = false;
  #hex = new Uint8Array(0);
  #tabLines: string[] = [];
  #textLines: string[] = [];
  #characters = 0;

  get hasText(): boolean {
    return this.#textLines.length > 0;
  }

  /** Characters of -A text so far, line ends included, and how many of them are line ends. */
  get textLength(): { readonly characters: number; readonly lineEnds: number } {
    return { characters: this.#characters, lineEnds: this.#textLines.length };
  }

  get hex(): Uint8Array {
    return this.#hex.subarray(0, this.hexByteCount);
  }

  /** Takes a line of a hex dump; false when it is none. */
  addHex(line: string): boolean {
    const match = hexLine.exec(line);
    const digits = match?.[2] ?? bareHexLine.exec(line)?.[1];
    if (digits === undefined) return false;
    if (match !== null && Number.parseInt(match[1]!, 16) !== this.hexByteCount) {
      this.hexDamaged = true;
      return true;
    }
    if (this.hexDamaged || this.hexByteCount + 16 > payloadLimits.bytes) return true;
    if (this.hexByteCount + 16 > this.#hex.length) {
      const larger = new Uint8Array(Math.max(128, 2 * this.#hex.length));
      larger.set(this.#hex);
      this.#hex = larger;
    }
    for (const group of digits.split(' ')) {
      for (let at = 0; at < group.length; at += 2) {
        this.#hex[this.hexByteCount++] = Number.parseInt(group.slice(at, at + 2), 16);
      }
    }
    return true;
  }

  addTabbed(line: string): void {
    if (this.#spend(line)) this.#tabLines.push(line.replace(cutMark, ''));
  }

  addText(line: string): void {
    if (this.#spend(line)) this.#textLines.push(line);
  }

  #spend(line: string): boolean {
    if (this.#characters + line.length >= payloadLimits.bytes) return false;
    this.#characters += line.length + 1;
    return true;
  }

  /**
   * The payload's first bytes as far as the text tells them, at most `byteCount` (the payload's length on the wire). `headerByteCount`:
   * of the TCP header, 0 when unknown. `summary`: the start line that stands on the packet's own line, or ''.
   */
  bytesFromText(byteCount: number, headerByteCount: number, summary: string): Uint8Array | null {
    if (byteCount === 0) return null;
    return (
      this.#fromPacketText(byteCount, headerByteCount) ??
      this.#fromTabbed(byteCount) ??
      summaryBytes(summary.replace(cutMark, ''), byteCount)
    );
  }

  #fromTabbed(byteCount: number): Uint8Array | null {
    if (this.#tabLines.length === 0) return null;
    const text = this.#tabLines.join('\n');
    return restored(`${text}\n`, byteCount) ?? restored(text, byteCount);
  }

  #fromPacketText(byteCount: number, headerByteCount: number): Uint8Array | null {
    if (this.#textLines.length === 0) return null;
    const text = this.#textLines.join('\n');
    const at = payloadStart(text, headerByteCount);
    return at < 0 ? null : restored(text.slice(at), byteCount);
  }
}

/** Where the payload begins in the text of a whole packet, or −1. */
function payloadStart(text: string, tcpHeaderByteCount: number): number {
  const first = text.charCodeAt(0);
  const ipHeader = first >= 0x45 && first <= 0x4f ? (first & 15) * 4 : first === 0x60 ? 40 : -1;
  if (ipHeader < 0) return -1;
  if (tcpHeaderByteCount > 0) return ipHeader + tcpHeaderByteCount;
  const found = text.slice(leastHeaders, mostHeaders + 2048).search(startOfHead);
  return found < 0 || found > mostHeaders - leastHeaders ? -1 : leastHeaders + found;
}

/** Puts the CRs back; null when it cannot be done. */
function restored(text: string, byteCount: number): Uint8Array | null {
  const lineEnds = countLineEnds(text);
  const missing = byteCount - text.length;
  if (!startOfHead.test(text.slice(0, 2048)) && isMostlyUnprintable(text)) return null;
  if (missing === 0) return encoded(text, byteCount);
  if (missing === lineEnds) return encoded(text.replaceAll('\n', '\r\n'), byteCount);
  const firstEnd = text.indexOf('\n');
  if (firstEnd < 0 || !startLine.test(text.slice(0, firstEnd))) return null;
  const headEnd = text.indexOf('\n\n') + 2;
  if (headEnd < 2)
    return missing > 0 ? encoded(text.slice(0, text.lastIndexOf('\n') + 1).replaceAll('\n', '\r\n'), byteCount) : null;
  const head = text.slice(0, headEnd).replaceAll('\n', '\r\n');
  const isBodyWhole = head.length + text.length - headEnd === byteCount;
  return encoded(isBodyWhole ? head + text.slice(headEnd) : head, byteCount);
}

const summaryBytes = (summary: string, byteCount: number): Uint8Array | null =>
  startLine.test(summary) ? encoded(`${summary}\r\n`, byteCount) : null;

/** Text of bytes that are no text: what its dots stand for cannot be known. */
const isMostlyUnprintable = (text: string): boolean => text.length < 8 * (text.match(/\./g)?.length ?? 0);

function countLineEnds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

function encoded(text: string, limit: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(text.length, limit));
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
