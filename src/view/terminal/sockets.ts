/**
 * The sockets of a host, for a terminal: what there is in one line, what is wrong with it, then services, listeners and the sockets
 * that have most to tell. Names of processes are hostile: all are escaped here.
 */
import type { SocketFinding, SocketPeer, SocketReport, SocketState, TcpSocket } from '../../base/index.js';
import { clipEnd, escapeName } from '../escape.js';
import { formatBytes, formatCount, formatCounted, formatEndpoint, formatShortDuration } from '../quantity.js';
import { plainInk } from './ink.js';
import { labelled, wrapWords } from './lines.js';
import { glyphsOf, type Paint, type Palette, type TerminalStyle } from './style.js';
import { renderTable, type TextColumn } from './text-table.js';

export interface SocketsShown {
  /** Lines of sockets, of services and of listeners. */
  readonly sockets: number;
  readonly peers: number;
  readonly listeners: number;
  readonly findings: number;
  /** Of each finding only so many lines, and of its fixes one; null: all. */
  readonly linesPerFinding: number | null;
}

const nsPerMs = 1e6;
const labelWidth = 9;

export function renderSockets(report: SocketReport, shown: SocketsShown, style: TerminalStyle): string[] {
  const { palette } = style;
  const worst = report.findings[0]?.level;
  const paint = worst === 'bad' ? palette.bad : worst === 'warning' ? palette.warning : (text: string): string => text;
  const listeners = report.chosen.filter(({ state }) => state === 'LISTEN');
  const lines = wrapWords(socketsHeadline(report), style.width).map((line) => palette.strong(paint(line)));
  lines.push(...renderFindings(report.findings, shown, style));
  for (const text of report.table.missing)
    lines.push(...shortened(paragraph('Unsure', `${text}.`, style, palette.faint), shown.linesPerFinding === null ? null : 1));
  if (report.peers.length > 0) lines.push('', ...renderPeers(report.peers, shown.peers, style));
  if (listeners.length > 0 && shown.listeners > 0) lines.push('', ...renderListeners(listeners, shown.listeners, style));
  const others = report.chosen.filter(({ state }) => state !== 'LISTEN');
  if (others.length > 0 && shown.sockets > 0) lines.push('', ...renderList(others, shown.sockets, style));
  return lines;
}

/** `214 sockets to 3 peers: 180 ESTABLISHED, 20 TIME_WAIT, 14 CLOSE_WAIT; 4 listeners.` */
export function socketsHeadline({ chosen, peers }: Pick<SocketReport, 'chosen' | 'peers'>): string {
  const counts = new Map<SocketState, number>();
  for (const { state } of chosen) counts.set(state, (counts.get(state) ?? 0) + 1);
  const listeners = counts.get('LISTEN') ?? 0;
  counts.delete('LISTEN');
  const sockets = chosen.length - listeners;
  const states = [...counts].sort((a, b) => b[1] - a[1]).map(([state, count]) => `${formatCount(count)} ${state}`);
  const listening = listeners === 0 ? '' : formatCounted(listeners, 'listener');
  if (sockets === 0) return listening === '' ? 'No sockets.' : `No connections; ${listening}.`;
  return `${formatCounted(sockets, 'socket')} to ${formatCounted(peers.length, 'peer')}: ${states.join(', ')}${listening === '' ? '' : `; ${listening}`}.`;
}

const labels = { bad: 'Bad', warning: 'Warning', info: 'Seen', good: 'Good' } as const;

function renderFindings(findings: readonly SocketFinding[], shown: SocketsShown, style: TerminalStyle): string[] {
  const { palette } = style;
  const most = shown.linesPerFinding;
  const lines = findings.slice(0, shown.findings).flatMap(({ rule, level, owner, title, detail, fixes }) => {
    const paint = level === 'bad' ? palette.bad : level === 'warning' ? palette.warning : undefined;
    const told = shortened(paragraph(labels[level], `${title}. ${detail}`, style, paint), most);
    if (level !== 'bad' && level !== 'warning') return told;
    const [fix] = fixes;
    const why = most === null && fix !== undefined ? ` (${fix.why})` : '';
    const change = fix === undefined ? [] : paragraph('Change', `${fix.for}: ${fix.setting}${why}`, style, palette.strong);
    if (most !== null) return [...told, ...shortened(change, 1)];
    const more = fixes.length > 1 ? `; ${formatCounted(fixes.length - 1, 'other setting')} with --json` : '';
    return [...told, ...change, ...paragraph('', `${rule}, the ${owner}${more}`, style, palette.faint)];
  });
  if (findings.length > shown.findings)
    lines.push(
      ...paragraph('', `and ${formatCounted(findings.length - shown.findings, 'finding')} more (--json has them all)`, style),
    );
  return lines;
}

