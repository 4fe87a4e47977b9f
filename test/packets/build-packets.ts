/**
 * Packets by hand: each function puts one header before a payload. Lengths are right unless a test says otherwise; checksums stay
 * zero, because nobody looks at them.
 */

export type Part = number | string | Uint8Array | readonly number[];

/** Numbers are single bytes, strings ASCII text. */
export function bytes(...parts: readonly Part[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => {
      if (typeof part === 'number') return [part];
      return typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : [...part];
    }),
  );
}

/** White space is for the reader. */
export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s+/g, ''), 'hex'));

export const u16 = (value: number): readonly number[] => [(value >>> 8) & 255, value & 255];
export const u32 = (value: number): readonly number[] => [...u16(value >>> 16), ...u16(value)];

export const flag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;

export interface TcpFields {
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly flags?: number;
  readonly window?: number;
  /** A multiple of four bytes. */
  readonly options?: Uint8Array;
  /** Said in the header instead of the true length, in bytes. */
  readonly headerByteCount?: number;
}

export function tcp(fields: TcpFields = {}, payload: Part = ''): Uint8Array {
  const { sourcePort = 40000, destinationPort = 80, sequence = 1000, acknowledgment = 2000 } = fields;
  const { flags = flag.ack, window = 512, options = new Uint8Array(0) } = fields;
  const headerByteCount = fields.headerByteCount ?? 20 + options.length;
  return bytes(
    ...[u16(sourcePort), u16(destinationPort), u32(sequence), u32(acknowledgment)],
    ...[((headerByteCount >> 2) << 4) | ((flags >> 8) & 1), flags & 255, u16(window), u16(0), u16(0), options, payload],
  );
}

export function udp(sourcePort: number, destinationPort: number, payload: Uint8Array): Uint8Array {
  return bytes(u16(sourcePort), u16(destinationPort), u16(8 + payload.length), u16(0), payload);
}

export interface Ipv4Fields {
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: number;
  readonly identification?: number;
  readonly timeToLive?: number;
  /** A multiple of four bytes. */
  readonly options?: Uint8Array;
  /** Said in the header instead of the true length. */
  readonly totalByteCount?: number;
  /** In bytes, a multiple of eight. */
  readonly fragmentOffset?: number;
  readonly moreFragments?: boolean;
}

export function ipv4(payload: Uint8Array, fields: Ipv4Fields = {}): Uint8Array {
  const { source = '10.0.0.1', destination = '10.0.0.2', protocol = 6, identification = 7, timeToLive = 64 } = fields;
  const { options = new Uint8Array(0), fragmentOffset = 0, moreFragments = false } = fields;
  const headerByteCount = 20 + options.length;
  const address = (text: string): readonly number[] => text.split('.').map(Number);
  return bytes(
    ...[0x40 | (headerByteCount >> 2), 0, u16(fields.totalByteCount ?? headerByteCount + payload.length), u16(identification)],
    ...[u16((moreFragments ? 0x2000 : 0) | (fragmentOffset >> 3)), timeToLive, protocol, u16(0)],
    ...[address(source), address(destination), options, payload],
  );
}

export interface Ipv6Fields {
  /** The last 16 bits of the address, behind 2001:db8::. */
  readonly source?: number;
  readonly destination?: number;
  readonly nextHeader?: number;
  readonly hopLimit?: number;
  readonly payloadByteCount?: number;
}

export function ipv6(payload: Uint8Array, fields: Ipv6Fields = {}): Uint8Array {
  const { source = 1, destination = 2, nextHeader = 6, hopLimit = 60, payloadByteCount = payload.length } = fields;
  return bytes(
    ...[0x60, 0, 0, 0, u16(payloadByteCount), nextHeader, hopLimit],
    ...[ipv6Address(source), ipv6Address(destination), payload],
  );
}

export const ipv6Address = (last: number): Uint8Array => bytes(0x20, 0x01, 0x0d, 0xb8, new Uint8Array(10), u16(last));

const stationAddresses = hex('02 00 00 00 00 02  02 00 00 00 00 01');

export function ethernet(payload: Uint8Array, etherType = 0x0800): Uint8Array {
  return bytes(stationAddresses, u16(etherType), payload);
}

/** TCP in IPv4 in Ethernet. */
export function tcpPacket(fields: TcpFields & Ipv4Fields = {}, payload: Part = ''): Uint8Array {
  return ethernet(ipv4(tcp({ ...fields, options: new Uint8Array(0) }, payload), fields));
}
