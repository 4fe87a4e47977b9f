/**
 * One connection in full: who, how it ended and why, its ladder, and its exchanges with where each one's waiting went.
 */
import { type Connection, type Exchange, endingReasonTexts } from '../../story/index.js';
import type { Clock } from '../clock.js';
import { endingActor, endingWords } from '../ending-words.js';
import { clipEnd, escapeText } from '../escape.js';
import { ladderOf } from '../ladder.js';
import { protocolTitle } from '../protocol-words.js';
import { formatBytes, formatCount, formatCounted, formatDuration, formatEndpoint } from '../quantity.js';
import { paintOfSeverity } from './connection-list.js';
import { renderLadder } from './ladder.js';
import { wrapItems, wrapWords } from './lines.js';
import { glyphsOf, leastWidth, type TerminalStyle } from './style.js';

/** Exchanges listed; the JSON has them all. */
const exchangesListed = 200;

export function renderConnection(connection: Connection, clock: Clock, style: TerminalStyle): string[] {
  return [
    ...renderFacts(connection, clock, style),
    '',
    ...renderLadder(ladderOf(connection), connection.opened.atNs, clock, style),
    ...(connection.exchanges.length > 0 ? ['', ...renderExchanges(connection, style)] : []),
  ];
}

function renderFacts(connection: Connection, clock: Clock, style: TerminalStyle): string[] {
  const { palette } = style;
  const width = Math.max(leastWidth, style.width);
  const { id, client, server, ending } = connection;
  const title = `Connection #${id}: ${formatEndpoint(client)} ${glyphsOf(style).arrow} ${formatEndpoint(server)}, ${protocolText(connection)}`;
  const { severity } = endingWords[ending.why];
  const paint = severity === 'neutral' ? (text: string): string => text : paintOfSeverity(severity, palette);
  const items = factItems(connection, clock, style);
  return [
    ...wrapWords(title, width).map(palette.strong),
    ...wrapWords(endingSentence(connection, style), width).map((line) => palette.strong(paint(line))),
    ...wrapItems(items, ` ${glyphsOf(style).bullet} `, width),
  ];
}

function protocolText({ protocol, exchanges }: Connection): string {
  const parts = [protocol.name === 'http/1' ? `HTTP/${exchanges[0]?.version || '1'}` : protocolTitle(protocol.name)];
  if (protocol.serverName !== null) parts.push(protocol.serverName);
  if (protocol.detail !== null) parts.push(protocol.detail);
  return clipEnd(escapeText(parts.join(' ')), 120, '...');
}

/** `Ended by the server with FIN (packet 57): closed while idle. 5.00 s after the last byte.` */
function endingSentence({ ending, exchangeCount }: Connection, style: TerminalStyle): string {
  const { by, how, why, at, idleNs } = ending;
  const packet = at.packet > 0 ? ` (packet ${formatCount(at.packet)})` : '';
  const silence =
    idleNs !== null && idleNs > 0 && (exchangeCount > 0 || why === 'idle')
      ? `, ${formatDuration(idleNs, style)} after the last byte`
      : '';
  if (how === 'open') return `Still open at the end of the capture${silence}.`;
  const reason = endingReasonTexts[why];
  if (how === 'timeout') return `Given up${packet}: ${reason}${silence}.`;
  return `Ended by ${by === 'none' ? 'nobody known' : `the ${by}`} with ${endingActor(ending).split(' ').at(-1)}${packet}: ${reason}${silence}.`;
}

const sidesTexts: Readonly<Record<Connection['sidesFrom'], string>> = {
  syn: '',
  'syn-ack': 'begun before the capture: the client is told by the SYN-ACK',
  bytes: 'begun before the capture: the client is told by its first bytes',
  guess: 'begun before the capture: which side is the client is a guess',
};

function factItems(connection: Connection, clock: Clock, style: TerminalStyle): string[] {
  const { opened, last, closed, handshakeNs, synToSynAckNs, sidesFrom, tcp, zeek, exchangeCount, responseCount } = connection;
  const items = [`opened ${clock.dateAndTime(opened.atNs)} UTC`];
  items.push(`${closed === null ? 'seen for' : 'lived'} ${formatDuration((closed ?? last).atNs - opened.atNs, style)}`);
  if (sidesTexts[sidesFrom] !== '') items.push(sidesTexts[sidesFrom]);
  if (handshakeNs !== null)
    items.push(
      `handshake ${formatDuration(handshakeNs, style)}${synToSynAckNs === null ? '' : ` (SYN-ACK after ${formatDuration(synToSynAckNs, style)})`}`,
    );
  if (exchangeCount > 0) items.push(`${formatCounted(exchangeCount, 'request')}, ${formatCounted(responseCount, 'response')}`);
  items.push(`${formatBytes(tcp.bytes.client)} from the client, ${formatBytes(tcp.bytes.server)} from the server`);
  const perSide = (counts: { client: number; server: number }, one: string, many?: string): void => {
    const sum = counts.client + counts.server;
    if (sum === 0) return;
    const who =
      counts.client === 0
        ? 'by the server'
        : counts.server === 0
          ? 'by the client'
          : `${counts.client} by the client, ${counts.server} by the server`;
    items.push(`${formatCounted(sum, one, many)} ${sum === counts.client || sum === counts.server ? who : `(${who})`}`);
  };
  perSide(tcp.keepAliveProbes, 'keep-alive probe');
  perSide(tcp.retransmissions, 'retransmission');
  perSide(tcp.outOfOrder, 'out of order', 'out of order');
  perSide(tcp.zeroWindows, 'zero window');
  const missing = tcp.gapBytes.client + tcp.gapBytes.server;
  if (missing > 0) items.push(`${formatBytes(missing)} missing in the capture`);
  items.push(`Zeek ${zeek.connState} ${escapeText(zeek.history)}`);
  return items;
}

