/**
 * The whole screen of `watch`, as lines: exactly as many as the screen has, none wider than it. What is to be shown comes in as one
 * value; nothing here knows a terminal, a key or a clock.
 *
 *     title            what is watched                          how long
 *     counts           open, ended, requests, rates, trouble
 *     findings         the answer and what was found, a line each
 *     list or page     connections, or a ladder, the findings, the help
 *     bottom           the question being typed, a message, or the source and the keys
 */
import type { Clock } from '../clock.js';
import type { Diagnosed } from '../diagnosed.js';
import { clipEnd, escapeName } from '../escape.js';
import type { LiveRow } from '../live-row.js';
import { formatCount, formatCounted } from '../quantity.js';
import { clipPainted, justify } from './clip-painted.js';
import type { CommonEnds } from './list-layout.js';
import { renderLiveFindings } from './live-findings.js';
import { type LiveLayout, renderLiveHead, renderLiveLine } from './live-list.js';
import { glyphsOf, type TerminalStyle } from './style.js';

export interface LiveCounts {
  readonly open: number;
  readonly ended: number;
  readonly requests: number;
  readonly responses: number;
  readonly requestsPerSecond: number;
  readonly packetsPerSecond: number;
  readonly resets: number;
  readonly retransmissions: number;
  readonly keepAliveProbes: number;
}

/** What became of the packets; `seenShare` 0 to 1 of late, null when nothing was lost of late; `lost` since the beginning. */
export interface LiveSource {
  readonly name: string;
  readonly packets: number;
  readonly seenShare: number | null;
  readonly lost: number;
}

export interface LiveMessage {
  readonly text: string;
  readonly level: 'plain' | 'bad';
}

export interface LiveList {
  readonly kind: 'list';
  readonly rows: readonly LiveRow[];
  /** Place of the selected row; -1 for none. */
  readonly selected: number;
  readonly layout: LiveLayout;
  readonly common: CommonEnds;
  readonly commonWords: string;
  readonly order: string;
  /** Why there may be no rows, or '': a filter lets none through. */
  readonly empty: string;
}

export interface LivePage {
  readonly kind: 'page';
  readonly title: string;
  readonly lines: readonly string[];
  /** The first line shown. */
  readonly from: number;
}

export interface LiveScreen {
  /** What is watched: filter and so on, escaped. */
  readonly title: string;
  readonly state: 'live' | 'paused' | 'ended';
  readonly elapsed: string;
  readonly counts: LiveCounts;
  readonly diagnosed: Diagnosed | null;
  readonly clock: Clock;
  readonly source: LiveSource;
  readonly body: LiveList | LivePage;
  readonly message: LiveMessage | null;
  /** What is being typed, with its question. */
  readonly prompt: { readonly question: string; readonly text: string } | null;
}

interface Budget {
  readonly title: boolean;
  readonly counts: boolean;
  readonly findings: number;
  readonly head: boolean;
  readonly body: number;
}

/** How the lines of a screen are given away. */
function budgetOf(rows: number, { body, diagnosed }: LiveScreen): Budget {
  const title = rows >= 5;
  const counts = rows >= 4;
  const head = rows >= 8 && body.kind === 'list';
  const told = diagnosed === null ? 0 : 1 + diagnosed.findings.filter(({ level }) => level !== 'good').length;
  const findings = body.kind === 'page' ? 0 : Math.min(told, rows >= 40 ? 9 : rows >= 20 ? 4 : rows >= 12 ? 2 : 0);
  const used = (title ? 1 : 0) + (counts ? 1 : 0) + findings + (head ? 1 : 0) + 1;
  return { title, counts, findings, head, body: Math.max(0, rows - used) };
}

/** Lines of the list or page on a screen of this height: what one page of scrolling is. */
export const liveBodyRows = (screen: LiveScreen, rows: number): number => budgetOf(rows, screen).body;

export function renderLiveScreen(screen: LiveScreen, rows: number, style: TerminalStyle): string[] {
  const { width } = style;
  const budget = budgetOf(rows, screen);
  const lines: string[] = [];
  if (budget.title) lines.push(titleLine(screen, style));
  if (budget.counts) lines.push(countsLine(screen, style));
  if (screen.diagnosed !== null) lines.push(...renderLiveFindings(screen.diagnosed, budget.findings, style));
  lines.push(...bodyLines(screen, budget, style));
  while (lines.length < rows - 1) lines.push('');
  lines.length = Math.max(0, rows - 1);
  lines.push(bottomLine(screen, style));
  return lines.slice(-Math.max(1, rows)).map((line) => clipPainted(line, width));
}

