/**
 * `explain` on a terminal: the summary, then the connections that have most to tell, one line each.
 *
 * Memory stays flat: of every connection a small row is made, and only the most telling rows are kept. `--all` keeps the rows
 * of so many connections as fit a screenful of screens; of more it prints the lines while reading, and the summary comes last.
 */
import type { SourceSummary } from '../base/index.js';
import type { Connection } from '../story/index.js';
import {
  type Clock,
  type ConnectionRow,
  clockOf,
  commonEnds,
  connectionRow,
  formatCount,
  formatCounted,
  interestOf,
  layOutList,
  lifeLegend,
  OrderedWindow,
  Overview,
  renderConnection,
  renderListHead,
  renderListLine,
  renderSummary,
  type TerminalStyle,
  wrapItems,
  wrapWords,
} from '../view/index.js';
import type { Presenter } from './explain.js';
import { CommandFailure } from './failure.js';

/** Rows held at once, whatever was asked for. */
export const heldRowsLimit = 2000;

/** Lines of connections on a screen: at the least, at the most, and what stands around them besides the summary. */
const leastLines = 8;
const mostLines = 40;
const linesAroundList = 10;

export interface TerminalOptions {
  readonly style: TerminalStyle;
  readonly write: (line: string) => void;
  /** Lines of connections: so many, all, or as many as fit under the summary on a screen of this height. */
  readonly lines: { readonly most: number } | { readonly screenRows: number } | 'all';
  readonly chosenBy: string | null;
  /** How the command was called, for the hint at the end: `holdfast explain x.pcap`. */
  readonly command: string;
}

export function terminalPresenter(options: TerminalOptions): Presenter {
  const overview = new Overview();
  const { lines } = options;
  const list = lines === 'all' ? new WholeList(options) : new TellingList('most' in lines ? lines.most : mostLines);
  return {
    connection: (connection, clock) => {
      const interest = interestOf(connection);
      overview.add(connection, interest);
      list.add(connection, clock, interest);
    },
    skip: (connection) => list.skip(connection.id),
    end: (name, source, _totals, diagnosed) => {
      const { style, write, chosenBy } = options;
      const clock = clockOf(source);
      const summary = renderSummary({ name, overview, source, chosenBy, diagnosed }, style);
      const rows = list.end(linesThatFit(lines, summary.length));
      if (rows === null) {
        write('');
        for (const line of summary) write(line);
        return;
      }
      for (const line of summary) write(line);
      if (rows.length > 0) writeList(rows, overview, clock, options);
    },
  };
}

function linesThatFit(lines: TerminalOptions['lines'], summaryLines: number): number {
  if (lines === 'all') return Number.POSITIVE_INFINITY;
  if ('most' in lines) return lines.most;
  return Math.min(mostLines, Math.max(leastLines, lines.screenRows - summaryLines - linesAroundList));
}

function writeList(
  rows: readonly ConnectionRow[],
  overview: Overview,
  clock: Clock,
  { style, write, command }: TerminalOptions,
): void {
  const layout = layOutList(rows, clock, style);
  const { palette } = style;
  const common = commonEnds(layout);
  const omitted = overview.connections - rows.length;
  const which =
    omitted > 0 ? `The ${formatCounted(rows.length, 'connection')} with most to tell` : formatCounted(rows.length, 'connection');
  write('');
  for (const line of wrapWords(`${which}${common === '' ? '' : `, ${common}`}`, style.width)) write(palette.strong(line));
  write(renderListHead(layout, style));
  for (const row of rows) write(renderListLine(row, layout, clock, style));
  if (omitted > 0)
    write(palette.faint(`${style.unicode ? '…' : '...'} and ${formatCount(omitted)} more (--all, or --filter to choose)`));
  write('');
  for (const line of wrapItems(lifeLegend(rows, layout.lifeWidth, style), '   ', style.width)) write(palette.faint(line));
  const telling = overview.mostTelling ?? rows[0]!.id;
  write(palette.faint(`One connection in full: ${command} --connection ${telling}`));
}

/** The most telling rows of any number. */
class TellingList {
  readonly #limit: number;
  #rows: { readonly score: number; readonly row: ConnectionRow }[] = [];
  #leastScore = Number.NEGATIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = Math.min(limit, heldRowsLimit);
  }

  add(connection: Connection, _clock: Clock, score: number): void {
    if (score <= this.#leastScore || this.#limit === 0) return;
    this.#rows.push({ score, row: connectionRow(connection) });
    if (this.#rows.length >= 2 * this.#limit) this.#cut();
  }

  skip(): void {}

  /** At most `most` of them, in order of their numbers. */
  end(most: number): ConnectionRow[] {
    this.#cut();
    return this.#rows
      .slice(0, most)
      .map(({ row }) => row)
      .sort((a, b) => a.id - b.id);
  }

  /** Among equals the earlier connection stays. */
  #cut(): void {
    this.#rows.sort((a, b) => b.score - a.score || a.row.id - b.row.id);
    if (this.#rows.length < this.#limit) return;
    this.#rows.length = this.#limit;
    this.#leastScore = this.#rows.at(-1)?.score ?? this.#leastScore;
  }
}

/** All rows: held and given at the end, or, when there are too many, printed as they come. */
class WholeList {
  readonly #options: TerminalOptions;
  #rows: ConnectionRow[] | null = [];
  #clock: Clock | null = null;
  readonly #window: OrderedWindow<ConnectionRow>;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#window = new OrderedWindow({ limit: heldRowsLimit, release: (row) => this.#take(row) });
  }

  add(connection: Connection, clock: Clock): void {
    this.#clock = clock;
    this.#window.add(connection.id, connectionRow(connection), 1);
  }

  skip(id: number): void {
    this.#window.skip(id);
  }

  /** Null: already printed. */
  end(): ConnectionRow[] | null {
    this.#window.end();
    return this.#rows;
  }

  #take(row: ConnectionRow): void {
    if (this.#rows === null) {
      this.#print(row);
      return;
    }
    this.#rows.push(row);
    if (this.#rows.length < heldRowsLimit) return;
    const held = this.#rows;
    this.#rows = null;
    const { style, write } = this.#options;
    write(renderListHead(layOutList([], this.#clock!, style), style));
    for (const one of held) this.#print(one);
  }

  #print(row: ConnectionRow): void {
    const { style, write } = this.#options;
    write(renderListLine(row, layOutList([], this.#clock!, style), this.#clock!, style));
  }
}

/** `--connection N` on a terminal: that one in full. */
export function connectionPresenter(id: number, { style, write }: Pick<TerminalOptions, 'style' | 'write'>): Presenter {
  let found: Connection | null = null;
  let others = 0;
  return {
    connection: (connection) => {
      found = connection;
    },
    skip: () => {
      others++;
    },
    end: (name: string, source: SourceSummary) => {
      if (found === null) {
        const range = others === 0 ? 'it has none' : `they are numbered 0 to ${others - 1}`;
        throw new CommandFailure('bad-usage', `${name} has no connection ${id}: ${range}`);
      }
      for (const line of renderConnection(found, clockOf(source), style)) write(line);
    },
  };
}
