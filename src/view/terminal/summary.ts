/**
 * The summary: the first lines of `explain`. The first line answers (is work lost, where), the next ones count (connections,
 * requests, who closed), the table below has the rest. A row without anything to say is left out.
 */
import type { SourceSummary } from '../../base/index.js';
import type { EndingWhy } from '../../story/index.js';
import { clockOf } from '../clock.js';
import type { Diagnosed } from '../diagnosed.js';
import { countEnding, endingWords } from '../ending-words.js';
import { clipEnd, escapeName, escapeText } from '../escape.js';
import { connectionsPerTrouble, type Overview } from '../overview.js';
import { protocolTitle } from '../protocol-words.js';
import { formatBytes, formatCount, formatCounted, formatDuration } from '../quantity.js';
import { renderDiagnosis, verdictPaint } from './diagnosis.js';
import { labelled, wrapItems, wrapWords } from './lines.js';
import { glyphsOf, type TerminalStyle } from './style.js';

export interface SummaryInput {
  readonly name: string;
  readonly overview: Overview;
  readonly source: SourceSummary;
  /** What chose the connections, in words; null when all are shown. */
  readonly chosenBy: string | null;
  /** What the rules say of them. */
  readonly diagnosed: Diagnosed;
}

const labelWidth = 9;

export function renderSummary(input: SummaryInput, style: TerminalStyle): string[] {
  const { overview, source } = input;
  const lines = [...headline(input, style), ''];
  if (overview.connections > 0) {
    const diagnosis = renderDiagnosis(input.diagnosed, style);
    if (diagnosis.length > 0) lines.push(...diagnosis, '');
    lines.push(...troubleRows(overview, style), ...factRows(overview, style));
  }
  lines.push(...row('Capture', captureItems(input, style), style), ...problemRows(source, style));
  return lines;
}

function headline(input: SummaryInput, style: TerminalStyle): string[] {
  const { overview } = input;
  const { palette, width } = style;
  if (overview.connections === 0) return wrapWords(nothingFound(input), width).map(palette.strong);
  const { shownRequests: requests, shownResponses: responses } = overview;
  const { diagnosed } = input;
  const paint = verdictPaint(diagnosed, style);
  const verdict = wrapWords(escapeName(`${diagnosed.verdict.headline}.`), width).map((line) => palette.strong(paint(line)));
  const chosen = input.chosenBy === null ? '' : ` (${escapeName(input.chosenBy)})`;
  const counts =
    requests + responses > 0
      ? `${formatCounted(overview.connections, 'connection')}${chosen}, ${formatCounted(requests, 'request')}, ${formatCounted(responses, 'response')}.`
      : `${formatCounted(overview.connections, 'TCP connection')}${chosen}, no HTTP/1 in the clear.`;
  return [
    ...verdict,
    ...wrapWords([counts, closersSentence(overview), diagnosed.verdict.ended.note ?? ''].join(' ').trimEnd(), width),
  ];
}

function nothingFound({ source, chosenBy }: SummaryInput): string {
  if (chosenBy !== null && source.tcpPackets > 0) return `No connection matches ${escapeName(chosenBy)}.`;
  if (source.packets === 0) return 'The capture holds no packets.';
  const others = Object.entries(source.otherPackets).sort(([, a], [, b]) => b - a);
  const said = others.slice(0, 5).map(([protocol, count]) => `${formatCount(count)} ${escapeName(protocol)}`);
  const more = others.length > 5 ? ' and others' : '';
  const tcp = source.tcpPackets > 0 ? 'No TCP connection could be made out' : 'No TCP in this capture';
  return `${tcp}: ${formatCounted(source.packets, 'packet')}${said.length > 0 ? ` (${said.join(', ')}${more})` : ''}.`;
}

const troublesOf = (overview: Overview): EndingWhy[] =>
  [...overview.endings.keys()]
    .filter((why) => endingWords[why].severity === 'bad')
    .sort((a, b) => overview.endings.get(b)!.count - overview.endings.get(a)!.count);

function closersSentence({ closers, connections }: Overview): string {
  const closed = (by: 'client' | 'server' | 'network'): number => closers[by].fin + closers[by].rst + closers[by].timeout;
  if (connections === 1) {
    const by = (['server', 'client'] as const).find((side) => closed(side) > 0);
    if (by !== undefined) return `The ${by} closed it.`;
  }
  const parts: string[] = [];
  if (closed('server') > 0) parts.push(`the server closed ${formatCount(closed('server'))}`);
  if (closed('client') > 0) parts.push(`the client ${parts.length > 0 ? '' : 'closed '}${formatCount(closed('client'))}`);
  const lost = closed('network') + closers.none.timeout;
  if (lost > 0) parts.push(`${formatCount(lost)} died in the network`);
  const open = closers.client.open + closers.server.open + closers.network.open + closers.none.open;
  if (open > 0) parts.push(`${formatCount(open)} still open at the end`);
  const sentence = parts.join(', ');
  return sentence === '' ? '' : `${sentence[0]!.toUpperCase()}${sentence.slice(1)}.`;
}

