/** The cost of each way as one page that loads nothing: what it is worth, a chart for each measure, and the table. */
import { colourStyle, formatCount, formatDuration, type Markup, markup, trusted } from '../view/index.js';
import type { CostReport, CostWay } from './cost.js';
import { sayWorth } from './cost-chart.js';

const style = trusted(`${colourStyle(':root')}
html{color-scheme:light dark}body{margin:2rem auto;max-width:64rem;padding:0 1rem;background:var(--ground);color:var(--ink);font:15px/1.55 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}.soft{color:var(--soft)}svg{width:100%;height:auto;display:block}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line);text-align:right}th:first-child,td:first-child{text-align:left}th{color:var(--soft);font-weight:600}
.worth{border:1px solid var(--line);border-left:6px solid var(--good);border-radius:6px;padding:1rem 1.4rem;background:var(--raised);margin:1rem 0}
.bar{fill:var(--good)}.bar.new{fill:var(--network)}.formula{stroke:var(--ink);stroke-width:2}.label{font:13px system-ui,sans-serif;fill:var(--ink)}.value{font:12px system-ui,sans-serif;fill:var(--soft);font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}`);

const rowHeight = 26;
const barLeft = 190;
const barRight = 760;
const pictureWidth = 900;

interface Measure {
  readonly title: string;
  readonly measuredOf: (way: CostWay) => number | null;
  readonly textOf: (value: number) => string;
  readonly formulaOf?: (way: CostWay) => number;
}

const ms = (value: number): string => formatDuration(value * 1e6);

const measures: readonly Measure[] = [
  { title: 'Time', measuredOf: ({ measured }) => measured.totalMs, textOf: ms, formulaOf: ({ formulaMs }) => formulaMs },
  { title: 'Packets', measuredOf: ({ measured }) => measured.packets, textOf: formatCount },
  { title: 'Handshakes', measuredOf: ({ measured }) => measured.connections, textOf: formatCount },
  { title: 'Sockets left in TIME_WAIT', measuredOf: ({ measured }) => measured.timeWait, textOf: formatCount },
  { title: 'Processor time', measuredOf: ({ measured }) => measured.cpuMs, textOf: ms },
];

export function renderCostPage(report: CostReport): string {
  const { ways, place, roundTripMs, serverMs, notes } = report;
  const requests = ways[0]?.requests ?? 0;
  return markup`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>What keep-alive is worth here</title>
<style>${style}</style>
<h1>What keep-alive is worth here</h1>
<p class="soft">${formatCount(requests)} requests each way, ${place}. Round trip ${ms(roundTripMs)}; the server takes ${ms(serverMs)} for an answer.</p>
<div class="worth">${sayWorth(ways, { unicode: true }).map((sentence) => markup`<p>${sentence}</p>`)}</div>
${measures.map((measure) => chart(measure, ways))}
<h2>All figures</h2><div class="scroll"><table><tr><th>Way</th><th>Time</th><th>Formula</th><th>Median request</th><th>99 %</th><th>Handshakes</th><th>Packets</th><th>TIME_WAIT</th><th>CPU</th><th>Failed</th></tr>
${ways.map(row)}</table></div>
${notes.map((note) => markup`<p class="soft">${note}</p>`)}
`.text;
}

const row = ({ title, formulaMs, measured }: CostWay): Markup =>
  markup`<tr><td>${title}</td><td>${ms(measured.totalMs)}</td><td>${ms(formulaMs)}</td><td>${ms(measured.medianMs)}</td><td>${ms(measured.p99Ms)}</td><td>${measured.connections}</td><td>${measured.packets ?? 'not known'}</td><td>${measured.timeWait ?? 'not known'}</td><td>${ms(measured.cpuMs)}</td><td>${measured.failed}</td></tr>
`;

function chart({ title, measuredOf, textOf, formulaOf }: Measure, ways: readonly CostWay[]): Markup {
  const values = ways.map(measuredOf);
  if (values.every((value) => value === null)) return markup`<h2>${title}</h2><p class="soft">Not known.</p>`;
  const longest = Math.max(1e-9, ...values.map((value) => value ?? 0), ...ways.map((way) => formulaOf?.(way) ?? 0));
  const x = (value: number): string => (barLeft + (value / longest) * (barRight - barLeft)).toFixed(1);
  const height = ways.length * rowHeight + 4;
  const rows = ways.map((way, index) => {
    const value = values[index] ?? null;
    const top = index * rowHeight + 4;
    const formula = formulaOf?.(way);
    const end = value === null ? barLeft : Number(x(value));
    const textAt = Math.max(end, formula === undefined ? 0 : Number(x(formula))) + 8;
    return markup`<text class="label" x="0" y="${top + 14}">${way.title}</text><rect class="bar ${way.keepAlive ? 'kept' : 'new'}" x="${barLeft}" y="${top}" width="${Math.max(1, end - barLeft).toFixed(1)}" height="18" rx="2"/>${
      formula === undefined
        ? null
        : markup`<line class="formula" x1="${x(formula)}" x2="${x(formula)}" y1="${top - 3}" y2="${top + 21}"/>`
    }<text class="value" x="${textAt.toFixed(1)}" y="${top + 14}">${value === null ? 'not known' : textOf(value)}</text>`;
  });
  return markup`<h2>${title}</h2><svg viewBox="0 0 ${pictureWidth} ${height}" role="img" aria-label="${title} of each way">${rows}</svg>${
    formulaOf === undefined
      ? null
      : markup`<p class="soft">The line across a bar is the formula's time, from the round trip alone.</p>`
  }`;
}
