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
  /** The closes of the last minute by time; made for the second close, because most pairs have a single one. */
  private buckets: number[] | null = null;
  private newest = -1;
  /** Closes in the buckets, and whether they are one that is not there yet. */
  private held = 0;
  private isFirst = false;

  /** Forgets them all, for another pair. */
  restart(): void {
    this.count = 0;
    this.peak = 0;
    this.buckets?.fill(0);
    this.newest = -1;
    this.held = 0;
  }

  add(atNs: number): void {
    this.count++;
    const bucket = Math.floor(atNs / bucketNs);
    if (this.newest < 0) {
      this.newest = bucket;
      this.held = 1;
      this.isFirst = true;
      this.peak = 1;
      return;
    }
    this.buckets ??= new Array<number>(bucketCount).fill(0);
    const buckets = this.buckets;
    if (this.isFirst) {
      buckets[this.newest % bucketCount] = 1;
      this.isFirst = false;
    }
    // A close that is told late counts as one of its time as long as that is in the window.
    if (bucket <= this.newest - bucketCount || bucket < 0) return;
    if (bucket - this.newest >= bucketCount) {
      buckets.fill(0);
      this.held = 0;
      this.newest = bucket;
    }
    for (; this.newest < bucket; this.newest++) {
      const oldest = (this.newest + 1) % bucketCount;
      this.held -= buckets[oldest]!;
      buckets[oldest] = 0;
    }
    buckets[bucket % bucketCount]!++;
    this.held++;
    if (this.held > this.peak) this.peak = this.held;
  }
}
