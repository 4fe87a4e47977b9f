/** `holdfast link --measure`: what the link does, measured from its ends, beside what was asked and what the link itself counted. */
import { constants, setPriority } from 'node:os';
import {
  type Link,
  type LinkOptions,
  type LinkWay,
  linkAddresses,
  measurePingPong,
  type PassedOneWay,
  type PingPong,
  pingPacketBytes,
} from '../capture/index.js';
import { formatCount, formatCounted, formatDuration, type TerminalStyle, wrapWords } from '../view/index.js';
import type { Streams } from './command-context.js';
import type { LinkCommandOptions } from './link.js';
import { formatShare } from './link-table.js';
import { terminalStyle } from './terminal-style.js';

/** Datagrams a second that this machine sends without losing some itself. */
const machineRate = 10_000;

export async function measureLink(
  link: Link,
  settings: LinkOptions,
  { datagrams = 40_000, json, reorderBy = 0 }: LinkCommandOptions,
  { output, screen, messages, environment }: Streams,
): Promise<void> {
  const slowest = Math.min(rateOf(settings.toServer), rateOf(settings.toClient));
  const pace = Math.min(machineRate, Math.max(1, slowest / (8 * pingPacketBytes) / 2));
  if (screen.isTTY) messages.write(`Measuring for about ${formatDuration((datagrams / pace + 8) * 1e9)} …\n`);
  const leave = new AbortController();
  const interrupt = (): void => leave.abort();
  process.on('SIGINT', interrupt);
  beFirstInLine();
  const measured = await measurePingPong({
    address: linkAddresses.server,
    datagrams,
    datagramsPerSecond: pace,
    patienceMs: Math.max(500, 2 * (settings.roundTripMs ?? 0) + 4 * jitterOf(settings) + reorderBy),
    signal: leave.signal,
  }).finally(() => process.off('SIGINT', interrupt));
  if (json === true) {
    output.line(JSON.stringify({ schema: 'holdfast.link.v1', asked: settings, measured, counted: link.statistics() }));
    return;
  }
  const style = terminalStyle({}, screen, environment);
  for (const line of comparison(settings, measured, style)) output.line(line);
  const { overrun } = link.statistics();
  if (overrun === 0) return;
  const text = `${formatCounted(overrun, 'packet')} of these lost because this machine was too slow for the link.`;
  output.line(style.palette.warning(text));
}

/** A busy machine shall not add to what is measured. Only root may. */
function beFirstInLine(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST);
  } catch {
    // Then the figures are those of a program among others.
  }
}

const rateOf = (way: Partial<LinkWay> | undefined): number => way?.rateBitsPerSecond ?? Number.POSITIVE_INFINITY;
const jitterOf = ({ toServer, toClient }: LinkOptions): number => (toServer?.jitterMs ?? 0) + (toClient?.jitterMs ?? 0);

function comparison(settings: LinkOptions, measured: PingPong, style: TerminalStyle): string[] {
  const { palette } = style;
  const { roundTripsMs, toServer, toClient, unread } = measured;
  const lines = [palette.faint(head), ...roundTripRow(settings, roundTripsMs, style)];
  const ways = [
    ['to server', settings.toServer, toServer],
    ['to client', settings.toClient, toClient],
  ] as const;
  for (const [name, way = {}, passed] of ways) {
    const { sent, arrived } = passed;
    const asked = 1 - (1 - (way.lossRate ?? 0)) * (1 - (way.corruptRate ?? 0));
    const lost = `${formatCount(sent - arrived)} of ${formatCount(sent)}${byChance(asked, sent)}`;
    lines.push(...row([`lost, ${name}`, formatShare(asked), formatShare((sent - arrived) / sent), lost], style));
    for (const [label, rate = 0, found] of extras(way, passed)) {
      if (rate > 0 || found > 0)
        lines.push(...row([`${label}, ${name}`, formatShare(rate), formatShare(found / sent), ''], style));
    }
  }
  if (unread > 0) {
    const text = `${formatCounted(unread, 'datagram')} passed the link and were lost in the measurement itself: this machine is busy.`;
    lines.push(palette.warning(text));
  }
  return lines;
}

const extras = (way: Partial<LinkWay>, { late, duplicates }: PassedOneWay) =>
  [
    ['overtaken', way.reorderRate, late],
    ['twice', way.duplicateRate, duplicates],
  ] as const;

function roundTripRow({ roundTripMs = 0 }: LinkOptions, sorted: readonly number[], style: TerminalStyle): string[] {
  const time = (ms: number): string => formatDuration(ms * 1e6, style);
  if (sorted.length === 0) return row(['round trip', time(roundTripMs), 'none', 'no ping came back'], style);
  const note = `median of ${sorted.length}, from ${time(sorted[0]!)} to ${time(sorted.at(-1)!)}`;
  return row(['round trip', time(roundTripMs), time(sorted[sorted.length >> 1]!), note], style);
}

/** Label, asked, measured, and a note that is continued below where there is no room beside them. */
function row(
  [label, asked, found, note]: readonly [string, string, string, string],
  { palette, width }: TerminalStyle,
): string[] {
  const figures = `${label.padEnd(20)}${asked.padStart(10)}${found.padStart(12)}`;
  const [first = '', ...rest] = wrapWords(note, Math.max(30, width - noteColumn));
  return [
    `${figures}   ${palette.faint(first)}`.trimEnd(),
    ...rest.map((line) => `${' '.repeat(noteColumn)}${palette.faint(line)}`),
  ];
}

const noteColumn = 45;
const head = `${''.padEnd(20)}${'asked'.padStart(10)}${'measured'.padStart(12)}`;

/** Where 95 of 100 measurements of a true `rate` lie. */
function byChance(rate: number, sent: number): string {
  if (rate === 0 || rate === 1) return '';
  const deviation = 1.96 * Math.sqrt((rate * (1 - rate)) / sent);
  return `; chance alone gives ${formatShare(Math.max(0, rate - deviation))} to ${formatShare(rate + deviation)}`;
}
