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
  /** Ethernet type at position, payload behind it. */
  etherType: 4,
  llc: 5,
  ipv4: 6,
  ipv6: 7,
  /** IP by its version nibble. */
  ip: 8,
  tcp: 9,
  udp: 10,
  gre: 11,
  mpls: 12,
  ppp: 13,
  pppoe: 14,
  linuxCooked: 15,
  linuxCooked2: 16,
  bsdNull: 17,
  bsdLoop: 18,
  ciscoHdlc: 19,
  frameRelay: 20,
  wlan: 21,
  radiotap: 22,
  prism: 23,
  avs: 24,
  ppi: 25,
  nflog: 26,
  pktap: 27,
  wholeDatagram: 28,
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
