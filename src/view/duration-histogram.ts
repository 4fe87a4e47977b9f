/**
 * Quantiles of any number of durations in fixed memory: buckets 5 % wide from 1 ns to 100 days, so that a quantile is within
 * 2.5 % of the truth; the largest and the count are exact.
 */
const bucketsPerE = 1 / Math.log(1.05);
const bucketCount = Math.ceil(Math.log(8.64e15) * bucketsPerE) + 1;

export class DurationHistogram {
  readonly #buckets = new Float64Array(bucketCount);
  count = 0;
  maximumNs = 0;

  add(ns: number): void {
    const bucket = ns < 1 ? 0 : Math.min(bucketCount - 1, 1 + Math.floor(Math.log(ns) * bucketsPerE));
    this.#buckets[bucket] = this.#buckets[bucket]! + 1;
    this.count++;
    if (ns > this.maximumNs) this.maximumNs = ns;
  }

  /** The duration that a share of all (0 to 1) does not exceed; 0 without any. */
  quantile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.count));
    let sum = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      sum += this.#buckets[bucket]!;
      if (sum >= wanted) return bucket === 0 ? 0 : Math.min(this.maximumNs, Math.exp((bucket - 0.5) / bucketsPerE));
    }
    return this.maximumNs;
  }
}
