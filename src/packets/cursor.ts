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

export class Cursor {
  data: Uint8Array = new Uint8Array(0);
  position = 0;
  end = 0;
  wireEnd = 0;
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

/** What comes next. The first three end a packet. */
export const Layer = {
  /** `cursor.segment` is filled. */
  segment: 0,
  /** Not TCP: `cursor.protocol` says what. */
  other: 1,
  /** Cannot be decoded: `cursor.problem` says why. */
  broken: 2,
  ethernet: 3,
  /** An Ethernet type at the position, its payload behind it. */
  etherType: 4,
  llc: 5,
  ipv4: 6,
  ipv6: 7,
  /** IP by its version nibble. */
  ip: 8,
  /** A part of an IP datagram: `cursor.fragment…` says which. */
  fragment: 9,
  tcp: 10,
  udp: 11,
  gre: 12,
  mpls: 13,
  ppp: 14,
  pppoe: 15,
  nsh: 16,
  l2tpOverIp: 17,
  etherIp: 18,
  wlan: 19,
  radiotap: 20,
  prism: 21,
  trill: 22,
} as const;

export type LayerCode = (typeof Layer)[keyof typeof Layer];

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
