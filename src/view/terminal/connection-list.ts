/**
 * Connections, one line each:
 *
 *      #    opened  client    req  life                          ended
 *      0     0.000  :51234      5  ├█·█·█·5.0s·█·15s·┤           server FIN, idle 15.0 s
 *
 * What all lines have in common (one server, one client address) is said once, above. Columns are laid out for the lines
 * given; the list also works for a stream of lines, when nothing is known in common.
 */
import type { Endpoint } from '../../base/index.js';
import type { Clock } from '../clock.js';
import type { ConnectionRow } from '../connection-row.js';
import { endingLine, endingWords } from '../ending-words.js';
import { clipEnd, clipStart } from '../escape.js';
import { protocolTitle } from '../protocol-words.js';
import { formatEndpoint } from '../quantity.js';
import { type LifeRun, layOutLife } from '../timeline.js';
import { glyphsOf, leastWidth, type TerminalStyle } from './style.js';

export interface ListLayout {
  readonly common: { readonly server: Endpoint | null; readonly clientAddress: string | null };
  readonly idWidth: number;
  readonly timeTitle: string;
  readonly timeWidth: number;
  readonly endsWidth: number;
  readonly countWidth: number;
  readonly lifeWidth: number;
  readonly endingWidth: number;
}

/** Columns that a picture needs to say something. */
const leastLifeWidth = 16;
const mostLifeWidth = 60;
/** Columns for the ends of a connection, at the least, per end. */
const leastEndWidth = 11;

/** The layout that fits these lines; of none given, one that fits any. */
export function layOutList(rows: readonly ConnectionRow[], clock: Clock, style: TerminalStyle): ListLayout {
  const width = Math.max(leastWidth, style.width);
  const server =
    rows.length > 1 && rows.every((row) => formatEndpoint(row.server) === formatEndpoint(rows[0]!.server))
      ? rows[0]!.server
      : null;
  const clientAddress =
    rows.length > 1 && rows.every((row) => row.client.address === rows[0]!.client.address) ? rows[0]!.client.address : null;
  const common = { server, clientAddress };
  const longest = (text: (row: ConnectionRow) => string, otherwise: number): number =>
    rows.reduce((most, row) => Math.max(most, text(row).length), rows.length === 0 ? otherwise : 0);
  const timeTitle = style.times === 'utc' || clock.spanNs > longestRelativeNs ? 'opened UTC' : 'opened s';
  const idWidth = longest(({ id }) => `#${id}`, 8);
  const timeWidth = Math.max(
    timeTitle.length,
    longest((row) => timeText(row, clock, style), 12),
  );
  const countWidth = Math.max(3, longest(countText, 6));
  const mostEnding = Math.max(24, Math.floor(width * 0.32));
  const endingWidth = Math.min(
    mostEnding,
    longest((row) => endingLine(row, style), 28),
  );
  const separators = 2 * 5;
  const free = width - idWidth - timeWidth - countWidth - endingWidth - separators;
  const wantedEnds = longest((row) => endsText(row, common, style, 1000), 2 * leastEndWidth);
  const leastEnds = server === null ? 2 * leastEndWidth : leastEndWidth;
  const endsWidth = Math.min(wantedEnds, Math.max(leastEnds, free - leastLifeWidth));
  return {
    common,
    idWidth,
    timeTitle,
    timeWidth,
    endsWidth,
    countWidth,
    lifeWidth: Math.min(mostLifeWidth, Math.max(8, free - endsWidth)),
    endingWidth,
  };
}

/** The line above the columns, and what all lines have in common. */
export function renderListHead(layout: ListLayout, style: TerminalStyle): string[] {
  const { common, idWidth, timeTitle, timeWidth, endsWidth, countWidth, lifeWidth } = layout;
  const { palette } = style;
  const ends = common.server === null ? `client ${glyphsOf(style).arrow} server` : 'client';
  const columns = [
    '#'.padStart(idWidth),
    timeTitle.padStart(timeWidth),
    clipEnd(ends, endsWidth, '').padEnd(endsWidth),
    'req'.padStart(countWidth),
    'life'.padEnd(lifeWidth),
    'ended',
  ];
  return [palette.faint(columns.join('  '))];
}

