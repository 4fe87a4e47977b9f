/**
 * A source's clock: turns `atNs` into the absolute and relative times that the views print. One per source.
 */
import { formatIsoTime, nsPerSecond, type SourceSummary } from '../base/index.js';

export interface Clock {
  /** ISO 8601 in UTC with as many decimals as the source has. */
  iso(atNs: number): string;
  /** Time of day in UTC, at most `decimals` (those of the source by default): `10:11:12.345678`. */
  timeOfDay(atNs: number, decimals?: number): string;
  /** Date and time in UTC: `2010-06-29 19:41:35.135`. */
  dateAndTime(atNs: number, decimals?: number): string;
  /** Nanoseconds since the first packet. */
  sinceStart(atNs: number): number;
  readonly decimals: number;
  /** From the first packet to the last. */
  readonly spanNs: number;
}

export type ClockFacts = Pick<SourceSummary, 'originSeconds' | 'timeDecimals' | 'firstAtNs' | 'lastAtNs'>;

/** Times come in bursts within one second, so the second's text is kept: twice as fast on a million exchanges. */
export function clockOf({ originSeconds, timeDecimals, firstAtNs, lastAtNs }: ClockFacts): Clock {
  const startNs = firstAtNs ?? 0;
  let second = Number.NaN;
  let secondText = '';
  const iso = (atNs: number): string => {
    const whole = Math.floor(atNs / nsPerSecond);
    if (whole !== second) {
      second = whole;
      secondText = formatIsoTime(originSeconds, whole * nsPerSecond, 0).replace(/Z$/, '');
    }
    if (timeDecimals === 0) return secondText.startsWith('@') ? secondText : `${secondText}Z`;
    const digits = String(Math.floor(atNs - whole * nsPerSecond))
      .padStart(9, '0')
      .slice(0, timeDecimals);
    return secondText.startsWith('@') ? `${secondText}.${digits}` : `${secondText}.${digits}Z`;
  };
  const dateAndTime = (atNs: number, decimals = timeDecimals): string => {
    const text = iso(atNs).replace('T', ' ').replace('Z', '');
    return text.slice(0, text.length - Math.max(0, timeDecimals - decimals) - (decimals === 0 && timeDecimals > 0 ? 1 : 0));
  };
  return {
    decimals: timeDecimals,
    spanNs: (lastAtNs ?? startNs) - startNs,
    iso,
    sinceStart: (atNs) => atNs - startNs,
    dateAndTime,
    timeOfDay: (atNs, decimals) => dateAndTime(atNs, decimals).replace(/^\d{4}-\d\d-\d\d /, ''),
  };
}
