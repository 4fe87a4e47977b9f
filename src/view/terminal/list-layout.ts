/**
 * Which columns a list of connections has, how wide each is, and the plain text in them. What all lines have in common (one server,
 * one client address, one port) is said once and left out of the lines.
 */
import type { Endpoint } from '../../base/index.js';
import type { Clock } from '../clock.js';
import type { ConnectionRow } from '../connection-row.js';
import { endingLine } from '../ending-words.js';
import { clipEnd, clipStart } from '../escape.js';
import { protocolTitle } from '../protocol-words.js';
import { formatEndpoint } from '../quantity.js';
import { layOutLife, widthOf } from '../timeline.js';
import { glyphsOf, leastWidth, type TerminalStyle } from './style.js';

export interface CommonEnds {
  readonly clientAddress: string | null;
  readonly server: Endpoint | null;
  readonly serverPort: number | null;
}

type TimeForm = 'relative' | 'time-of-day' | 'date-and-time';

export interface ListLayout {
  readonly common: CommonEnds;
  readonly timeForm: TimeForm;
  /** Short forms, for narrow terminals. */
  readonly terse: boolean;
  readonly idWidth: number;
  readonly timeWidth: number;
  readonly endsWidth: number;
  readonly countWidth: number;
  readonly lifeWidth: number;
  readonly endingWidth: number;
}

/** A capture longer than this is told in times of day: seconds since the first packet say nothing any more. */
const longestRelativeNs = 86_400e9;
/** The widest picture, and the lines' own widths where no lines are given. */
const mostLifeWidth = 60;
const anyWidths = { life: 40, ends: 36, ending: 28 };

/** The layout that fits these lines; of none given, one that fits any. */
export function layOutList(rows: readonly ConnectionRow[], clock: Clock, style: TerminalStyle): ListLayout {
  const width = Math.max(leastWidth, style.width);
  const common = commonOf(rows);
  const timeForm = timeFormOf(rows, clock, style);
  const longest = (columns: (row: ConnectionRow) => number, otherwise: number): number =>
    rows.reduce((most, row) => Math.max(most, columns(row)), rows.length === 0 ? otherwise : 0);
  const idWidth = longest((row) => idText(row).length, 8);
  const countWidth = Math.max(
    3,
    longest((row) => countText(row).length, 6),
  );
  const lifeColumns = longest(({ life }) => widthOf(layOutLife(life, mostLifeWidth, style)), anyWidths.life);
  const endsColumns = longest((row) => endsText(row, common, style, 1000).length, anyWidths.ends);
  const layout = (terse: boolean): ListLayout & { readonly missing: number } => {
    const timeColumns = longest((row) => timeText(row, timeForm, clock, terse).length, 12);
    const timeWidth = Math.max(timeTitles[timeForm].length, timeColumns);
    const endingColumns = Math.max(
      'ended'.length,
      longest((row) => endingLine(row, style, { terse }).length, anyWidths.ending),
    );
    const free = width - idWidth - timeWidth - countWidth - 5 * columnGap.length;
    const wanted = { life: Math.max('life'.length, lifeColumns), ends: endsColumns, ending: endingColumns };
    const { life, ends, ending, missing } = squeeze(wanted, free, width);
    const widths = { endsWidth: ends, countWidth, lifeWidth: life, endingWidth: ending, missing };
    return { common, timeForm, terse, idWidth, timeWidth, ...widths };
  };
  const roomy = layout(false);
  return roomy.missing === 0 ? roomy : layout(true);
}

interface Flexible {
  life: number;
  ends: number;
  ending: number;
}

/** Takes columns away, from what can spare them best on, until all fits; `missing` is what had to be taken. */
function squeeze(wanted: Flexible, free: number, width: number): Flexible & { readonly missing: number } {
  const sizes = { ...wanted };
  const missing = Math.max(0, sizes.life + sizes.ends + sizes.ending - free);
  let over = missing;
  const steps: readonly (readonly [keyof Flexible, least: number])[] = [
    ['life', Math.floor(width * 0.2)],
    ['ending', Math.floor(width * 0.28)],
    ['life', Math.floor(width * 0.15)],
    ['ends', 20],
    ['life', 9],
    ['ending', 16],
    ['ends', 12],
    ['ending', 10],
    ['ends', 8],
  ];
  for (const [part, least] of steps) {
    const taken = Math.min(over, Math.max(0, sizes[part] - least));
    sizes[part] -= taken;
    over -= taken;
  }
  return { ...sizes, missing };
}

