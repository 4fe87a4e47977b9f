/**
 * pcapng (draft-ietf-opsawg-pcapng): blocks of a type, a length, a body and the length again.
 *
 *     type 4 │ total length 4 │ body, padded to four │ total length 4
 *
 * Each section header begins anew: byte order, interfaces, clocks. Enhanced, simple and obsolete packet blocks are packets; all
 * other blocks (names, statistics, secrets, unknown) are skipped. Custom blocks and journal entries are counted as packets, as
 * Wireshark numbers them; so packet numbers agree. The section length is not used: it may be unknown, and
 * the next section header says itself where it is.
 *
 * Damage. A block whose two lengths agree is believed. When they do not, the block is believed if a block of a known type
 * follows where the first length says, or (packets) if the block closes where its captured length says. Otherwise every position
 * behind is tried for a block of a known type whose two lengths agree.
 */
import type { Format, PacketSink } from './packet-sink.js';
import { InterfaceClock } from './pcapng-clock.js';
import type { ProblemCode } from './problems.js';
import { OtherProtocol } from './protocol-name.js';

/** Wireshark's limit on a block is the same. */
const maximumBlockByteCount = 16 * 1024 * 1024;
/** Per section. Files of many captures merged have some hundreds. */
const maximumInterfaces = 65_536;
const smallestBlockByteCount = 12;
/** Of an enhanced or obsolete packet block, all but the packet's bytes. */
const packetFrameByteCount = 32;
const byteOrderMagic = 0x1a2b3c4d;
const searchStepByteCount = 65_536;

const BlockType = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 1,
  obsoletePacket: 2,
  simplePacket: 3,
  nameResolution: 4,
  interfaceStatistics: 5,
  enhancedPacket: 6,
  systemdJournal: 9,
  decryptionSecrets: 10,
  customCopied: 0x00000bad,
  customNotCopied: 0x40000bad,
} as const;

/** What the search believes to be a block: types that are not known are only skipped where one is expected. */
const searchedTypes: ReadonlySet<number> = new Set(Object.values(BlockType));

const OptionCode = { end: 0, timeResolution: 9, timeOffset: 14, checkSequenceLength: 13 } as const;
const microseconds = 6;

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  readonly clock: InterfaceClock;
  readonly checkSequenceByteCount: number;
}

type Presence = 'yes' | 'no' | 'unknown';

/** Answers of `#blockByteCount` that are no length. */
const wait = 0;
const damaged = -1;

export class PcapngFormat implements Format {
  needed = smallestBlockByteCount;
  readonly #sink: PacketSink;
  /** Of the bytes that are parsed: chunks hold many blocks, so a view is made seldom. */
  #data: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #bigEndian = false;
  #interfaces: Interface[] = [];
  #searching = false;
  /** Time of the last packet that had one: simple packet blocks have none. A float from the beginning (a #name begins as undefined). */
  private lastAtNs = -0;

  constructor(sink: PacketSink) {
    this.#sink = sink;
  }

