/**
 * The picture of a connection's life, painted: bars for exchanges, dots for gaps, signs for what happened in between. No meaning rests
 * on colour alone: a bad answer ends in the first digit of its status.
 */
import type { ConnectionRow } from '../connection-row.js';
import { type LifeRun, layOutLife, widthOf } from '../timeline.js';
import { glyphsOf, type TerminalStyle } from './style.js';

/** Exactly `columns` columns. */
export function renderLife({ life }: ConnectionRow, columns: number, style: TerminalStyle): string {
  const runs = layOutLife(life, columns, style);
  return runs.map((run) => paintRun(run, life.end, style)).join('') + ' '.repeat(Math.max(0, columns - widthOf(runs)));
}

function paintRun(run: LifeRun, end: ConnectionRow['life']['end'], style: TerminalStyle): string {
  const { palette } = style;
  const glyphs = glyphsOf(style);
  switch (run.kind) {
    case 'opening':
    case 'joined':
      return palette.faint(glyphs[run.kind]);
    case 'request':
      return palette.client(glyphs.request.repeat(run.columns));
    case 'waiting':
      return palette.warning(glyphs.waiting.repeat(run.columns));
    case 'answer':
      return paintAnswer(run, style);
    case 'unanswered':
      return palette.bad('?'.repeat(run.columns));
    case 'bytes':
      return palette.server(glyphs.bytes.repeat(run.columns));
    case 'gap':
      return palette.faint(glyphs.gap.repeat(run.columns));
    case 'probe':
      return palette.notable(glyphs.probe.repeat(run.columns));
    case 'repeat':
      return palette.warning('!'.repeat(run.columns));
    case 'stall':
      return palette.warning('z'.repeat(run.columns));
    case 'waiting-label':
      return palette.warning(run.text);
    case 'label':
    case 'more':
      return palette.faint(run.text);
    case 'ending':
      return end === 'fin'
        ? palette.faint(glyphs.end.fin)
        : end === 'open'
          ? palette.faint(glyphs.end.open)
          : palette.bad(glyphs.end[end]);
  }
}

/** The last column of an answer tells how it went, so that nothing rests on colour alone. */
function paintAnswer({ columns, outcome }: LifeRun, style: TerminalStyle): string {
  const { palette } = style;
  const bar = glyphsOf(style).answer.repeat(columns - 1);
  switch (outcome) {
    case 'server-error':
      return palette.bad(`${bar}5`);
    case 'client-error':
      return palette.warning(`${bar}4`);
    case 'incomplete':
      return palette.bad(`${bar}~`);
    default:
      return palette.good(bar + glyphsOf(style).answer);
  }
}

/** What the signs in the pictures mean: only those that can be seen. */
export function lifeLegend(rows: readonly ConnectionRow[], columns: number, style: TerminalStyle): string[] {
  const glyphs = glyphsOf(style);
  const seen = new Set<string>();
  for (const row of rows) {
    for (const { kind, outcome } of layOutLife(row.life, columns, style)) {
      seen.add(kind === 'ending' ? `end ${row.life.end}` : kind);
      if (kind === 'answer') seen.add(outcome ?? 'ok');
    }
  }
  const entries: readonly (readonly [key: string, text: string])[] = [
    ['joined', `${glyphs.joined} begun before the capture`],
    ['request', `${glyphs.request} sending`],
    ['waiting', `${glyphs.waiting} waiting`],
    ['ok', `${glyphs.answer} answer`],
    ['client-error', '4 status 4xx'],
    ['server-error', '5 status 5xx'],
    ['incomplete', '~ not finished'],
    ['unanswered', '? no answer'],
    ['bytes', `${glyphs.bytes} other bytes`],
    ['gap', `${glyphs.gap} idle`],
    ['probe', `${glyphs.probe} keep-alive probe`],
    ['repeat', '! sent again'],
    ['stall', 'z receiver had no room (zero window)'],
    ['more', `${style.unicode ? '⋯n⋯' : '..n..'} n more requests`],
    ['end fin', `${glyphs.end.fin} FIN`],
    ['end rst', `${glyphs.end.rst} RST`],
    ['end timeout', `${glyphs.end.timeout} no answer any more`],
    ['end open', `${glyphs.end.open} still open`],
  ];
  return entries.filter(([key]) => seen.has(key)).map(([, text]) => text);
}
