/**
 * Calls a segment by name: keep-alive probe, retransmission, zero window and so on.
 *
 * The order of the tests and the thresholds are those of Wireshark's `tcp.analysis` (first match wins where it says so), with
 * these deliberate differences, where the packets say more than Wireshark concludes from them:
 * - An empty segment one below the next sequence number while the peer's window is 0 is Linux's zero-window probe
 *   (net/ipv4/tcp_output.c, tcp_write_wakeup), not a keep-alive probe.
 * - A one-byte segment below the next sequence number is a keep-alive probe only when everything sent is acknowledged;
 *   otherwise it is a one-byte segment sent again.
 * - A frame that a capture on several interfaces holds twice is a `duplicate-frame` and nothing else.
 * - A lost segment is also told by a sender's first segment and by a reset (`isBeyondUnseen`).
 *
 * Pure bookkeeping on the two halves; tells nobody. RFC 9293 §3.8.4 (keep-alives), §3.8.6.1 (zero-window probes).
 */
import { largestWindow } from './connection-boundary.js';
import { before, type Half, sequenceLength } from './flow.js';
import type { Segment } from './segment.js';

// TCP flags, here because an imported binding costs a look-up at each use and this runs for every packet.
const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

/** Calls as bits, since a segment may have several. */
export const Call = {
  zeroWindowProbe: 1,
  zeroWindowProbeAnswer: 1 << 1,
  keepAliveProbe: 1 << 2,
  keepAliveAnswer: 1 << 3,
  zeroWindow: 1 << 4,
  windowUpdate: 1 << 5,
  windowFull: 1 << 6,
  duplicateAck: 1 << 7,
  lostSegment: 1 << 8,
  ackOfUnseen: 1 << 9,
  retransmission: 1 << 10,
  fastRetransmission: 1 << 11,
  spuriousRetransmission: 1 << 12,
  outOfOrder: 1 << 13,
  duplicateFrame: 1 << 14,
} as const;

const fastRetransmissionNs = 20e6;
const outOfOrderDefaultNs = 3e6;
/** Copies of one frame on several interfaces of one machine are this close together. */
const duplicateFrameNs = 20e6;

/** Of the sender, so many. */
const mostPacketsBetweenCopies = 64;

const finSynRst = FIN | SYN | RST;

/**
 * The calls of a segment sent by `forward` as a set of bits of `Call` (0: simply the next one), and moves both halves on.
 * `initialRoundTripNs`: 0 when unknown.
 */
export function judge(segment: Segment, forward: Half, reverse: Half, initialRoundTripNs: number): number {
  const flags = segment.flags;
  const length = segment.payloadLength;
  const sequence = segment.sequence;
  const atNs = segment.atNs;
  if (isDuplicateFrame(segment, forward)) return Call.duplicateFrame;
  const first = !forward.seen;
  let calls = 0;
  let isProbe = false;
  if (!first) {
    const plain = (flags & finSynRst) === 0;
    const below = plain && length <= 1 && ((forward.next - 1) | 0) === sequence;
    if (length === 1 && plain && sequence === forward.next && reverse.seen && reverse.window === 0 && !reverseOnlySyn(reverse)) {
      calls = Call.zeroWindowProbe;
      isProbe = true;
    } else if (below && length === 0 && reverse.ackSeen && reverse.window === 0) {
      calls = Call.zeroWindowProbe;
      isProbe = true;
      if (segment.window === 0) calls |= Call.zeroWindow;
    } else {
      if (segment.window === 0 && plain) calls = Call.zeroWindow;
      if (before(forward.next, sequence) && (flags & RST) === 0) calls |= Call.lostSegment;
      if (below && (length === 0 || everythingAcknowledged(forward))) {
        calls |= Call.keepAliveProbe;
        isProbe = true;
      }
      if (length === 0 && plain && sequence === forward.next && segment.acknowledgment === forward.ack && forward.ackSeen) {
        if (segment.window !== forward.window) {
          if (segment.window !== 0) calls |= Call.windowUpdate;
        } else if (reverse.lastWasKeepAliveProbe) {
          calls |= Call.keepAliveAnswer;
        } else if (reverse.lastWasZeroWindowProbe) {
          calls |= Call.zeroWindowProbeAnswer;
        } else if (segment.window !== 0) {
          calls |= Call.duplicateAck;
        }
      }
      if (length > 0 && plain && fillsWindow(segment, reverse)) calls |= Call.windowFull;
    }
  } else if (segment.window === 0 && (flags & finSynRst) === 0) {
    calls = Call.zeroWindow;
  }
  if (isBeyondUnseen(segment, forward)) calls |= Call.lostSegment;

  if ((flags & ACK) !== 0) {
    if (segment.acknowledgment !== forward.ack) forward.duplicateAckCount = 0;
    else if ((calls & Call.duplicateAck) !== 0) forward.duplicateAckCount++;
    if (
      reverse.seen &&
      before(reverse.next, segment.acknowledgment) &&
      (!forward.ackSeen || before(forward.ack, segment.acknowledgment))
    ) {
      calls |= Call.ackOfUnseen;
    }
  }
  if (!first && !isProbe && (length > 0 || (flags & (SYN | FIN)) !== 0) && before(sequence, forward.next)) {
    calls |= repetition(segment, forward, reverse, initialRoundTripNs);
  }
  moveOn(segment, forward, calls, atNs);
  return calls;
}

