/**
 * The state of one TCP connection in a capture: two halves, one per sending side.
 *
 * Sequence numbers are signed 32-bit and compared modulo 2^32 (RFC 9293 §3.4): `before(a, b)` is true when a comes first,
 * given that the two are less than 2^31 apart.
 */
import type { ConnectionId, Side } from '../base/index.js';
import type { Segment } from './segment.js';

// TCP flags, here because an imported binding costs a look-up at each use and this runs for every packet.
const FIN = 1;
const SYN = 2;

/**
 * Fields that hold times begin as floats: one that begins as a small integer becomes a float seconds later, and then everything
 * that was compiled for the object until then is thrown away.
 */
const noTime = -0.5;

export const before = (a: number, b: number): boolean => ((a - b) | 0) < 0;

/** A copied segment behind a hole. */
export interface HeldSegment {
  sequence: number;
  /** Length on the wire. */
  length: number;
  /** What was captured of it. */
  data: Uint8Array;
  atNs: number;
  packet: number;
}

/**
 * One direction: what its sender has sent, as far as it was captured. The fields that every segment reads or writes come first,
 * so that they lie together in memory.
 */
export class Half {
  readonly side: Side;
  /** Highest sequence number sent, plus one (a SYN and a FIN count as one): Wireshark's nextseq. */
  next = 0;
  /** Next sequence number to hand over in stream order; valid once `streamKnown`. */
  expected = 0;
  /** Last acknowledgment number and window this sender sent. */
  ack = 0;
  window = 0;
  /** Highest acknowledgment of this sender's bytes by the other side. */
  ackedTo = 0;
  /** What it acknowledged first. */
  ackedFrom = 0;
  /** Identity of the last frame of this sender, to know a frame captured twice. */
  lastSequence = 0;
  lastIdentification = -1;
  lastAcknowledgment = 0;
  lastFlags = 0;
  lastPayloadLength = -1;
  timeToLive = -1;
  /** IPv4 identification of the last segment without RST. */
  usualIdentification = -1;
  duplicateAckCount = 0;
  /** Window scale shift; -1 unknown (no SYN seen), 0 when the SYN had none. */
  windowScale = -1;
  /** The segment that moved `next` on was sent again. */
  nextRepeated = false;
  pureAckSeen = false;
  /** When `next` was last moved on, and when the last frame came. */
  nextAtNs = noTime;
  lastAtNs = noTime;
  /** A packet of this sender was captured. */
  seen = false;
  synSeen = false;
  ackSeen = false;
  /** The other side acknowledged something at all. */
  acked = false;
  streamKnown = false;
  finSeen = false;
  finSequence = 0;
  /** The last segment of this sender was a keep-alive probe, or a zero-window probe. */
  lastWasKeepAliveProbe = false;
  lastWasZeroWindowProbe = false;
  /** When the last frame with an acknowledgment came, where it was not the last frame of all. */
  earlierAckAtNs = noTime;
  /** Sequence number of the SYN; where none was captured, one less than the first sequence number seen. */
  initialSequence = 0;
  /** Segments behind a hole, in order of sequence number, and their size in bytes. */
  held: HeldSegment[] | null = null;
  heldBytes = 0;
  /** Since when, and for how many packets of the connection, the other side has acknowledged bytes that were not captured. */
  holeAckedAtNs = noTime;
  holeAckedPackets = 0;
  /** Since when there is a hole at all. */
  holeSinceNs = noTime;
  /** Only empty segments seen so far, the first of them at this packet: it may turn out to be a keep-alive probe. */
  firstEmptyPacket = 0;
  firstEmptyAtNs = noTime;
  /** The SYN had no window scale option. */
  windowScaleAbsent = false;

  constructor(side: Side) {
    this.side = side;
  }
}

