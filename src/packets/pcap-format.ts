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
 * has been seen. Doubt about that header (see pcap-records.ts) is resolved in this order, each by a chain of plausible records:
 * its own length holds; its length on the wire holds; the record before was the one with the wrong length; a chain stands
 * farther behind. Without any, a suspicious header is believed, and behind an impossible one the search goes on to the end.
 */
import { PcapMagic } from './container.js';
import type { Format, PacketSink } from './packet-sink.js';
import {
  type ChainQuestion,
  maximumRecordByteCount,
  PcapRecords,
  plainRecordHeaderByteCount,
  suspiciousSeconds,
  usualMaximumRecordByteCount,
} from './pcap-records.js';

const fileHeaderByteCount = 24;
const ixiaExtraByteCount = 4;
/** Lengths of record headers that are tried, the usual one first. */
const plainHeaderByteCounts = [plainRecordHeaderByteCount, 24, 20] as const;
const kuznetzovHeaderByteCounts = [24, 28, plainRecordHeaderByteCount] as const;
/** More is asked for in steps of this size while searching, so that work stays linear however small the chunks are. */
const searchStepByteCount = 65_536;
/** After so many suspicious headers that were right after all, the file is taken to be odd, not damaged. */
const doubtLimit = 16;
/** Answer of `#resolve`: more bytes are needed. */
const wait = -1;

export class PcapFormat implements Format {
  needed = fileHeaderByteCount;
  readonly #sink: PacketSink;
  readonly #live: boolean;
  readonly #records = new PcapRecords();
  #state: 'file-header' | 'first-records' | 'records' | 'searching' = 'file-header';
  #candidateHeaderByteCounts: readonly number[] = plainHeaderByteCounts;
  #linkType = 0;
  #checkSequenceByteCount = 0;
  /** Of the bytes that were parsed last: chunks hold many records, so a view is made seldom. */
  #viewed: Uint8Array | null = null;
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** Seconds of the last record told, or -1. */
  #lastSeconds = -1;
  #wrongDoubts = 0;

  constructor(sink: PacketSink, live: boolean) {
    this.#sink = sink;
    this.#live = live;
  }

