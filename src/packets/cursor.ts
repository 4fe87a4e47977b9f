/**
 * Where the decoding of one packet stands. One instance per reader, passed from layer to layer: each layer reads its header at
 * `position`, moves the cursor behind it, narrows the ends, and returns the code of the layer that follows (see `Layer`).
 *
 *      start        position                     end        wireEnd
 *        │ headers read │ still to read, captured │ cut off     │ not of this packet
 *
 * `end` is where the captured bytes of the present layer end, `wireEnd` where they ended on the wire: larger than `end` when
 * the snap length cut the packet, and never counting padding behind a length that the header states.
 */
import type { ProblemCode } from './problems.js';
import { Segment } from './segment.js';

export const noLimit = 0x7fffffff;

export class Cursor {
  /** Set with `readFrom`. */
  data: Uint8Array = new Uint8Array(0);
  /** Of the same bytes: what every packet has is read in words of 32 bits, one load each. */
  view: DataView = new DataView(new ArrayBuffer(0));
  position = 0;
  end = 0;
  wireEnd = 0;
  /**
   * No header inside can move `wireEnd` behind this. Most layers outside set none: mirrors and flow exporters cut packets short
   * and lower the outer lengths, and then the length in the inner IP header is the true one.
   */
  limit = noLimit;
  /** What ended the decoding short of TCP: a key of `protocolName`. Meaningful after `Layer.other`. */
  protocol = 0;
  /** What was wrong. Meaningful after `Layer.broken`. */
  problem: ProblemCode = 'packet-malformed';
  /** Fragment at the cursor, for `Layer.fragment`. Offset in bytes; `key` names the datagram beyond its addresses. */
  fragmentOffset = 0;
  fragmentIsLast = false;
  fragmentKey = 0;
  fragmentProtocol = 0;
  readonly segment = new Segment();
}

/** What comes next. The first four end a packet. */
export const Layer = {
  /** `cursor.segment` is filled. */
  segment: 0,
  /** Not TCP: `cursor.protocol` says what. */
  other: 1,
  /** Cannot be decoded: `cursor.problem` says why. */
  broken: 2,
  /** `cursor.segment` is filled, and `cursor.problem` says what is wrong with the packet. */
  doubtfulSegment: 3,
  ethernet: 4,
  /** An Ethernet type at the position, its payload behind it. */
  etherType: 5,
  llc: 6,
  ipv4: 7,
  ipv6: 8,
  /** IP by its version nibble. */
  ip: 9,
  /** A part of an IP datagram: `cursor.fragment…` says which. */
  fragment: 10,
  tcp: 11,
  udp: 12,
  gre: 13,
  mpls: 14,
  ppp: 15,
  pppoe: 16,
  nsh: 17,
  l2tpOverIp: 18,
  etherIp: 19,
  wlan: 20,
  radiotap: 21,
  prism: 22,
  trill: 23,
} as const;

export type LayerCode = (typeof Layer)[keyof typeof Layer];

/**
 * What is read lies in these bytes from now on, and the segment's payload with it. Chunks hold many packets, so this happens seldom:
 * a view is made, and storing an object is reported to the garbage collector.
 */
export function readFrom(cursor: Cursor, data: Uint8Array): void {
  cursor.data = data;
  cursor.segment.data = data;
  cursor.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
}

/** Ends a packet that is not TCP. */
export function other(cursor: Cursor, protocol: number): LayerCode {
  cursor.protocol = protocol;
  return Layer.other;
}

/** Ends a packet whose headers do not hold. */
export function malformed(cursor: Cursor): LayerCode {
  cursor.problem = 'packet-malformed';
  return Layer.broken;
}

/** Ends a packet of which too little is there: cut by the snap length if it was longer on the wire, else malformed. */
export function tooShort(cursor: Cursor): LayerCode {
  cursor.problem = cursor.wireEnd > cursor.end ? 'packet-cut-in-headers' : 'packet-malformed';
  return Layer.broken;
}

/** Skips a header of so many bytes and goes on with `next`. */
export function skip(cursor: Cursor, byteCount: number, next: LayerCode): LayerCode {
  cursor.position += byteCount;
  return cursor.position > cursor.end ? tooShort(cursor) : next;
}

/** A length field states where the present layer ends: what is behind it is padding. */
export function narrow(cursor: Cursor, wireEnd: number): void {
  cursor.wireEnd = wireEnd;
  cursor.end = Math.min(cursor.end, wireEnd);
}
