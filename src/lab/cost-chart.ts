/** The cost of each way as lines for a terminal: a table, and bars of time on one scale with the formula's mark on them. */
import { formatCount, formatDuration, type TerminalStyle, wrapWords } from '../view/index.js';
import type { CostReport, CostWay } from './cost.js';

const titleWidth = 25;
/** Narrower than this, the time of one request is left out. */
const wholeTableWidth = 88;

export function costLines(report: CostReport, style: TerminalStyle): string[] {
  const { palette } = style;
  const { ways } = report;
  const duration = (ms: number): string => formatDuration(ms * 1e6, style);
  const requests = ways[0]?.requests ?? 0;
  const wrapped = (text: string): string[] => wrapWords(text, style.width);
  const columns = ['time', 'formula', 'one', 'opened', 'packets', 'TIME_WAIT', 'CPU'].filter(
    (name) => name !== 'one' || style.width >= wholeTableWidth,
  );
  const lines = [
    ...wrapped(`${formatCount(requests)} requests each way, ${report.place}`).map(palette.strong),
    ...wrapped(
      `Round trip ${duration(report.roundTripMs)}, by the time a connection takes to open; the server takes ${duration(report.serverMs)} for an answer.`,
    ),
    '',
    palette.faint(`${''.padEnd(titleWidth)}${columns.map((name) => name.padStart(widthOf(name))).join('')}`),
  ];
  for (const { title, formulaMs, measured, keepAlive } of ways) {
    const cells: [string, string][] = [
      ['time', duration(measured.totalMs)],
      ['formula', duration(formulaMs)],
      ['one', duration(measured.medianMs)],
      ['opened', formatCount(measured.connections)],
      ['packets', measured.packets === null ? '?' : formatCount(measured.packets)],
      ['TIME_WAIT', measured.timeWait === null ? '?' : formatCount(measured.timeWait)],
      ['CPU', duration(measured.cpuMs)],
    ];
    const row =
      title.padEnd(titleWidth) +
      cells
        .filter(([name]) => columns.includes(name))
        .map(([name, text]) => text.padStart(widthOf(name)))
        .join('');
    lines.push(
      (keepAlive ? palette.good : palette.strong)(row) + (measured.failed > 0 ? palette.bad(`  ${measured.failed} failed`) : ''),
    );
  }
  lines.push('', ...barLines(ways, style), '', ...sayWorth(ways, style).flatMap(wrapped));
  for (const note of report.notes) lines.push(...wrapped(note).map(palette.faint));
  return lines;
}

const widthOf = (name: string): number => (name === 'TIME_WAIT' ? 10 : name === 'opened' || name === 'packets' ? 8 : 9);

function barLines(ways: readonly CostWay[], style: TerminalStyle): string[] {
  const { palette, unicode, width } = style;
  const barWidth = Math.max(20, Math.min(100, width - titleWidth - 2));
  const longest = Math.max(...ways.flatMap(({ measured, formulaMs }) => [measured.totalMs, formulaMs]));
  const [full, mark] = unicode ? ['█', '│'] : ['#', '|'];
  const lines = ways.map(({ title, measured, formulaMs, keepAlive }) => {
    const length = Math.max(1, Math.round((measured.totalMs / longest) * barWidth));
    const at = Math.min(barWidth - 1, Math.round((formulaMs / longest) * barWidth));
    const bar = full.repeat(length);
    const painted = keepAlive ? palette.good : palette.strong;
    const marked =
      at < length
        ? painted(bar.slice(0, at)) + palette.notable(mark) + painted(bar.slice(at + 1))
        : painted(bar) + ' '.repeat(at - length) + palette.notable(mark);
    return title.padEnd(titleWidth) + marked;
  });
  lines.push(palette.faint(`${''.padEnd(titleWidth)}${full} measured   ${mark} by the formula, from the round trip alone`));
  return lines;
}

/** What it is worth, in sentences. */
export function sayWorth(ways: readonly CostWay[], style: Pick<TerminalStyle, 'unicode'>): string[] {
  const sentences: string[] = [];
  for (const [name, without, kept] of [
    ['One after another', 'new-serial', 'kept-serial'],
    ['Side by side', 'new-parallel', 'kept-parallel'],
    ['Uploads', 'new-upload', 'kept-upload'],
  ] as const) {
    const [a, b] = [ways.find(({ id }) => id === without)?.measured, ways.find(({ id }) => id === kept)?.measured];
    if (a === undefined || b === undefined) continue;
    const saved = (a.totalMs - b.totalMs) / (ways[0]?.requests ?? 1);
    const factor = a.totalMs / b.totalMs;
    const packets = a.packets === null || b.packets === null ? '' : `, ${formatCount(a.packets - b.packets)} packets`;
    sentences.push(
      saved > 0
        ? `${name}, keep-alive is ${factor.toFixed(1)} times as fast: it saves ${formatDuration(saved * 1e6, style)} a request, ${formatCount(a.connections - b.connections)} handshakes${packets}.`
        : `${name}, keep-alive saved no time here, but ${formatCount(a.connections - b.connections)} handshakes${packets}.`,
    );
  }
  return sentences;
}
