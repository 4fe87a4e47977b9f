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
import type { SegmentLog } from './segment-log.js';

export interface DirectionLists {
  readonly first: SegmentLog;
  readonly second: SegmentLog;
  /** Places in the logs, in order of capture. */
  readonly inFirst: readonly number[];
  readonly inSecond: readonly number[];
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

function numbersOf(log: SegmentLog, at: number, shift: number, peerShift: number): string {
  const acknowledgment = (log.flags[at]! & 16) === 0 ? 0 : (log.acknowledgment[at]! + peerShift) | 0;
  return `${(log.sequence[at]! + shift) | 0} ${acknowledgment} ${log.flags[at]} ${log.length[at]}`;
}

function groupBy(places: readonly number[], taken: Int32Array, keyOf: (at: number) => string | null): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const [index, at] of places.entries()) {
    const key = taken[index] === unmatched ? keyOf(at) : null;
    if (key === null) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  }
  return groups;
}

function pairIdentified({ first, second, inFirst, inSecond, shift, peerShift }: DirectionLists, match: DirectionMatch): void {
  const keyOf = (log: SegmentLog, at: number, own: number, peer: number): string | null =>
    log.identification[at]! <= 0 ? null : `${numbersOf(log, at, own, peer)} ${log.timestampValue[at]} ${log.identification[at]}`;
  const groups = groupBy(inSecond, match.ofSecond, (at) => keyOf(second, at, shift, peerShift));
  for (const [key, ones] of groupBy(inFirst, match.ofFirst, (at) => keyOf(first, at, 0, 0))) {
    const others = groups.get(key) ?? [];
    // More than one of a kind is a frame that a capture holds twice.
    for (let index = 0; index < Math.min(ones.length, others.length); index++) join(match, ones[index]!, others[index]!);
  }
}

function pairUnique({ first, second, inFirst, inSecond, shift, peerShift }: DirectionLists, match: DirectionMatch): void {
  const groups = groupBy(inSecond, match.ofSecond, (at) => numbersOf(second, at, shift, peerShift));
  for (const [key, ones] of groupBy(inFirst, match.ofFirst, (at) => numbersOf(first, at, 0, 0))) {
    const others = groups.get(key);
    if (ones.length === 1 && others?.length === 1) join(match, ones[0]!, others[0]!);
  }
}

/** Step 3. */
export function matchCopies(lists: DirectionLists, match: DirectionMatch, clocks: ClockAlignment): void {
  const { first, second, inFirst, inSecond, shift, peerShift } = lists;
  const groups = groupBy(inSecond, match.ofSecond, (at) => numbersOf(second, at, shift, peerShift));
  for (const [key, ones] of groupBy(inFirst, match.ofFirst, (at) => numbersOf(first, at, 0, 0))) {
    const others = groups.get(key);
    if (others === undefined) continue;
    const candidates: { one: number; other: number; distanceNs: number }[] = [];
    for (const one of ones.slice(0, mostCopies)) {
      const expectedNs = toSecond(clocks, first.atNs[inFirst[one]!]!);
      for (const other of others.slice(0, mostCopies)) {
        const distanceNs = Math.abs(second.atNs[inSecond[other]!]! - expectedNs);
        if (distanceNs < longestDelayNs) candidates.push({ one, other, distanceNs });
      }
    }
    candidates.sort((a, b) => a.distanceNs - b.distanceNs);
    for (const { one, other } of candidates) {
      if (match.ofFirst[one] === unmatched && match.ofSecond[other] === unmatched) join(match, one, other);
    }
  }
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
  places: readonly number[],
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
