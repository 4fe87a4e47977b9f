/**
 * A table of plain texts in as many columns as fit: extras are left out first, the last one first, then what is flexible becomes
 * narrower, then what is useful but not needed is left out. Texts are painted after they have their place.
 */
import { clipEnd, clipStart } from '../escape.js';
import { columnGap } from './list-layout.js';
import { glyphsOf, leastWidth, type Paint, type TerminalStyle } from './style.js';

export interface TextColumn<Row> {
  readonly title: string;
  /** Escaped text. */
  readonly text: (row: Row) => string;
  readonly align?: 'right';
  readonly paint?: (row: Row) => Paint | undefined;
  /** Texts may be clipped to so many columns: at their end, or at their start, which tells less of an address. */
  readonly least?: number;
  readonly clip?: 'start';
  /** Left out where it does not fit (an extra before anything else is clipped), and where it is empty in every row. */
  readonly optional?: 'useful' | 'extra';
}

interface LaidColumn<Row> {
  readonly column: TextColumn<Row>;
  readonly texts: readonly string[];
  width: number;
}

/** The line of titles, and a line for each row. */
export function renderTable<Row>(rows: readonly Row[], columns: readonly TextColumn<Row>[], style: TerminalStyle): string[] {
  const laid = fit(rows, columns, Math.max(leastWidth, style.width));
  const line = (textOf: (column: LaidColumn<Row>, index: number) => string): string => laid.map(textOf).join(columnGap).trimEnd();
  const head = line(({ column, width }) => placed(column, column.title, width, style));
  return [
    style.palette.faint(head),
    ...rows.map((row, index) =>
      line(({ column, texts, width }) => {
        const text = placed(column, texts[index]!, width, style);
        return text.trim() === '' ? text : (column.paint?.(row)?.(text) ?? text);
      }),
    ),
  ];
}

function placed<Row>({ align, clip }: TextColumn<Row>, text: string, width: number, style: TerminalStyle): string {
  const { ellipsis } = glyphsOf(style);
  const clipped = clip === 'start' ? clipStart(text, width, ellipsis) : clipEnd(text, width, ellipsis);
  return align === 'right' ? clipped.padStart(width) : clipped.padEnd(width);
}

function fit<Row>(rows: readonly Row[], columns: readonly TextColumn<Row>[], width: number): LaidColumn<Row>[] {
  let shown = columns
    .map((column): LaidColumn<Row> => {
      const texts = rows.map(column.text);
      return { column, texts, width: longestOf(texts) };
    })
    .filter(({ column, width: longest }) => longest > 0 || column.optional === undefined);
  for (;;) {
    for (const each of shown) each.width = Math.max(each.column.title.length, longestOf(each.texts));
    const extra = shown.findLast(({ column }) => column.optional === 'extra');
    if (overOf(shown, width) > 0 && extra !== undefined) {
      shown = shown.filter((each) => each !== extra);
      continue;
    }
    const useful = shown.findLast(({ column }) => column.optional === 'useful');
    if (narrow(shown, width) || useful === undefined) return shown;
    shown = shown.filter((each) => each !== useful);
  }
}

const longestOf = (texts: readonly string[]): number => texts.reduce((most, text) => Math.max(most, text.length), 0);

const overOf = <Row>(shown: readonly LaidColumn<Row>[], width: number): number =>
  shown.reduce((sum, each) => sum + each.width, (shown.length - 1) * columnGap.length) - width;

/** Takes columns away, always from where most can be spared. Says whether it is enough. */
function narrow<Row>(shown: readonly LaidColumn<Row>[], width: number): boolean {
  const spare = ({ column, width: now }: LaidColumn<Row>): number =>
    column.least === undefined ? 0 : now - Math.max(column.title.length, column.least);
  for (let over = overOf(shown, width); over > 0; over--) {
    const widest = shown.reduce((best, each) => (spare(each) > spare(best) ? each : best));
    if (spare(widest) <= 0) return false;
    widest.width--;
  }
  return true;
}
