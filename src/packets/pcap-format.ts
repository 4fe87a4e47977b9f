/**
 * Classic pcap (draft-ietf-opsawg-pcap): a file header, then records of a header and the captured bytes.
 *
 *     file    magic 4 │ major 2 │ minor 2 │ reserved 8 │ snap length 4 │ FCS bits + link type 4 │ (Ixia: 4 more)
 *     record  seconds 4 │ fraction 4 │ captured bytes 4 │ bytes on the wire 4 │ (patched libpcaps: 4, 8 or 12 more) │ bytes …
 *
 * Both byte orders, microseconds and nanoseconds, the magic numbers of patched libpcaps, versions below 2.4 with the two lengths
 * swapped. How long record headers really are is tried on the first records, because patched libpcaps reused magic numbers.
 *
 * Damage. Nothing in a record says where the next one is except its length, so a record is told only once the header behind it
 * has been seen. A header that cannot be (more bytes than any record may have) or that is suspicious (captured more than was on
 * the wire, a fraction of a second and more, a leap of a day) starts a search for a chain of strictly plausible headers; the
 * search begins inside the record before, whose length may be what is damaged, and there accepts only a chain that leads out of
 * it. Without a better chain, a suspicious header is believed and an impossible one is searched behind for as long as it takes.
 */
import { PcapMagic } from './container.js';
import type { Format, PacketSink } from './packet-sink.js';

const fileHeaderByteCount = 24;
const ixiaExtraByteCount = 4;
const plainRecordHeaderByteCount = 16;
/** Wireshark's and libpcap's limit on a record; a larger snap length in the file header raises it. */
const usualMaximumRecordByteCount = 262_144;
/** The most that a file header can raise it to. */
const maximumRecordByteCount = 4 * 1024 * 1024;
/** So many plausible headers in a row are taken for records. */
const chainLength = 3;
/** So many when the last of them is cut off by the end of the file. */
const chainLengthAtCut = 2;
/** Records farther apart than this are not taken for neighbours by the search. */
const maximumSecondsForward = 3600;
const maximumSecondsBackward = 60;
/** A leap in time that makes a header suspicious, and the farthest that the search goes from the last good record. */
const suspiciousSeconds = 86_400;
/** More is asked for in steps of this size while searching, so that work stays linear however small the chunks are. */
const searchStepByteCount = 65_536;

type Chain = 'holds' | 'breaks' | 'unknown';

export class PcapFormat implements Format {
  needed = fileHeaderByteCount;
  readonly #sink: PacketSink;
  readonly #live: boolean;
  #bigEndian = false;
  #hasFileHeader = false;
  #hasRecordHeaderSize = false;
  #headerByteCount = plainRecordHeaderByteCount;
  #candidateHeaderByteCounts: readonly number[] = [];
  #nanosecondsPerUnit = 1000;
  #unitsPerSecond = 1_000_000;
  #lengthsSwapped: 'never' | 'always' | 'when-larger' = 'never';
  #linkType = 0;
  #checkSequenceByteCount = 0;
  #maximumByteCount = usualMaximumRecordByteCount;
  /** Seconds of the last record told, or -1. */
  #lastSeconds = -1;
  /** Where reading goes on is not known: every position is tried. */
  #searching = false;
  /** Records that the last walk along a chain found plausible. */
  #walked = 0;

  constructor(sink: PacketSink, live: boolean) {
    this.#sink = sink;
    this.#live = live;
  }

