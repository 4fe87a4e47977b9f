/**
 * Sockets in state TIME_WAIT, as many as the closes of one side leave behind: the side that sends the first FIN holds the socket
 * for a while (RFC 9293 §3.6.1), and with it the port. Counted in numbers of a row (facts-rows.ts): closes, and the most within one
 * minute, to within five seconds.
 */

/** Linux: TCP_TIMEWAIT_LEN. */
const timeWaitNs = 60e9;
/** Linux: net.ipv4.ip_local_port_range is 32768–60999 by default. */
export const ephemeralPorts = 28_232;
const bucketCount = 12;
const bucketNs = timeWaitNs / bucketCount;

/** Places in the row: closes, the peak, the newest bucket, the closes in all buckets, then the buckets of the last minute, by time. */
const peakAt = 1;
const newestAt = 2;
const heldAt = 3;
const bucketsAt = 4;
/** Numbers that one side's closes take. */
export const timeWaitWidth = bucketsAt + bucketCount;

export interface TimeWait {
  readonly count: number;
  /** The most sockets in TIME_WAIT at once. */
  readonly peak: number;
}

export const timeWaitIn = (numbers: Float64Array, from: number): TimeWait => ({
  count: numbers[from]!,
  peak: numbers[from + peakAt]!,
});

/** Makes the numbers those of no close: all zero. */
export function restartTimeWait(numbers: Float64Array, from: number): void {
  if (numbers[from] !== 0) numbers.fill(0, from, from + timeWaitWidth);
}

export function addTimeWait(numbers: Float64Array, from: number, atNs: number): void {
  // A damaged capture has times before its first packet.
  const bucket = Math.max(0, Math.floor(atNs / bucketNs));
  const buckets = from + bucketsAt;
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
