/**
 * Finds a constant among measured durations or counts: "this server closes after 5.00 s idle (31 of 33 closes, ± 3 ms)".
 *
 * Samples go into buckets of one per cent width (a logarithmic scale), so any number of samples takes bounded memory and no
 * sample is chosen by chance. The constant is the densest run of neighbouring buckets; value and spread are exact within it.
 */

import type { ConnectionId } from '../base/index.js';
import type { Moment } from './model.js';

interface Bucket {
  count: number;
  sum: number;
  least: number;
  most: number;
}

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

export class ConstantFinder {
  #buckets = new Map<number, Bucket>();
  count = 0;
  least = Number.POSITIVE_INFINITY;
  most = 0;

  add(sample: number): void {
    this.count++;
    if (sample < this.least) this.least = sample;
    if (sample > this.most) this.most = sample;
    const place = Math.floor(Math.log(Math.max(sample, leastSample)) / bucketRatio);
    const bucket = this.#buckets.get(place);
    if (bucket === undefined) {
      this.#buckets.set(place, { count: 1, sum: sample, least: sample, most: sample });
      return;
    }
    bucket.count++;
    bucket.sum += sample;
    if (sample < bucket.least) bucket.least = sample;
    if (sample > bucket.most) bucket.most = sample;
  }

  /** The densest group; null without samples. Among equally dense ones the smallest value. */
  densest(): Constant | null {
    let best: Constant | null = null;
    const places = [...this.#buckets.keys()].sort((a, b) => a - b);
    for (const place of places) {
      let count = 0;
      let sum = 0;
      let least = Number.POSITIVE_INFINITY;
      let most = 0;
      for (let near = place - reach; near <= place + reach; near++) {
        const bucket = this.#buckets.get(near);
        if (bucket === undefined) continue;
        count += bucket.count;
        sum += bucket.sum;
        least = Math.min(least, bucket.least);
        most = Math.max(most, bucket.most);
      }
      if (best === null || count > best.count)
        best = { value: sum / count, spread: (most - least) / 2, least, most, count, of: this.count };
    }
    return best;
  }

  /** The densest group when it holds at least `share` of all samples and `least` of them. */
  constant({ least, share }: { readonly least: number; readonly share: number }): Constant | null {
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
    if (found === null) return null;
    const agreeing = this.samples.filter(({ value }) => value >= found.least && value <= found.most);
    return {
      ...found,
      connections: agreeing.map(({ connection }) => connection),
      packets: agreeing.map(({ packet }) => packet),
    };
  }
}