  parse(data: Uint8Array, from: number, end: number, final: boolean): number {
    let position = from;
    if (!this.#hasFileHeader) {
      const byteCount = this.#readFileHeader(data, position, end, final);
      if (byteCount < 0) return end;
      if (byteCount === 0) return position;
      position += byteCount;
    }
    if (!this.#hasRecordHeaderSize && !this.#chooseRecordHeader(data, position, end, final)) return position;
    for (;;) {
      if (this.#searching) {
        position = this.#search(data, position, end, final);
        if (this.#searching) return position;
      }
      position = this.#readRecords(data, position, end, final);
      if (!this.#searching) return position;
    }
  }

  /** Bytes of the header; 0 when more are needed, -1 when the file ends in it. */
  #readFileHeader(data: Uint8Array, at: number, end: number, final: boolean): number {
    if (end - at < fileHeaderByteCount) {
      if (!final) return this.#need(fileHeaderByteCount);
      this.#sink.problems.report('file-cut-short', 0);
      return -1;
    }
    this.#bigEndian = data[at] === 0xa1 || (data[at] === 0x1c && data[at + 1] === 0x00);
    const magic = this.#word(data, at);
    const ixia = magic === PcapMagic.ixiaHardware || magic === PcapMagic.ixiaSoftware;
    const byteCount = fileHeaderByteCount + (ixia ? ixiaExtraByteCount : 0);
    if (end - at < byteCount && !final) return this.#need(byteCount);
    this.#hasFileHeader = true;
    const [major, minor] = this.#bigEndian
      ? [(data[at + 4]! << 8) | data[at + 5]!, (data[at + 6]! << 8) | data[at + 7]!]
      : [(data[at + 5]! << 8) | data[at + 4]!, (data[at + 7]! << 8) | data[at + 6]!];
    this.#setVersion(major, minor);
    if (magic === PcapMagic.nanoseconds || ixia) {
      this.#nanosecondsPerUnit = 1;
      this.#unitsPerSecond = 1_000_000_000;
    }
    this.#sink.noteDecimals(this.#nanosecondsPerUnit === 1 ? 9 : 6);
    this.#candidateHeaderByteCounts = magic === PcapMagic.kuznetzov ? [24, 28, 16] : [16, 24, 20];
    const snapLength = this.#word(data, at + 16);
    this.#maximumByteCount = Math.min(Math.max(snapLength, usualMaximumRecordByteCount), maximumRecordByteCount);
    const linkType = this.#word(data, at + 20);
    this.#linkType = linkType & 0xffff;
    // Bit 26 says that the upper four bits count the 16-bit words of the frame check sequence.
    this.#checkSequenceByteCount = (linkType & 0x04000000) !== 0 ? (linkType >>> 28) * 2 : 0;
    return byteCount;
  }

  #setVersion(major: number, minor: number): void {
    if (major === 543 || (major === 2 && minor < 3)) this.#lengthsSwapped = 'always';
    else if (major === 2 && minor === 3) this.#lengthsSwapped = 'when-larger';
    else if (major !== 2 || minor !== 4) this.#sink.problems.report('unknown-version', 0, `${major}.${minor}`);
  }

  /** The first size with which the first records make a chain; the usual one when none does. False: more bytes are needed. */
  #chooseRecordHeader(data: Uint8Array, at: number, end: number, final: boolean): boolean {
    for (const byteCount of this.#candidateHeaderByteCounts) {
      this.#headerByteCount = byteCount;
      const chain = this.#live && byteCount === plainRecordHeaderByteCount ? 'holds' : this.#chainAt(data, at, end, final, -1);
      if (chain === 'unknown') {
        this.#need(end - at + 1);
        return false;
      }
      if (chain === 'holds') {
        this.#hasRecordHeaderSize = true;
        return true;
      }
    }
    this.#headerByteCount = this.#candidateHeaderByteCounts[0]!;
    this.#hasRecordHeaderSize = true;
    return true;
  }