  parse(data: Uint8Array, from: number, end: number, final: boolean): number {
    let position = from;
    if (this.#state === 'file-header') {
      position += this.#readFileHeader(data, position, end, final);
      if (this.#state === 'file-header') return final ? end : position;
    }
    if (this.#state === 'first-records' && !this.#chooseRecordHeader(data, position, end, final)) return position;
    for (;;) {
      if (this.#state === 'searching') position = this.#search(data, position, end, final);
      if (this.#state === 'searching') return position;
      position = this.#readRecords(data, position, end, final);
      if (this.#state === 'records') return position;
    }
  }

  /** Bytes of the header; 0 when they are not there yet. */
  #readFileHeader(data: Uint8Array, at: number, end: number, final: boolean): number {
    const records = this.#records;
    records.bigEndian = data[at] === 0xa1 || data[at] === 0x1c;
    const magic = end - at < 4 ? 0 : records.word(data, at);
    const isIxia = magic === PcapMagic.ixiaHardware || magic === PcapMagic.ixiaSoftware;
    const byteCount = fileHeaderByteCount + (isIxia ? ixiaExtraByteCount : 0);
    if (end - at < byteCount) {
      if (final) this.#sink.problems.report('file-cut-short', 0);
      this.needed = byteCount;
      return 0;
    }
    this.#state = 'first-records';
    const versions = records.word(data, at + 4);
    const [major, minor] = records.bigEndian ? [versions >>> 16, versions & 0xffff] : [versions & 0xffff, versions >>> 16];
    if (major === 543 || (major === 2 && minor < 3)) records.lengthsSwapped = 'always';
    else if (major === 2 && minor === 3) records.lengthsSwapped = 'when-larger';
    else if (major !== 2 || minor !== 4) this.#sink.problems.report('unknown-version', 0, `${major}.${minor}`);
    if (magic === PcapMagic.nanoseconds || isIxia) records.nanosecondsPerUnit = 1;
    this.#sink.noteDecimals(records.nanosecondsPerUnit === 1 ? 9 : 6);
    if (magic === PcapMagic.kuznetzov) this.#candidateHeaderByteCounts = kuznetzovHeaderByteCounts;
    const snapLength = records.word(data, at + 16);
    records.maximumByteCount = Math.min(Math.max(snapLength, usualMaximumRecordByteCount), maximumRecordByteCount);
    const linkType = records.word(data, at + 20);
    this.#linkType = linkType & 0xffff;
    // Bit 26 says that the upper four bits count the 16-bit words of the frame check sequence.
    this.#checkSequenceByteCount = (linkType & 0x04000000) !== 0 ? (linkType >>> 28) * 2 : 0;
    return byteCount;
  }

  /** The first length with which the first records make a chain; the usual one when none does. False: more bytes are needed. */
  #chooseRecordHeader(data: Uint8Array, at: number, end: number, final: boolean): boolean {
    const usual = this.#candidateHeaderByteCounts[0]!;
    let chosen = usual;
    for (const byteCount of this.#candidateHeaderByteCounts) {
      this.#records.headerByteCount = byteCount;
      const chain = this.#records.chainAt(at, { data, end, final, lastSeconds: -1 });
      // Live input is not kept waiting for a third record.
      if (chain === 'unknown' && !this.#live) {
        this.needed = end - at + 1;
        return false;
      }
      if (chain === 'breaks' || (chain === 'ends' && byteCount !== usual)) continue;
      chosen = byteCount;
      break;
    }
    this.#records.headerByteCount = chosen;
    this.#state = 'records';
    return true;
  }

  /** The record at `position` has an acceptable header; it is told when the header behind it has one too. */
  #readRecords(data: Uint8Array, from: number, end: number, final: boolean): number {
    const sink = this.#sink;
    const records = this.#records;
    const { headerByteCount, maximumByteCount } = records;
    const hasUsualLengths = records.lengthsSwapped === 'never' && this.#checkSequenceByteCount === 0;
    let position = from;
    while (!sink.full) {
      if (hasUsualLengths) position = this.#readUsualRecords(data, position, end);
      if (sink.full) break;
      if (end - position < headerByteCount) return this.#restOfFile(position, end, final, headerByteCount);
      const captured = records.capturedAt(data, position);
      if (captured > maximumByteCount) return this.#startSearch(position); // only the very first record comes here unchecked
      const next = position + headerByteCount + captured;
      if (next + headerByteCount > end) {
        if (!final && !(this.#live && next === end))
          return this.#restOfFile(position, end, final, captured + 2 * headerByteCount);
        if (next > end) {
          const inside = this.#findInLastRecord(data, position, end);
          if (inside === wait) return this.#restOfFile(position, end, final, next - position);
          this.#tellShortened(data, position, inside);
          position = inside;
          continue;
        }
      } else if (
        records.capturedAt(data, next) > maximumByteCount ||
        (this.#wrongDoubts < doubtLimit && records.isSuspicious(data, next, records.secondsAt(data, position)))
      ) {
        const resumed = this.#resolve(data, position, next, end, final);
        if (resumed === wait) return position;
        if (resumed !== next) {
          position = resumed;
          if (this.#state === 'searching') return position;
          continue;
        }
      }
      this.#tell(data, position, next);
      position = next;
    }
    return end;
  }

  /**
   * The hot loop: records in a row about which there is nothing to doubt, each header read once. Returns the position of the first
   * one that it leaves to `#readRecords`, which does the same with any record. It takes a record only when the header behind it is
   * there and neither impossible nor suspicious. Numbers are read with a sign, so what is beyond 2^31 is negative and left, too.
   */
  #readUsualRecords(data: Uint8Array, from: number, end: number): number {
    if (data !== this.#viewed) {
      this.#viewed = data;
      this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    }
    const sink = this.#sink;
    const view = this.#view;
    const linkType = this.#linkType;
    const { headerByteCount, maximumByteCount, nanosecondsPerUnit } = this.#records;
    const isLittleEndian = !this.#records.bigEndian;
    const lastStart = end - headerByteCount;
    const leapSeconds = suspiciousSeconds;
    let position = from;
    if (position > lastStart) return position;
    let seconds = view.getInt32(position, isLittleEndian);
    let fraction = view.getInt32(position + 4, isLittleEndian);
    let captured = view.getInt32(position + 8, isLittleEndian);
    let onWire = view.getInt32(position + 12, isLittleEndian);
    if (seconds < 0 || fraction < 0 || captured < 0 || captured > maximumByteCount || onWire < 0) return position;
    while (!sink.full) {
      const start = position + headerByteCount;
      const next = start + captured;
      if (next > lastStart) break;
      const nextSeconds = view.getInt32(next, isLittleEndian);
      const nextFraction = view.getInt32(next + 4, isLittleEndian);
      const nextCaptured = view.getInt32(next + 8, isLittleEndian);
      const nextOnWire = view.getInt32(next + 12, isLittleEndian);
      if (nextSeconds < 0 || nextFraction < 0 || nextCaptured < 0 || nextCaptured > maximumByteCount) break;
      const later = nextSeconds - seconds;
      if (later > leapSeconds || later < -leapSeconds) break;
      if (nextFraction * nanosecondsPerUnit >= 1e9 || nextCaptured > nextOnWire) break;
      sink.packet(data, start, next, onWire, linkType, seconds, fraction * nanosecondsPerUnit);
      this.#lastSeconds = seconds;
      position = next;
      seconds = nextSeconds;
      fraction = nextFraction;
      captured = nextCaptured;
      onWire = nextOnWire;
    }
    return position;
  }

  #tell(data: Uint8Array, position: number, next: number): void {
    const records = this.#records;
    const start = position + records.headerByteCount;
    let end = next;
    let wireByteCount = records.wireLengthAt(data, position);
    if (this.#checkSequenceByteCount !== 0) {
      wireByteCount = Math.max(0, wireByteCount - this.#checkSequenceByteCount);
      end = Math.min(end, start + wireByteCount);
    }
    this.#lastSeconds = records.secondsAt(data, position);
    this.#sink.packet(data, start, end, wireByteCount, this.#linkType, this.#lastSeconds, records.nanosecondsAt(data, position));
  }

  /** The record's length is wrong: it ends where the next one begins. */
  #tellShortened(data: Uint8Array, position: number, next: number): void {
    this.#sink.problems.report('record-length-repaired', this.#sink.nextPacket);
    this.#tell(data, position, next);
  }

  /** Fewer bytes than a record: wait for more, or report the cut. */
  #restOfFile(position: number, end: number, final: boolean, needed: number): number {
    this.needed = needed;
    if (!final) return position;
    if (position < end) this.#sink.problems.report('file-cut-short', this.#sink.nextPacket);
    return end;
  }

  /**
   * The header at `next`, behind the record at `position`, is impossible or suspicious. Returns where reading goes on: `next` when
   * it is to be believed, elsewhere when something better was found (the records before are told then), or `wait`.
   */
  #resolve(data: Uint8Array, position: number, next: number, end: number, final: boolean): number {
    const records = this.#records;
    const { headerByteCount, maximumByteCount } = records;
    const lastSeconds = records.secondsAt(data, position);
    const question: ChainQuestion = { data, end, final, lastSeconds, mustPass: next, refuted: new Set() };
    const captured = records.capturedAt(data, next);
    const isImpossible = captured > maximumByteCount;
    const claimedEnd = isImpossible ? next : next + headerByteCount + captured;
    if (!isImpossible) {
      const own = records.chainAt(claimedEnd, question);
      if (own === 'unknown') return this.#waitFor(position, end);
      if (own === 'holds' || (own === 'ends' && claimedEnd <= end)) return next;
    }
    const onWire = records.wireLengthAt(data, next);
    if (onWire > 0 && onWire <= maximumByteCount && !records.hasOddTime(data, next, lastSeconds)) {
      const wireEnd = next + headerByteCount + onWire;
      const chain = records.chainAt(wireEnd, question);
      if (chain === 'unknown') return this.#waitFor(position, end);
      if (chain === 'holds') {
        this.#tell(data, position, next);
        if (!this.#sink.full) this.#tellShortened(data, next, wireEnd);
        return wireEnd;
      }
    }
    for (let at = position + headerByteCount; at < Math.min(claimedEnd, end); at += 1) {
      if (at === next) continue;
      const chain = records.chainAt(at, question);
      if (chain === 'unknown') return this.#waitFor(position, end);
      if (chain !== 'holds') continue;
      if (at < next) this.#tellShortened(data, position, at);
      else {
        this.#tell(data, position, next);
        this.#sink.problems.report('record-damaged', this.#sink.nextPacket);
      }
      return at;
    }
    if (!isImpossible && claimedEnd > end && !final) return this.#waitFor(position, end);
    if (!isImpossible) {
      this.#wrongDoubts += 1;
      return next;
    }
    this.#tell(data, position, next);
    return this.#startSearch(next);
  }

  /** Asks for twice as much: what was looked at is looked at again, and that must not happen often. */
  #waitFor(position: number, end: number): typeof wait {
    this.needed = 2 * (end - position) + searchStepByteCount;
    return wait;
  }

  /** The last record claims more than the file has: cut, or its length is wrong and a chain to the end stands inside it. */
  #findInLastRecord(data: Uint8Array, position: number, end: number): number {
    const question: ChainQuestion = { data, end, final: true, lastSeconds: this.#records.secondsAt(data, position) };
    for (let at = position + this.#records.headerByteCount; at < end; at += 1) {
      if (this.#records.chainAt(at, question) === 'holds') return at;
    }
    return wait;
  }

  #startSearch(at: number): number {
    this.#state = 'searching';
    this.#sink.problems.report('record-damaged', this.#sink.nextPacket);
    return at + 1;
  }

  /** Looks for the next chain. Ends the search when it finds one. */
  #search(data: Uint8Array, from: number, end: number, final: boolean): number {
    const { headerByteCount } = this.#records;
    const question: ChainQuestion = { data, end, final, lastSeconds: this.#lastSeconds };
    for (let at = from; at + headerByteCount <= end; at += 1) {
      const chain = this.#records.chainAt(at, question);
      if (chain === 'holds') {
        this.#state = 'records';
        return at;
      }
      if (chain === 'unknown') {
        this.needed = end - at + searchStepByteCount;
        return at;
      }
    }
    if (final) return end;
    this.needed = headerByteCount + searchStepByteCount;
    return Math.max(from, end - headerByteCount + 1);
  }
}
