/**
 * Connections, one line each:
 *
 *      #  opened s  client  req  life                   ended
 *     #0     0.000  :51234    5  ├█·█·█·5.0s·█·15s·┤    server FIN, idle 15.0 s
 *
 * The list also works for a stream of lines, when nothing is known in common.
 */
import type { Clock } from '../clock.js';
import type { ConnectionRow } from '../connection-row.js';
import { endingLine, endingWords, type Severity } from '../ending-words.js';
import { clipEnd } from '../escape.js';
import { renderLife } from './life-picture.js';
import { columnGap, countText, endsText, idText, type ListLayout, timeText, titlesOf } from './list-layout.js';
import { glyphsOf, type Paint, type Palette, type TerminalStyle } from './style.js';

export const renderListHead = (layout: ListLayout, style: TerminalStyle): string => style.palette.faint(titlesOf(layout, style));

export function renderListLine(row: ConnectionRow, layout: ListLayout, clock: Clock, style: TerminalStyle): string {
  const { palette } = style;
  const ending = clipEnd(endingLine(row, style, layout), layout.endingWidth, glyphsOf(style).ellipsis);
  return [
    palette.strong(idText(row).padStart(layout.idWidth)),
    timeText(row, layout.timeForm, clock, layout.terse).padStart(layout.timeWidth),
    endsText(row, layout.common, style, layout.endsWidth).padEnd(layout.endsWidth),
    paintCount(row, palette)(countText(row).padStart(layout.countWidth)),
    renderLife(row, layout.lifeWidth, style),
    paintOfSeverity(endingWords[row.ending.why].severity, palette)(ending),
  ].join(columnGap);
}

function paintCount({ exchangeCount, responseCount }: ConnectionRow, palette: Palette): Paint {
  if (responseCount < exchangeCount) return palette.warning;
  return exchangeCount === 0 ? palette.faint : (text) => text;
}

export function paintOfSeverity(severity: Severity, palette: Palette): Paint {
  switch (severity) {
    case 'bad':
      return palette.bad;
    case 'notable':
      return palette.warning;
    case 'good':
      return palette.good;
    case 'neutral':
      return palette.faint;
  }
}
