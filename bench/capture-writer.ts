/**
 * Writes TCP segments over IPv4 and Ethernet into a classic pcap file (little-endian, microseconds, whole packets), with
 * correct lengths and checksums and the timestamps option on every segment, as Linux sends them.
 *
 *     14 Ethernet │ 20 IPv4 │ 20 TCP │ 12 options (SYN: 20) │ payload
 */

import { closeSync, openSync, writeSync } from 'node:fs';

const bufferBytes = 4 << 20;
const largestPacket = 1514;
const recordHeaderBytes = 16;
const timestampOptionBytes = 12;
const synOptionBytes = 20;

export interface OutgoingSegment {
  atUs: number;
  sourceAddress: number;
  destinationAddress: number;
  sourcePort: number;
  destinationPort: number;
  sequence: number;
  acknowledgment: number;
  flags: number;
  window: number;
  timestampValue: number;
  timestampEcho: number;
  timeToLive: number;
  identification: number;
  payload: Uint8Array;
}

export const flag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

export class CaptureWriter {
  packets = 0;
  bytes = 0;
  private readonly buffer = Buffer.alloc(bufferBytes);
  private used = 0;
  private readonly file: number;

  /** `path` may be "-" for standard output. */
  constructor(path: string) {
    this.file = path === '-' ? 1 : openSync(path, 'w');
    const { buffer } = this;
    buffer.writeUInt32LE(0xa1b2c3d4, 0);
    buffer.writeUInt16LE(2, 4);
    buffer.writeUInt16LE(4, 6);
    buffer.writeUInt32LE(262144, 16);
    buffer.writeUInt32LE(1, 20);
    this.used = 24;
  }

  write(segment: OutgoingSegment): void {
    if (this.used + recordHeaderBytes + largestPacket > bufferBytes) this.flush();
    const { buffer } = this;
    const isSyn = (segment.flags & flag.syn) !== 0;
    const tcpBytes = 20 + (isSyn ? synOptionBytes : timestampOptionBytes) + segment.payload.length;
    const length = 34 + tcpBytes;
    let at = this.used;
    buffer.writeUInt32LE(Math.floor(segment.atUs / 1e6), at);
    buffer.writeUInt32LE(segment.atUs % 1e6, at + 4);
    buffer.writeUInt32LE(length, at + 8);
    buffer.writeUInt32LE(length, at + 12);
    at += recordHeaderBytes;

    // Ethernet: locally administered addresses made of the IP addresses.
    buffer.writeUInt16BE(0x0200, at);
    buffer.writeUInt32BE(segment.destinationAddress, at + 2);
    buffer.writeUInt16BE(0x0200, at + 6);
    buffer.writeUInt32BE(segment.sourceAddress, at + 8);
    buffer.writeUInt16BE(0x0800, at + 12);

    const ip = at + 14;
    buffer.writeUInt16BE(0x4500, ip);
    buffer.writeUInt16BE(20 + tcpBytes, ip + 2);
    buffer.writeUInt16BE(segment.identification, ip + 4);
    buffer.writeUInt16BE(0x4000, ip + 6);
    buffer.writeUInt8(segment.timeToLive, ip + 8);
    buffer.writeUInt8(6, ip + 9);
    buffer.writeUInt16BE(0, ip + 10);
    buffer.writeUInt32BE(segment.sourceAddress, ip + 12);
    buffer.writeUInt32BE(segment.destinationAddress, ip + 16);
    buffer.writeUInt16BE(checksum(buffer, ip, ip + 20, 0), ip + 10);

    const tcp = ip + 20;
    buffer.writeUInt16BE(segment.sourcePort, tcp);
    buffer.writeUInt16BE(segment.destinationPort, tcp + 2);
    buffer.writeUInt32BE(segment.sequence, tcp + 4);
    buffer.writeUInt32BE(segment.acknowledgment, tcp + 8);
    buffer.writeUInt8((isSyn ? 10 : 8) << 4, tcp + 12);
    buffer.writeUInt8(segment.flags, tcp + 13);
    buffer.writeUInt16BE(segment.window, tcp + 14);
    buffer.writeUInt32BE(0, tcp + 16);
    const options = tcp + 20;
    // A SYN: MSS 1460, SACK permitted, timestamps, no-op, window scale 7. Else: no-op, no-op, timestamps.
    if (isSyn) buffer.writeUInt32BE(0x020405b4, options);
    buffer.writeUInt32BE(isSyn ? 0x0402080a : 0x0101080a, isSyn ? options + 4 : options);
    const stamps = isSyn ? options + 8 : options + 4;
    buffer.writeUInt32BE(segment.timestampValue, stamps);
    buffer.writeUInt32BE(segment.timestampEcho, stamps + 4);
    if (isSyn) buffer.writeUInt32BE(0x01030307, stamps + 8);
    buffer.set(segment.payload, stamps + (isSyn ? 12 : 8));
    const pseudoHeader = onesSum(segment.sourceAddress) + onesSum(segment.destinationAddress) + 6 + tcpBytes;
    buffer.writeUInt16BE(checksum(buffer, tcp, tcp + tcpBytes, pseudoHeader), tcp + 16);

    this.used = at + length;
    this.packets += 1;
  }

  close(): void {
    this.flush();
    if (this.file !== 1) closeSync(this.file);
  }

  private flush(): void {
    let from = 0;
    while (from < this.used) from += writeSync(this.file, this.buffer, from, this.used - from);
    this.bytes += this.used;
    this.used = 0;
  }
}

const onesSum = (word: number): number => (word >>> 16) + (word & 0xffff);

/** RFC 1071 over `bytes[start, end)`, continuing from `sum`. */
function checksum(bytes: Uint8Array, start: number, end: number, sum: number): number {
  let total = sum;
  let at = start;
  for (; at + 1 < end; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  if (at < end) total += bytes[at]! << 8;
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return ~total & 0xffff;
}
