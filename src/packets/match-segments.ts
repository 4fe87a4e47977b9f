/**
 * Which segment of one capture is which of the other, within one direction of a connection that both have.
 *
 * 1. All that a router leaves alone is the same: numbers, flags, length, timestamp and IP identification.
 * 2. The same numbers, flags and length, and no other segment like it in either capture.
 * 3. Copies (retransmissions, repeated ACKs) of which translation changed the identification: nearest in time, once the clocks are
 *    aligned.
 * 4. Segments cut differently: a capture on the sending machine sees what the network card will cut up (segmentation offload), one on
 *    the receiving machine what it put together again. Bytes that left at a time and arrived no later than segments of steps 1 to 3
 *    did are the same bytes.
 *
 * Steps 1 to 3 give pairs with a delay each; step 4 only says that a segment was there.
 */
import { type ClockAlignment, toSecond } from './align-clocks.js';
import { TcpFlag } from './segment.js';
import type { SegmentLog } from './segment-log.js';

export interface DirectionLists {
  readonly first: SegmentLog;
  readonly second: SegmentLog;
  /** Places in the logs, in order of capture. */
  readonly inFirst: Int32Array;
  readonly inSecond: Int32Array;
  /** To be added to the second's numbers of this direction, and of the other one. */
  readonly shift: number;
  readonly peerShift: number;
}

/** For each place of a list: the matching place in the other log, or one of the two below. */
export interface DirectionMatch {
  readonly ofFirst: Int32Array;
  readonly ofSecond: Int32Array;
}

export const unmatched = -1;
/** Its bytes are in the other capture, in segments cut differently. */
const covered = -2;

/** A segment that takes longer between the two points is not the same transmission. */
const longestDelayNs = 3e9;
/** Copies of one segment that are compared with each other. */
const mostCopies = 100;
/** Offload holds bytes back for a little. */
const leastSlackNs = 10e6;
/** Segments looked at, from its start on, for the bytes of one. */
const longestSearch = 512;

/** Steps 1 and 2. */
export function matchAlike(lists: DirectionLists): DirectionMatch {
  const match: DirectionMatch = {
    ofFirst: new Int32Array(lists.inFirst.length).fill(unmatched),
    ofSecond: new Int32Array(lists.inSecond.length).fill(unmatched),
  };
  pairIdentified(lists, match);
  pairUnique(lists, match);
  return match;
}

/** The part of one capture that is compared: places in its log, and what is added to its numbers. */
interface Part {
  readonly log: SegmentLog;
  readonly places: Int32Array;
  readonly shift: number;
  readonly peerShift: number;
}

const partsOf = ({ first, second, inFirst, inSecond, shift, peerShift }: DirectionLists): readonly [Part, Part] => [
  { log: first, places: inFirst, shift: 0, peerShift: 0 },
  { log: second, places: inSecond, shift, peerShift },
];

/** By numbers, flags and length; `identified`: by timestamp and IP identification too. */
function compare(one: Part, oneIndex: number, other: Part, otherIndex: number, identified: boolean): number {
  const at = one.places[oneIndex]!;
  const to = other.places[otherIndex]!;
  const [a, b] = [one.log, other.log];
  return (
    ((a.sequence[at]! + one.shift) | 0) - ((b.sequence[to]! + other.shift) | 0) ||
    acknowledged(one, at) - acknowledged(other, to) ||
    a.flags[at]! - b.flags[to]! ||
    a.length[at]! - b.length[to]! ||
    (identified ? a.timestampValue[at]! - b.timestampValue[to]! || a.identification[at]! - b.identification[to]! : 0)
  );
}

const acknowledged = ({ log, peerShift }: Part, at: number): number =>
  (log.flags[at]! & TcpFlag.ack) === 0 ? 0 : (log.acknowledgment[at]! + peerShift) | 0;

/** Those not yet taken, in the order of their keys; equal ones in order of capture. */
function sorted(part: Part, taken: Int32Array, identified: boolean): Uint32Array {
  const { log, places } = part;
  const indexes = new Uint32Array(places.length);
  let count = 0;
  for (let index = 0; index < places.length; index++) {
    if (taken[index] !== unmatched || (identified && log.identification[places[index]!]! <= 0)) continue;
    indexes[count++] = index;
  }
  return indexes.subarray(0, count).sort((a, b) => compare(part, a, part, b, identified) || a - b);
}

/** Says each group of segments that are alike: their indexes in the first capture's list and in the second's. */
function eachAlike(
  lists: DirectionLists,
  match: DirectionMatch,
  identified: boolean,
  take: (ones: Uint32Array, others: Uint32Array) => void,
): void {
  const [first, second] = partsOf(lists);
  const ones = sorted(first, match.ofFirst, identified);
  const others = sorted(second, match.ofSecond, identified);
  const endOf = (part: Part, order: Uint32Array, from: number): number => {
    let end = from + 1;
    while (end < order.length && compare(part, order[from]!, part, order[end]!, identified) === 0) end++;
    return end;
  };
  for (let one = 0, other = 0; one < ones.length && other < others.length; ) {
    const order = compare(first, ones[one]!, second, others[other]!, identified);
    const oneEnd = order <= 0 ? endOf(first, ones, one) : one;
    const otherEnd = order >= 0 ? endOf(second, others, other) : other;
    if (order === 0) take(ones.subarray(one, oneEnd), others.subarray(other, otherEnd));
    one = oneEnd;
    other = otherEnd;
  }
}

