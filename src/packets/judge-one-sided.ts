/**
 * Why packets of one direction of a connection are in one of two captures only. See `OneSidedWhy` for the answers.
 *
 * - Only its sender's point has it. SYN, data, FIN: acknowledged without being sent again, it arrived, and the farther capture missed
 *   it; else it was lost. A reset was lost.
 * - Only the receiver's point has it. Data and FIN: when the sender went on behind it, its capture missed it; else nobody sent it. A
 *   reset was forged.
 * - Where the capture that lacks a packet is known to miss others, only traces count: an empty ACK leaves none, and neither does a packet
 *   that nobody seems to have sent, unless its time to live is a stranger's.
 * - A frame that one capture holds twice is no packet of its own. Where the other capture had not begun nothing is missing; after its
 *   last packet of any kind nothing is certain.
 */
import type { Side } from '../base/index.js';
import {
  type CaptureName,
  comparisonLimits,
  type OneSidedCounts,
  type OneSidedPacket,
  type OneSidedWhy,
  type PacketKind,
} from './comparison.js';
import { type DirectionLists, type DirectionMatch, unmatched } from './match-segments.js';
import { TcpFlag } from './segment.js';
import type { SegmentLog } from './segment-log.js';

export interface MatchedDirection {
  readonly from: Side;
  readonly lists: DirectionLists;
  readonly match: DirectionMatch;
}

/** When the captures were running, each on its own scale: outside of it nothing can be missing there. */
export interface RunningTime {
  readonly beganNs: number;
  readonly endedNs: number;
}

export interface JudgeQuestion {
  readonly direction: MatchedDirection;
  readonly peer: MatchedDirection;
  /** The capture nearer to the direction's sender. */
  readonly atSender: CaptureName;
  /** For each capture: when the other one was running, on this one's scale. */
  readonly otherRuns: { readonly first: RunningTime; readonly second: RunningTime };
}

/** What was found so far. What leaves no trace waits for `settleTraceless`. */
export interface OneSided {
  readonly counts: { lost: number; forged: number; notCaptured: number; unclear: number };
  readonly packets: OneSidedPacket[];
  readonly waiting: { first: number; second: number };
  /** Which of `packets` wait. */
  readonly waitingPackets: number[];
}

export const noneOneSided = (): OneSided => ({
  counts: { lost: 0, forged: 0, notCaptured: 0, unclear: 0 },
  packets: [],
  waiting: { first: 0, second: 0 },
  waitingPackets: [],
});

/** A look-ahead stops here: retransmissions come soon. */
const longestLookAhead = 2000;

/** Judges what leaves traces. `missedBy` counts, for each capture, packets that it missed. */
export function judgeOneSided(question: JudgeQuestion, missedBy: { first: number; second: number }): OneSided {
  const found = noneOneSided();
  for (const seenIn of ['first', 'second'] as const) {
    const view = viewOf(question, seenIn);
    for (const [index, at] of view.places.entries()) {
      if (view.taken[index] !== unmatched || isHeldTwice(view, index)) continue;
      const atNs = view.log.atNs[at]!;
      if (atNs < view.runs.beganNs) continue;
      const kind = kindOf(view.log, at);
      const isSure = atNs <= view.runs.endedNs;
      const judged = isSure ? judge(question, view, index, kind) : 'unclear';
      const isWaiting = judged === 'traceless';
      const why = isWaiting ? 'unclear' : judged;
      if (why === 'not-captured') missedBy[seenIn === 'first' ? 'second' : 'first']++;
      if (isWaiting) found.waiting[seenIn]++;
      else count(found.counts, why);
      if (found.packets.length >= comparisonLimits.packetsPerConnection) continue;
      if (isWaiting) found.waitingPackets.push(found.packets.length);
      found.packets.push(tell(view, at, kind, why, question.direction.from));
    }
  }
  return found;
}