  /** The hot loop. The record at `position` has an acceptable header; it is told when the header behind it has one too. */
  #readRecords(data: Uint8Array, from: number, end: number, final: boolean): number {
    const sink = this.#sink;
    const headerByteCount = this.#headerByteCount;
    const maximumByteCount = this.#maximumByteCount;
    let position = from;
    while (!sink.full) {
      if (end - position < headerByteCount) return this.#restOfFile(position, end, final, headerByteCount);
      const captured = this.#capturedAt(data, position);
      if (captured > maximumByteCount) {
        // Only the very first record gets here unchecked.
        this.#startSearch();
        return position + 1;
      }
      const next = position + headerByteCount + captured;
      if (next + headerByteCount > end) {
        if (!final && !(this.#live && next === end)) {
          this.needed = next + headerByteCount - position;
          return position;
        }
        if (next > end) {
          const resumed = this.#findInLastRecord(data, position, end);
          if (resumed < 0) return this.#restOfFile(position, end, final, next - position);
          sink.problems.report('record-length-repaired', sink.nextPacket);
          this.#tell(data, position, resumed);
          position = resumed;
          continue;
        }
      } else {
        const nextCaptured = this.#capturedAt(data, next);
        if (nextCaptured > maximumByteCount || this.#isSuspicious(data, next, this.#word(data, position))) {
          const resumed = this.#judgeDamage(data, position, next, end, final);
          if (resumed < 0) return position;
          if (resumed > next) {
            position = resumed;
            if (this.#searching) return position;
            continue;
          }
          if (resumed < next) {
            sink.problems.report('record-length-repaired', sink.nextPacket);
            this.#tell(data, position, resumed);
            position = resumed;
            continue;
          }
        }
      }
      this.#tell(data, position, next);
      position = next;
    }
    return end;
  }

  #tell(data: Uint8Array, position: number, next: number): void {
    const start = position + this.#headerByteCount;
    const seconds = this.#word(data, position);
    const nanoseconds = this.#word(data, position + 4) * this.#nanosecondsPerUnit;
    let end = next;
    let wireByteCount = this.#wireLengthAt(data, position);
    if (this.#checkSequenceByteCount !== 0) {
      wireByteCount -= this.#checkSequenceByteCount;
      if (end > start + wireByteCount) end = Math.max(start, start + wireByteCount);
    }
    this.#lastSeconds = seconds;
    this.#sink.packet(data, start, end, wireByteCount, this.#linkType, seconds, nanoseconds);
  }