function pairIdentified(lists: DirectionLists, match: DirectionMatch): void {
  eachAlike(lists, match, true, (ones, others) => {
    // More than one of a kind is a frame that a capture holds twice.
    for (let index = 0; index < Math.min(ones.length, others.length); index++) join(match, ones[index]!, others[index]!);
  });
}

function pairUnique(lists: DirectionLists, match: DirectionMatch): void {
  eachAlike(lists, match, false, (ones, others) => {
    if (ones.length === 1 && others.length === 1) join(match, ones[0]!, others[0]!);
  });
}

/** Step 3. */
export function matchCopies(lists: DirectionLists, match: DirectionMatch, clocks: ClockAlignment): void {
  const { first, second, inFirst, inSecond } = lists;
  eachAlike(lists, match, false, (ones, others) => {
    const candidates: { one: number; other: number; distanceNs: number }[] = [];
    for (const one of ones.subarray(0, mostCopies)) {
      const expectedNs = toSecond(clocks, first.atNs[inFirst[one]!]!);
      for (const other of others.subarray(0, mostCopies)) {
        const distanceNs = Math.abs(second.atNs[inSecond[other]!]! - expectedNs);
        if (distanceNs < longestDelayNs) candidates.push({ one, other, distanceNs });
      }
    }
    candidates.sort((a, b) => a.distanceNs - b.distanceNs);
    for (const { one, other } of candidates) {
      if (match.ofFirst[one] === unmatched && match.ofSecond[other] === unmatched) join(match, one, other);
    }
  });
}

function join(match: DirectionMatch, first: number, second: number): void {
  match.ofFirst[first] = second;
  match.ofSecond[second] = first;
}

interface Span {
  readonly index: number;
  /** Relative to the direction's first byte. */
  readonly start: number;
  readonly end: number;
  /** On the second's clock. */
  readonly atNs: number;
}

/**
 * Step 4. `onward`: this direction passes the first point first. `longestNs`: the longest delay of a pair in this direction, as its
 * difference from the least.
 */
export function matchBytes(
  { first, second, inFirst, inSecond, shift }: DirectionLists,
  match: DirectionMatch,
  clocks: ClockAlignment,
  { onward, longestNs }: { readonly onward: boolean; readonly longestNs: number },
): void {
  const base = inFirst.length > 0 ? first.sequence[inFirst[0]!]! : 0;
  const ones = spans(first, inFirst, match.ofFirst, base, 0, (at) => toSecond(clocks, first.atNs[at]!));
  const others = spans(second, inSecond, match.ofSecond, base, shift, (at) => second.atNs[at]!);
  if (ones.length === 0 || others.length === 0) return;
  const slackNs = (Number.isFinite(clocks.uncertaintyNs) ? 2 * clocks.uncertaintyNs : 0) + leastSlackNs;
  const lateNs = Math.min(longestNs + slackNs, longestDelayNs);
  // Of the second's segments against the first's: later when it is the farther point, else earlier.
  const [from, to] = onward ? [-slackNs, lateNs] : [-lateNs, slackNs];
  const isOfFirst = ones.map((span) => isCovered(span, others, from, to));
  const isOfSecond = others.map((span) => isCovered(span, ones, -to, -from));
  for (const [at, { index }] of ones.entries()) if (isOfFirst[at]) match.ofFirst[index] = covered;
  for (const [at, { index }] of others.entries()) if (isOfSecond[at]) match.ofSecond[index] = covered;
}

/** Unmatched segments with data, in order of their bytes. */
function spans(
  log: SegmentLog,
  places: Int32Array,
  taken: Int32Array,
  base: number,
  shift: number,
  timeOf: (at: number) => number,
): Span[] {
  const found: Span[] = [];
  for (const [index, at] of places.entries()) {
    const length = log.length[at]!;
    if (taken[index] !== unmatched || length === 0) continue;
    const start = (log.sequence[at]! + shift - base) | 0;
    found.push({ index, start, end: start + length, atNs: timeOf(at) });
  }
  return found.sort((a, b) => a.start - b.start);
}

/** Whether the others, of the right time, hold every byte of the span. */
function isCovered({ start, end, atNs }: Span, others: readonly Span[], earlyNs: number, lateNs: number): boolean {
  let low = 0;
  let high = others.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (others[middle]!.start < start - largestSegment) low = middle + 1;
    else high = middle;
  }
  let reached = start;
  const until = Math.min(others.length, low + longestSearch);
  for (let at = low; at < until && reached < end; at++) {
    const other = others[at]!;
    if (other.start > reached) return false;
    const delayNs = other.atNs - atNs;
    if (other.end > reached && delayNs >= earlyNs && delayNs <= lateNs) reached = other.end;
  }
  return reached >= end;
}

/** Bytes of the largest segment that offload makes. */
const largestSegment = 524_288;
