/**
 * The timeline: a table with one row a connection and one axis of time for all. The picture of a row is placed in per cent, so that it is as
 * wide as its column; everything it shows is said in the other columns or in its title.
 */
import type { Clock } from '../clock.js';
import { endingLine, endingWords } from '../ending-words.js';
import type { Lane } from '../lane.js';
import { type Markup, markup } from '../markup.js';
import type { PageData } from '../page-collector.js';
import { protocolTitle } from '../protocol-words.js';
import { formatCount, formatCounted, formatDuration, formatEndpoint } from '../quantity.js';
import { axisHeight, laneHeight, paintAxis, paintGrid, paintLane, paintStrip, percentAcross } from '../svg/lane-picture.js';
import { legendItems } from '../svg/legend.js';
import type { TimeAxis } from '../time-axis.js';
import { connectionAnchor, ladderAnchor, type PageLinks } from './page-links.js';

const stripHeight = 30;

export interface ConnectionsInput {
  readonly data: PageData;
  readonly axis: TimeAxis;
  readonly clock: Clock;
  readonly links: PageLinks;
}

export function connectionsSection({ data, axis, clock, links }: ConnectionsInput): Markup | null {
  const { lanes, connections, strips } = data;
  if (lanes.length === 0) return null;
  const omitted = connections - lanes.length;
  const day = clock.iso(lanes[0]!.openedNs).slice(0, 10);
  const folds = axis.segments.filter(({ folded }) => folded).length;
  const caption = [
    omitted > 0
      ? `The ${formatCount(lanes.length)} connections with most to tell, of ${formatCount(connections)}`
      : formatCounted(connections, 'connection'),
    `times in UTC, ${day}`,
    folds > 0 ? 'hatched bands: time in which nothing happened anywhere, drawn narrow' : '',
  ];
  return markup`<section id="connections" aria-labelledby="connections-title"><h2 id="connections-title">Connections <span class="count">${formatCount(connections)}</span></h2>
${omitted > 0 ? markup`<p class="omitted">Every connection counts in the findings; ${formatCount(lanes.length)} have a row of their own, and <code>--filter</code> chooses others. ${strips.length < data.servers ? `The ${formatCount(strips.length)} busiest of ${formatCounted(data.servers, 'server')}` : 'All servers'} have a strip at the top of the table: connections open over time.</p>` : null}
<ul class="legend" aria-label="What the signs mean">${legendItems(lanes).map(({ sign, text }) => markup`<li>${sign} ${text}</li>`)}</ul>
<form class="filter" data-filter="connections-table" hidden><label>Show rows with <input type="search" placeholder="10.0.0.5 idle" autocomplete="off" spellcheck="false"></label>${lanes.some(isTroubled) ? markup`<label><input type="checkbox" data-only="bad"> only trouble</label>` : null}<output></output></form>
<svg class="definitions" width="0" height="0" aria-hidden="true"><defs><g id="grid">${paintGrid(axis, percentAcross, 0, laneHeight)}</g></defs></svg>
<table class="timeline" id="connections-table" data-sortable><caption>${caption.filter((text) => text !== '').join('; ')}</caption>
<thead><tr><th scope="col" data-sort="number" class="c-id">#</th><th scope="col" data-sort="number" class="c-opened">Opened</th><th scope="col" class="c-ends">Client → server</th><th scope="col" data-sort="number" class="c-requests">Requests</th><th scope="col" class="c-life"><span class="hidden">Timeline</span><svg class="axis" width="100%" height="${axisHeight}" aria-hidden="true">${paintAxis(axis, percentAcross, 0)}</svg></th><th scope="col" class="c-ending">Ended</th></tr></thead>
${strips.length === 0 ? null : markup`<tbody class="strips">${strips.map((strip) => stripRow(strip, axis))}</tbody>`}
<tbody class="rows">${lanes.map((lane) => laneRow(lane, { data, axis, clock, links }))}</tbody></table>
</section>`;
}

function stripRow({ server, connections, bins }: PageData['strips'][number], axis: TimeAxis): Markup {
  const most = Math.max(...bins.map(({ open }) => open));
  return markup`<tr><th scope="row" colspan="4" class="c-strip"><code>${formatEndpoint(server)}</code> <span class="soft">${formatCounted(connections, 'connection')}</span></th><td class="c-life"><svg class="lane" width="100%" height="${stripHeight}" role="img" aria-label="open connections over time, ${most.toFixed(most < 10 ? 1 : 0)} at the most"><use href="#grid"/>${paintStrip(bins, axis, percentAcross, 1, stripHeight - 2)}</svg></td><td class="c-ending soft">at most ${most < 10 ? most.toFixed(1) : formatCount(Math.round(most))} open</td></tr>`;
}

function laneRow(lane: Lane, { axis, clock, links }: ConnectionsInput): Markup {
  const { id, client, server, openedNs, exchangeCount, responseCount, ending } = lane;
  const { severity } = endingWords[ending.why];
  const requests =
    exchangeCount === 0
      ? markup`<span class="soft">${lane.protocol === 'http/1' ? '0' : protocolTitle(lane.protocol)}</span>`
      : exchangeCount === responseCount
        ? formatCount(exchangeCount)
        : markup`<b class="tone-warning">${formatCount(responseCount)}/${formatCount(exchangeCount)}</b>`;
  const name = links.hasLadder(id) ? markup`<a href="#${ladderAnchor(id)}">#${id}</a>` : markup`#${id}`;
  return markup`<tr id="${connectionAnchor(id)}" class="${severity}"${isTroubled(lane) ? markup` data-bad` : null}><th scope="row" class="c-id" data-value="${id}">${name}</th><td class="c-opened" data-value="${openedNs}">${clock.timeOfDay(openedNs, 3)}</td><td class="c-ends"><code>${formatEndpoint(client)}</code> <code><span class="soft">→</span> ${formatEndpoint(server)}</code></td><td class="c-requests" data-value="${exchangeCount}">${requests}</td><td class="c-life"><svg class="lane" width="100%" height="${laneHeight}" role="img" aria-label="${laneSummary(lane)}"><use href="#grid"/>${paintLane(lane, axis, percentAcross, laneHeight / 2)}</svg></td><td class="c-ending tone-${severity}">${endingLine(lane, { unicode: true })}</td></tr>`;
}

const isTroubled = ({ ending, bars }: Lane): boolean =>
  endingWords[ending.why].severity === 'bad' || bars.some(({ outcome }) => outcome !== 'ok' && outcome !== 'client-error');

/** What the picture shows, in a sentence. */
function laneSummary(lane: Lane): string {
  const { openedNs, endNs, exchangeCount, points, waited } = lane;
  const parts = [`lived ${formatDuration(endNs - openedNs)}`];
  const waits = (['server', 'network', 'client'] as const).filter((who) => waited[who] > 0);
  if (exchangeCount > 0)
    parts.push(
      `${formatCounted(exchangeCount, 'request')}${waits.length === 0 ? '' : `, waiting ${waits.map((who) => `${formatDuration(waited[who])} for the ${who}`).join(', ')}`}`,
    );
  const counts = (kind: Lane['points'][number]['kind']): number => points.filter((point) => point.kind === kind).length;
  if (counts('probe') > 0) parts.push(formatCounted(counts('probe'), 'probe'));
  if (counts('repeat') > 0) parts.push(`${formatCount(counts('repeat'))} sent again`);
  return parts.join('; ');
}
