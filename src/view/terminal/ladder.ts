/**
 * The ladder, painted:
 *
 *     packet      time      +  client                                   server
 *          4  0.001203  502 µs  ├─ GET /index.html HTTP/1.1 ────────────────▶│
 *                               ⋮ 3.20 s waiting for the response            ⋮
 *          9  3.204551  3.20 s  │◀────────────── 200 OK · body 12.3 kB ──────┤
 */
import type { Clock } from '../clock.js';
import { clipEnd } from '../escape.js';
import type { LadderArrow, LadderBreak, LadderRow, LadderTone } from '../ladder.js';
import { formatCounted, formatDuration, formatRelative } from '../quantity.js';
import { glyphsOf, leastWidth, type Paint, type Palette, type TerminalStyle } from './style.js';

/** The two lifelines are at most this far apart; wider is no easier to read. */
const mostLadderWidth = 90;

/** `zeroNs`: what the relative times count from, the opening of the connection. */
export function renderLadder(rows: readonly LadderRow[], zeroNs: number, clock: Clock, style: TerminalStyle): string[] {
  const timeOf = (row: LadderArrow): string => timeText(row.atNs, zeroNs, clock, style);
  const arrows = rows.filter((row) => row.kind === 'arrow');
  const widest = (text: (arrow: LadderArrow) => string, least: number): number =>
    arrows.reduce((most, arrow) => Math.max(most, text(arrow).length), least);
  const packetWidth = widest(packetText, 6);
  const timeWidth = widest(timeOf, 4);
  const deltaOf = ({ sinceBeforeNs }: LadderArrow): string =>
    sinceBeforeNs === null ? '' : formatDuration(sinceBeforeNs, style);
  const deltaWidth = widest(deltaOf, 8);
  const margin = packetWidth + 2 + timeWidth + 1 + deltaWidth + 2;
  const inner = Math.min(mostLadderWidth, Math.max(leastWidth, style.width) - margin) - 2;
  const { palette } = style;
  const head = `${'packet'.padStart(packetWidth)}  ${(style.times === 'utc' ? 'UTC' : 's').padStart(timeWidth)} ${'+'.padStart(deltaWidth)}  client${'server'.padStart(inner + 2 - 6)}`;
  const lines = rows.map((row) => {
    if (row.kind !== 'arrow')
      return (
        ' '.repeat(margin) +
        renderBreak(row.kind === 'break' ? breakText(row, style) : omissionText(row.count), row, inner, style)
      );
    const facts = `${packetText(row).padStart(packetWidth)}  ${timeOf(row).padStart(timeWidth)} ${palette.faint(deltaOf(row).padStart(deltaWidth))}  `;
    return facts + renderArrow(row, inner, style);
  });
  return [palette.faint(head), ...lines];
}

const packetText = ({ packet, lastPacket }: LadderArrow): string =>
  lastPacket > packet ? `${packet}-${lastPacket}` : `${packet}`;

const timeText = (atNs: number, zeroNs: number, clock: Clock, { times }: TerminalStyle): string =>
  times === 'utc' ? clock.timeOfDay(atNs) : formatRelative(atNs - zeroNs, clock.decimals);

/** `├─ label · detail ────▶│` or `│◀──── label · detail ─┤`, `inner` columns between the rails. */
function renderArrow({ from, label, detail, tone }: LadderArrow, inner: number, style: TerminalStyle): string {
  const { palette, unicode } = style;
  const glyphs = glyphsOf(style);
  const room = inner - 6;
  const shownLabel = clipEnd(label, room, glyphs.ellipsis);
  const left = room - shownLabel.length;
  const separator = ` ${glyphs.bullet} `;
  const shownDetail =
    detail !== '' && left >= separator.length + Math.min(detail.length, 12)
      ? clipEnd(separator + detail, left, glyphs.ellipsis)
      : '';
  const line = glyphs.line.repeat(Math.max(1, room - shownLabel.length - shownDetail.length + 1));
  const paint = paintOf(tone, palette);
  const text = `${paint(shownLabel)}${palette.faint(shownDetail)}`;
  const rails = unicode ? { left: '├', right: '┤' } : { left: '|', right: '|' };
  return from === 'client'
    ? `${rails.left}${palette.faint(glyphs.line)} ${text} ${palette.faint(line + glyphs.line)}${paint(glyphs.toRight)}${glyphs.rail}`
    : `${glyphs.rail}${paint(glyphs.toLeft)}${palette.faint(glyphs.line + line)} ${text} ${palette.faint(glyphs.line)}${rails.right}`;
}

function renderBreak(text: string, row: LadderRow, inner: number, style: TerminalStyle): string {
  const { palette } = style;
  const { broken } = glyphsOf(style);
  const shown = clipEnd(text, inner - 2, glyphsOf(style).ellipsis);
  // Near the side that let the other wait; in the middle when nobody did.
  const waitedFor = row.kind === 'break' ? row.waitedFor : 'nobody';
  const before =
    waitedFor === 'client' ? 1 : waitedFor === 'server' ? inner - 1 - shown.length : Math.floor((inner - shown.length) / 2);
  const paint: Paint = waitedFor === 'nobody' ? palette.faint : palette.warning;
  return (
    palette.faint(broken) +
    ' '.repeat(before) +
    paint(shown) +
    ' '.repeat(Math.max(0, inner - before - shown.length)) +
    palette.faint(broken)
  );
}

const breakText = ({ durationNs, label }: LadderBreak, style: TerminalStyle): string =>
  `${label} ${formatDuration(durationNs, style)}`;
const omissionText = (count: number): string => `${formatCounted(count, 'event')} not shown`;

function paintOf(tone: LadderTone, palette: Palette): Paint {
  switch (tone) {
    case 'plain':
      return palette.faint;
    case 'request':
      return palette.client;
    case 'response':
      return palette.good;
    case 'client-error':
    case 'warning':
    case 'repeat':
    case 'close':
      return palette.warning;
    case 'server-error':
    case 'reset':
      return palette.bad;
    case 'probe':
      return palette.notable;
  }
}