/** The whole line behind the cut is lost, so no sign of it is needed but the sentence that does not end. */
const shortened = (lines: readonly string[], most: number | null): readonly string[] =>
  most === null ? lines : lines.slice(0, most);

function paragraph(label: string, text: string, style: TerminalStyle, paint: Paint = (line) => line): string[] {
  const room = style.width - labelWidth - 4;
  const words = wrapWords(plainInk(escapeName(text), style), room).map((line) =>
    paint(clipEnd(line, room, glyphsOf(style).ellipsis)),
  );
  return labelled(label, words, labelWidth).map((line, index) =>
    index === 0 && label !== '' ? line.replace(label, style.palette.faint(label)) : line,
  );
}

const countOrNothing = (count: number): string => (count === 0 ? '' : formatCount(count));
const durationText = (ms: number, style: TerminalStyle): string => (ms === 0 ? '0ms' : formatShortDuration(ms * nsPerMs, style));

function renderPeers(peers: readonly SocketPeer[], most: number, style: TerminalStyle): string[] {
  const { palette } = style;
  const others = ({ states, sockets }: SocketPeer): number =>
    sockets - (states.ESTABLISHED ?? 0) - (states.TIME_WAIT ?? 0) - (states.CLOSE_WAIT ?? 0);
  const columns: readonly TextColumn<SocketPeer>[] = [
    {
      title: 'peer',
      text: ({ direction, service, address, addressCount }) =>
        direction === 'out'
          ? `to ${formatEndpoint(service)}`
          : `${formatEndpoint(service)} from ${address ?? formatCounted(addressCount, 'address', 'addresses')}`,
      least: 24,
    },
    { title: 'open', text: ({ states }) => countOrNothing(states.ESTABLISHED ?? 0), align: 'right' },
    { title: 'idle', text: ({ idle }) => (idle === null ? '?' : countOrNothing(idle)), align: 'right' },
    { title: 'TIME_W', text: ({ states }) => countOrNothing(states.TIME_WAIT ?? 0), align: 'right' },
    {
      title: 'CLOSE_W',
      text: ({ states }) => countOrNothing(states.CLOSE_WAIT ?? 0),
      align: 'right',
      paint: () => palette.warning,
    },
    { title: 'other', text: (peer) => countOrNothing(others(peer)), align: 'right' },
    {
      title: 'queued',
      text: ({ queuedBytes }) => (queuedBytes === 0 ? '' : formatBytes(queuedBytes)),
      align: 'right',
      optional: 'extra',
    },
    {
      title: 'ports left',
      text: ({ portsLeft }) => (portsLeft === null ? '' : formatCount(portsLeft)),
      align: 'right',
      optional: 'useful',
    },
    { title: 'rtt', text: ({ rttMs }) => (rttMs === null ? '' : durationText(rttMs, style)), align: 'right', optional: 'extra' },
    { title: 'process', text: ({ owners }) => escapeName(owners.join(' ')), least: 12, optional: 'useful' },
  ];
  return [...renderTable(peers.slice(0, most), columns, style), ...moreLine(peers.length - most, 'peer', style)];
}

function renderListeners(listeners: readonly TcpSocket[], most: number, style: TerminalStyle): string[] {
  const { palette } = style;
  const columns: readonly TextColumn<TcpSocket>[] = [
    { title: 'listener', text: ({ local }) => formatEndpoint(local), least: 24 },
    {
      title: 'waiting',
      text: ({ acceptQueue }) => (acceptQueue === null ? '?' : formatCount(acceptQueue.used)),
      align: 'right',
      paint: ({ acceptQueue }) => (acceptQueue !== null && acceptQueue.used > 0 ? palette.warning : undefined),
    },
    {
      title: 'may wait',
      text: ({ acceptQueue }) => (acceptQueue === null || acceptQueue.limit === null ? '?' : formatCount(acceptQueue.limit)),
      align: 'right',
    },
    { title: 'process', text: ownersText, least: 12, optional: 'useful' },
  ];
  const busiest = listeners.toSorted(
    (a, b) => (b.acceptQueue?.used ?? 0) - (a.acceptQueue?.used ?? 0) || a.local.port - b.local.port,
  );
  return [...renderTable(busiest.slice(0, most), columns, style), ...moreLine(listeners.length - most, 'listener', style)];
}

function ownersText({ owners }: TcpSocket): string {
  if (owners === null) return '?';
  const [first, ...others] = owners;
  if (first === undefined) return '';
  return escapeName(`${first.name}/${first.pid}${others.length > 0 ? ` +${others.length}` : ''}`);
}

/** What has most to tell comes first. */
const statePlaces: Readonly<Record<SocketState, number>> = {
  CLOSE_WAIT: 0,
  SYN_SENT: 1,
  SYN_RECV: 2,
  FIN_WAIT2: 3,
  FIN_WAIT1: 4,
  CLOSING: 4,
  LAST_ACK: 4,
  ESTABLISHED: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  LISTEN: 8,
};

