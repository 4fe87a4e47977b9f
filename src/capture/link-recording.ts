/**
 * What one end of the link sees, as a pcapng file in pieces: its own packets when they are sent, the other end's when they are
 * delivered. A packet that never arrives is in the sender's recording only, where a comment says what became of it.
 *
 * The client is always 198.18.0.1 here and the server 198.18.0.2 (or another), at both ends, although each end believes itself to
 * be 198.18.0.1: so two recordings can be compared, and a ladder has two ends.
 *
 * Bounded: when `waitingByteLimit` bytes have not been taken by the reader, packets are counted and left out.
 *
 * The file begins as every capture of ours (pcapng-blocks.ts); its packets also have a comment and say which way they went. Link type
 * RAW (101): a packet begins with its IP header.
 */
import { release, type } from 'node:os';
import { swapAddresses } from './link-packet.js';
import { type CaptureDescription, PcapngType, packetHeadByteCount, pcapngHead } from './pcapng-blocks.js';

/** Whose view is recorded. */
export type LinkEnd = 'client' | 'server';

const waitingByteLimit = 64 * 1024 * 1024;
/** Bytes gathered before they are handed over. */
const pieceByteCount = 64 * 1024;
/** Longest time that bytes wait for more, in nanoseconds. */
export const pieceWaitNs = 20e6;

/** What both threads know of a recording, in shared memory. */
export const recordingPlace = { handedBytes: 0, takenBytes: 1, packets: 2, dropped: 3 } as const;
export const newRecordingCounts = (): Float64Array<SharedArrayBuffer> => new Float64Array(new SharedArrayBuffer(4 * 8));

const linkTypeRaw = 101;
const longestPacket = 65_536;
const optionComment = 1;
const optionFlags = 2;
const inbound = 1;
const outbound = 2;
/** An Enhanced Packet Block without packet and comment: head, flags, end of options, length. */
const blockOverhead = packetHeadByteCount + 8 + 4 + 4;

const describe = (end: LinkEnd): CaptureDescription => ({
  interfaceName: `link, the ${end}'s end`,
  linkType: linkTypeRaw,
  snapLength: longestPacket,
  filter: '',
  operatingSystem: `${type()} ${release()}`,
});

export interface RecordedPacket {
  readonly bytes: Buffer;
  readonly length: number;
  /** The addresses are to be swapped in the recording. */
  readonly swap: boolean;
  /** Whole seconds of Unix time that `atNs` counts from. */
  readonly originSeconds: number;
  readonly atNs: number;
  /** This end sent it. */
  readonly sent: boolean;
  readonly comment: string | null;
}

export class LinkRecording {
  readonly end: LinkEnd;
  readonly #counts: Float64Array;
  readonly #hand: (piece: Uint8Array<ArrayBuffer>) => void;
  #piece = Buffer.alloc(pieceByteCount);
  #length = 0;
  #sinceNs = 0;

  constructor(end: LinkEnd, counts: Float64Array, hand: (piece: Uint8Array<ArrayBuffer>) => void) {
    this.end = end;
    this.#counts = counts;
    this.#hand = hand;
    this.#length = pcapngHead(describe(end)).copy(this.#piece);
  }

  /** Bytes wait to be handed over since then; Infinity: none. */
  get waitingSinceNs(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : this.#sinceNs;
  }

  add(recorded: RecordedPacket): void {
    const counts = this.#counts;
    if (counts[recordingPlace.handedBytes]! - counts[recordingPlace.takenBytes]! > waitingByteLimit) {
      counts[recordingPlace.dropped]!++;
      return;
    }
    counts[recordingPlace.packets]!++;
    const note = recorded.comment === null ? noNote : option(optionComment, Buffer.from(recorded.comment));
    const byteCount = blockOverhead + padded(recorded.length) + note.length;
    if (this.#length + byteCount > this.#piece.length) this.flush();
    if (byteCount > this.#piece.length) this.#piece = Buffer.alloc(byteCount);
    if (this.#length === 0) this.#sinceNs = recorded.atNs;
    writeBlock(this.#piece.subarray(this.#length, this.#length + byteCount), recorded, note);
    this.#length += byteCount;
  }

  /** Hands over what is gathered. */
  flush(): void {
    if (this.#length === 0) return;
    const piece = new Uint8Array(this.#length);
    piece.set(this.#piece.subarray(0, this.#length));
    this.#counts[recordingPlace.handedBytes]! += this.#length;
    this.#length = 0;
    this.#hand(piece);
  }
}

/** Nothing is allocated for an ordinary packet. */
function writeBlock(block: Buffer, recorded: RecordedPacket, note: Buffer): void {
  const { bytes, length, swap, originSeconds, atNs, sent } = recorded;
  const seconds = originSeconds + Math.floor(atNs / 1e9);
  // Seconds × 10⁹ need more than a number's 53 bits: their upper part apart, in units of 2¹⁶.
  const upper = Math.floor(seconds / 65_536) * 1e9;
  const lower = (seconds % 65_536) * 1e9 + Math.floor(atNs % 1e9) + (upper % 65_536) * 65_536;
  block.writeUInt32LE(PcapngType.enhancedPacket, 0);
  block.writeUInt32LE(block.length, 4);
  block.writeUInt32LE(0, 8);
  block.writeUInt32LE(Math.floor(upper / 65_536) + Math.floor(lower / 2 ** 32), 12);
  block.writeUInt32LE(lower % 2 ** 32, 16);
  block.writeUInt32LE(length, 20);
  block.writeUInt32LE(length, 24);
  bytes.copy(block, packetHeadByteCount, 0, length);
  block.fill(0, packetHeadByteCount + length, packetHeadByteCount + padded(length));
  if (swap) swapAddresses(block.subarray(packetHeadByteCount, packetHeadByteCount + length));
  let place = packetHeadByteCount + padded(length);
  place += note.copy(block, place);
  block.writeUInt16LE(optionFlags, place);
  block.writeUInt16LE(4, place + 2);
  block.writeUInt32LE(sent ? outbound : inbound, place + 4);
  block.writeUInt32LE(0, place + 8);
  block.writeUInt32LE(block.length, place + 12);
}

const padded = (length: number): number => (length + 3) & ~3;
const noNote = Buffer.alloc(0);

/** A pcapng option: code, length, value, filled up to four bytes. */
function option(code: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + ((value.length + 3) & ~3));
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}
