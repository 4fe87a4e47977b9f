/**
 * Sockets in state TIME_WAIT, as many as the closes of one side leave behind: the side that sends the first FIN holds the socket
 * for a while (RFC 9293 §3.6.1), and with it the port.
 */

/** Linux: TCP_TIMEWAIT_LEN. */
const timeWaitNs = 60e9;
/** Linux: net.ipv4.ip_local_port_range is 32768–60999 by default. */
export const ephemeralPorts = 28_232;
const bucketNs = 5e9;
const bucketCount = timeWaitNs / bucketNs;

/** Counts closes, and the most within one minute, to within five seconds. */
export class TimeWaitMeter {
  count = 0;
  /** The most sockets in TIME_WAIT at once. */
  peak = 0;
  #buckets: number[] | null = null;
  #newest = -1;

  add(atNs: number): void {
    this.count++;
    const bucket = Math.floor(atNs / bucketNs);
    if (this.#newest < 0) {
      // Most pairs have a single close: no array for them.
      this.#newest = bucket;
      this.peak = 1;
      return;
    }
    this.#buckets ??= firstBucket(this.#newest);
    const buckets = this.#buckets;
    // A close that is told late counts as one of its time as long as that is in the window.
    if (bucket <= this.#newest - bucketCount) return;
    if (bucket - this.#newest >= bucketCount) {
      buckets.fill(0);
      this.#newest = bucket;
    }
    for (; this.#newest < bucket; this.#newest++) buckets[(this.#newest + 1) % bucketCount] = 0;
    buckets[bucket % bucketCount]!++;
    let sum = 0;
    for (const inBucket of buckets) sum += inBucket;
    if (sum > this.peak) this.peak = sum;
  }
}

function firstBucket(bucket: number): number[] {
  const buckets = new Array<number>(bucketCount).fill(0);
  buckets[bucket % bucketCount] = 1;
  return buckets;
}

/** Of a side that never closed first. */
export const noTimeWait: Pick<TimeWaitMeter, 'count' | 'peak'> = { count: 0, peak: 0 };
