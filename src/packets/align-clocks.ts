/**
 * How the clock of a second capture stands to that of a first, from packets that both saw.
 *
 * For a packet that passed the first point and then the second, (second's time − first's time) = delay + offset; for one in the other
 * direction it is −delay + offset. Delays are never negative and now and then as small as the path allows, so the smallest
 * differences of both directions enclose the offset: it is taken in the middle of them, as if the least delay were the same both ways,
 * and is uncertain by half of what is between (the method of NTP's clock filter, RFC 5905 §10, and of Moon, Skelly and Towsley,
 * "Estimation and Removal of Clock Skew from Network Delay Measurements", 1999).
 *
 * Drift: the offset of each of `binCount` spans of time, and the median of the slopes between them (Theil–Sen). It is used when it
 * explains far more than chance.
 *
 * Deliberately absent: steps of a clock within a capture.
 */

export interface ClockAlignment {
  /** (second's clock) − (first's clock) at `originNs` of the first, in ns on the scales of the captures. */
  readonly offsetNs: number;
  readonly originNs: number;
  /** By how much the second's clock runs fast, in parts per million. */
  readonly driftPpm: number;
  /** The offset is right within this, either way. Infinite when only one direction was seen. */
  readonly uncertaintyNs: number;
  /** Packets it rests on. */
  readonly packets: number;
}

/** Says every packet that both captures have. `onward`: it passed the first capture's point first. Called more than once. */
export type EachPair = (take: (firstNs: number, secondNs: number, onward: boolean) => void) => void;

const binCount = 32;
/** Of a direction in a bin, to count. */
const leastPairsPerBin = 2;
/** A drift counts when it moves the offset this many times further than the spans scatter around it. */
const scatterFactor = 6;
/** Computer clocks are better than this; a larger slope is something else. */
const largestDriftPpm = 500;
/** Less tells nothing; and over a shorter time no drift matters. */
const leastPoints = 8;
const leastSpanNs = 20e9;

/** Least differences of a span of time. */
class Bin {
  onward = 0;
  back = 0;
  leastOnward = Number.POSITIVE_INFINITY;
  leastBack = Number.POSITIVE_INFINITY;
  constructor(readonly atNs: number) {}

  add(differenceNs: number, onward: boolean): void {
    if (onward) {
      this.onward++;
      this.leastOnward = Math.min(this.leastOnward, differenceNs);
    } else {
      this.back++;
      this.leastBack = Math.min(this.leastBack, -differenceNs);
    }
  }

  get offset(): number {
    return (this.leastOnward - this.leastBack) / 2;
  }
}

/** Null without any packet in common. */
export function alignClocks(each: EachPair): ClockAlignment | null {
  let fromNs = Number.POSITIVE_INFINITY;
  let toNs = Number.NEGATIVE_INFINITY;
  each((firstNs) => {
    fromNs = Math.min(fromNs, firstNs);
    toNs = Math.max(toNs, firstNs);
  });
  if (fromNs > toNs) return null;
  const slope = slopeOf(binned(each, fromNs, toNs));
  // With the drift taken out, the least differences of the whole count.
  const whole = new Bin(fromNs);
  each((firstNs, secondNs, onward) => whole.add(secondNs - firstNs - slope * (firstNs - fromNs), onward));
  const packets = whole.onward + whole.back;
  if (whole.onward === 0 || whole.back === 0) {
    const offsetNs = whole.onward > 0 ? whole.leastOnward : -whole.leastBack;
    return { offsetNs, originNs: fromNs, driftPpm: 0, uncertaintyNs: Number.POSITIVE_INFINITY, packets };
  }
  const uncertaintyNs = Math.abs(whole.leastOnward + whole.leastBack) / 2;
  return { offsetNs: whole.offset, originNs: fromNs, driftPpm: slope * 1e6, uncertaintyNs, packets };
}

/** A time of the first capture on the scale of the second. */
export const toSecond = ({ offsetNs, originNs, driftPpm }: ClockAlignment, firstNs: number): number =>
  firstNs + offsetNs + driftPpm * 1e-6 * (firstNs - originNs);

/** A time of the second capture on the scale of the first. */
export const toFirst = ({ offsetNs, originNs, driftPpm }: ClockAlignment, secondNs: number): number =>
  originNs + (secondNs - offsetNs - originNs) / (1 + driftPpm * 1e-6);

function binned(each: EachPair, fromNs: number, toNs: number): Bin[] {
  const width = Math.max(1, (toNs - fromNs) / binCount);
  const bins = Array.from({ length: binCount }, (_, index) => new Bin(fromNs + (index + 0.5) * width));
  each((firstNs, secondNs, onward) => {
    bins[Math.min(binCount - 1, Math.floor((firstNs - fromNs) / width))]!.add(secondNs - firstNs, onward);
  });
  return bins;
}

/** ns of difference per ns; 0 when the bins do not tell. */
function slopeOf(bins: readonly Bin[]): number {
  const points = bins.filter(({ onward, back }) => onward >= leastPairsPerBin && back >= leastPairsPerBin);
  const [start] = points;
  const end = points.at(-1);
  if (start === undefined || end === undefined) return 0;
  const spanNs = end.atNs - start.atNs;
  if (points.length < leastPoints || spanNs < leastSpanNs) return 0;
  const slopes: number[] = [];
  for (const [index, a] of points.entries()) {
    for (const b of points.slice(index + 1)) slopes.push((b.offset - a.offset) / (b.atNs - a.atNs));
  }
  const slope = median(slopes);
  const rests = points.map(({ atNs, offset }) => offset - slope * (atNs - start.atNs));
  const middle = median(rests);
  const scatter = median(rests.map((rest) => Math.abs(rest - middle)));
  const explains = Math.abs(slope * spanNs) > scatterFactor * scatter;
  return explains && Math.abs(slope) * 1e6 <= largestDriftPpm ? slope : 0;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
