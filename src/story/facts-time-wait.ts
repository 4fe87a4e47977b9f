/**
 * Sockets in state TIME_WAIT, as many as the closes of one side leave behind: the side that sends the first FIN holds the socket
 * for a while (RFC 9293 §3.6.1), and with it the port. Counted in integers of a row (facts-rows.ts): closes, and the most within one
 * minute, to within five seconds.
 */

/** Linux: TCP_TIMEWAIT_LEN. */
const timeWaitNs = 60e9;
/** Linux: net.ipv4.ip_local_port_range is 32768–60999 by default. */
export const ephemeralPorts = 28_232;
const bucketCount = 12;
const bucketNs = timeWaitNs / bucketCount;

/** More than a hundred years of buckets, so that they are integers. */
const lastBucket = 2 ** 30;

/** Places in the row: closes, the peak, the newest bucket, the closes in all buckets; elsewhere the buckets of the last minute, by time. */
const peakAt = 1;
const newestAt = 2;
const heldAt = 3;
/** Integers that one side's closes take, and the buckets beside them. */
export const timeWaitWidth = 4;
export const timeWaitBuckets = bucketCount;

export interface TimeWait {
  readonly count: number;
  /** The most sockets in TIME_WAIT at once. */
  readonly peak: number;
}

export const timeWaitIn = (numbers: Int32Array, from: number): TimeWait => ({
  count: numbers[from]!,
  peak: numbers[from + peakAt]!,
});

/** Makes the numbers those of no close: all zero. */
export function restartTimeWait(numbers: Int32Array, from: number, buckets: number): void {
  if (numbers[from] === 0) return;
  numbers.fill(0, from, from + timeWaitWidth);
  numbers.fill(0, buckets, buckets + timeWaitBuckets);
}

/** `from` and `buckets`: where they begin in the numbers. */
export function addTimeWait(numbers: Int32Array, from: number, buckets: number, atNs: number): void {
  // A damaged capture has times before its first packet.
  const bucket = Math.min(lastBucket, Math.max(0, atNs / bucketNs)) | 0;
  if (numbers[from]!++ === 0) numbers[from + newestAt] = bucket;
  let newest = numbers[from + newestAt]!;
  let held = numbers[from + heldAt]!;
  // A close that is told late counts as one of its time as long as that is in the window.
  if (bucket <= newest - bucketCount) return;
  for (let passed = Math.min(bucket - newest, bucketCount); passed > 0; passed--) {
    const oldest = buckets + ((newest + passed) % bucketCount);
    held -= numbers[oldest]!;
    numbers[oldest] = 0;
  }
  newest = Math.max(newest, bucket);
  numbers[buckets + (bucket % bucketCount)]!++;
  held++;
  numbers[from + newestAt] = newest;
  numbers[from + heldAt] = held;
  if (held > numbers[from + peakAt]!) numbers[from + peakAt] = held;
}
