/** The exchanges with most to tell: lost ones first, then failed ones, then the slowest; listed in order of time, to be sorted at will. */
import type { Clock } from '../clock.js';
import { type Markup, markup, wireText } from '../markup.js';
import type { ListedExchange, PageData } from '../page-collector.js';
import { formatCount, formatDuration } from '../quantity.js';
import type { PageLinks } from './page-links.js';

/** Notes of one exchange that are shown. */
const notesShown = 3;

export function exchangesSection({ exchanges, exchangeCount }: PageData, clock: Clock, links: PageLinks): Markup | null {
  if (exchanges.length === 0) return null;
  const longestNs = exchanges.reduce((longest, { tookNs }) => Math.max(longest, tookNs), 1);
  const omitted = exchangeCount - exchanges.length;
  return markup`<section id="exchanges" aria-labelledby="exchanges-title"><h2 id="exchanges-title">Exchanges <span class="count">${formatCount(exchangeCount)}</span></h2>
${omitted > 0 ? markup`<p class="omitted">Listed are ${formatCount(exchanges.length)}: those that were lost or failed, and the slowest.</p>` : null}
<form class="filter" data-filter="exchanges-table" hidden><label>Show rows with <input type="search" placeholder="POST 503" autocomplete="off" spellcheck="false"></label>${exchanges.some(hasFailed) ? markup`<label><input type="checkbox" data-only="bad"> only lost or failed</label>` : null}<output></output></form>
<div class="scroll"><table class="exchanges" id="exchanges-table" data-sortable><caption>Requests and their responses; where the time between the request’s first byte and the response’s last went</caption>
<thead><tr><th scope="col" data-sort="number" class="c-id">Connection</th><th scope="col" data-sort="text" class="c-request">Request</th><th scope="col" data-sort="number" class="c-status">Status</th><th scope="col" data-sort="number" class="c-opened">Began</th><th scope="col" data-sort="number" class="c-took">Took</th><th scope="col" data-sort="number" class="c-share">Server</th><th scope="col" data-sort="number" class="c-share">Network</th><th scope="col" data-sort="number" class="c-share">Client</th><th scope="col" class="c-waits"><span class="hidden">Shares</span></th><th scope="col" data-sort="number" class="c-packets">Packets</th></tr></thead>
<tbody class="rows">${exchanges.map((exchange) => exchangeRow(exchange, longestNs, clock, links))}</tbody></table></div>
</section>`;
}

const hasFailed = ({ status, complete, requestSeen }: ListedExchange): boolean =>
  status === null || status >= 500 || (!complete && requestSeen);

function exchangeRow(exchange: ListedExchange, longestNs: number, clock: Clock, links: PageLinks): Markup {
  const { connection, number, method, target, host, status, complete, requestSeen, atNs, tookNs, packets, notes } = exchange;
  const failed = hasFailed(exchange);
  const tone = failed ? 'tone-bad' : status !== null && status >= 400 ? 'tone-warning' : 'tone-good';
  const said = status === null ? 'none' : `${status}${complete || !requestSeen ? '' : ' cut'}`;
  const request = requestSeen
    ? markup`<code><b>${wireText(method)}</b> ${wireText(target)}</code>`
    : markup`<span class="soft">no request seen</span>`;
  const told = notes
    .slice(0, notesShown)
    .map(({ text, packet }) => markup`<br><span class="tone-warning">! ${text} (packet ${packet})</span>`);
  return markup`<tr${failed ? markup` data-bad` : null}><th scope="row" class="c-id" data-value="${connection + number / 1e6}">${links.connection(connection)} <span class="soft">${number}</span></th><td class="c-request">${request}${host === null ? null : markup` <span class="soft">${wireText(host)}</span>`}${told}</td><td class="c-status ${tone}" data-value="${status ?? -1}">${said}</td><td class="c-opened" data-value="${atNs}">${clock.timeOfDay(atNs, 3)}</td><td class="c-took" data-value="${tookNs}">${formatDuration(tookNs)}</td>${(['server', 'network', 'client'] as const).map((who) => shareCell(exchange, who))}<td class="c-waits">${waitsPicture(exchange, longestNs)}</td><td class="c-packets" data-label="packets" data-value="${packets.request}">${links.packet(packets.request)}${packets.response === null ? null : markup` ${links.packet(packets.response)}`}</td></tr>`;
}

function shareCell({ waited, waitedOn, tookNs }: ListedExchange, who: keyof ListedExchange['waited']): Markup {
  const ns = waited[who];
  const text = ns > 0 ? formatDuration(ns) : '–';
  return markup`<td class="c-share" data-label="${who}" data-value="${ns}">${who === waitedOn && tookNs > 0 ? markup`<b>${text}</b>` : text}</td>`;
}

function waitsPicture({ waited, tookNs }: ListedExchange, longestNs: number): Markup {
  let from = 0;
  const bars = (['server', 'network', 'client'] as const)
    .filter((who) => waited[who] > 0)
    .map((who) => {
      const width = (100 * waited[who]) / longestNs;
      const bar = markup`<rect class="key w-${who}" x="${+from.toFixed(2)}%" width="${+width.toFixed(2)}%" y="1" height="10"/>`;
      from += width;
      return bar;
    });
  return tookNs > 0 ? markup`<svg width="100%" height="12" aria-hidden="true">${bars}</svg>` : markup``;
}