function titleLine({ title, state, elapsed, body }: LiveScreen, style: TerminalStyle): string {
  const { palette, width } = style;
  const what = body.kind === 'page' ? body.title : title;
  const right = state === 'live' ? elapsed : `${state.toUpperCase()} ${elapsed}`;
  const room = Math.max(0, width - right.length - 1);
  const left = clipEnd(`holdfast watch ${glyphsOf(style).bullet} ${what}`, room, glyphsOf(style).ellipsis);
  return justify(palette.strong(left), state === 'live' ? palette.faint(right) : palette.notable(right), width);
}

function countsLine({ counts, body }: LiveScreen, style: TerminalStyle): string {
  const { palette, width } = style;
  const bullet = ` ${glyphsOf(style).bullet} `;
  const rate = (perSecond: number): string => (perSecond < 9.95 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond)));
  const unanswered = counts.requests - counts.responses;
  const items = [
    `${formatCount(counts.open)} open, ${formatCount(counts.ended)} ended`,
    `${formatCounted(counts.requests, 'request')}${counts.requestsPerSecond > 0 ? ` (${rate(counts.requestsPerSecond)}/s)` : ''}`,
    unanswered > 0 ? `${formatCount(unanswered)} unanswered` : '',
    counts.resets > 0 ? palette.warning(formatCounted(counts.resets, 'reset')) : '',
    counts.retransmissions > 0 ? palette.warning(`${formatCount(counts.retransmissions)} sent again`) : '',
    counts.keepAliveProbes > 0 ? formatCounted(counts.keepAliveProbes, 'probe') : '',
  ].filter((item) => item !== '');
  const order = body.kind === 'list' ? palette.faint(body.order) : '';
  return justify(items.join(bullet), order, width);
}

function bodyLines(screen: LiveScreen, budget: Budget, style: TerminalStyle): string[] {
  const { body, clock } = screen;
  if (body.kind === 'page') return body.lines.slice(body.from, body.from + budget.body);
  const { rows, selected, layout, common, empty } = body;
  const head = budget.head ? [headLine(body, style)] : [];
  if (rows.length === 0) return [...head, style.palette.faint(empty)].slice(0, budget.body + head.length);
  const shown = rows.slice(0, budget.body);
  return [
    ...head,
    ...shown.map((row, index) => renderLiveLine(row, layout, { common, clock, selected: index === selected }, style)),
  ];
}

function headLine({ layout, common, commonWords }: LiveList, style: TerminalStyle): string {
  const head = renderLiveHead(layout, common, style);
  return justify(head, style.palette.faint(escapeName(commonWords)), style.width);
}

function bottomLine({ prompt, message, source, counts, body, state }: LiveScreen, style: TerminalStyle): string {
  const { palette, width } = style;
  const { ellipsis } = glyphsOf(style);
  if (prompt !== null) {
    const shown = `${prompt.question}${prompt.text}`;
    return shown.length < width ? `${shown}_` : `${ellipsis}${shown.slice(-(width - ellipsis.length - 1))}_`;
  }
  if (message !== null) return message.level === 'bad' ? palette.bad(message.text) : message.text;
  const seen = source.seenShare;
  const sampling =
    seen === null ? '' : `${palette.bad(`sampling: ${seen > 0.995 ? '>99' : Math.floor(seen * 100)} % of packets seen`)}  `;
  const perSecond = state === 'ended' ? '' : `, ${formatCount(Math.round(counts.packetsPerSecond))}/s`;
  const lost = source.lost > 0 ? `, ${formatCount(source.lost)} lost` : '';
  const left = `${sampling}${palette.faint(`${source.name}: ${formatCounted(source.packets, 'packet')}${perSecond}${lost}`)}`;
  const keys = body.kind === 'page' ? 'esc back  ? help  q quit' : '? help  q quit';
  return justify(left, palette.faint(keys), width);
}
