/**
 * Capture files by hand: classic pcap and the blocks of pcapng, in both byte orders.
 */
import { bytes, type Part } from './build-packets.js';

export interface CapturedPacket {
  readonly data: Uint8Array;
  /** Unix time. Default: one second after the packet before, from 1,700,000,000 on. */
  readonly seconds?: number;
  /** Fraction in units of the file's clock. */
  readonly fraction?: number;
  /** Bytes on the wire, when the capture cut some off. */
  readonly wireByteCount?: number;
}

export interface PcapOptions {
  readonly bigEndian?: boolean;
  readonly magic?: number;
  readonly version?: readonly [major: number, minor: number];
  readonly snapLength?: number;
  readonly linkType?: number;
  /** Behind the file header. */
  readonly extraFileHeader?: Uint8Array;
  /** Behind each record header. */
  readonly extraRecordHeader?: Uint8Array;
  /** The two lengths in a record header change places (versions before 2.3). */
  readonly swapLengths?: boolean;
}

export const firstSecond = 1_700_000_000;

type Packets = readonly (CapturedPacket | Uint8Array)[];

export function pcap(packets: Packets, options: PcapOptions = {}): Uint8Array {
  return bytes(pcapHeader(options), ...packets.map((packet, index) => pcapRecord(packet, index, options)));
}

export function pcapHeader(options: PcapOptions = {}): Uint8Array {
  const { magic = 0xa1b2c3d4, version = [2, 4], snapLength = 65_535, linkType = 1, bigEndian = false } = options;
  const { short, long } = order(bigEndian);
  const versions = [short(version[0]), short(version[1])];
  return bytes(long(magic), ...versions, long(0), long(0), long(snapLength), long(linkType), options.extraFileHeader ?? []);
}

export function pcapRecord(packet: CapturedPacket | Uint8Array, index = 0, options: PcapOptions = {}): Uint8Array {
  const { data, seconds = firstSecond + index, fraction = 0, wireByteCount } = asPacket(packet);
  const { long } = order(options.bigEndian ?? false);
  const lengths = [long(data.length), long(wireByteCount ?? data.length)];
  if (options.swapLengths === true) lengths.reverse();
  return bytes(long(seconds), long(fraction), ...lengths, options.extraRecordHeader ?? [], data);
}

const asPacket = (packet: CapturedPacket | Uint8Array): CapturedPacket =>
  packet instanceof Uint8Array ? { data: packet } : packet;

/** Builders of pcapng blocks in one byte order. */
export function pcapngBlocks(bigEndian = false) {
  const { short, long } = order(bigEndian);
  const option = (code: number, value: Uint8Array): Uint8Array => bytes(short(code), short(value.length), padded(value));
  const block = (type: number, ...body: readonly Part[]): Uint8Array => {
    const content = padded(bytes(...body));
    const length = long(content.length + 12);
    return bytes(long(type), length, content, length);
  };
  return {
    block,
    option,
    long,
    short,
    sectionHeader: (version: readonly [major: number, minor: number] = [1, 0]): Uint8Array =>
      block(0x0a0d0d0a, long(0x1a2b3c4d), short(version[0]), short(version[1]), new Uint8Array(8).fill(255)),
    /** Options: `option(9, …)` is the resolution, `option(14, …)` the offset. */
    interfaceDescription: (linkType = 1, options: readonly Uint8Array[] = [], snapLength = 0): Uint8Array =>
      block(1, short(linkType), short(0), long(snapLength), ...options, ...(options.length === 0 ? [] : [long(0)])),
    /** `ticks`: time in units of the interface. */
    enhancedPacket: (data: Uint8Array, ticks: bigint, index = 0, wireByteCount = data.length): Uint8Array =>
      block(6, long(index), ...ticksOf(ticks, long), long(data.length), long(wireByteCount), padded(data)),
    obsoletePacket: (data: Uint8Array, ticks: bigint, index = 0): Uint8Array =>
      block(2, short(index), short(0), ...ticksOf(ticks, long), long(data.length), long(data.length), padded(data)),
    simplePacket: (data: Uint8Array, wireByteCount = data.length): Uint8Array => block(3, long(wireByteCount), padded(data)),
  };
}

function ticksOf(ticks: bigint, long: (value: number) => Uint8Array): readonly Uint8Array[] {
  return [long(Number(ticks >> 32n)), long(Number(ticks & 0xffffffffn))];
}

function padded(data: Uint8Array): Uint8Array {
  return bytes(data, new Uint8Array((4 - (data.length & 3)) & 3));
}

function order(bigEndian: boolean) {
  const encode = (value: number, byteCount: number): Uint8Array => {
    const encoded = Uint8Array.from({ length: byteCount }, (_, index) => (value / 256 ** index) & 255);
    return bigEndian ? encoded.reverse() : encoded;
  };
  return { short: (value: number) => encode(value, 2), long: (value: number) => encode(value, 4) };
}
