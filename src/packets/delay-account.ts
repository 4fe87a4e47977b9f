/**
 * Delays, summed up: the least and the longest exactly, the median and the 95th of a hundred from at most `delayLimit` of them. When
 * there are more, every second one is let go, again and again.
 */
import type { DelaySummary } from './comparison.js';

const delayLimit = 65_536;

export class DelayAccount {
  private kept: number[] = [];
  private stride = 1;
  private count = 0;
  private least = Number.POSITIVE_INFINITY;
  private most = Number.NEGATIVE_INFINITY;

  add(delayNs: number): void {
    if (this.count % this.stride === 0) {
      this.kept.push(delayNs);
      if (this.kept.length >= delayLimit) {
        this.kept = this.kept.filter((_, index) => index % 2 === 0);
        this.stride *= 2;
      }
    }
    this.count++;
    this.least = Math.min(this.least, delayNs);
    this.most = Math.max(this.most, delayNs);
  }

  /** Longest less least; 0 without any. */
  get rangeNs(): number {
    return this.count === 0 ? 0 : this.most - this.least;
  }

  summary(): DelaySummary | null {
    if (this.count === 0) return null;
    const sorted = this.kept.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
    return { packets: this.count, leastNs: this.least, medianNs: at(0.5), highNs: at(0.95), mostNs: this.most };
  }
}
