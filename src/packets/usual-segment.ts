/**
 * Header prediction, after Van Jacobson's in the kernels' TCP: nearly every segment of a connection that is going well is simply the
 * next one, and for that one nearly all questions of `judge`, `Reassembler` and `FlowTable` have the answer no. So they are asked
 * once, when something unusual happened (`isSteady`, behind each segment that went the full way), and what can change with each
 * segment is compared in a few numbers (`isUsual`).
 *
 * Both together are sufficient conditions for a segment of which the full way would say: no call, no hole before or behind it, no
 * change of the connection's state. They are not necessary ones: what they leave goes the full way and has the same result.
 *
 * Why a usual segment leaves a steady flow steady: its sequence number is `next` and `expected`, both move on by its length; it
 * acknowledges nothing that was not seen; its window is open; it is no probe, SYN, FIN or RST, and nothing is held.
 */
import type { Flow, Half } from './flow.js';
import type { Segment } from './segment.js';

// TCP flags, here because an imported binding costs a look-up at each use and this runs for every packet.
const ACK = 16;
const finSynRstAck = 1 | 2 | 4 | ACK;

/** What a segment that goes the full way may have changed, as far as `isUsual` relies on it. */
export function isSteady(flow: Flow): boolean {
  return !flow.reset && !flow.finished && isInOrder(flow.client) && isInOrder(flow.server);
}

function isInOrder(half: Half): boolean {
  return (
    half.seen &&
    half.streamKnown &&
    half.expected === half.next &&
    half.held === null &&
    half.acked &&
    half.ackSeen &&
    half.window !== 0 &&
    !half.finSeen &&
    !half.lastWasKeepAliveProbe &&
    !half.lastWasZeroWindowProbe
  );
}

/** Whether a segment sent by `forward` is simply the next one. Only of a steady flow. */
export function isUsual(segment: Segment, forward: Half, reverse: Half): boolean {
  const sequence = segment.sequence;
  const next = reverse.next;
  const acknowledgment = segment.acknowledgment;
  return (
    (segment.flags & finSynRstAck) === ACK &&
    sequence === forward.next &&
    segment.window !== 0 &&
    // No number that was not seen is acknowledged, now or before: that would be a hole.
    ((next - acknowledgment) | 0) >= 0 &&
    ((next - reverse.ackedTo) | 0) >= 0 &&
    // The frame before is not this one once more.
    (sequence !== forward.lastSequence || segment.identification !== forward.lastIdentification || segment.identification <= 0) &&
    // An empty one acknowledges more than any before it; a full one does not fill the window.
    (segment.payloadLength === 0 ? ((acknowledgment - forward.ack) | 0) > 0 : leavesWindow(segment, reverse))
  );
}

/** RFC 7323 §2.3, as in `judge`. */
function leavesWindow(segment: Segment, reverse: Half): boolean {
  if (reverse.windowScale < 0) return true;
  const edge = (reverse.ack + (reverse.window << Math.min(reverse.windowScale, 14))) | 0;
  return ((segment.sequence + segment.payloadLength) | 0) !== edge;
}
