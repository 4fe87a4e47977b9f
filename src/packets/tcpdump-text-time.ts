/**
 * Times of a tcpdump listing. What stands before a packet depends on the option that printed it:
 *
 *     (default)   20:36:50.792731                   time of day, no date
 *     -tttt       2026-11-21 20:36:50.792731        with date (tcpdump 3.x: month/day/year)
 *     -tt         1795223484.710313                 seconds of Unix time
 *     -ttt         00:00:00.000013                  since the packet before   (a space first)
 *     -ttttt       00:00:00.000013                  since the first packet    (a space first)
 *     -t                                            nothing
 *
 * Times of day and dates are those of the printing machine's clock, whose offset from UTC a listing does not tell. Without a date a
 * step back of more than half a day is midnight; silences of a day or more cannot be seen. -ttt and -ttttt look the same: times that
 * never run backwards are since the first packet, which a few packets decide (`decisionPackets`).
 */
import { nsPerSecond } from '../base/index.js';

export type TimeForm = 'time-of-day' | 'date' | 'unix' | 'since' | 'none';

export interface PrintedTime {
  readonly form: Exclude<TimeForm, 'none'>;
  /** Whole seconds: of Unix time, of the day, or since. */
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly decimals: number;
}

/** Packets that are held until it is clear what printed their times. */
export const decisionPackets = 64;

const secondsPerDay = 86_400;
const numberPattern = '^(?: {0,8}\\d{1,10} {1,2}(?=[ \\d]))?';
const datePattern = new RegExp(
  `${numberPattern} ?(?:(\\d{4})-(\\d\\d)-(\\d\\d)|(\\d\\d)/(\\d\\d)/(\\d{4}))[ T](\\d\\d):(\\d\\d):(\\d\\d)(?:\\.(\\d{1,9}))? `,
);
const clockPattern = new RegExp(`${numberPattern}( ?)(\\d{1,2}):(\\d\\d):(\\d\\d)(?:\\.(\\d{1,9}))? `);
const unixPattern = new RegExp(`${numberPattern}( ?)(\\d{1,11})\\.(\\d{1,9}) `);
const microsecondsPattern = /^(\d{6}) (?=IP|[0-9a-f]{2}:)/;

/** The time at the start of a line and where it ends, or null. */
export function takeTime(line: string): { readonly time: PrintedTime; readonly end: number } | null {
  const date = datePattern.exec(line);
  if (date !== null) {
    const [whole, year, month, day, otherMonth, otherDay, otherYear, hours, minutes, seconds, fraction = ''] = date;
    const days = Date.UTC(Number(year ?? otherYear), Number(month ?? otherMonth) - 1, Number(day ?? otherDay)) / 1000;
    return made('date', days + ofDay(hours, minutes, seconds), fraction, whole);
  }
  const clock = clockPattern.exec(line);
  if (clock !== null) {
    const [whole, space, hours, minutes, seconds, fraction = ''] = clock;
    return made(space === ' ' ? 'since' : 'time-of-day', ofDay(hours, minutes, seconds), fraction, whole);
  }
  const unix = unixPattern.exec(line);
  if (unix !== null) {
    const [whole, space, seconds = '', fraction = ''] = unix;
    return made(space === ' ' || seconds.length < 8 ? 'since' : 'unix', Number(seconds), fraction, whole);
  }
  const microseconds = microsecondsPattern.exec(line);
  return microseconds === null ? null : made('since', 0, microseconds[1]!, microseconds[0]);
}

const ofDay = (hours: string | undefined, minutes: string | undefined, seconds: string | undefined): number =>
  Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);

function made(form: PrintedTime['form'], seconds: number, fraction: string, whole: string) {
  const nanoseconds = Number(fraction.padEnd(9, '0'));
  return { time: { form, seconds, nanoseconds, decimals: fraction.length }, end: whole.length };
}

/** A moment on the scale of Unix time. */
export interface ListedMoment {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** Turns printed times into moments, in order of the listing. */
export class ListingClock {
  /** Form of the first time; `none` until there is one. */
  form: TimeForm = 'none';
  /** `since`: what the times count from, once it is known. */
  since: 'first' | 'previous' | 'undecided' = 'undecided';
  private day = 0;
  private lastSeconds = 0;
  private lastNanoseconds = 0;
  private sumSeconds = 0;
  private sumNanoseconds = 0;

  /** Looks at a time ahead of its turn: true when the clock can tell what all times so far mean. */
  decides(previous: PrintedTime | null, time: PrintedTime | null): boolean {
    if (this.form === 'none' && time !== null) this.form = time.form;
    if (this.form !== 'since' || this.since !== 'undecided' || time === null) return true;
    // A first packet that is not at 0 has one before it that is not shown.
    if (previous !== null && before(time, previous)) this.since = 'previous';
    return this.since !== 'undecided';
  }

  /** No further packet decides: times that never ran backwards are since the first. */
  settle(): void {
    if (this.since === 'undecided') this.since = 'first';
  }

  take(time: PrintedTime | null): ListedMoment {
    if (time === null) return { seconds: this.lastSeconds, nanoseconds: this.lastNanoseconds };
    let { seconds, nanoseconds } = time;
    if (time.form === 'time-of-day') {
      const stepSeconds = seconds + this.day - this.lastSeconds;
      if (stepSeconds < -secondsPerDay / 2) this.day += secondsPerDay;
      else if (stepSeconds > secondsPerDay / 2 && this.day > 0) this.day -= secondsPerDay;
      seconds += this.day;
    } else if (time.form === 'since' && this.since === 'previous') {
      nanoseconds += this.sumNanoseconds;
      seconds += this.sumSeconds;
      if (nanoseconds >= nsPerSecond) {
        nanoseconds -= nsPerSecond;
        seconds += 1;
      }
      this.sumSeconds = seconds;
      this.sumNanoseconds = nanoseconds;
    }
    this.lastSeconds = seconds;
    this.lastNanoseconds = nanoseconds;
    return { seconds, nanoseconds };
  }
}

const before = (a: PrintedTime, b: PrintedTime): boolean =>
  a.seconds < b.seconds || (a.seconds === b.seconds && a.nanoseconds < b.nanoseconds);