/** Judges the rest, now that it is known which capture misses packets. */
export function settleTraceless(
  found: OneSided,
  atSender: CaptureName,
  missedBy: { readonly first: number; readonly second: number },
): void {
  const whyOf = (seenIn: CaptureName): OneSidedWhy => {
    if (missedBy[seenIn === 'first' ? 'second' : 'first'] > 0) return 'unclear';
    return seenIn === atSender ? 'lost' : 'forged';
  };
  for (const seenIn of ['first', 'second'] as const) {
    count(found.counts, whyOf(seenIn), found.waiting[seenIn]);
    found.waiting[seenIn] = 0;
  }
  for (const index of found.waitingPackets) {
    const packet = found.packets[index]!;
    found.packets[index] = { ...packet, why: whyOf(packet.seenIn) };
  }
}

function count(counts: OneSided['counts'], why: OneSidedWhy, howMany = 1): void {
  if (why === 'lost') counts.lost += howMany;
  else if (why === 'forged') counts.forged += howMany;
  else if (why === 'not-captured') counts.notCaptured += howMany;
  else counts.unclear += howMany;
}

export function addCounts(total: OneSided['counts'], counts: OneSidedCounts): void {
  total.lost += counts.lost;
  total.forged += counts.forged;
  total.notCaptured += counts.notCaptured;
  total.unclear += counts.unclear;
}

/** One capture's side of the direction. */
interface View {
  readonly seenIn: CaptureName;
  readonly log: SegmentLog;
  readonly places: Int32Array;
  readonly taken: Int32Array;
  readonly runs: RunningTime;
  /** The other capture's segments of the direction. */
  readonly otherLog: SegmentLog;
  readonly otherPlaces: Int32Array;
  /** To be added to numbers of this capture to get the other's. */
  readonly toOther: number;
  /** Segments of the peer, in this capture. */
  readonly peerPlaces: Int32Array;
}

function viewOf({ direction, peer, otherRuns }: JudgeQuestion, seenIn: CaptureName): View {
  const { lists, match } = direction;
  const isFirst = seenIn === 'first';
  return {
    seenIn,
    log: isFirst ? lists.first : lists.second,
    places: isFirst ? lists.inFirst : lists.inSecond,
    taken: isFirst ? match.ofFirst : match.ofSecond,
    runs: otherRuns[seenIn],
    otherLog: isFirst ? lists.second : lists.first,
    otherPlaces: isFirst ? lists.inSecond : lists.inFirst,
    toOther: isFirst ? -lists.shift : lists.shift,
    peerPlaces: isFirst ? peer.lists.inFirst : peer.lists.inSecond,
  };
}

function kindOf(log: SegmentLog, at: number): PacketKind {
  const flags = log.flags[at]!;
  if ((flags & TcpFlag.rst) !== 0) return 'reset';
  if ((flags & TcpFlag.syn) !== 0) return 'syn';
  if (log.length[at]! > 0) return 'data';
  return (flags & TcpFlag.fin) !== 0 ? 'fin' : 'ack';
}

/** One beyond its last number. */
function endOf(log: SegmentLog, at: number): number {
  const flags = log.flags[at]!;
  return (
    (log.sequence[at]! + log.length[at]! + ((flags & TcpFlag.syn) !== 0 ? 1 : 0) + ((flags & TcpFlag.fin) !== 0 ? 1 : 0)) | 0
  );
}

function isHeldTwice({ log, places, taken }: View, index: number): boolean {
  const at = places[index]!;
  if (log.identification[at]! <= 0) return false;
  for (let before = index - 1; before >= Math.max(0, index - 8); before--) {
    const other = places[before]!;
    if (
      taken[before] !== unmatched &&
      log.identification[other] === log.identification[at] &&
      log.sequence[other] === log.sequence[at] &&
      log.acknowledgment[other] === log.acknowledgment[at] &&
      log.flags[other] === log.flags[at] &&
      log.length[other] === log.length[at]
    ) {
      return true;
    }
  }
  return false;
}

