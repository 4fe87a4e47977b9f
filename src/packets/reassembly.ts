/**
 * Stream order: from segments in order of capture to `bytes` and `gap` observations in order of sequence number.
 *
 * Rules
 * - The first copy of a byte wins; what was handed over is never changed (so a keep-alive probe's garbage byte, which repeats
 *   the last sequence number, can not overwrite anything).
 * - A segment behind a hole is copied and held. The hole is given up, and told as a `gap`, when the receiver has acknowledged
 *   the missing bytes and they still do not come (`holePatience`: the capture lost them; ACKs may be captured slightly before
 *   the data they acknowledge), when nothing else is to be expected (the connection ends), or when a limit is reached.
 * - Bytes that the snap length cut off are a gap at once.
 *
 * Deliberately absent: any look at what the bytes mean.
 */
import type { BytesObservation, Observer } from '../base/index.js';
import { before, type Flow, type Half } from './flow.js';
import type { Segment } from './segment.js';

export const reassemblyLimits = {
  /** Bytes held behind holes, per direction of a connection. */
  heldBytesPerHalf: 4 * 1024 * 1024,
  /** Bytes held behind holes, over all connections. */
  heldBytesTotal: 48 * 1024 * 1024,
  heldSegmentsPerHalf: 4096,
  /** A hole whose bytes the receiver has acknowledged is given up after this time … */
  holePatienceNs: 50e6,
  /** … or after this many packets of the connection, whichever comes first. */
  holePatiencePackets: 16,
  /** Bytes: the largest window there can be. */
  largestHole: 2 ** 30,
  /** Without any packet of the receiver in the capture: after this time. */
  oneSidedPatienceNs: 3e9,
} as const;

export class Reassembler {
  private readonly observe: Observer;
  /** The `bytes` observation of whole segments in order, filled anew for each. */
  private readonly bytes: { -readonly [Member in keyof BytesObservation]: BytesObservation[Member] } = {
    kind: 'bytes',
    connection: 0,
    atNs: 0.5,
    packet: 0,
    from: 'client',
    data: new Uint8Array(0),
    start: 0,
    end: 0,
  };
  private heldBytesTotal = 0;

  constructor(observe: Observer) {
    this.observe = observe;
  }

  /** Takes the payload of a segment (length > 0, or at least not a keep-alive probe's). */
  accept(flow: Flow, half: Half, segment: Segment, sequence: number): void {
    if (!half.streamKnown) {
      half.streamKnown = true;
      half.expected = sequence;
    }
    const length = segment.payloadLength;
    if (sequence === half.expected && half.held === null) {
      this.deliverNext(flow, half, segment);
      return;
    }
    const end = (sequence + length) | 0;
    if (!before(half.expected, end)) return;
    if (!before(half.expected, sequence)) {
      const skip = (half.expected - sequence) | 0;
      const start = Math.min(segment.payloadStart + skip, segment.payloadEnd);
      // What is held came first: it keeps its bytes where the two overlap.
      const room = half.held === null ? length : (half.held[0].sequence - half.expected) | 0;
      const taken = Math.min(length - skip, room);
      this.deliver(
        flow,
        half,
        segment.data,
        start,
        Math.min(start + taken, segment.payloadEnd),
        taken,
        segment.atNs,
        segment.packet,
      );
      this.deliverHeld(flow, half);
      if (before(half.expected, end)) this.accept(flow, half, segment, sequence);
      return;
    }
    this.hold(flow, half, segment, sequence);
  }

  /** The payload begins where the stream goes on, and nothing is held: how nearly all bytes come. */
  deliverNext(flow: Flow, half: Half, segment: Segment): void {
    const { payloadStart, payloadEnd, payloadLength } = segment;
    if (payloadEnd - payloadStart !== payloadLength) {
      this.deliver(flow, half, segment.data, payloadStart, payloadEnd, payloadLength, segment.atNs, segment.packet);
      return;
    }
    half.expected = (half.expected + payloadLength) | 0;
    const bytes = this.bytes;
    bytes.connection = flow.id;
    bytes.atNs = segment.atNs;
    bytes.packet = segment.packet;
    bytes.from = half.side;
    if (bytes.data !== segment.data) bytes.data = segment.data;
    bytes.start = payloadStart;
    bytes.end = payloadEnd;
    this.observe(bytes);
  }

  /** Gives up holes that will not be filled. Called for each packet of a flow that has a hole. */
  reconsider(flow: Flow, half: Half, receiverSeen: boolean, atNs: number): void {
    const bound = this.holeBound(half);
    if (bound === half.expected) {
      half.holeAckedAtNs = -1;
      return;
    }
    const acked = half.acked && before(half.expected, half.ackedTo);
    if (acked) {
      if (half.holeAckedAtNs < 0) {
        half.holeAckedAtNs = atNs;
        half.holeAckedPackets = 0;
        return;
      }
      half.holeAckedPackets++;
      if (
        atNs - half.holeAckedAtNs >= reassemblyLimits.holePatienceNs ||
        half.holeAckedPackets >= reassemblyLimits.holePatiencePackets
      ) {
        half.holeAckedAtNs = -1;
        this.giveUpHole(flow, half, atNs, 'not-captured');
      }
    } else if (!receiverSeen && half.held !== null && atNs - half.holeSinceNs >= reassemblyLimits.oneSidedPatienceNs) {
      this.giveUpHole(flow, half, atNs, 'not-captured');
    }
  }

