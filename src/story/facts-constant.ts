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

/** Where the bucket of a sample is on the scale. */
const placeOf = (sample: number): number => Math.floor(Math.log(Math.max(sample, leastSample)) / bucketRatio);

/** Samples that wait to be sorted in together: each by itself would move many rows. */
const pendingLimit = 32;

export class ConstantFinder {
  /** In order of their places; made for the first samples, and twice as large whenever it is full. */
  private buckets: Float64Array | null = null;
  /** Numbers in use, of whole rows. */
  private end = 0;
  private readonly pending: number[] = [];
  count = 0;
  least = Number.POSITIVE_INFINITY;
  most = zero;

  add(sample: number): void {
    this.count++;
    if (sample < this.least) this.least = sample;
    if (sample > this.most) this.most = sample;
    this.pending.push(sample);
    if (this.pending.length === pendingLimit) this.sortIn();
  }

  /** The densest group; null without samples. Among equally dense ones the smallest value. */
  densest(): Constant | null {
    this.sortIn();
    const { buckets } = this;
    if (buckets === null) return null;
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

  /** Puts the samples that wait into their buckets, those of one bucket in the order in which they came. */
  private sortIn(): void {
    const { pending } = this;
    if (pending.length === 0) return;
    const samples = pending.map((sample) => ({ sample, place: placeOf(sample) })).sort((a, b) => a.place - b.place);
    pending.length = 0;
    const buckets = this.bucketsWith(samples);
    let row = 0;
    for (const { sample, place } of samples) {
      while (row < this.end && buckets[row] !== place) row += width;
      buckets[row + 1]!++;
      buckets[row + 2]! += sample;
      if (sample < buckets[row + 3]!) buckets[row + 3] = sample;
      if (sample > buckets[row + 4]!) buckets[row + 4] = sample;
    }
  }

  /** The buckets, with empty ones where there were none for these samples. */
  private bucketsWith(samples: readonly { readonly sample: number; readonly place: number }[]): Float64Array {
    const old = this.buckets ?? new Float64Array(0);
    const missing: typeof samples[number][] = [];
    let row = 0;
    for (const one of samples) {
      while (row < this.end && old[row]! < one.place) row += width;
      const isThere = (row < this.end && old[row] === one.place) || missing.at(-1)?.place === one.place;
      if (!isThere) missing.push(one);
    }
    if (missing.length === 0) return old;
    let to = this.end + missing.length * width;
    const buckets = to <= old.length ? old : new Float64Array(Math.max(to, 2 * old.length));
    // From the back, so that none is written over before it was moved.
    let from = this.end;
    this.end = to;
    for (let next = missing.length - 1; next >= 0; next--) {
      const { sample, place } = missing[next]!;
      const behind = from;
      while (from > 0 && old[from - width]! > place) from -= width;
      to -= behind - from;
      buckets.set(old.subarray(from, behind), to);
      to -= width;
      buckets[to] = place;
      buckets[to + 1] = 0;
      buckets[to + 2] = 0;
      buckets[to + 3] = sample;
      buckets[to + 4] = sample;
    }
    if (buckets !== old) buckets.set(old.subarray(0, from));
    this.buckets = buckets;
    return buckets;
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
