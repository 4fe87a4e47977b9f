/** What the input was: format, size, span, totals; what was damaged in it. */
import type { SourceSummary } from '../../base/index.js';
import type { Totals } from '../../story/index.js';
import type { Clock } from '../clock.js';
import { type Markup, markup } from '../markup.js';
import { formatBytes, formatCount, formatCounted, formatDuration } from '../quantity.js';

export interface CaptureInput {
  readonly name: string;
  readonly source: SourceSummary;
  readonly totals: Totals;
  readonly clock: Clock;
  /** What chose the connections, in words; null when all are told. */
  readonly chosenBy: string | null;
}

/** Other protocols named. */
const othersNamed = 12;

export function captureSection({ name, source, totals, clock, chosenBy }: CaptureInput): Markup {
  const { format, linkTypes, packets, bytes, firstAtNs, lastAtNs, tcpPackets, otherPackets, problems } = source;
  const others = Object.entries(otherPackets).sort(([, a], [, b]) => b - a);
  const rows: [string, string][] = [
    ['Source', name],
    ['Format', [format, ...linkTypes].join(', ')],
    ['Packets', `${formatCount(packets)}, ${formatBytes(bytes)}; ${formatCount(tcpPackets)} of TCP`],
  ];
  if (firstAtNs !== null && lastAtNs !== null)
    rows.push(['Time', `${clock.dateAndTime(firstAtNs)} to ${clock.dateAndTime(lastAtNs)} UTC, ${formatDuration(clock.spanNs)}`]);
  if (others.length > 0)
    rows.push([
      'Not TCP',
      others
        .slice(0, othersNamed)
        .map(([protocol, count]) => `${formatCount(count)} ${protocol}`)
        .join(', ') + (others.length > othersNamed ? ' and others' : ''),
    ]);
  if (chosenBy !== null) rows.push(['Chosen', chosenBy]);
  const counts: [number, string, string?][] = [
    [totals.connections, 'connection'],
    [totals.requests, 'request'],
    [totals.responses, 'response'],
    [totals.reusedConnections, 'reused connection'],
    [totals.fins, 'FIN'],
    [totals.resets, 'RST'],
    [totals.keepAliveProbes, 'keep-alive probe'],
    [totals.retransmissions, 'retransmission'],
  ];
  rows.push(['Totals', counts.map(([count, one]) => formatCounted(count, one)).join(', ')]);
  return markup`<section id="capture" aria-labelledby="capture-title"><h2 id="capture-title">The capture</h2>
<dl class="facts">${rows.map(([title, text]) => markup`<div><dt>${title}</dt><dd>${text}</dd></div>`)}</dl>
${problems.length === 0 ? null : markup`<h3>Damage</h3><ul class="problems">${problems.map(problemItem)}</ul>`}
</section>`;
}

function problemItem({ count, firstPacket, text }: SourceSummary['problems'][number]): Markup {
  const where = firstPacket > 0 ? `, first at packet ${formatCount(firstPacket)}` : '';
  return markup`<li>${text}${count > 1 ? ` (${formatCount(count)} times${where})` : where === '' ? '' : ` (packet ${formatCount(firstPacket)})`}</li>`;
}
