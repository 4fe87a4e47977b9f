/**
 * Solaris snoop (RFC 1761), big-endian:
 *
 *     file    'snoop' 0 0 0 │ version 4 │ data link 4
 *     record  on the wire 4 │ captured 4 │ record length 4 │ drops 4 │ seconds 4 │ microseconds 4 │ bytes, padded
 *
 * A record whose lengths contradict each other ends the reading: snoop files are rare, and a search would guess.
 */
import { word } from './big-endian.js';
import type { Format, PacketSink } from './packet-sink.js';

const fileHeaderByteCount = 16;
const recordHeaderByteCount = 24;
const maximumRecordByteCount = 262_144;
/** RFC 1761 §4 → tcpdump.org's numbers: 802.3, token ring, HDLC, Ethernet, FDDI, ATM. */
const linkTypes: Readonly<Record<number, number>> = { 0: 1, 2: 6, 4: 1, 8: 10 };
/** Kept apart from every real link type. */
const unknownLinkType = 0xffff;

export class SnoopFormat implements Format {
  needed = fileHeaderByteCount;
  readonly #sink: PacketSink;
  #linkType = -1;

  constructor(sink: PacketSink) {
    this.#sink = sink;
    sink.noteDecimals(6);
  }

  parse(data: Uint8Array, from: number, end: number, final: boolean): number {
    const sink = this.#sink;
    let position = from;
    if (this.#linkType < 0) {
      if (end - position < fileHeaderByteCount) return this.#wait(position, end, final, fileHeaderByteCount);
      this.#linkType = linkTypes[word(data, position + 12)] ?? unknownLinkType;
      position += fileHeaderByteCount;
    }
    while (!sink.full) {
      if (end - position < recordHeaderByteCount) return this.#wait(position, end, final, recordHeaderByteCount);
      const captured = word(data, position + 4) >>> 0;
      const byteCount = word(data, position + 8) >>> 0;
      if (byteCount > maximumRecordByteCount || captured + recordHeaderByteCount > byteCount) {
        sink.problems.report('record-damaged', sink.nextPacket);
        sink.full = true;
        return end;
      }
      if (end - position < byteCount) return this.#wait(position, end, final, byteCount);
      const start = position + recordHeaderByteCount;
      const nanoseconds = (word(data, position + 20) >>> 0) * 1000;
      sink.packet(
        data,
        start,
        start + captured,
        word(data, position) >>> 0,
        this.#linkType,
        word(data, position + 16) >>> 0,
        nanoseconds,
      );
      position += byteCount;
    }
    return end;
  }

  #wait(position: number, end: number, final: boolean, needed: number): number {
    this.needed = needed;
    if (!final) return position;
    if (position < end) this.#sink.problems.report('file-cut-short', this.#sink.nextPacket);
    return end;
  }
}
