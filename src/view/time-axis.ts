/**
 * One axis of time for all connections of a picture: where a moment lies between 0 (left) and 1 (right), and where the ticks stand.
 *
 * Time is drawn to scale, but for folds: a long stretch in which nothing happened on any connection (nobody asked, answered,
 * opened, closed or probed) is folded to a narrow band that carries its duration. Without folds, two seconds of idleness would
 * leave nothing of ten exchanges of a millisecond. Few folds only, the longest: a picture of folds is no picture of time.
 */
import { formatIsoTime, nsPerSecond } from '../base/index.js';
import type { Stretch } from './busy-time.js';

interface AxisSegment {
  readonly startNs: number;
  readonly endNs: number;
  /** Fractions of the width. */
  readonly from: number;
  readonly to: number;
  readonly folded: boolean;
}

interface AxisTick {
  readonly atNs: number;
  readonly at: number;
  /** Time of day in UTC: `13:04:58`, or only what changed since the tick before: `:58.5`. */
  readonly label: string;
  /** Enough of them for a narrow picture. */
  readonly major: boolean;
}

export interface TimeAxis {
  readonly segments: readonly AxisSegment[];
  readonly ticks: readonly AxisTick[];
  /** Fraction of the width; moments outside lie on the edge. */
  place(atNs: number): number;
}

export interface TimeAxisInput {
  readonly startNs: number;
  readonly endNs: number;
  /** In order of time, without overlap (BusyTime). */
  readonly busy: readonly Stretch[];
  /** Unix time that the nanoseconds count from. */
  readonly originSeconds: number;
}

export const foldLimit = 8;
/** A stretch is folded when it takes more than this of what is drawn to scale. */
const foldShare = 0.2;
/** Width of a fold, and of all folds together at the most. */
const foldWidth = 0.06;
const foldWidthOfAll = 0.3;
/** Least distance between two ticks, and moments looked at in one segment. */
const tickDistance = 0.107;
/** Width of a label's character, about, on a picture of 550 pixels. */
const characterWidth = 0.0118;
const momentLimit = 64;

export function timeAxisOf({ startNs, endNs, busy, originSeconds }: TimeAxisInput): TimeAxis {
  const segments = placeSegments(foldQuiet(startNs, Math.max(endNs, startNs + 1), busy));
  const place = (atNs: number): number => {
    if (atNs <= startNs) return 0;
    for (const segment of segments) {
      if (atNs > segment.endNs) continue;
      const { from, to } = segment;
      return from + ((to - from) * (atNs - segment.startNs)) / (segment.endNs - segment.startNs);
    }
    return 1;
  };
  return { segments, place, ticks: ticksOf(segments, originSeconds) };
}

type Part = Pick<AxisSegment, 'startNs' | 'endNs' | 'folded'>;

function foldQuiet(startNs: number, endNs: number, busy: readonly Stretch[]): Part[] {
  const quiets: Stretch[] = [];
  let now = startNs;
  for (const stretch of busy) {
    if (stretch.startNs > now) quiets.push({ startNs: now, endNs: Math.min(endNs, stretch.startNs) });
    now = Math.max(now, stretch.endNs);
  }
  if (endNs > now) quiets.push({ startNs: now, endNs });
  quiets.sort((a, b) => lengthOf(b) - lengthOf(a));
  let toScaleNs = endNs - startNs;
  const folded: Stretch[] = [];
  for (const quiet of quiets) {
    if (folded.length >= foldLimit || lengthOf(quiet) <= foldShare * toScaleNs) break;
    folded.push(quiet);
    toScaleNs -= lengthOf(quiet);
  }
  // A little of the quiet stays to scale on both sides of a fold, so that what happened does not touch it.
  const shortest = folded.at(-1);
  if (shortest === undefined) return [{ startNs, endNs, folded: false }];
  const marginNs = Math.min(Math.max(0.02 * toScaleNs, 1), lengthOf(shortest) / 4);
  const parts: Part[] = [];
  now = startNs;
  for (const fold of folded.sort((a, b) => a.startNs - b.startNs)) {
    const from = fold.startNs + marginNs;
    const to = fold.endNs - marginNs;
    parts.push({ startNs: now, endNs: from, folded: false }, { startNs: from, endNs: to, folded: true });
    now = to;
  }
  parts.push({ startNs: now, endNs, folded: false });
  return parts;
}

