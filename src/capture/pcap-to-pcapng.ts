/**
 * What tcpdump and dumpcap write (pcap, cut anywhere) as pcapng in whole blocks: so that every live source speaks one form, in
 * which a file may begin anew between any two packets, and which says interface, filter and counts.
 *
 * A program on this side of a pipe is believed, but for the one length that would make us wait for ever.
 */
import { CaptureError } from './capture-error.js';
import { type CaptureDescription, PcapngType, packetHeadByteCount, packetTailByteCount, pcapngHead } from './pcapng-blocks.js';

const fileHeaderByteCount = 24;
const recordHeaderByteCount = 16;
/** libpcap's own limit on a snapshot. */
const recordLimit = 1024 * 1024;
const nanosecondsMagic = 0xa1b23c4d;
const microsecondsMagic = 0xa1b2c3d4;
const linkTypeMask = 0x0fff_ffff;

export class PcapToPcapng {
  /** Packets that came through. */
  packets = 0;
  /** The head has come through. */
  begun = false;
  readonly #description: Omit<CaptureDescription, 'linkType' | 'snapLength'>;
  #rest: Buffer = Buffer.alloc(0);
  #bigEndian = false;
  #nsPerUnit = 1000;

  constructor(description: Omit<CaptureDescription, 'linkType' | 'snapLength'>) {
    this.#description = description;
  }

  /** Whole blocks for the packets that are complete by now; null when there are none. Throws CaptureError when this is no pcap. */
  push(chunk: Buffer): Uint8Array | null {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let position = 0;
    let head: Buffer | null = null;
    if (!this.begun) {
      if (data.length < fileHeaderByteCount) {
        this.#rest = data;
        return null;
      }
      head = this.#begin(data);
      position = fileHeaderByteCount;
    }
    const { end, byteCount } = this.#measure(data, position);
    this.#rest = data.subarray(end);
    const headByteCount = head?.length ?? 0;
    if (headByteCount + byteCount === 0) return null;
    const out = Buffer.alloc(headByteCount + byteCount);
    if (head !== null) out.set(head);
    for (let to = headByteCount; position < end; ) {
      const captured = this.#word(data, position + 8);
      to += this.#writePacket(out, to, data, position, captured);
      position += recordHeaderByteCount + captured;
      this.packets += 1;
    }
    return out;
  }

  #begin(data: Buffer): Buffer {
    const magics = [nanosecondsMagic, microsecondsMagic];
    this.#bigEndian = magics.includes(data.readUInt32BE(0));
    const magic = this.#word(data, 0);
    if (!magics.includes(magic)) throw new CaptureError('failed', 'what the program writes is no pcap');
    if (magic === nanosecondsMagic) this.#nsPerUnit = 1;
    this.begun = true;
    return pcapngHead({
      ...this.#description,
      snapLength: this.#word(data, 16),
      linkType: this.#word(data, 20) & linkTypeMask,
    });
  }

  /** Where the last complete record ends, and the bytes of all as blocks. */
  #measure(data: Buffer, from: number): { readonly end: number; readonly byteCount: number } {
    let end = from;
    let byteCount = 0;
    while (end + recordHeaderByteCount <= data.length) {
      const captured = this.#word(data, end + 8);
      if (captured > recordLimit)
        throw new CaptureError('failed', `what the program writes is damaged: a packet of ${captured} bytes`);
      const next = end + recordHeaderByteCount + captured;
      if (next > data.length) break;
      byteCount += blockByteCount(captured);
      end = next;
    }
    return { end, byteCount };
  }

  #writePacket(out: Buffer, to: number, data: Buffer, record: number, captured: number): number {
    const byteCount = blockByteCount(captured);
    const ns = BigInt(this.#word(data, record)) * 1_000_000_000n + BigInt(this.#word(data, record + 4) * this.#nsPerUnit);
    out.writeUInt32LE(PcapngType.enhancedPacket, to);
    out.writeUInt32LE(byteCount, to + 4);
    out.writeUInt32LE(Number(ns >> 32n), to + 12);
    out.writeUInt32LE(Number(ns & 0xffff_ffffn), to + 16);
    out.writeUInt32LE(captured, to + 20);
    out.writeUInt32LE(this.#word(data, record + 12), to + 24);
    const from = record + recordHeaderByteCount;
    data.copy(out, to + packetHeadByteCount, from, from + captured);
    out.writeUInt32LE(byteCount, to + byteCount - packetTailByteCount);
    return byteCount;
  }

  #word(data: Buffer, at: number): number {
    return this.#bigEndian ? data.readUInt32BE(at) : data.readUInt32LE(at);
  }
}

const blockByteCount = (captured: number): number => packetHeadByteCount + ((captured + 3) & ~3) + packetTailByteCount;
