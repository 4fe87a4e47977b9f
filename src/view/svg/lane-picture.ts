/**
 * Paints lanes, the axis above them and the strips of servers. Across, everything is placed by fractions of the width, written as the
 * caller wants them: per cent in a page, so that a picture follows the width of its column, pixels in a picture of its own.
 */
import type { Side } from '../../base/index.js';
import { endingActor, endingWords } from '../ending-words.js';
import type { BarOutcome, Lane, LaneBar, LanePoint, LanePointKind } from '../lane.js';
import { type Markup, markup, wireText } from '../markup.js';
import type { OpenBin } from '../open-connections.js';
import { formatCount, formatCounted, formatDuration, formatShortDuration } from '../quantity.js';
import type { TimeAxis } from '../time-axis.js';

export interface Across {
  /** Where a fraction lies, and how wide a stretch of it is. */
  at(fraction: number): string;
  wide(fraction: number): string;
}

export const percentAcross: Across = {
  at: (fraction) => `${+(100 * fraction).toFixed(3)}%`,
  wide: (fraction) => `${+(100 * fraction).toFixed(3)}%`,
};

export const pixelsAcross = (left: number, width: number): Across => ({
  at: (fraction) => String(+(left + fraction * width).toFixed(2)),
  wide: (fraction) => String(+(fraction * width).toFixed(2)),
});

export const laneHeight = 36;

/** One connection; `y`: its line of life. Nearer than this, points of one kind are told once. */
const pointDistance = 0.006;

export function paintLane(lane: Lane, axis: TimeAxis, across: Across, y: number): Markup {
  const { place } = axis;
  const { openedNs, handshakeEndNs, endNs, joinedLate, ending, otherBytes } = lane;
  const x = (ns: number): string => across.at(place(ns));
  const wide = (startNs: number, stopNs: number): string => across.wide(Math.max(0, place(stopNs) - place(startNs)));
  const parts: Markup[] = [
    markup`<line class="${joinedLate ? 'life late' : 'life'}" x1="${x(openedNs)}" x2="${x(endNs)}" y1="${y}" y2="${y}"/>`,
  ];
  if (handshakeEndNs !== null)
    parts.push(
      markup`<line class="opening" x1="${x(openedNs)}" x2="${x(handshakeEndNs)}" y1="${y}" y2="${y}"><title>handshake ${formatDuration(handshakeEndNs - openedNs)}</title></line>`,
    );
  if (otherBytes !== null)
    parts.push(
      markup`<rect class="bytes" x="${x(otherBytes.startNs)}" width="${wide(otherBytes.startNs, otherBytes.endNs)}" y="${y - 4}" height="8"><title>bytes of another protocol</title></rect>`,
    );
  for (const bar of lane.bars) parts.push(paintBar(bar, { x, wide, y }));
  parts.push(...paintPoints(lane.points, axis, across, y));
  parts.push(markup`<use href="#e-${ending.how}" x="${x(ending.at.atNs)}" y="${y}"/>`);
  if (ending.by === 'client' || ending.by === 'server')
    parts.push(markup`<use href="#c-${ending.by}" x="${x(ending.at.atNs)}" y="${y}"><title>${closedText(lane)}</title></use>`);
  return markup`${parts}`;
}

interface BarPlace {
  readonly x: (ns: number) => string;
  readonly wide: (startNs: number, stopNs: number) => string;
  readonly y: number;
}

/** Thin while the first byte of the response was waited for, thick while it came. */
function paintBar(bar: LaneBar, { x, wide, y }: BarPlace): Markup {
  const { startNs, firstByteNs, endNs, waitedOn, outcome, count } = bar;
  const title = markup`<title>${barText(bar)}</title>`;
  const tone = outcome === 'unanswered' ? `bar w-${waitedOn} none` : `bar w-${waitedOn}`;
  const rect = (fromNs: number, toNs: number, half: number): Markup =>
    markup`<rect class="${tone}" x="${x(fromNs)}" width="${wide(fromNs, toNs)}" y="${y - half}" height="${2 * half}"/>`;
  const thickFromNs = firstByteNs ?? (count > 1 ? startNs : endNs);
  const bars = [
    ...(thickFromNs > startNs ? [rect(startNs, thickFromNs, 4)] : []),
    ...(outcome === 'unanswered' ? [] : [rect(thickFromNs, endNs, 7)]),
  ];
  const sign = outcomeSigns[outcome];
  const mark =
    sign === ''
      ? null
      : markup`<text class="${outcome === 'client-error' ? 'sign warning outlined' : 'sign outlined'}" x="${x(endNs)}" y="${y - 9}">${sign}</text>`;
  return markup`<g>${title}${bars}${mark}</g>`;
}

export const outcomeSigns: Readonly<Record<BarOutcome, string>> = {
  ok: '',
  'client-error': '4',
  'server-error': '5',
  cut: '~',
  unanswered: '?',
};

const outcomeTexts: Readonly<Record<BarOutcome, string>> = {
  ok: '',
  'client-error': '',
  'server-error': '',
  cut: 'not finished',
  unanswered: 'no answer',
};