function judge(question: JudgeQuestion, view: View, index: number, kind: PacketKind): OneSidedWhy | 'traceless' {
  if (view.seenIn !== question.atSender) return originOfReceived(question, view, index, kind);
  return kind === 'ack' ? 'traceless' : fateOfSent(view, index);
}

function fateOfSent(view: View, index: number): OneSidedWhy {
  const { log, places } = view;
  const at = places[index]!;
  if ((log.flags[at]! & TcpFlag.rst) !== 0) return 'lost';
  return isAcknowledged(view, at) && !isSentAgain(view, index) ? 'not-captured' : 'lost';
}

function isAcknowledged({ log, peerPlaces }: View, at: number): boolean {
  const end = endOf(log, at);
  for (let index = peerPlaces.length - 1; index >= Math.max(0, peerPlaces.length - longestLookAhead); index--) {
    const peer = peerPlaces[index]!;
    if (log.atNs[peer]! < log.atNs[at]!) return false;
    if ((log.flags[peer]! & TcpFlag.ack) !== 0 && ((log.acknowledgment[peer]! - end) | 0) >= 0) return true;
  }
  return false;
}

function isSentAgain({ log, places }: View, index: number): boolean {
  const at = places[index]!;
  const start = log.sequence[at]!;
  const end = endOf(log, at);
  for (let later = index + 1; later < Math.min(places.length, index + longestLookAhead); later++) {
    const other = places[later]!;
    const otherEnd = endOf(log, other);
    if (otherEnd !== log.sequence[other] && ((log.sequence[other]! - end) | 0) < 0 && ((otherEnd - start) | 0) > 0) return true;
  }
  return false;
}

function originOfReceived({ direction }: JudgeQuestion, view: View, index: number, kind: PacketKind): OneSidedWhy | 'traceless' {
  const at = view.places[index]!;
  const leavesTrace = kind !== 'ack' && kind !== 'reset';
  if (leavesTrace && hasGoneOn(view, endOf(view.log, at))) return 'not-captured';
  const usual = usualTimeToLive(direction, view.seenIn);
  const own = view.log.timeToLive[at]!;
  return usual !== null && own >= 0 && own !== usual ? 'forged' : 'traceless';
}

/** Whether the sender, where it was captured, later stands at or behind this number. */
function hasGoneOn({ otherLog, otherPlaces, toOther }: View, end: number): boolean {
  const reached = (end + toOther) | 0;
  for (let index = otherPlaces.length - 1; index >= Math.max(0, otherPlaces.length - longestLookAhead); index--) {
    const at = otherPlaces[index]!;
    if ((otherLog.flags[at]! & TcpFlag.rst) === 0 && ((endOf(otherLog, at) - reached) | 0) >= 0) return true;
  }
  return false;
}

/** The time to live that most packets of this sender have which both captures hold; null when unknown. */
export function usualTimeToLive({ lists, match }: MatchedDirection, seenIn: CaptureName): number | null {
  const [log, places, taken] =
    seenIn === 'first' ? [lists.first, lists.inFirst, match.ofFirst] : [lists.second, lists.inSecond, match.ofSecond];
  const counts = new Map<number, number>();
  for (const [index, at] of places.entries()) {
    const own = log.timeToLive[at]!;
    if (taken[index]! >= 0 && own >= 0) counts.set(own, (counts.get(own) ?? 0) + 1);
  }
  let usual: number | null = null;
  for (const [own, howOften] of counts) if (usual === null || howOften > counts.get(usual)!) usual = own;
  return usual;
}

function tell({ seenIn, log }: View, at: number, kind: PacketKind, why: OneSidedWhy, from: Side): OneSidedPacket {
  const timeToLive = log.timeToLive[at]!;
  return {
    seenIn,
    packet: log.packet[at]!,
    atNs: log.atNs[at]!,
    from,
    kind,
    byteCount: log.length[at]!,
    why,
    timeToLive: timeToLive < 0 ? null : timeToLive,
    usualTimeToLive: null,
  };
}