  /** Tells everything that is still held: the connection is over. */
  flush(flow: Flow, half: Half): void {
    while (half.held !== null) this.giveUpHole(flow, half, flow.lastAtNs, 'not-captured');
    if (this.holeBound(half) !== half.expected) this.giveUpHole(flow, half, flow.lastAtNs, 'not-captured');
  }

  /** Whether a hole is open or bytes were acknowledged that were not captured. */
  hasHole(half: Half): boolean {
    return half.held !== null || (half.acked && half.streamKnown && before(half.expected, half.ackedTo));
  }

  /** Where the present hole ends: the next held segment, or as far as the receiver acknowledged; `expected` when there is none. */
  private holeBound(half: Half): number {
    if (half.held !== null) return half.held[0].sequence;
    if (!half.streamKnown) return half.expected;
    if (!half.acked) return half.expected;
    let end = half.ackedTo;
    if (half.finSeen && before(half.finSequence, end)) end = half.finSequence;
    if (!before(half.expected, end)) return half.expected;
    // One missing number with nothing behind it is a FIN that was not captured rather than a byte.
    if (((end - half.expected) | 0) === 1 && !half.finSeen) return half.expected;
    return end;
  }

  private giveUpHole(flow: Flow, half: Half, atNs: number, why: 'not-captured' | 'buffer-limit'): void {
    const bound = this.holeBound(half);
    const byteCount = (bound - half.expected) | 0;
    const next = half.held === null ? null : half.held[0];
    if (byteCount > 0) {
      half.expected = bound;
      this.observe({
        kind: 'gap',
        connection: flow.id,
        atNs: next === null ? atNs : next.atNs,
        packet: next === null ? flow.lastPacket : next.packet,
        from: half.side,
        byteCount,
        why,
      });
    } else if (bound !== half.expected && before(half.expected, bound)) {
      // Half the number space apart, each is before the other: no telling how many bytes are missing, but it must go on.
      half.expected = bound;
    }
    this.deliverHeld(flow, half);
  }

  private deliver(
    flow: Flow,
    half: Half,
    data: Uint8Array,
    start: number,
    end: number,
    length: number,
    atNs: number,
    packet: number,
  ): void {
    half.expected = (half.expected + length) | 0;
    const missing = length - (end - start);
    if (end > start) {
      const bytes = { kind: 'bytes', connection: flow.id, atNs, packet, from: half.side, data, start, end } as const;
      this.observe(missing > 0 ? { ...bytes, cutByteCount: missing } : bytes);
    }
    if (missing > 0) {
      this.observe({
        kind: 'gap',
        connection: flow.id,
        atNs,
        packet,
        from: half.side,
        byteCount: missing,
        why: 'cut-by-snap-length',
      });
    }
  }

  private deliverHeld(flow: Flow, half: Half): void {
    const held = half.held;
    if (held === null) return;
    let index = 0;
    for (; index < held.length; index++) {
      const segment = held[index];
      if (before(half.expected, segment.sequence)) break;
      half.heldBytes -= segment.data.length;
      this.heldBytesTotal -= segment.data.length;
      const skip = (half.expected - segment.sequence) | 0;
      if (skip >= segment.length) continue;
      const start = Math.min(skip, segment.data.length);
      this.deliver(flow, half, segment.data, start, segment.data.length, segment.length - skip, segment.atNs, segment.packet);
    }
    if (index === held.length) {
      half.held = null;
      half.holeAckedAtNs = -1;
    } else if (index > 0) {
      held.splice(0, index);
      half.holeAckedAtNs = -1;
      half.holeSinceNs = held[0].atNs;
    }
  }

  private hold(flow: Flow, half: Half, segment: Segment, sequence: number): void {
    // Further ahead than any receiver allows (RFC 7323 §2.3): not of this stream.
    if (((sequence - half.expected) | 0) > reassemblyLimits.largestHole) return;
    let held = half.held;
    if (held === null) {
      held = [];
      half.held = held;
      half.holeSinceNs = segment.atNs;
    }
    // Nearly always the newest; otherwise walk back to its place. Equal start: the longer one is kept behind the first.
    let place = held.length;
    while (place > 0 && before(sequence, held[place - 1].sequence)) place--;
    if (place > 0) {
      const previous = held[place - 1];
      const covered = (previous.sequence + previous.length) | 0;
      if (!before(covered, (sequence + segment.payloadLength) | 0)) return;
    }
    const copy = segment.data.slice(segment.payloadStart, segment.payloadEnd);
    held.splice(place, 0, {
      sequence,
      length: segment.payloadLength,
      data: copy,
      atNs: segment.atNs,
      packet: segment.packet,
    });
    half.heldBytes += copy.length;
    this.heldBytesTotal += copy.length;
    while (
      half.held !== null &&
      (half.heldBytes > reassemblyLimits.heldBytesPerHalf ||
        half.held.length > reassemblyLimits.heldSegmentsPerHalf ||
        this.heldBytesTotal > reassemblyLimits.heldBytesTotal)
    ) {
      this.giveUpHole(flow, half, segment.atNs, 'buffer-limit');
    }
  }
}
