/** What was found so far, in as few lines as there is room for: the answer, then a finding a line, worst first. */
import type { Finding } from '../../story/index.js';
import type { Diagnosed } from '../diagnosed.js';
import { clipEnd, escapeName } from '../escape.js';
import { formatCount } from '../quantity.js';
import { verdictPaint } from './diagnosis.js';
import { plainInk } from './ink.js';
import { glyphsOf, type Paint, type TerminalStyle } from './style.js';

const levelWidth = 7;
/** Open connections are not judged. */
const ofWhat = '  (of what has ended)';

/** At most `lines` lines of at most `style.width` columns. Details name wire text: all of it is escaped here. */
export function renderLiveFindings(diagnosed: Diagnosed, lines: number, style: TerminalStyle): string[] {
  if (lines <= 0) return [];
  const { palette, width } = style;
  const { ellipsis } = glyphsOf(style);
  const headline = clipEnd(plainInk(escapeName(diagnosed.verdict.headline), style), width, ellipsis);
  const whose = headline.length + ofWhat.length <= width ? ofWhat : '';
  const told = diagnosed.findings.filter(({ level }) => level !== 'good');
  const room = Math.min(lines - 1, told.length);
  const shown = told.slice(0, room);
  const rest = told.length - shown.length;
  return [
    palette.strong(verdictPaint(diagnosed, style)(headline)) + palette.faint(whose),
    ...shown.map((finding, index) =>
      renderFindingLine(finding, index === shown.length - 1 && rest > 0 ? `  (+${rest} more: f)` : '', style),
    ),
  ];
}

/** `bad     Stale reuse ×3: …`: a finding in one line. `suffix` stays whatever the width. */
export function renderFindingLine(finding: Finding, suffix: string, style: TerminalStyle): string {
  const { palette, width } = style;
  const { ellipsis, times } = glyphsOf(style);
  const count = finding.count > 1 ? ` ${times}${formatCount(finding.count)}` : '';
  const text = plainInk(escapeName(`${finding.title}${count}. ${finding.detail}`), style);
  const room = Math.max(0, width - levelWidth - 2 - suffix.length);
  return `${levelPaint(finding, style)(finding.level.padEnd(levelWidth))}  ${clipEnd(text, room, ellipsis)}${palette.faint(suffix)}`;
}

function levelPaint({ level }: Finding, { palette }: TerminalStyle): Paint {
  if (level === 'bad') return palette.bad;
  if (level === 'warning') return palette.warning;
  return level === 'good' ? palette.good : palette.faint;
}