  parse(data: Uint8Array, from: number, end: number, final: boolean): number {
    if (data !== this.#data) {
      this.#data = data;
      this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    }
    let position = from;
    while (!this.#sink.full) {
      if (this.#searching) {
        position = this.#search(position, end, final);
        if (this.#searching) return position;
      }
      const byteCount = this.#blockByteCount(position, end, final);
      if (byteCount === wait) return final ? end : position;
      if (byteCount === damaged) {
        this.#searching = true;
        this.#report('block-damaged');
        position += 1;
      } else {
        this.#readBlock(position, position + byteCount);
        position += byteCount;
      }
    }
    return end;
  }

  /** Length of the block at `position` with its padding; `wait` or `damaged` instead. */
  #blockByteCount(position: number, end: number, final: boolean): number {
    const left = end - position;
    if (left < smallestBlockByteCount) return this.#waitFor(smallestBlockByteCount, left, final);
    if (this.#word(position) === BlockType.sectionHeader && !this.#readByteOrder(position)) return damaged;
    const length = this.#word(position + 4);
    if (length < smallestBlockByteCount || length > maximumBlockByteCount) return this.#byteCountByContent(position, end, final);
    // Some writers leave the padding out of the length.
    const byteCount = (length + 3) & ~3;
    if (byteCount > left) {
      // The file was cut here, unless good blocks follow: then the length is wrong.
      const isWrong = final && this.#find(position + 1, end, true) < end;
      return isWrong ? damaged : this.#waitFor(byteCount, left, final);
    }
    if (this.#word(position + byteCount - 4) === length) return byteCount;
    const follows = this.#beginsBlock(position + byteCount, end, final);
    if (follows === 'unknown') return this.#waitFor(byteCount + smallestBlockByteCount, left, final);
    if (follows === 'no') return this.#byteCountByContent(position, end, final);
    this.#report('block-trailer-wrong');
    return byteCount;
  }

  /** An enhanced packet block without options closes where its captured length says, whatever its first length says. */
  #byteCountByContent(position: number, end: number, final: boolean): number {
    if (this.#word(position) !== BlockType.enhancedPacket) return damaged;
    const left = end - position;
    if (left < packetFrameByteCount) return final ? damaged : this.#waitFor(packetFrameByteCount, left, false);
    const captured = this.#word(position + 20);
    if (captured > maximumBlockByteCount - packetFrameByteCount) return damaged;
    const byteCount = packetFrameByteCount + ((captured + 3) & ~3);
    if (byteCount > left) return final ? damaged : this.#waitFor(byteCount, left, false);
    if (this.#word(position + byteCount - 4) !== byteCount) return damaged;
    this.#report('record-length-repaired');
    return byteCount;
  }

  #waitFor(byteCount: number, left: number, final: boolean): typeof wait {
    this.needed = byteCount;
    if (final && left > 0) this.#report('file-cut-short');
    return wait;
  }

  #beginsBlock(at: number, end: number, final: boolean): Presence {
    if (at === end && final) return 'yes';
    if (at + 8 > end) return final ? 'no' : 'unknown';
    const length = this.#word(at + 4);
    const isSectionHeader = this.#word(at) === BlockType.sectionHeader;
    const isLengthPlausible = length >= smallestBlockByteCount && length <= maximumBlockByteCount;
    return isSectionHeader || (searchedTypes.has(this.#word(at)) && isLengthPlausible) ? 'yes' : 'no';
  }

  #search(from: number, end: number, final: boolean): number {
    const at = this.#find(from, end, final);
    if (at < 0) return ~at;
    this.#searching = at === end;
    return at;
  }

  /**
   * First position from which a whole block of a known type stands, `end` without one at the end of the file; `~position` when
   * more bytes (`needed`) must come to judge that position.
   */
  #find(from: number, end: number, final: boolean): number {
    for (let at = from; at + smallestBlockByteCount <= end; at += 1) {
      if (!searchedTypes.has(this.#word(at))) continue;
      const whole = this.#isWholeBlock(at, end, final);
      if (whole === 'yes') return at;
      if (whole === 'unknown') return ~at;
    }
    if (final) return end;
    this.needed = smallestBlockByteCount + searchStepByteCount;
    return ~Math.max(from, end - smallestBlockByteCount + 1);
  }

  #isWholeBlock(at: number, end: number, final: boolean): Presence {
    const type = this.#word(at);
    const wasBigEndian = this.#bigEndian;
    if (type === BlockType.sectionHeader && !this.#readByteOrder(at)) return 'no';
    const length = this.#word(at + 4);
    const isLength = length >= smallestBlockByteCount && length <= maximumBlockByteCount && (length & 3) === 0;
    const trailer = isLength && at + length <= end ? this.#word(at + length - 4) : -1;
    this.#bigEndian = wasBigEndian;
    if (!isLength) return 'no';
    if (type === BlockType.enhancedPacket && length < packetFrameByteCount) return 'no';
    if (trailer >= 0) return trailer === length ? 'yes' : 'no';
    if (final) return 'no';
    this.needed = length;
    return 'unknown';
  }

  #readByteOrder(at: number): boolean {
    const isBig = this.#view.getUint32(at + 8) === byteOrderMagic;
    if (!isBig && this.#view.getUint32(at + 8, true) !== byteOrderMagic) return false;
    this.#bigEndian = isBig;
    return true;
  }

  #readBlock(start: number, next: number): void {
    switch (this.#word(start)) {
      case BlockType.enhancedPacket:
        this.#readPacket(start, next, this.#word(start + 8));
        break;
      case BlockType.obsoletePacket:
        this.#readPacket(start, next, this.#short(start + 8));
        break;
      case BlockType.simplePacket:
        this.#readSimplePacket(start, next);
        break;
      case BlockType.interfaceDescription:
        this.#readInterface(start, next);
        break;
      case BlockType.sectionHeader:
        this.#readSectionHeader(start, next);
        break;
      case BlockType.customCopied:
      case BlockType.customNotCopied:
        this.#sink.decoder.countRecord(OtherProtocol.customBlock);
        break;
      case BlockType.systemdJournal:
        this.#sink.decoder.countRecord(OtherProtocol.systemdJournal);
        break;
      default:
    }
  }

  #readSectionHeader(start: number, next: number): void {
    this.#interfaces = [];
    if (next - start < 28) {
      this.#report('block-malformed');
      return;
    }
    const major = this.#short(start + 12);
    const minor = this.#short(start + 14);
    if (major !== 1 || (minor !== 0 && minor !== 2)) {
      this.#report('unknown-version', `${major}.${minor}`);
    }
  }

  /** Link type 2, reserved 2, snap length 4, options. */
  #readInterface(start: number, next: number): void {
    if (next - start < 20 || this.#interfaces.length >= maximumInterfaces) {
      this.#report(next - start < 20 ? 'block-malformed' : 'interface-limit');
      return;
    }
    let resolution: number = microseconds;
    let offsetSeconds = 0n;
    let checkSequenceByteCount = 0;
    const end = next - 4;
    for (let at = start + 16; at + 4 <= end; ) {
      const code = this.#short(at);
      const length = this.#short(at + 2);
      if (code === OptionCode.end) break;
      if (at + 4 + length > end) {
        this.#report('option-malformed');
        break;
      }
      if (code === OptionCode.timeResolution && length === 1) resolution = this.#data[at + 4]!;
      if (code === OptionCode.checkSequenceLength && length === 1) checkSequenceByteCount = this.#data[at + 4]!;
      if (code === OptionCode.timeOffset && length === 8) offsetSeconds = this.#signedLong(at + 4);
      at += 4 + ((length + 3) & ~3);
    }
    const clock = new InterfaceClock(resolution, offsetSeconds);
    this.#sink.noteDecimals(clock.decimals);
    this.#interfaces.push({
      linkType: this.#short(start + 8),
      snapLength: this.#word(start + 12),
      clock,
      checkSequenceByteCount,
    });
  }

  /** Interface 4 (obsolete: 2, and drops 2), time high 4, low 4, captured 4, on the wire 4, bytes. */
  #readPacket(start: number, next: number, interfaceIndex: number): void {
    const bodyByteCount = next - start - packetFrameByteCount;
    const source = this.#interfaces[interfaceIndex];
    if (bodyByteCount < 0 || source === undefined || this.#word(start + 20) > bodyByteCount) {
      this.#report(bodyByteCount >= 0 && source === undefined ? 'unknown-interface' : 'block-malformed');
      return;
    }
    const captured = this.#word(start + 20);
    const atNs = source.clock.atNs(this.#word(start + 12), this.#word(start + 16), this.#sink);
    this.lastAtNs = atNs;
    const from = start + 28;
    const wireByteCount = this.#word(start + 24) - source.checkSequenceByteCount;
    const kept = source.checkSequenceByteCount === 0 ? captured : Math.max(0, Math.min(captured, wireByteCount));
    this.#sink.packetAt(this.#data, from, from + kept, wireByteCount, source.linkType, atNs);
  }

  /** Length on the wire 4, then as many bytes as the first interface's snap length leaves. No time: the last one is used. */
  #readSimplePacket(start: number, next: number): void {
    const source = this.#interfaces[0];
    if (source === undefined || next - start < 16) {
      this.#report(source === undefined ? 'unknown-interface' : 'block-malformed');
      return;
    }
    const wireByteCount = this.#word(start + 8);
    const snapLength = source.snapLength === 0 ? wireByteCount : source.snapLength;
    const captured = Math.min(wireByteCount, snapLength, next - start - 16);
    const atNs = this.lastAtNs + 0; // not −0
    this.#sink.packetAt(this.#data, start + 12, start + 12 + captured, wireByteCount, source.linkType, atNs);
  }

  #report(code: ProblemCode, detail = ''): void {
    this.#sink.problems.report(code, this.#sink.nextPacket, detail);
  }

  #short(at: number): number {
    return this.#view.getUint16(at, !this.#bigEndian);
  }

  #word(at: number): number {
    return this.#view.getUint32(at, !this.#bigEndian);
  }

  #signedLong(at: number): bigint {
    return this.#view.getBigInt64(at, !this.#bigEndian);
  }
}