export class Flow {
  /** Both directions are in order and nothing is open: see usual-segment.ts. */
  steady: boolean;
  /** For the eviction sweep: a packet came since the last sweep. */
  touched: boolean;
  readonly id: ConnectionId;
  readonly client: Half;
  readonly server: Half;
  readonly ipVersion: 4 | 6;
  readonly clientPort: number;
  readonly serverPort: number;
  readonly client0: number;
  readonly server0: number;
  lastPacket: number;
  lastAtNs: number;
  /** The rest of the addresses, for IPv6. */
  readonly client1: number;
  readonly client2: number;
  readonly client3: number;
  readonly server1: number;
  readonly server2: number;
  readonly server3: number;
  readonly hash: number;
  /** When the first SYN was captured; negative without one. */
  openedAtNs: number;
  /** SYN to the first packet after the SYN-ACK, as the out-of-order threshold; 0 unknown. */
  initialRoundTripNs: number;
  reset: boolean;
  /** Both sides are done; the flow only waits for late segments. */
  finished: boolean;
  finishedAtNs: number;
  /** Place in the table's array of flows. */
  slot: number;

  /** `swap`: the segment was sent by the server. Fields are set in the order in which they are to lie in memory: the usual ones first. */
  constructor(id: ConnectionId, hash: number, segment: Segment, swap: boolean) {
    this.steady = false;
    this.touched = true;
    this.id = id;
    this.client = new Half('client');
    this.server = new Half('server');
    this.ipVersion = segment.ipVersion;
    this.clientPort = swap ? segment.destinationPort : segment.sourcePort;
    this.serverPort = swap ? segment.sourcePort : segment.destinationPort;
    this.client0 = swap ? segment.destination0 : segment.source0;
    this.server0 = swap ? segment.source0 : segment.destination0;
    this.lastPacket = segment.packet;
    this.lastAtNs = segment.atNs;
    this.client1 = swap ? segment.destination1 : segment.source1;
    this.client2 = swap ? segment.destination2 : segment.source2;
    this.client3 = swap ? segment.destination3 : segment.source3;
    this.server1 = swap ? segment.source1 : segment.destination1;
    this.server2 = swap ? segment.source2 : segment.destination2;
    this.server3 = swap ? segment.source3 : segment.destination3;
    this.hash = hash;
    this.openedAtNs = noTime;
    this.initialRoundTripNs = -0;
    this.reset = false;
    this.finished = false;
    this.finishedAtNs = noTime;
    this.slot = -1;
  }

  /** 1: sent by the client; 2: sent by the server; 0: not of this flow. */
  direction(segment: Segment): 0 | 1 | 2 {
    if (
      segment.sourcePort === this.clientPort &&
      segment.destinationPort === this.serverPort &&
      segment.source0 === this.client0 &&
      segment.destination0 === this.server0 &&
      (segment.ipVersion === 4 ||
        (segment.source1 === this.client1 &&
          segment.source2 === this.client2 &&
          segment.source3 === this.client3 &&
          segment.destination1 === this.server1 &&
          segment.destination2 === this.server2 &&
          segment.destination3 === this.server3)) &&
      segment.ipVersion === this.ipVersion
    ) {
      return 1;
    }
    if (
      segment.sourcePort === this.serverPort &&
      segment.destinationPort === this.clientPort &&
      segment.source0 === this.server0 &&
      segment.destination0 === this.client0 &&
      (segment.ipVersion === 4 ||
        (segment.source1 === this.server1 &&
          segment.source2 === this.server2 &&
          segment.source3 === this.server3 &&
          segment.destination1 === this.client1 &&
          segment.destination2 === this.client2 &&
          segment.destination3 === this.client3)) &&
      segment.ipVersion === this.ipVersion
    ) {
      return 2;
    }
    return 0;
  }
}

/** Sequence numbers a segment takes up: its payload, plus one each for SYN and FIN. RFC 9293 §3.4. */
export function sequenceLength(segment: Segment): number {
  return segment.payloadLength + ((segment.flags & SYN) !== 0 ? 1 : 0) + ((segment.flags & FIN) !== 0 ? 1 : 0);
}