function row(label: string, items: readonly string[], style: TerminalStyle): string[] {
  if (items.length === 0) return [];
  const lines = wrapItems(items, ` ${glyphsOf(style).bullet} `, style.width - labelWidth - 4);
  return paintLabel(labelled(label, lines, labelWidth), label, style);
}

const paintLabel = (lines: readonly string[], label: string, { palette }: TerminalStyle): string[] =>
  lines.map((line, index) => (index === 0 ? `  ${palette.faint(label)}${line.slice(2 + label.length)}` : line));

function troubleRows(overview: Overview, style: TerminalStyle): string[] {
  const troubles = troublesOf(overview).map((why) => ({
    text: countEnding(why, overview.endings.get(why)!.count),
    ...overview.endings.get(why)!,
  }));
  const { serverErrors } = overview;
  if (serverErrors.count > 0)
    troubles.push({ text: formatCounted(serverErrors.count, 'server error (5xx)', 'server errors (5xx)'), ...serverErrors });
  if (troubles.length === 0) return [];
  const textWidth = Math.max(...troubles.map(({ text }) => text.length));
  const lines = troubles.map(({ text, count, connections }) => {
    const more = count > connections.length && connections.length === connectionsPerTrouble ? ` ${glyphsOf(style).ellipsis}` : '';
    return `${text.padEnd(textWidth)}  ${connections.map((id) => `#${id}`).join(' ')}${more}`;
  });
  return paintLabel(
    labelled(
      'Trouble',
      lines.map((line) => clipEnd(line, style.width - labelWidth - 4, glyphsOf(style).ellipsis)),
      labelWidth,
    ),
    'Trouble',
    style,
  );
}

function factRows(overview: Overview, style: TerminalStyle): string[] {
  return [
    ...row('Requests', requestItems(overview), style),
    ...row('Status', statusItems(overview, style), style),
    ...row('Closed by', closerItems(overview), style),
    ...row('Why', whyItems(overview), style),
    ...row('Took', timeItems(overview, style), style),
    ...row('Slowest', slowestItems(overview, style), style),
    ...row('Waited on', waitedItems(overview, style), style),
    ...row('TCP', tcpItems(overview, style), style),
    ...row('Others', otherItems(overview, style), style),
  ];
}

function requestItems({ totals, shownRequests, shownResponses, answered, httpConnections }: Overview): string[] {
  if (shownRequests + shownResponses === 0) return [];
  const items = [`${formatCount(shownRequests)} on ${formatCounted(httpConnections, 'connection')}`];
  if (answered < shownRequests) items.push(`${formatCount(shownRequests - answered)} without response`);
  items.push(
    totals.reusedConnections === 0 ? 'no connection reused' : `${formatCounted(totals.reusedConnections, 'connection')} reused`,
  );
  return items;
}

/** Status codes named one by one. */
const statusLimit = 8;

function statusItems({ statuses }: Overview, style: TerminalStyle): string[] {
  const found = [...statuses].map((count, status) => ({ status, count })).filter(({ count }) => count > 0);
  const shown = [...found].sort((a, b) => b.count - a.count).slice(0, statusLimit);
  const items = shown
    .sort((a, b) => a.status - b.status)
    .map(({ status, count }) => `${status} ${glyphsOf(style).times}${formatCount(count)}`);
  return found.length > shown.length ? [...items, `${found.length - shown.length} other codes`] : items;
}

function closerItems({ closers }: Overview): string[] {
  const items: string[] = [];
  for (const by of ['server', 'client', 'network', 'none'] as const) {
    const { fin, rst, timeout } = closers[by];
    const hows = [
      [fin, 'FIN'],
      [rst, 'RST'],
      [timeout, 'timeout'],
    ] as const;
    const said = hows.filter(([count]) => count > 0).map(([count, how]) => `${formatCount(count)} ${how}`);
    if (said.length > 0) items.push(`${by === 'none' ? 'nobody' : by} ${said.join(' + ')}`);
  }
  const open = closers.none.open + closers.client.open + closers.server.open + closers.network.open;
  return open > 0 ? [...items, `${formatCount(open)} open`] : items;
}

function whyItems({ endings }: Overview): string[] {
  return [...endings]
    .filter(([why]) => endingWords[why].severity !== 'bad' && why !== 'still-open')
    .sort(([, a], [, b]) => b.count - a.count)
    .map(([why, { count }]) => countEnding(why, count));
}