function barText({ request, status, startNs, endNs, waitedOn, outcome, first, count }: LaneBar): string {
  const took = formatDuration(endNs - startNs);
  if (count > 1)
    return `${formatCounted(count, 'request')} from number ${formatCount(first)} on, ${took}, waiting mostly for the ${waitedOn}`;
  const told = request === '' ? 'a request that was not captured' : wireText(request);
  const parts = [
    `${first}: ${told}`,
    status === null ? '' : String(status),
    outcomeTexts[outcome],
    took,
    `waiting mostly for the ${waitedOn}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

const closedText = ({ ending }: Lane): string => {
  const words = endingWords[ending.why].short;
  return words === '' ? endingActor(ending) : `${endingActor(ending)}, ${words}`;
};

const heights: Readonly<Record<Side, number>> = { client: -12, server: 12 };

const pointTexts: Readonly<Record<LanePointKind, readonly [one: string, many: string]>> = {
  probe: ['probe', 'probes'],
  repeat: ['segment sent again', 'segments sent again'],
  stall: ['zero window', 'zero windows'],
  missing: ['gap in the capture', 'gaps in the capture'],
  fin: ['FIN', 'FINs'],
  reset: ['RST', 'RSTs'],
};

function paintPoints(points: readonly LanePoint[], { place }: TimeAxis, across: Across, y: number): Markup[] {
  const groups = new Map<string, { at: number; count: number; readonly point: LanePoint; readonly first: number }[]>();
  for (const point of points) {
    const key = `${point.kind} ${point.from}`;
    const at = place(point.atNs);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    const before = group.at(-1);
    if (before !== undefined && at - before.first < pointDistance) before.count++;
    else group.push({ at, first: at, count: 1, point });
  }
  return [...groups.values()].flat().map(({ at, count, point: { kind, from } }) => {
    const text = formatCounted(count, ...pointTexts[kind]);
    const height = kind === 'fin' ? heights[from] / 2 : heights[from];
    return markup`<use href="#s-${kind}" x="${across.at(at)}" y="${y + height}"><title>${text} of the ${from}</title></use>`;
  });
}

/** Lines of the ticks, and the folds, over a height. */
export function paintGrid({ segments, ticks }: TimeAxis, across: Across, y: number, height: number): Markup {
  const folds = segments
    .filter(({ folded }) => folded)
    .map(
      ({ from, to }) =>
        markup`<rect class="fold" x="${across.at(from)}" width="${across.wide(to - from)}" y="${y}" height="${height}"/>`,
    );
  const lines = ticks.map(
    ({ at }) => markup`<line class="grid" x1="${across.at(at)}" x2="${across.at(at)}" y1="${y}" y2="${y + height}"/>`,
  );
  return markup`${lines}${folds}`;
}

/** Height of the two lines of the axis: times, and what is folded. */
export const axisHeight = 34;
/** Labels of folds nearer than this are left out of a narrow picture. */
const foldLabelDistance = 0.13;

export function paintAxis({ segments, ticks }: TimeAxis, across: Across, y: number): Markup {
  const labels = ticks.map(
    ({ at, label, major }) =>
      markup`<text class="${major ? 'tick' : 'tick minor'}" x="${across.at(at)}" dx="3" y="${y + 29}">${label}</text><line class="grid" x1="${across.at(at)}" x2="${across.at(at)}" y1="${y + 18}" y2="${y + axisHeight}"/>`,
  );
  let before = Number.NEGATIVE_INFINITY;
  const folds = segments
    .filter(({ folded }) => folded)
    .map(({ from, to, startNs, endNs }) => {
      const middle = (from + to) / 2;
      const tone = middle - before < foldLabelDistance ? 'folded-time minor' : 'folded-time';
      before = middle;
      const took = formatDuration(endNs - startNs);
      return markup`<g><title>${took} in which nothing happened on any connection, drawn narrow</title><rect class="fold" x="${across.at(from)}" width="${across.wide(to - from)}" y="${y + 16}" height="${axisHeight - 16}"/><text class="${tone}" x="${across.at(middle)}" y="${y + 11}">${formatShortDuration(endNs - startNs)}</text></g>`;
    });
  return markup`${folds}${labels}`;
}

/** Open connections over time, and marks where some ended badly. */
export function paintStrip(bins: readonly OpenBin[], { place }: TimeAxis, across: Across, y: number, height: number): Markup {
  const most = bins.reduce((highest, { open }) => Math.max(highest, open), 0);
  const areas = bins
    .filter(({ open }) => open > 0)
    .map(({ startNs, endNs, open }) => {
      const from = place(startNs);
      const tall = Math.max(1, (open / most) * height);
      return markup`<rect class="area" x="${across.at(from)}" width="${across.wide(place(endNs) - from)}" y="${+(y + height - tall).toFixed(1)}" height="${+tall.toFixed(1)}"/>`;
    });
  const bad = bins
    .filter(({ badEndings }) => badEndings > 0)
    .map(
      ({ startNs, endNs, badEndings }) =>
        markup`<use href="#s-reset" x="${across.at(place((startNs + endNs) / 2))}" y="${y + 4}"><title>${formatCounted(badEndings, 'bad ending')}</title></use>`,
    );
  return markup`${areas}${bad}`;
}
