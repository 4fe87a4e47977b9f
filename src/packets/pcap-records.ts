/**
 * The record headers of one classic pcap file: how to read them, and how believable they are.
 *
 * Three degrees of doubt. *Impossible*: more bytes than any record may have. *Suspicious*: captured more than was on the wire, a
 * fraction of a second and more, a leap of a day. *Strictly plausible*: none of that, not empty, and near its neighbour in time.
 * A chain is records that follow each other by their lengths, all of them strictly plausible; one header alone proves little,
 * several in a row a lot.
 */

export const plainRecordHeaderByteCount = 16;
/** Wireshark's and libpcap's limit on a record; a larger snap length in the file header raises it. */
export const usualMaximumRecordByteCount = 262_144;
/** The most that a file header can raise it to. */
export const maximumRecordByteCount = 4 * 1024 * 1024;

/** So many plausible headers in a row are taken for records. */
const chainLength = 3;
/** So many when the last of them is cut off by the end of the file. */
const chainLengthAtCut = 2;
/** Records farther apart than this are not taken for neighbours. */
const maximumSecondsForward = 3600;
const maximumSecondsBackward = 60;
/** A leap in time that makes a header suspicious, and the farthest that a chain may begin from the last good record. */
export const suspiciousSeconds = 86_400;

/** `ends`: the file ends before anything contradicts, too early to prove anything. `unknown`: more bytes are needed. */
export type Chain = 'holds' | 'breaks' | 'ends' | 'unknown';

export interface ChainQuestion {
  readonly data: Uint8Array;
  readonly end: number;
  /** No more bytes will come. */
  readonly final: boolean;
  /** Time of the record before, or -1. */
  readonly lastSeconds: number;
  /** A chain that begins before this position must also lead behind it. */
  readonly mustPass?: number;
  /**
   * Positions known to lead nowhere; those of a chain that breaks are added. So the walks of one search stay linear together,
   * however long the chains are that it tries.
   */
  readonly refuted?: Set<number>;
}

export class PcapRecords {
  bigEndian = false;
  headerByteCount = plainRecordHeaderByteCount;
  nanosecondsPerUnit = 1000;
  lengthsSwapped: 'never' | 'always' | 'when-larger' = 'never';
  maximumByteCount = usualMaximumRecordByteCount;

  word(data: Uint8Array, at: number): number {
    return this.bigEndian
      ? ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0
      : (data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)) >>> 0;
  }

  secondsAt(data: Uint8Array, at: number): number {
    return this.word(data, at);
  }

  nanosecondsAt(data: Uint8Array, at: number): number {
    return this.word(data, at + 4) * this.nanosecondsPerUnit;
  }

  capturedAt(data: Uint8Array, at: number): number {
    const first = this.word(data, at + 8);
    if (this.lengthsSwapped === 'never') return first;
    const second = this.word(data, at + 12);
    return this.lengthsSwapped === 'always' ? second : Math.min(first, second);
  }

  wireLengthAt(data: Uint8Array, at: number): number {
    const second = this.word(data, at + 12);
    if (this.lengthsSwapped === 'never') return second;
    const first = this.word(data, at + 8);
    return this.lengthsSwapped === 'always' ? first : Math.max(first, second);
  }

  isSuspicious(data: Uint8Array, at: number, lastSeconds: number): boolean {
    return this.hasOddTime(data, at, lastSeconds) || this.capturedAt(data, at) > this.wireLengthAt(data, at);
  }

  hasOddTime(data: Uint8Array, at: number, lastSeconds: number): boolean {
    const later = this.word(data, at) - lastSeconds;
    return later > suspiciousSeconds || later < -suspiciousSeconds || this.nanosecondsAt(data, at) >= 1e9;
  }

  /** Whether a chain of records begins at a position. */
  chainAt(from: number, question: ChainQuestion): Chain {
    const { data, end, lastSeconds, refuted } = question;
    // Most positions of a search fall here.
    if (from + this.headerByteCount <= end && !this.#isStrictlyPlausible(data, from, lastSeconds, false)) return 'breaks';
    const visited: number[] = [];
    const chain = this.#walk(from, question, visited);
    if (chain === 'breaks' && refuted !== undefined) for (const at of visited) refuted.add(at);
    return chain;
  }

  #walk(from: number, { data, end, final, lastSeconds, mustPass = 0, refuted }: ChainQuestion, visited: number[]): Chain {
    let at = from;
    let seconds = lastSeconds;
    for (let count = 0; ; count += 1) {
      if (count >= chainLength && at > mustPass) return 'holds';
      if (refuted?.has(at) === true) return 'breaks';
      if (at + this.headerByteCount > end) {
        if (!final) return 'unknown';
        return at === end && count > 0 ? 'holds' : 'ends';
      }
      if (!this.#isStrictlyPlausible(data, at, seconds, count > 0)) return 'breaks';
      visited.push(at);
      seconds = this.word(data, at);
      at += this.headerByteCount + this.capturedAt(data, at);
      if (at > end && final) return count + 1 >= chainLengthAtCut ? 'holds' : 'ends';
    }
  }

  #isStrictlyPlausible(data: Uint8Array, at: number, lastSeconds: number, isNear: boolean): boolean {
    const later = lastSeconds < 0 ? 0 : this.word(data, at) - lastSeconds;
    if (later > (isNear ? maximumSecondsForward : suspiciousSeconds)) return false;
    if (later < (isNear ? -maximumSecondsBackward : -suspiciousSeconds)) return false;
    if (this.nanosecondsAt(data, at) >= 1e9) return false;
    const captured = this.capturedAt(data, at);
    const onWire = this.wireLengthAt(data, at);
    return captured > 0 && captured <= this.maximumByteCount && captured <= onWire && onWire <= maximumRecordByteCount;
  }
}