/**
 * Something was sent before it that was not captured, where Wireshark does not look: the first segment of its sender lies behind what
 * the other side had acknowledged by then; or a reset lies behind all that was seen, as one does that answers an acknowledgment of
 * the missing bytes (RFC 9293 §3.10.7.1).
 */
function isBeyondUnseen({ sequence, flags }: Segment, forward: Half): boolean {
  if (!forward.seen) return forward.acked && isAhead(forward.ackedFrom, sequence);
  return (flags & RST) !== 0 && isAhead(forward.next, sequence);
}

/** By no more than any window: else it is no number of this stream. */
const isAhead = (of: number, sequence: number): boolean => before(of, sequence) && ((sequence - of) | 0) <= largestWindow;

/** A SYN's window is not an offer yet that can be full. */
const reverseOnlySyn = (reverse: Half): boolean => !reverse.ackSeen;

const everythingAcknowledged = (half: Half): boolean => !half.acked || !before(half.ackedTo, half.next);

function isDuplicateFrame(segment: Segment, forward: Half): boolean {
  if (segment.identification <= 0 || segment.atNs - forward.lastAtNs >= duplicateFrameNs) return false;
  return (
    (segment.sequence === forward.lastSequence &&
      segment.identification === forward.lastIdentification &&
      segment.acknowledgment === forward.lastAcknowledgment &&
      segment.flags === forward.lastFlags &&
      segment.payloadLength === forward.lastPayloadLength) ||
    (forward.seen && isOlderCopy(segment, forward))
  );
}

/**
 * A copy behind other packets of its sender. Senders count their packets (RFC 6864 asks for numbers that do not come again soon): what
 * is sent again gets a new number, while a copy of a frame has one from before.
 */
function isOlderCopy({ sequence, identification, payloadLength, acknowledgment, flags }: Segment, forward: Half): boolean {
  const earlier = (forward.lastIdentification - identification) & 0xffff;
  if (earlier === 0 || earlier > mostPacketsBetweenCopies || forward.lastIdentification <= 0) return false;
  // A keep-alive probe repeats what was sent, and some systems do not count it.
  if (payloadLength <= 1 && sequence === ((forward.next - 1) | 0) && (flags & (SYN | FIN)) === 0) return false;
  const end = (sequence + payloadLength) | 0;
  if (payloadLength === 0 && (flags & (SYN | FIN)) === 0)
    return !before(forward.ack, acknowledgment) && !before(forward.next, end);
  return deliveredBefore(forward, end) && !before(forward.next, end);
}

