/**
 * What requests cost, as a table with bars on one scale: name, connect, TLS, waiting for the first byte, receiving. Each part of a bar has
 * a sign of its own, so that colour is not needed.
 */
import type { ExchangeConnection, ExchangeTimings } from '../engine/index.js';
import { formatDuration, type TerminalStyle } from '../view/index.js';

export interface TimedRequest {
  readonly number: number;
  /** As `#0/1`; null without a connection. */
  readonly connection: (ExchangeConnection & { readonly shown: number }) | null;
  /** Status, or the name of the error. */
  readonly outcome: string;
  readonly timings: ExchangeTimings | null;
}

/** Rows that are printed; of more, the first and the last. */
const rowsLimit = 40;

interface Part {
  readonly name: string;
  readonly ms: number | null;
  readonly sign: string;
}

function partsOf(timings: ExchangeTimings, unicode: boolean): Part[] {
  const { queuedMs, nameMs, connectMs, tlsMs, firstByteMs, lastByteMs } = timings;
  const opening = (nameMs ?? 0) + (connectMs ?? 0) + (tlsMs ?? 0);
  const less = (a: number | null, b: number): number | null => (a === null ? null : Math.max(0, a - b));
  return [
    { name: 'queue', ms: less(queuedMs, opening), sign: unicode ? '·' : '.' },
    { name: 'name', ms: nameMs, sign: 'n' },
    { name: 'connect', ms: connectMs, sign: 'c' },
    { name: 'TLS', ms: tlsMs, sign: 't' },
    { name: 'first byte', ms: less(firstByteMs, queuedMs ?? 0), sign: unicode ? '░' : '-' },
    { name: 'last byte', ms: less(lastByteMs, firstByteMs ?? 0), sign: unicode ? '█' : '#' },
  ];
}

/** Of the table, each with the part that it shows. */
const columnTitles: Readonly<Record<string, string>> = {
  name: 'name',
  connect: 'connect',
  TLS: 'TLS',
  'first byte': 'first',
  'last byte': 'last',
};
const columnNames = Object.keys(columnTitles);
const columnWidth = 8;

export function timingLines(requests: readonly TimedRequest[], style: TerminalStyle): string[] {
  const { palette, width, unicode } = style;
  const rows = shownOf(requests);
  const totals = rows.map((row) => (row === null ? 0 : totalOf(row.timings)));
  const longest = Math.max(...totals);
  const withTls = rows.some((row) => row?.timings?.tlsMs != null);
  const withName = rows.some((row) => row?.timings?.nameMs != null);
  const columns = columnNames.filter((name) => (name !== 'TLS' || withTls) && (name !== 'name' || withName));
  const fixed = 13 + columnWidth + columns.length * (columnWidth + 1);
  const barWidth = Math.min(50, width - fixed - 2);
  const lines = [
    palette.faint(
      `${'  request'.padEnd(12)}${columns.map((name) => columnTitles[name]!.padStart(columnWidth + 1)).join('')}${'total'.padStart(columnWidth + 1)}`,
    ),
  ];
  for (const [index, row] of rows.entries()) {
    if (row === null) {
      lines.push(palette.faint(`  ${unicode ? '…' : '...'} ${requests.length - rowsLimit} more`));
      continue;
    }
    const place = row.connection === null ? '-' : `#${row.connection.shown}/${row.connection.requestNumber}`;
    const parts = row.timings === null ? [] : partsOf(row.timings, unicode);
    const cells = columns.map((name) => cell(parts.find((part) => part.name === name)?.ms ?? null, style));
    const bar = barWidth >= 8 && longest > 0 ? `  ${barOf(parts, longest, barWidth)}` : '';
    const isGood = /^[123]/.test(row.outcome);
    const outcome = isGood ? row.outcome.padEnd(4) : palette.bad(row.outcome.padEnd(4));
    lines.push(`  ${place.padEnd(6)} ${outcome}${cells.join('')}${cell(totals[index]!, style)}${bar}`.trimEnd());
  }
  if (barWidth >= 8) {
    const legend = partsOf(noTimings, unicode).filter(({ name }) => name === 'queue' || columns.includes(name));
    lines.push(palette.faint(`  ${legend.map(({ name, sign }) => `${sign} ${name}`).join('   ')}`));
  }
  return lines;
}

const noTimings: ExchangeTimings = {
  ...{ startedAtMs: 0, queuedMs: null, nameMs: null, connectMs: null, tlsMs: null, firstByteMs: null, lastByteMs: null },
  ...{ reused: false, retried: false },
};

function shownOf(requests: readonly TimedRequest[]): (TimedRequest | null)[] {
  if (requests.length <= rowsLimit) return [...requests];
  return [...requests.slice(0, rowsLimit / 2), null, ...requests.slice(-rowsLimit / 2)];
}

const totalOf = (timings: ExchangeTimings | null): number =>
  timings?.lastByteMs ?? timings?.firstByteMs ?? timings?.queuedMs ?? 0;

const cell = (ms: number | null, style: TerminalStyle): string =>
  (ms === null ? (style.unicode ? '–' : '-') : formatDuration(ms * 1e6, style)).padStart(columnWidth + 1);

/** Ends of parts are rounded, not their lengths, so that the bar as a whole is as long as it should be. */
function barOf(parts: readonly Part[], longestMs: number, width: number): string {
  let bar = '';
  let untilMs = 0;
  for (const { ms, sign } of parts) {
    untilMs += ms ?? 0;
    bar += sign.repeat(Math.max(0, Math.round((untilMs / longestMs) * width) - bar.length));
  }
  return bar;
}
