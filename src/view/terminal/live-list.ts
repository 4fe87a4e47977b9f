/**
 * Connections that live, one line each, for a screen that is drawn again and again:
 *
 *       #  opened UTC  client  req  life                now
 *     >12  04:10:55    :51234    5  ├█·█·█·5.0s·→       idle 5.0s
 *
 * Widths come from the width of the screen and grow with what has been shown, never from what happens to be shown just now: columns
 * that jump cannot be read. On a narrow screen columns are left out, the least telling first.
 */
import type { Clock } from '../clock.js';
import { clipEnd } from '../escape.js';
import { type LiveRow, liveSeverity, liveWords } from '../live-row.js';
import { paintOfSeverity } from './connection-list.js';
import { renderLife } from './life-picture.js';
import { type CommonEnds, columnGap, countText, endsText, idText } from './list-layout.js';
import { glyphsOf, type TerminalStyle } from './style.js';

export interface LiveLayout {
  readonly idWidth: number;
  /** 0: the column is left out, as with the others. */
  readonly timeWidth: number;
  readonly endsWidth: number;
  readonly countWidth: number;
  readonly lifeWidth: number;
  readonly stateWidth: number;
}

const timeWidth = 8;

/** `idWidth` and `countWidth`: of the widest shown so far. */
export function layOutLive(columns: number, idWidth: number, countWidth: number, common: CommonEnds): LiveLayout {
  const gap = columnGap.length;
  // Of the first column a mark for the selected line is part.
  let free = columns - 1 - idWidth;
  const take = (width: number, leastColumns: number): number => {
    if (columns < leastColumns) return 0;
    free -= width + gap;
    return width;
  };
  const time = take(timeWidth, 72);
  const count = take(countWidth, 44);
  const state = take(Math.max(10, Math.min(32, Math.floor(columns * 0.28))), 24);
  const endsRoom = common.server === null ? Math.min(46, Math.floor(columns * 0.26)) : common.clientAddress === null ? 22 : 8;
  const ends = take(Math.max(8, endsRoom), 56);
  return {
    idWidth,
    timeWidth: time,
    endsWidth: ends,
    countWidth: count,
    lifeWidth: free - gap >= 4 ? free - gap : 0,
    stateWidth: state,
  };
}

export function renderLiveHead(layout: LiveLayout, common: CommonEnds, style: TerminalStyle): string {
  const ends = common.server === null ? `client ${glyphsOf(style).arrow} server` : 'client';
  const cells = [
    '#'.padStart(layout.idWidth + 1),
    cell('opened', layout.timeWidth),
    cell(ends, layout.endsWidth),
    layout.countWidth === 0 ? '' : 'req'.padStart(layout.countWidth),
    cell('life', layout.lifeWidth),
    cell('now', layout.stateWidth),
  ];
  return style.palette.faint(joined(cells).trimEnd());
}

export interface LiveLineOptions {
  readonly common: CommonEnds;
  readonly clock: Clock;
  readonly selected: boolean;
}

export function renderLiveLine(
  row: LiveRow,
  layout: LiveLayout,
  { common, clock, selected }: LiveLineOptions,
  style: TerminalStyle,
): string {
  const { palette } = style;
  const { ellipsis } = glyphsOf(style);
  const words = liveWords(row, style);
  const fitting = words.length > layout.stateWidth ? liveWords(row, style, { terse: true }) : words;
  const state = layout.stateWidth === 0 ? '' : clipEnd(fitting, layout.stateWidth, ellipsis);
  const severity = liveSeverity(row);
  const isOpen = row.state.kind !== 'ended';
  const paint = isOpen && severity === 'neutral' ? (text: string): string => text : paintOfSeverity(severity, palette);
  const ends = layout.endsWidth === 0 ? '' : endsText(row, common, style, layout.endsWidth);
  const mark = selected ? '>' : ' ';
  const id = clipEnd(idText(row), layout.idWidth, '').padStart(layout.idWidth);
  const count = layout.countWidth === 0 ? '' : countThatFits(row, layout.countWidth).padStart(layout.countWidth);
  return joined([
    selected ? palette.notable(mark) + palette.strong(id) : mark + (isOpen ? palette.strong(id) : id),
    layout.timeWidth === 0 ? '' : clock.timeOfDay(row.openedNs, 0).slice(0, timeWidth).padEnd(timeWidth),
    ends.padEnd(layout.endsWidth),
    row.responseCount < row.exchangeCount ? palette.warning(count) : count,
    layout.lifeWidth === 0 ? '' : renderLife(row, layout.lifeWidth, style),
    paint(state),
  ]);
}

/** `4/5` while one is not answered; where that finds no room, the requests alone. */
function countThatFits(row: LiveRow, width: number): string {
  const text = countText(row);
  return text.length <= width ? text : clipEnd(`${row.exchangeCount}`, width, '');
}

const cell = (text: string, width: number): string => (width === 0 ? '' : clipEnd(text, width, '').padEnd(width));
const joined = (cells: readonly string[]): string => cells.filter((one) => one !== '').join(columnGap);