const lengthOf = ({ startNs, endNs }: Stretch): number => endNs - startNs;

function placeSegments(parts: readonly Part[]): AxisSegment[] {
  const folds = parts.filter(({ folded }) => folded).length;
  const oneFold = folds === 0 ? 0 : Math.min(foldWidth, foldWidthOfAll / folds);
  const toScaleNs = parts.reduce((sum, part) => sum + (part.folded ? 0 : lengthOf(part)), 0);
  const left = 1 - folds * oneFold;
  let from = 0;
  return parts.map((part, index) => {
    const to = index === parts.length - 1 ? 1 : from + (part.folded ? oneFold : (left * lengthOf(part)) / toScaleNs);
    const segment = { ...part, from, to };
    from = to;
    return segment;
  });
}

/** Steps that people count in, in ns: 1, 2, 5 of each decade up to a second, then parts of minutes, hours and days. */
const steps: readonly number[] = [
  ...[1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].flatMap((unit) => [unit, 2 * unit, 5 * unit]),
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1e9),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60e9),
  ...[1, 2, 3, 6, 12].map((hours) => hours * 3600e9),
  ...[1, 2, 7, 14, 28, 91, 182, 365, 730, 1825, 3650, 36500].map((days) => days * 86400e9),
];

function ticksOf(segments: readonly AxisSegment[], originSeconds: number): AxisTick[] {
  const scaled = segments.filter(({ folded }) => !folded);
  const spanNs = scaled.reduce((sum, part) => sum + lengthOf(part), 0);
  const width = scaled.reduce((sum, { from, to }) => sum + to - from, 0);
  const step = steps.find((each) => each >= (tickDistance * spanNs) / width) ?? steps.at(-1)!;
  const ticks: AxisTick[] = [];
  let room = 0;
  let textBefore = '';
  let index = 0;
  for (const { startNs, endNs, from, to } of scaled) {
    const moments = momentsOf(startNs, endNs, step, originSeconds);
    // A segment between folds too short for a round moment tells when it begins, as exactly as its length asks for.
    const own = moments.length > 0 ? step : 10 ** Math.floor(Math.log10(Math.max(1, endNs - startNs)));
    for (const atNs of moments.length > 0 ? moments : [startNs]) {
      const at = from + ((to - from) * (atNs - startNs)) / (endNs - startNs);
      if (at < room || at > 1 - tickDistance / 2) continue;
      const text = timeText(atNs, originSeconds, own);
      const label = whatChanged(text, textBefore);
      ticks.push({ atNs, at, label, major: index % 2 === 0 });
      room = at + Math.max(tickDistance, (label.length + 1) * characterWidth);
      textBefore = text;
      index++;
    }
  }
  return ticks;
}

/** Round moments of a segment; may be none. */
function momentsOf(startNs: number, endNs: number, step: number, originSeconds: number): number[] {
  const originNs = (originSeconds % (step / nsPerSecond)) * nsPerSecond;
  const offset = step >= nsPerSecond ? originNs : 0;
  const first = Math.ceil((startNs + offset) / step) * step - offset;
  const moments: number[] = [];
  for (let atNs = first; atNs <= endNs && moments.length < momentLimit; atNs += step) moments.push(atNs);
  return moments;
}

/** `2014-12-03 13:04:58.5`, with the decimals that the step asks for. */
function timeText(atNs: number, originSeconds: number, step: number): string {
  const decimals = step >= nsPerSecond ? 0 : Math.min(9, Math.ceil(-Math.log10(step / nsPerSecond) - 1e-9));
  const text = formatIsoTime(originSeconds, atNs, decimals).replace('T', ' ').replace(/Z$/, '');
  return step >= 60e9 ? text.replace(/:\d\d$/, '') : text;
}

/** The first label is a whole time of day; later ones leave out what stayed the same; a new day is said. */
function whatChanged(text: string, before: string): string {
  const [day = '', time = ''] = text.split(' ');
  const [dayBefore = '', timeBefore = ''] = before.split(' ');
  if (time === '') return text;
  if (before === '') return time;
  if (day !== dayBefore) return `${day} ${time}`;
  const sameMinute = time.slice(0, 5) === timeBefore.slice(0, 5);
  return sameMinute && time.includes('.') ? time.slice(5) : time;
}