export const columnGap = '  ';

function commonOf(rows: readonly ConnectionRow[]): CommonEnds {
  const first = rows[0];
  if (first === undefined) return { clientAddress: null, server: null, serverPort: null };
  const sameAddress = rows.every(({ server }) => server.address === first.server.address);
  const samePort = rows.every(({ server }) => server.port === first.server.port);
  return {
    clientAddress: rows.every(({ client }) => client.address === first.client.address) ? first.client.address : null,
    server: sameAddress && samePort ? first.server : null,
    serverPort: samePort ? first.server.port : null,
  };
}

function timeFormOf(rows: readonly ConnectionRow[], clock: Clock, { times }: TerminalStyle): TimeForm {
  if (times === 'relative' && clock.spanNs <= longestRelativeNs) return 'relative';
  const opened = rows.map(({ openedNs }) => openedNs);
  return Math.max(...opened) - Math.min(...opened) > longestRelativeNs ? 'date-and-time' : 'time-of-day';
}

const timeTitles: Readonly<Record<TimeForm, string>> = {
  relative: 'opened s',
  'time-of-day': 'opened UTC',
  'date-and-time': 'opened UTC',
};

/** The titles above the columns. */
export function titlesOf(
  { common, timeForm, idWidth, timeWidth, endsWidth, countWidth, lifeWidth }: ListLayout,
  style: TerminalStyle,
): string {
  const ends = common.server === null ? `client ${glyphsOf(style).arrow} server` : 'client';
  return [
    '#'.padStart(idWidth),
    timeTitles[timeForm].padStart(timeWidth),
    clipEnd(ends, endsWidth, '').padEnd(endsWidth),
    'req'.padStart(countWidth),
    'life'.padEnd(lifeWidth),
    'ended',
  ].join(columnGap);
}

/** `from 10.0.0.1 to 10.0.0.5:8080`, `to port 80`, or an empty text. */
export function commonEnds({ common }: ListLayout): string {
  const from = common.clientAddress === null ? '' : `from ${common.clientAddress} `;
  if (common.server !== null) return `${from}to ${formatEndpoint(common.server)}`;
  return common.serverPort === null ? from.trim() : `${from}to port ${common.serverPort}`;
}

export const idText = ({ id }: ConnectionRow): string => `#${id}`;

export function timeText({ openedNs }: ConnectionRow, form: TimeForm, clock: Clock, terse: boolean): string {
  switch (form) {
    case 'relative':
      return (clock.sinceStart(openedNs) / 1e9).toFixed(3);
    case 'time-of-day':
      return clock.timeOfDay(openedNs, terse ? 1 : 3);
    case 'date-and-time':
      return clock.dateAndTime(openedNs, 0);
  }
}

/** `5`, `5/6` when only five of six were answered, or what it is when it is not HTTP. */
export function countText({ exchangeCount, responseCount, protocol }: ConnectionRow): string {
  if (exchangeCount > 0) return responseCount < exchangeCount ? `${responseCount}/${exchangeCount}` : `${exchangeCount}`;
  return protocol === 'http/1' || protocol === 'none' ? '0' : protocolTitle(protocol);
}

/**
 * Both ends without what is common, in at most `width` columns. The client's address is given up first (its port and the number
 * of the connection still tell it), then the starts of what is left.
 */
export function endsText({ client, server }: ConnectionRow, common: CommonEnds, style: TerminalStyle, width: number): string {
  const { ellipsis, arrow } = glyphsOf(style);
  const clientText = common.clientAddress === null ? formatEndpoint(client) : `:${client.port}`;
  if (common.server !== null) return clipStart(clientText, width, ellipsis);
  const serverText = common.serverPort === null ? formatEndpoint(server) : server.address;
  const room = width - arrow.length - 2;
  if (clientText.length + serverText.length <= room) return `${clientText} ${arrow} ${serverText}`;
  const port = clipStart(`:${client.port}`, Math.floor(room / 2), ellipsis);
  return `${port} ${arrow} ${clipStart(serverText, room - port.length, ellipsis)}`;
}