function timeItems({ answerTimes, handshakes }: Overview, style: TerminalStyle): string[] {
  const items: string[] = [];
  const about = (ns: number): string => formatDuration(ns, style);
  if (answerTimes.count === 1) items.push(`request to end of response ${about(answerTimes.maximumNs)}`);
  if (answerTimes.count > 1) {
    items.push(`request to end of response: median ${about(answerTimes.quantile(0.5))}`);
    if (answerTimes.count >= 20) items.push(`95 % within ${about(answerTimes.quantile(0.95))}`);
    items.push(`longest ${about(answerTimes.maximumNs)}`);
  }
  if (handshakes.count > 0)
    items.push(`handshake ${handshakes.count > 1 ? `median ${about(handshakes.quantile(0.5))}` : about(handshakes.maximumNs)}`);
  return items;
}

function slowestItems({ slowest, answerTimes }: Overview, style: TerminalStyle): string[] {
  if (slowest === null || answerTimes.count < 2) return [];
  const facts = `${formatDuration(slowest.durationNs, style)}, most of it on the ${slowest.waitedOn}`;
  const room = style.width - labelWidth - 4;
  const request = `#${slowest.connection} ${escapeText(`${slowest.method} ${slowest.target}`)}`;
  const beside = room - facts.length - 3;
  return [clipEnd(request, beside >= 24 ? beside : room, glyphsOf(style).ellipsis), facts];
}

function waitedItems({ waited }: Overview, style: TerminalStyle): string[] {
  const whole = waited.client + waited.network + waited.server;
  if (whole <= 0) return [];
  return (['server', 'network', 'client'] as const)
    .filter((who) => waited[who] > 0)
    .map((who) => `${who} ${formatDuration(waited[who], style)} (${Math.round((100 * waited[who]) / whole)} %)`);
}

function tcpItems(overview: Overview, _style: TerminalStyle): string[] {
  const { totals, outOfOrder, zeroWindows, gapBytes, bytesFromClients, bytesFromServers } = overview;
  const items = [`${formatBytes(bytesFromClients)} from clients, ${formatBytes(bytesFromServers)} from servers`];
  const count = (value: number, one: string, many?: string): void => {
    if (value > 0) items.push(formatCounted(value, one, many));
  };
  count(totals.fins, 'FIN');
  count(totals.resets, 'RST');
  count(totals.keepAliveProbes, 'keep-alive probe');
  count(totals.retransmissions, 'retransmission');
  count(outOfOrder, 'out of order', 'out of order');
  count(zeroWindows, 'zero window');
  if (gapBytes > 0) items.push(`${formatBytes(gapBytes)} missing`);
  return items;
}

/** Server names said, at most. */
const serverNamesSaid = 3;

function otherItems({ protocols, serverNames }: Overview, style: TerminalStyle): string[] {
  const others = [...protocols].filter(([name]) => name !== 'http/1').sort(([, a], [, b]) => b - a);
  return others.map(([name, count]) => {
    const text =
      name === 'none'
        ? `${formatCount(count)} without data`
        : name === 'unknown'
          ? `${formatCount(count)} of an unknown protocol`
          : `${formatCount(count)} ${protocolTitle(name)}`;
    if (name !== 'tls' || serverNames.size === 0) return text;
    const names = [...serverNames].sort(([, a], [, b]) => b - a).slice(0, serverNamesSaid);
    const more = serverNames.size > serverNamesSaid ? `, ${glyphsOf(style).ellipsis}` : '';
    return `${text} (${names.map(([serverName]) => clipEnd(escapeText(serverName), 40, glyphsOf(style).ellipsis)).join(', ')}${more})`;
  });
}

function captureItems({ name, source }: SummaryInput, style: TerminalStyle): string[] {
  const items = [escapeName(name), [source.format, ...source.linkTypes.map(escapeName)].join(', ')];
  // A relay has bytes and no packets.
  const packets = source.format === 'tap' ? '' : `${formatCounted(source.packets, 'packet')}, `;
  items.push(`${packets}${formatBytes(source.bytes)}`);
  if (source.firstAtNs !== null) {
    const clock = clockOf(source);
    items.push(`from ${clock.dateAndTime(source.firstAtNs, 3)} UTC, ${formatDuration(clock.spanNs, style)} long`);
  }
  return items;
}

function problemRows({ problems }: SourceSummary, style: TerminalStyle): string[] {
  const lines = problems.flatMap(({ count, firstPacket, text }) => {
    const where = firstPacket > 0 ? `, first at packet ${formatCount(firstPacket)}` : '';
    const times =
      count > 1 ? ` (${formatCount(count)} times${where})` : where === '' ? '' : ` (packet ${formatCount(firstPacket)})`;
    return wrapWords(`${escapeName(text)}${times}`, style.width - labelWidth - 4);
  });
  if (lines.length === 0) return [];
  return labelled('Damage', lines, labelWidth).map((line) => style.palette.warning(line));
}
