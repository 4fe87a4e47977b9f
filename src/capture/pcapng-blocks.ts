/**
 * The blocks of pcapng (draft-ietf-opsawg-pcapng) that a capture begins and ends with, little-endian: section header, interface
 * description, interface statistics. Packets are not written here: the ring's are made in place (ring-block.ts), a program's are
 * put around its records (pcap-to-pcapng.ts), both in the same form:
 *
 *     6 │ total length │ interface 0 │ time high │ time low │ captured │ original │ bytes, padded to four │ options │ total length
 *
 * Times are nanoseconds (if_tsresol 9) in two words.
 */

export const PcapngType = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 1,
  interfaceStatistics: 5,
  enhancedPacket: 6,
} as const;

/** Of an enhanced packet block, what comes before the packet's bytes. */
export const packetHeadByteCount = 28;
/** And behind them, without options. */
export const packetTailByteCount = 4;

const byteOrderMagic = 0x1a2b3c4d;
const unknownSectionLength = 0xffff_ffff_ffff_ffffn;

const Option = {
  end: 0,
  operatingSystem: 3,
  application: 4,
  interfaceName: 2,
  timeResolution: 9,
  interfaceFilter: 11,
  startTime: 2,
  endTime: 3,
  received: 4,
  dropped: 5,
  filterAccepted: 6,
  droppedBySystem: 7,
  delivered: 8,
} as const;

/** Characters of a name or filter that are written. */
const textLimit = 8192;

export interface CaptureDescription {
  readonly interfaceName: string;
  readonly linkType: number;
  readonly snapLength: number;
  /** As the user wrote it; empty for none. */
  readonly filter: string;
  readonly operatingSystem: string;
}

/** Section header and the one interface: the beginning of every file. */
export function pcapngHead(description: CaptureDescription): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(byteOrderMagic, 0);
  section.writeUInt16LE(1, 4);
  section.writeBigUInt64LE(unknownSectionLength, 8);
  const source = Buffer.alloc(8);
  source.writeUInt16LE(description.linkType, 0);
  source.writeUInt32LE(description.snapLength, 4);
  const filter = description.filter === '' ? [] : [option(Option.interfaceFilter, `\0${description.filter}`)];
  return Buffer.concat([
    block(PcapngType.sectionHeader, [
      section,
      option(Option.operatingSystem, description.operatingSystem),
      option(Option.application, 'Holdfast'),
      option(Option.end, ''),
    ]),
    block(PcapngType.interfaceDescription, [
      source,
      option(Option.interfaceName, description.interfaceName),
      option(Option.timeResolution, '\x09'),
      ...filter,
      option(Option.end, ''),
    ]),
  ]);
}

/** What the statistics block says, from the beginning of the capture; null where it is not known. */
export interface CaptureCounts {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly received: number | null;
  readonly droppedByKernel: number | null;
  readonly delivered: number;
}

/** The end of every file. Never longer than `statisticsByteCount`. */
export function pcapngStatistics(counts: CaptureCounts): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.set(time(counts.endNs), 4);
  const number = (code: number, value: number | null): Buffer[] => (value === null ? [] : [option(code, long(BigInt(value)))]);
  return block(PcapngType.interfaceStatistics, [
    fixed,
    option(Option.startTime, time(counts.startNs)),
    option(Option.endTime, time(counts.endNs)),
    ...number(Option.received, counts.received),
    ...number(Option.dropped, counts.droppedByKernel),
    ...number(Option.filterAccepted, counts.received),
    ...number(Option.droppedBySystem, counts.droppedByKernel),
    ...number(Option.delivered, counts.delivered),
    option(Option.end, ''),
  ]);
}

export const statisticsByteCount = 12 + 12 + 7 * 12 + 4;

/** Bytes before the first packet of a chunk that begins a capture, as `pcapngHead` makes it. */
export function headByteCount(chunk: Uint8Array): number {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const section = view.getUint32(4, true);
  return section + view.getUint32(section + 4, true);
}

/** Whether a chunk is the block of counts at a capture's end. */
export const isStatistics = (chunk: Uint8Array): boolean =>
  chunk.length > 0 && chunk[0] === PcapngType.interfaceStatistics && chunk[1] === 0;

function block(type: number, parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const whole = Buffer.alloc(body.length + 12);
  whole.writeUInt32LE(type, 0);
  whole.writeUInt32LE(whole.length, 4);
  whole.set(body, 8);
  whole.writeUInt32LE(whole.length, whole.length - 4);
  return whole;
}

function option(code: number, value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value.slice(0, textLimit)) : value;
  const whole = Buffer.alloc(4 + ((bytes.length + 3) & ~3));
  whole.writeUInt16LE(code, 0);
  whole.writeUInt16LE(bytes.length, 2);
  whole.set(bytes, 4);
  return whole;
}

function long(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

/** High word first, whatever the byte order. */
function time(ns: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(Number(ns >> 32n), 0);
  bytes.writeUInt32LE(Number(ns & 0xffff_ffffn), 4);
  return bytes;
}