/** Stuck data before anything else, then by state, the longest idle first. */
function interestOrder(a: TcpSocket, b: TcpSocket): number {
  const attempts = ({ timer }: TcpSocket): number =>
    timer?.kind === 'retransmit' || timer?.kind === 'probe' ? timer.attempts + 1 : 0;
  const queued = ({ sendQueueBytes, receiveQueueBytes }: TcpSocket): number => sendQueueBytes + receiveQueueBytes;
  const idle = ({ measures }: TcpSocket): number =>
    measures === null ? 0 : Math.min(measures.sinceSentMs, measures.sinceReceivedMs);
  return (
    attempts(b) - attempts(a) ||
    statePlaces[a.state] - statePlaces[b.state] ||
    queued(b) - queued(a) ||
    idle(b) - idle(a) ||
    a.local.port - b.local.port
  );
}

function renderList(sockets: readonly TcpSocket[], most: number, style: TerminalStyle): string[] {
  const { palette } = style;
  const rows = sockets.toSorted(interestOrder).slice(0, most);
  const here = rows[0]?.local.address;
  const isOneAddress = rows.every(({ local }) => local.address === here);
  const columns: readonly TextColumn<TcpSocket>[] = [
    { title: 'state', text: ({ state }) => state, paint: ({ state }) => statePaint(state, palette) },
    {
      title: 'local',
      text: ({ local }) => (isOneAddress ? `:${local.port}` : formatEndpoint(local)),
      least: 12,
      clip: 'start',
    },
    { title: 'peer', text: ({ remote }) => formatEndpoint(remote), least: 14, clip: 'start' },
    { title: 'idle', text: (socket) => sinceText(socket, style), align: 'right' },
    { title: 'unread', text: (socket) => bytesText(unreadBytes(socket)), align: 'right', optional: 'useful' },
    { title: 'unacked', text: ({ sendQueueBytes }) => bytesText(sendQueueBytes), align: 'right', optional: 'useful' },
    { title: 'timer', text: (socket) => timerText(socket, style), least: 8, optional: 'useful' },
    { title: 'process', text: ownersText, least: 8, optional: 'useful' },
    {
      title: 'rtt',
      text: ({ measures }) => (measures === null || measures.rttMs === 0 ? '' : durationText(measures.rttMs, style)),
      align: 'right',
      optional: 'extra',
    },
    {
      title: 'resent',
      text: ({ measures }) => countOrNothing(measures?.totalRetransmissions ?? 0),
      align: 'right',
      optional: 'extra',
    },
    { title: 'sent', text: ({ measures }) => bytesText(measures?.bytesAcknowledged ?? 0), align: 'right', optional: 'extra' },
    { title: 'received', text: ({ measures }) => bytesText(measures?.bytesReceived ?? 0), align: 'right', optional: 'extra' },
  ];
  return [...renderTable(rows, columns, style), ...moreLine(sockets.length - rows.length, 'socket', style)];
}

/** Behind the other side's FIN, the kernel counts that FIN as a byte until the program has read it. */
const unreadBytes = ({ state, receiveQueueBytes }: TcpSocket): number =>
  state === 'CLOSE_WAIT' ? Math.max(0, receiveQueueBytes - 1) : receiveQueueBytes;

const bytesText = (byteCount: number): string => (byteCount === 0 ? '' : formatBytes(byteCount));

/** How long nothing was sent or received; of a closed connection how long ago the last segment came. */
function sinceText({ state, measures }: TcpSocket, style: TerminalStyle): string {
  if (measures === null) return '';
  const isClosing = state === 'CLOSE_WAIT' || state === 'FIN_WAIT2';
  return durationText(isClosing ? measures.sinceAckMs : Math.min(measures.sinceSentMs, measures.sinceReceivedMs), style);
}

function timerText({ timer }: TcpSocket, style: TerminalStyle): string {
  if (timer === null) return '';
  const left = durationText(timer.expiresMs, style);
  const times = timer.attempts > 0 ? ` ${glyphsOf(style).times}${timer.attempts}` : '';
  switch (timer.kind) {
    case 'time-wait':
      return `ends ${left}`;
    case 'keep-alive':
      return `probe ${left}${times}`;
    case 'retransmit':
      return `resend ${left}${times}`;
    case 'probe':
      return `no room ${left}${times}`;
  }
}

function statePaint(state: SocketState, palette: Palette): Paint | undefined {
  switch (state) {
    case 'CLOSE_WAIT':
    case 'SYN_SENT':
      return palette.warning;
    case 'ESTABLISHED':
      return palette.good;
    default:
      return palette.faint;
  }
}

function moreLine(count: number, what: string, { palette }: TerminalStyle): string[] {
  return count > 0 ? [palette.faint(`and ${formatCounted(count, what)} more (--all)`)] : [];
}
