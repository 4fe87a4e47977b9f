/**
 * TCP header → Segment. RFC 9293 §3.1, options RFC 7323 (window scale, timestamps), RFC 2018 (SACK).
 *
 * A header cut by the snap length still tells its segment when ports, sequence and acknowledgement numbers and flags are there
 * (14 bytes); its options are then absent. So does one whose options or payload the sender left out (port scanners do): it is
 * a problem too, and the receiver drops it. Options that run past the header end the reading of options, not the segment.
 */
import { short, word } from './big-endian.js';
import { type Cursor, Layer, type LayerCode, malformed, tooShort } from './cursor.js';

// Here because an imported binding costs a look-up at each use and this runs for every packet.
const segmentLayer = Layer.segment;

const minimumHeaderByteCount = 20;
/** Ports, sequence, acknowledgement, data offset, flags. */
const leastUsefulByteCount = 14;
const maximumSackBlocks = 4;
/** NOP, NOP, timestamps (kind 8, length 10): how nearly every data segment begins its options. */
const alignedTimestamps = 0x0101080a;

export function decodeTcp(cursor: Cursor): LayerCode {
  const view = cursor.view;
  const start = cursor.position;
  const end = cursor.end;
  const captured = end - start;
  if (captured < leastUsefulByteCount) return tooShort(cursor);
  // Header length 4 bits in words, reserved 3, flags 9.
  const offsetAndFlags = view.getUint16(start + 12);
  const headerByteCount = (offsetAndFlags >>> 12) << 2;
  if (headerByteCount < minimumHeaderByteCount) return malformed(cursor);
  const segment = cursor.segment;
  const ports = view.getInt32(start);
  segment.sourcePort = ports >>> 16;
  segment.destinationPort = ports & 0xffff;
  segment.sequence = view.getInt32(start + 4);
  segment.acknowledgment = view.getInt32(start + 8);
  segment.flags = offsetAndFlags & 0x1ff;
  // A window that was cut off is not a closed one.
  segment.window = captured >= 16 ? view.getUint16(start + 14) : 65_535;
  const payloadStart = start + headerByteCount;
  segment.payloadStart = Math.min(payloadStart, end);
  segment.payloadEnd = end;
  segment.payloadLength = Math.max(0, cursor.wireEnd - payloadStart);
  segment.maximumSegmentSize = -1;
  segment.windowScale = -1;
  segment.timestampValue = -1;
  segment.timestampEcho = -1;
  segment.sackPermitted = false;
  segment.sackBlockCount = 0;
  if (headerByteCount > minimumHeaderByteCount && payloadStart <= end)
    readOptions(cursor, start + minimumHeaderByteCount, payloadStart);
  if (payloadStart <= cursor.wireEnd) return segmentLayer;
  cursor.problem = 'packet-malformed';
  return Layer.doubtfulSegment;
}

function readOptions(cursor: Cursor, from: number, end: number): void {
  const view = cursor.view;
  const segment = cursor.segment;
  let at = from;
  if (end - at >= 12 && view.getInt32(at) === alignedTimestamps) {
    segment.timestampValue = view.getInt32(at + 4);
    segment.timestampEcho = view.getInt32(at + 8);
    at += 12;
  }
  if (at < end) readOtherOptions(cursor, at, end);
}

function readOtherOptions(cursor: Cursor, from: number, end: number): void {
  const data = cursor.data;
  const segment = cursor.segment;
  let at = from;
  while (at < end) {
    const kind = data[at]!;
    if (kind === 0) return;
    if (kind === 1) {
      at += 1;
      continue;
    }
    if (at + 1 >= end) return;
    const length = data[at + 1]!;
    if (length < 2 || at + length > end) return;
    if (kind === 2 && length === 4) segment.maximumSegmentSize = short(data, at + 2);
    else if (kind === 3 && length === 3) segment.windowScale = data[at + 2]!;
    else if (kind === 4 && length === 2) segment.sackPermitted = true;
    else if (kind === 5) readSackBlocks(cursor, at + 2, at + length);
    else if (kind === 8 && length === 10) {
      segment.timestampValue = word(data, at + 2);
      segment.timestampEcho = word(data, at + 6);
    }
    at += length;
  }
}

function readSackBlocks(cursor: Cursor, from: number, end: number): void {
  const segment = cursor.segment;
  let count = 0;
  for (let at = from; at + 8 <= end && count < maximumSackBlocks; at += 8) {
    segment.sackEdges[2 * count] = word(cursor.data, at);
    segment.sackEdges[2 * count + 1] = word(cursor.data, at + 4);
    count += 1;
  }
  segment.sackBlockCount = count;
}