function fillsWindow(segment: Segment, reverse: Half): boolean {
  if (!reverse.ackSeen || reverse.windowScale < 0 || reverse.window === 0) return false;
  // At most 65,535 << 14, RFC 7323 §2.3.
  const edge = (reverse.ack + (reverse.window << Math.min(reverse.windowScale, 14))) | 0;
  return ((segment.sequence + segment.payloadLength) | 0) === edge;
}

/** A segment with data, SYN or FIN that does not advance the sequence number: sent again, or captured late. */
function repetition(segment: Segment, forward: Half, reverse: Half, initialRoundTripNs: number): number {
  const sequence = segment.sequence;
  const length = segment.payloadLength;
  const end = (sequence + length) | 0;
  // New data that begins with the byte of a zero-window probe is not a repetition.
  if (length > 1 && ((forward.next - 1) | 0) === sequence) return 0;
  if (length > 0 && reverse.ackSeen && !before(reverse.ack, end)) return Call.spuriousRetransmission;
  const ackAtNs = (reverse.lastFlags & ACK) !== 0 ? reverse.lastAtNs : reverse.earlierAckAtNs;
  const sinceAckNs = segment.atNs - ackAtNs;
  if (sinceAckNs < fastRetransmissionNs && reverse.duplicateAckCount >= 2 && reverse.ack === sequence) {
    return Call.fastRetransmission;
  }
  const threshold = initialRoundTripNs > 0 ? initialRoundTripNs : outOfOrderDefaultNs;
  const sinceHighestNs = segment.atNs - forward.nextAtNs;
  if (
    sinceHighestNs < threshold &&
    forward.next !== ((sequence + sequenceLength(segment)) | 0) &&
    !deliveredBefore(forward, end)
  ) {
    return Call.outOfOrder;
  }
  return Call.retransmission;
}

/** Whether these bytes were captured before: then the segment cannot merely be late. */
function deliveredBefore(forward: Half, end: number): boolean {
  return forward.streamKnown && !before(forward.expected, end);
}

function moveOn(segment: Segment, forward: Half, calls: number, atNs: number): void {
  const flags = segment.flags;
  const isReset = (flags & RST) !== 0;
  const probe = calls & (Call.keepAliveProbe | Call.zeroWindowProbe);
  if (!forward.seen) {
    // A reset's numbers need not be its sender's (RFC 9293 §3.10.7.1): nothing is learned from it.
    if (isReset) return;
    forward.seen = true;
    forward.initialSequence = (flags & SYN) !== 0 ? segment.sequence : (segment.sequence - 1) | 0;
    forward.next = (segment.sequence + sequenceLength(segment)) | 0;
    forward.nextAtNs = atNs;
  } else if ((calls & Call.zeroWindowProbe) === 0 && !isReset) {
    const next = (segment.sequence + sequenceLength(segment)) | 0;
    if (before(forward.next, next)) {
      forward.next = next;
      forward.nextAtNs = atNs;
      forward.nextRepeated = false;
    } else if (next === forward.next && next !== segment.sequence && probe === 0) {
      forward.nextRepeated = true;
    }
  }
  if ((flags & ACK) !== 0) {
    forward.ack = segment.acknowledgment;
    forward.ackSeen = true;
  } else if ((forward.lastFlags & ACK) !== 0) forward.earlierAckAtNs = forward.lastAtNs;
  if (!isReset) forward.window = segment.window;
  forward.lastWasKeepAliveProbe = (calls & Call.keepAliveProbe) !== 0;
  forward.lastWasZeroWindowProbe = (calls & Call.zeroWindowProbe) !== 0;
  forward.lastSequence = segment.sequence;
  forward.lastAcknowledgment = segment.acknowledgment;
  forward.lastFlags = flags;
  forward.lastPayloadLength = segment.payloadLength;
  forward.lastIdentification = segment.identification;
  forward.lastAtNs = atNs;
}
