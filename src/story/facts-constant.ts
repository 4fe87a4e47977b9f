/**
 * Finds a constant among measured durations or counts: "this server closes after 5.00 s idle (31 of 33 closes, ± 3 ms)".
 *
 * Samples go into buckets of one per cent width (a logarithmic scale), so any number of samples takes bounded memory and no
 * sample is chosen by chance. The constant is the densest run of neighbouring buckets; value and spread are exact within it.
 */

import type { ConnectionId } from '../base/index.js';
import type { Moment } from './model.js';

/** The densest group of samples. In the unit of the samples. */
export interface Constant {
  readonly value: number;
  /** Half the distance from the smallest to the largest sample of the group. */
  readonly spread: number;
  readonly least: number;
  readonly most: number;
  /** Samples in the group, and all samples. */
  readonly count: number;
  readonly of: number;
}

const bucketRatio = Math.log(1.01);
/** Neighbouring buckets that may belong to one constant: 2 % to each side. */
const reach = 2;
/** Samples below this (in their unit) share a bucket: a microsecond, for durations in ns. */
const leastSample = 1000;

/** A float from the beginning. */
const zero = -0;
/** A bucket is a row of numbers: its place on the scale, then the count, sum, least and most of its samples. */
const width = 5;
const firstBuckets = 8;

export class ConstantFinder {
  /** In order of their places; made for the first sample, and twice as large whenever it is full. */
  private buckets: Float64Array | null = null;
  /** Numbers in use, of whole rows. */
  private end = 0;
  count = 0;
  least = Number.POSITIVE_INFINITY;
  most = zero;

  add(sample: number): void {
    this.count++;
    if (sample < this.least) this.least = sample;
    if (sample > this.most) this.most = sample;
    const row = this.rowAt(Math.floor(Math.log(Math.max(sample, leastSample)) / bucketRatio), sample);
    const buckets = this.buckets!;
    buckets[row + 1]!++;
    buckets[row + 2]! += sample;
    if (sample < buckets[row + 3]!) buckets[row + 3] = sample;
    if (sample > buckets[row + 4]!) buckets[row + 4] = sample;
  }

  /** The densest group; null without samples. Among equally dense ones the smallest value. */
  densest(): Constant | null {
    const buckets = this.buckets;
    if (buckets === null || this.count === 0) return null;
    // A window of near places moves over the rows; only counts are summed until the densest is known.
    let from = 0;
    let to = 0;
    let inWindow = 0;
    let bestFrom = 0;
    let bestTo = 0;
    let most = 0;
    for (let middle = 0; middle < this.end; middle += width) {
      for (; to < this.end && buckets[to]! <= buckets[middle]! + reach; to += width) inWindow += buckets[to + 1]!;
      for (; buckets[from]! < buckets[middle]! - reach; from += width) inWindow -= buckets[from + 1]!;
      if (inWindow <= most) continue;
      most = inWindow;
      bestFrom = from;
      bestTo = to;
    }
    return this.group(buckets, bestFrom, bestTo);
  }

  private group(buckets: Float64Array, from: number, to: number): Constant {
    let count = 0;
    let sum = 0;
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    for (let row = from; row < to; row += width) {
      count += buckets[row + 1]!;
      sum += buckets[row + 2]!;
      least = Math.min(least, buckets[row + 3]!);
      most = Math.max(most, buckets[row + 4]!);
    }
    return { value: sum / count, spread: (most - least) / 2, least, most, count, of: this.count };
  }

  /** Where the bucket of this place is; an empty one around this sample is made when there is none. */
  private rowAt(place: number, sample: number): number {
    let buckets = this.buckets;
    buckets ??= this.buckets = new Float64Array(firstBuckets * width);
    let low = 0;
    let high = this.end / width;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (buckets[middle * width]! < place) low = middle + 1;
      else high = middle;
    }
    const row = low * width;
    if (row < this.end && buckets[row] === place) return row;
    if (this.end === buckets.length) {
      const larger = new Float64Array(2 * buckets.length);
      larger.set(buckets);
      buckets = this.buckets = larger;
    }
    buckets.copyWithin(row + width, row, this.end);
    this.end += width;
    buckets[row] = place;
    buckets[row + 1] = 0;
    buckets[row + 2] = 0;
    buckets[row + 3] = sample;
    buckets[row + 4] = sample;
    return row;
  }

  /** The densest group when it holds at least `share` of all samples and `least` of them. */
  constant({ least, share }: { readonly least: number; readonly share: number }): Constant | null {
    if (this.count < least) return null;
    const found = this.densest();
    return found !== null && found.count >= least && found.count >= share * found.of ? found : null;
  }
}

/** What shows a sample. */
export interface Sample {
  readonly connection: ConnectionId;
  readonly packet: number;
  readonly atNs: number;
  readonly value: number;
}

/** A constant, with the first samples that agree on it. */
export interface ProvenConstant extends Constant {
  readonly connections: readonly ConnectionId[];
  readonly packets: readonly number[];
}

/** Samples kept as evidence. */
const evidenceLimit = 16;

/** A finder that remembers its first samples and where they come from. */
export class ProvenConstantFinder extends ConstantFinder {
  readonly samples: Sample[] = [];

  /** `atNs`: when the value was there. */
  prove(value: number, connection: ConnectionId, { packet, atNs }: Moment): void {
    this.add(value);
    if (this.samples.length < evidenceLimit) this.samples.push({ connection, packet, atNs, value });
  }

  proven(wanted: { readonly least: number; readonly share: number }): ProvenConstant | null {
    const found = this.constant(wanted);
    return found === null ? null : new Proven(found, this.samples);
  }
}

/** Most are measured and not told: the evidence is looked up when it is. */
class Proven implements ProvenConstant {
  readonly value: number;
  readonly spread: number;
  readonly least: number;
  readonly most: number;
  readonly count: number;
  readonly of: number;
  private readonly samples: readonly Sample[];

  constructor({ value, spread, least, most, count, of }: Constant, samples: readonly Sample[]) {
    this.value = value;
    this.spread = spread;
    this.least = least;
    this.most = most;
    this.count = count;
    this.of = of;
    this.samples = samples;
  }

  get connections(): readonly ConnectionId[] {
    return this.agreeing().map(({ connection }) => connection);
  }

  get packets(): readonly number[] {
    return this.agreeing().map(({ packet }) => packet);
  }

  private agreeing(): readonly Sample[] {
    return this.samples.filter(({ value }) => value >= this.least && value <= this.most);
  }
}
