/**
 * One TCP segment as decoded from one packet: the judged, always-valid form that the flow table works on.
 *
 * There is one instance per reader, filled anew for each packet (a fresh object per packet would cost more than the decoding).
 * Whoever wants to keep something copies it. Addresses are four signed 32-bit words in network order (IPv4: word 0 only, the
 * rest 0), ports and lengths plain numbers, sequence numbers signed 32-bit (compare by the sign of `(a - b) | 0`).
 */
export class Segment {
  /** Packet number from 1. For a datagram put together from fragments: the packet that completed it. */
  packet = 0;
  /** Nanoseconds since the source's origin. */
  atNs = -0;
  /** 4 or 6. */
  ipVersion: 4 | 6 = 4;
  source0 = 0;
  source1 = 0;
  source2 = 0;
  source3 = 0;
  destination0 = 0;
  destination1 = 0;
  destination2 = 0;
  destination3 = 0;
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgment = 0;
  /** The low nine bits: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128, NS 256. */
  flags = 0;
  /** As on the wire, unscaled. */
  window = 0;
  /** Captured payload: `data[payloadStart, payloadEnd)`. Borrowed, valid until the next packet. */
  data: Uint8Array = new Uint8Array(0);
  payloadStart = 0;
  payloadEnd = 0;
  /** Payload bytes on the wire; larger than what was captured when the snap length cut the packet. */
  payloadLength = 0;
  /** Time to live or hop limit; −1 when unknown (a listing without -v). */
  timeToLive = 0;
  /** IPv4 identification, or -1 for IPv6. */
  identification = -1;
  /** Options; -1 where absent. */
  maximumSegmentSize = -1;
  windowScale = -1;
  timestampValue = -1;
  timestampEcho = -1;
  sackPermitted = false;
  /** Number of SACK blocks; their edges in `sackEdges[2 i]` (left) and `[2 i + 1]` (right), signed 32-bit. At most 4. */
  sackBlockCount = 0;
  readonly sackEdges = new Int32Array(8);
}

export const TcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;