/** `from 10.0.0.1 to 10.0.0.5:8080`, or an empty text. */
export function commonEnds({ common }: ListLayout): string {
  const from = common.clientAddress === null ? '' : ` from ${common.clientAddress}`;
  return common.server === null ? from.trim() : `${from} to ${formatEndpoint(common.server)}`.trim();
}

export function renderListLine(row: ConnectionRow, layout: ListLayout, clock: Clock, style: TerminalStyle): string {
  const { palette } = style;
  const life = layOutLife(row.life, layout.lifeWidth, style);
  const used = life.reduce((sum, run) => sum + run.columns, 0);
  const ending = clipEnd(endingLine(row, style), layout.endingWidth, glyphsOf(style).ellipsis);
  const { severity } = endingWords[row.ending.why];
  const paintEnding =
    severity === 'bad'
      ? palette.bad
      : severity === 'notable'
        ? palette.warning
        : severity === 'good'
          ? palette.good
          : palette.faint;
  return [
    palette.strong(`#${row.id}`.padStart(layout.idWidth)),
    timeText(row, clock, style).padStart(layout.timeWidth),
    endsText(row, layout.common, style, layout.endsWidth).padEnd(layout.endsWidth),
    paintCount(row, countText(row).padStart(layout.countWidth), style),
    life.map((run) => paintRun(run, row.life.end, style)).join('') + ' '.repeat(Math.max(0, layout.lifeWidth - used)),
    paintEnding(ending),
  ].join('  ');
}

/** A capture longer than this is told in dates: seconds since the first packet say nothing any more. */
const longestRelativeNs = 86_400e9;

function timeText({ openedNs }: ConnectionRow, clock: Clock, { times }: TerminalStyle): string {
  if (times === 'utc') return clock.timeOfDay(openedNs, 3);
  return clock.spanNs > longestRelativeNs
    ? clock.dateAndTime(openedNs, 3).slice(5)
    : (clock.sinceStart(openedNs) / 1e9).toFixed(3);
}

/** `5`, `5/6` when only five of six were answered, or what it is when it is not HTTP. */
function countText({ exchangeCount, responseCount, protocol }: ConnectionRow): string {
  if (exchangeCount > 0) return responseCount < exchangeCount ? `${responseCount}/${exchangeCount}` : `${exchangeCount}`;
  return protocol === 'http/1' || protocol === 'none' ? '0' : protocolTitle(protocol);
}

const paintCount = ({ exchangeCount, responseCount }: ConnectionRow, text: string, { palette }: TerminalStyle): string =>
  responseCount < exchangeCount ? palette.warning(text) : exchangeCount === 0 ? palette.faint(text) : text;

function endsText(row: ConnectionRow, common: ListLayout['common'], style: TerminalStyle, width: number): string {
  const { ellipsis, arrow } = glyphsOf(style);
  const client = common.clientAddress === null ? formatEndpoint(row.client) : `:${row.client.port}`;
  if (common.server !== null) return clipStart(client, width, ellipsis);
  const server = formatEndpoint(row.server);
  const room = width - arrow.length - 2;
  const clientWidth = Math.min(client.length, Math.max(Math.floor(room / 2), room - server.length));
  return `${clipStart(client, clientWidth, ellipsis)} ${arrow} ${clipStart(server, room - clientWidth, ellipsis)}`;
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
export function lifeLegend(rows: readonly ConnectionRow[], layout: ListLayout, style: TerminalStyle): string[] {
  const glyphs = glyphsOf(style);
  const seen = new Set<string>();
  for (const row of rows) {
    for (const { kind, outcome } of layOutLife(row.life, layout.lifeWidth, style)) {
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
    ['incomplete', '~ cut short'],
    ['unanswered', '? no answer'],
    ['bytes', `${glyphs.bytes} other bytes`],
    ['gap', `${glyphs.gap} idle`],
    ['probe', `${glyphs.probe} keep-alive probe`],
    ['repeat', '! sent again'],
    ['more', `${style.unicode ? '⋯n⋯' : '..n..'} n more requests`],
    ['end fin', `${glyphs.end.fin} FIN`],
    ['end rst', `${glyphs.end.rst} RST`],
    ['end timeout', `${glyphs.end.timeout} no answer any more`],
    ['end open', `${glyphs.end.open} still open`],
  ];
  return entries.filter(([key]) => seen.has(key)).map(([, text]) => text);
}
