/**
 * Time on one scale: nanoseconds since the source's origin, as a plain number (exact up to 2^53 ns, 104 days).
 * The origin is a whole second of Unix time, so that absolute times keep all the digits the capture has.
 */

/**
 * Zero for fields that hold nanoseconds: kept as a float from the beginning. One that is first kept as a small integer changes the layout
 * of its object at the first time longer than two seconds, and compiled code that knows the object is thrown away.
 */
export const zeroNs = -0;

export const nsPerMs = 1e6;
export const nsPerSecond = 1e9;

/**
 * ISO 8601 in UTC with exactly `decimals` digits of the second (0 to 9); digits beyond are cut, not rounded, so that two
 * times keep their order. A time outside the range of a Date (damaged captures have them) is written as `@seconds.decimals`.
 */
export function formatIsoTime(originSeconds: number, atNs: number, decimals: number): string {
  const wholeSeconds = Math.floor(atNs / nsPerSecond);
  const fractionNs = atNs - wholeSeconds * nsPerSecond;
  const seconds = originSeconds + wholeSeconds;
  const fraction = decimals === 0 ? '' : `.${String(Math.floor(fractionNs)).padStart(9, '0').slice(0, decimals)}`;
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime()) || seconds < 0 || seconds > 253402300799) return `@${seconds}${fraction}`;
  return `${date.toISOString().slice(0, 19)}${fraction}Z`;
}