  /** Fewer bytes than a record: wait for more, or report the cut. */
  #restOfFile(position: number, end: number, final: boolean, needed: number): number {
    this.needed = needed;
    if (!final) return position;
    if (position < end) this.#sink.problems.report('file-cut-short', this.#sink.nextPacket);
    return end;
  }

  /**
   * The header at `next`, behind the record at `position`, is impossible or suspicious. Returns where reading goes on: `next`
   * itself when nothing better is found, an earlier position when the record's length was wrong, a later one when the bytes at
   * `next` are no record (the record has been told then); -1 when more bytes are needed to judge.
   */
  #judgeDamage(data: Uint8Array, position: number, next: number, end: number, final: boolean): number {
    const seconds = this.#word(data, position);
    const nextCaptured = this.#capturedAt(data, next);
    const impossible = nextCaptured > this.#maximumByteCount;
    const limit = impossible ? next : Math.min(end, next + this.#headerByteCount + nextCaptured);
    const refuted = new Set<number>();
    for (let at = position + this.#headerByteCount; at < limit; at += 1) {
      if (at === next) continue;
      const chain = this.#chainAt(data, at, end, final, seconds, next, refuted);
      if (chain === 'unknown') {
        this.#need(end - position + searchStepByteCount);
        return -1;
      }
      if (chain === 'breaks') continue;
      if (at < next) return at;
      this.#tell(data, position, next);
      this.#sink.problems.report('record-damaged', this.#sink.nextPacket);
      return at;
    }
    if (!impossible) {
      const isWindowThere = final || next + this.#headerByteCount + nextCaptured <= end;
      if (isWindowThere) return next;
      this.#need(next + this.#headerByteCount + nextCaptured - position + searchStepByteCount);
      return -1;
    }
    this.#tell(data, position, next);
    this.#startSearch();
    return next + 1;
  }

  /** The last record claims more than the file has: cut, or its length is wrong and a chain to the end stands inside it. */
  #findInLastRecord(data: Uint8Array, position: number, end: number): number {
    const seconds = this.#word(data, position);
    for (let at = position + this.#headerByteCount; at < end; at += 1) {
      if (this.#chainAt(data, at, end, true, seconds) === 'holds') return at;
    }
    return -1;
  }

  #startSearch(): void {
    this.#searching = true;
    this.#sink.problems.report('record-damaged', this.#sink.nextPacket);
  }

  /** Looks for the next chain. Ends the search when it finds one or the file ends. */
  #search(data: Uint8Array, from: number, end: number, final: boolean): number {
    for (let at = from; at + this.#headerByteCount <= end; at += 1) {
      const chain = this.#chainAt(data, at, end, final, this.#lastSeconds);
      if (chain === 'breaks') continue;
      if (chain === 'holds') {
        this.#searching = false;
        return at;
      }
      this.#need(end - at + searchStepByteCount);
      return at;
    }
    if (final) return end;
    this.#need(this.#headerByteCount + searchStepByteCount);
    return Math.max(from, end - this.#headerByteCount + 1);
  }

  /**
   * Whether strictly plausible records follow each other from `at`: `chainLength` of them, or fewer that end exactly with the
   * file. A chain that begins before `mustPass` must also lead behind it. Positions in `refuted` are known to lead nowhere, and
   * those of this chain are added when it breaks: so the walks of one search stay linear together.
   */
  #chainAt(
    data: Uint8Array,
    from: number,
    end: number,
    final: boolean,
    lastSeconds: number,
    mustPass = 0,
    refuted: Set<number> | null = null,
  ): Chain {
    const chain = this.#walkChain(data, from, end, final, lastSeconds, mustPass, refuted);
    if (chain === 'breaks' && refuted !== null) {
      for (let at = from, count = 0; count < this.#walked; count += 1) {
        refuted.add(at);
        at += this.#headerByteCount + this.#capturedAt(data, at);
      }
    }
    return chain;
  }

  #walkChain(
    data: Uint8Array,
    from: number,
    end: number,
    final: boolean,
    lastSeconds: number,
    mustPass: number,
    refuted: Set<number> | null,
  ): Chain {
    let at = from;
    let seconds = lastSeconds;
    let isNear = false;
    for (let count = 0; ; count += 1) {
      this.#walked = count;
      if (refuted?.has(at)) return 'breaks';
      if (at === end && final && count > 0) return at > mustPass || from > mustPass ? 'holds' : 'breaks';
      if (count >= chainLength && at > mustPass) return 'holds';
      if (at + this.#headerByteCount > end) return final ? (count >= chainLength ? 'holds' : 'breaks') : 'unknown';
      if (!this.#isStrictlyPlausible(data, at, seconds, isNear)) return 'breaks';
      seconds = this.#word(data, at);
      isNear = true;
      at += this.#headerByteCount + this.#capturedAt(data, at);
      // The last record of a file that was cut: nothing contradicts the chain.
      if (at > end && final) return count + 1 >= chainLengthAtCut ? 'holds' : 'breaks';
    }
  }

  #isStrictlyPlausible(data: Uint8Array, at: number, seconds: number, isNear: boolean): boolean {
    const captured = this.#capturedAt(data, at);
    if (captured === 0 || captured > this.#maximumByteCount) return false;
    const onWire = this.#wireLengthAt(data, at);
    if (captured > onWire || onWire > maximumRecordByteCount) return false;
    if (this.#word(data, at + 4) >= this.#unitsPerSecond) return false;
    if (seconds < 0) return true;
    const later = this.#word(data, at) - seconds;
    return isNear ? later <= maximumSecondsForward && later >= -maximumSecondsBackward : Math.abs(later) <= suspiciousSeconds;
  }

  #isSuspicious(data: Uint8Array, at: number, lastSeconds: number): boolean {
    const later = this.#word(data, at) - lastSeconds;
    return (
      later > suspiciousSeconds ||
      later < -suspiciousSeconds ||
      this.#word(data, at + 4) >= this.#unitsPerSecond ||
      this.#capturedAt(data, at) > this.#wireLengthAt(data, at)
    );
  }

  #capturedAt(data: Uint8Array, at: number): number {
    const first = this.#word(data, at + 8);
    if (this.#lengthsSwapped === 'never') return first;
    const second = this.#word(data, at + 12);
    return this.#lengthsSwapped === 'always' ? second : Math.min(first, second);
  }

  #wireLengthAt(data: Uint8Array, at: number): number {
    const second = this.#word(data, at + 12);
    if (this.#lengthsSwapped === 'never') return second;
    const first = this.#word(data, at + 8);
    return this.#lengthsSwapped === 'always' ? first : Math.max(first, second);
  }

  #word(data: Uint8Array, at: number): number {
    return this.#bigEndian
      ? ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0
      : (data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)) >>> 0;
  }

  #need(byteCount: number): 0 {
    this.needed = byteCount;
    return 0;
  }
}