/** Columns of a size, and of a duration at the least. */
const sizeWidth = 8;
/** Narrower than this, the split of the waiting is told by its largest share only. */
const splitWidth = 110;

function renderExchanges({ exchanges, exchangeCount, idleGapsNs }: Connection, style: TerminalStyle): string[] {
  const { palette } = style;
  const { ellipsis } = glyphsOf(style);
  const width = Math.max(leastWidth, style.width);
  const shown = exchanges.slice(0, exchangesListed);
  const split = width >= splitWidth;
  const numberWidth = Math.max(2, `${shown.at(-1)?.number ?? 0}`.length);
  const tookOf = ({ waited }: Exchange): string => formatDuration(waited.client + waited.network + waited.server, style);
  const durationWidth = shown.reduce((most, exchange) => Math.max(most, tookOf(exchange).length), sizeWidth);
  const waitTitle = split ? ['server', 'network', 'client'].map((who) => who.padStart(durationWidth)).join(' ') : 'most of it on';
  const largestShare = shown.reduce((most, exchange) => Math.max(most, waitText(exchange, null, style).length), waitTitle.length);
  const fixed = numberWidth + 2 + 2 + 6 + 2 + sizeWidth + 1 + durationWidth + 2 + (split ? waitTitle.length : largestShare);
  const longest = shown.reduce((most, exchange) => Math.max(most, requestText(exchange).length), 7);
  const requestWidth = Math.max(10, Math.min(width - fixed, longest));
  const title = [
    `${'#'.padStart(numberWidth)}  ${'request'.padEnd(requestWidth)}  status`,
    `${'body'.padStart(sizeWidth)} ${'took'.padStart(durationWidth)}`,
    waitTitle,
  ].join('  ');
  const indent = ' '.repeat(numberWidth + 2);
  const lines = shown.flatMap((exchange, index) => {
    const { status, complete, responseBodyBytes, number, firstByte } = exchange;
    const end = status === null ? (firstByte === null ? 'none' : '?') : `${status}${complete ? '' : ' ~'}`;
    const line = [
      `${String(number).padStart(numberWidth)}  ${clipEnd(requestText(exchange), requestWidth, ellipsis).padEnd(requestWidth)}`,
      paintStatus(exchange, end.padEnd(6), style),
      `${(firstByte === null ? '' : formatBytes(responseBodyBytes)).padStart(sizeWidth)} ${tookOf(exchange).padStart(durationWidth)}`,
      waitText(exchange, split ? durationWidth : null, style),
    ].join('  ');
    const gap = index === 0 ? 0 : (idleGapsNs[index - 1] ?? 0);
    const idle = gap >= idleShownNs ? [palette.faint(`${indent}idle ${formatDuration(gap, style)}`)] : [];
    const notes = exchange.notes.flatMap((note) =>
      wrapWords(`! ${escapeText(note.text)} (packet ${note.packet})`, width - indent.length),
    );
    return [...idle, line, ...notes.map((note) => palette.warning(indent + note))];
  });
  const more = exchangeCount - shown.length;
  return [
    palette.faint(title),
    ...lines,
    ...(more > 0 ? [palette.faint(`${ellipsis} and ${formatCount(more)} more (--json has them)`)] : []),
  ];
}

/** `columns`: of each share; null: only the largest one. */
function waitText({ waited, waitedOn }: Exchange, columns: number | null, style: TerminalStyle): string {
  if (columns === null) return `${waitedOn}, ${formatDuration(waited[waitedOn], style)}`;
  const nothing = glyphsOf(style).bullet;
  return (['server', 'network', 'client'] as const)
    .map((who) => {
      const text = (waited[who] > 0 ? formatDuration(waited[who], style) : nothing).padStart(columns);
      return who === waitedOn ? style.palette.strong(text) : text;
    })
    .join(' ');
}

/** Idle gaps between exchanges that get a line of their own. */
const idleShownNs = 1e9;

const requestText = ({ requestSeen, method, target }: Exchange): string =>
  requestSeen && method === '' ? '(payload not captured)' : requestSeen ? escapeText(`${method} ${target}`) : '(no request seen)';

function paintStatus({ status, complete, firstByte }: Exchange, text: string, { palette }: TerminalStyle): string {
  if (status === null) return firstByte === null ? palette.bad(text) : text;
  if (status >= 500 || !complete) return palette.bad(text);
  return status >= 400 ? palette.warning(text) : palette.good(text);
}
