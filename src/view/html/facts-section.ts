/**
 * What was learned of each server: its idle timeout as measured and as announced, its limits, what reuse saved, and whether its
 * clients let go of idle connections before it does.
 */
import { nsPerMs } from '../../base/index.js';
import type { ClientInference, InferredDuration, ServerInference, TimeoutOrder } from '../../story/index.js';
import { type Markup, markup } from '../markup.js';
import { formatCount, formatCounted, formatDuration, formatEndpoint } from '../quantity.js';

/** Servers told; the busiest come first. */
const serversTold = 12;

export function factsSection(inferences: readonly ServerInference[]): Markup | null {
  if (inferences.length === 0) return null;
  const shown = inferences.slice(0, serversTold);
  const omitted = inferences.length - shown.length;
  return markup`<section id="facts" aria-labelledby="facts-title"><h2 id="facts-title">Facts about the servers</h2>
${shown.map(serverArticle)}
${omitted > 0 ? markup`<p class="omitted">${formatCounted(omitted, 'less busy server')} not shown; <code>--json</code> has ${omitted === 1 ? 'it' : 'them'}.</p>` : null}
</section>`;
}

const inMs = (ms: number): string => formatDuration(ms * nsPerMs);

function serverArticle(server: ServerInference, index: number): Markup {
  const facts = serverFacts(server).map(([title, text]) => markup`<div><dt>${title}</dt><dd>${text}</dd></div>`);
  return markup`<article class="server" aria-labelledby="server-${index}"><h3 id="server-${index}"><code>${formatEndpoint(server.server)}</code></h3>
<dl class="facts">${facts}</dl>
${server.clients.length === 0 ? null : clientTable(server, index)}</article>`;
}

function serverFacts(server: ServerInference): [title: string, text: string | Markup][] {
  const { idleTimeout, announcedSeconds, announcementHolds, survivedMs, maximumRequests, announcedMaximum, ageLimit, reuse } =
    server;
  const facts: [string, string | Markup][] = [];
  facts.push([
    'Idle timeout, measured',
    idleTimeout === null
      ? `not seen${survivedMs === null ? '' : `; a connection survived ${inMs(survivedMs)}`}`
      : measured(idleTimeout, 'idle close'),
  ]);
  facts.push([
    'Idle timeout, announced',
    announcedSeconds === null
      ? 'none'
      : markup`${announcedSeconds} s${announcementHolds === null ? null : announcementHolds ? markup` <b class="tone-good">✓ holds</b>` : markup` <b class="tone-bad">✕ does not hold</b>`}`,
  ]);
  if (maximumRequests !== null || announcedMaximum !== null) {
    const seen =
      maximumRequests === null
        ? ''
        : `${formatCount(maximumRequests.requests)} a connection (${formatCounted(maximumRequests.count, 'time')}${maximumRequests.announced ? ', announced' : ', unannounced'})`;
    const said = announcedMaximum === null ? '' : `announced at first: ${formatCount(announcedMaximum)}`;
    facts.push(['Most requests', [seen, said].filter((text) => text !== '').join('; ')]);
  }
  if (ageLimit !== null) facts.push(['Greatest age', measured(ageLimit, 'close')]);
  const { requests, connections, savedHandshakes, savedMs, avoidableHandshakes, avoidableMs, meanHandshakeMs } = reuse;
  facts.push([
    'Reuse',
    markup`${formatCounted(requests, 'request')} on ${formatCounted(connections, 'connection')}${meanHandshakeMs === null ? null : `, handshake ${inMs(meanHandshakeMs)}`}`,
  ]);
  facts.push(['Saved by reuse', handshakes(savedHandshakes, savedMs)]);
  if (avoidableHandshakes > 0) facts.push(['Could be saved, at most', handshakes(avoidableHandshakes, avoidableMs)]);
  return facts;
}

const handshakes = (count: number, ms: number | null): string =>
  count === 0 ? 'nothing' : `${formatCounted(count, 'handshake')}${ms === null ? '' : `, ${inMs(ms)}`}`;

function measured({ ms, spreadMs, count, of, defaultOf }: InferredDuration, what: string): Markup {
  const spread = count > 1 ? ` ± ${inMs(spreadMs)}` : '';
  const known = defaultOf.length === 0 ? null : markup`<br><span class="soft">default of ${defaultOf.join(', ')}</span>`;
  return markup`<b>${inMs(ms)}</b>${spread} (${formatCount(count)} of ${formatCounted(of, what)})${known}`;
}

const orderWords: Readonly<Record<TimeoutOrder, Markup>> = {
  right: markup`<b class="tone-good">✓ right</b>`,
  wrong: markup`<b class="tone-bad">✕ wrong</b>`,
  unknown: markup`<span class="soft">not seen</span>`,
};

const clientTable = (
  { clients }: ServerInference,
  index: number,
): Markup => markup`<p class="table-title" id="clients-${index}">Its clients: whether they let go of an idle connection before the server does</p>
<div class="scroll"><table class="clients" aria-labelledby="clients-${index}" data-sortable>
<thead><tr><th scope="col">Client</th><th scope="col" data-sort="number">Connections</th><th scope="col" data-sort="number">Requests</th><th scope="col" data-sort="number">Idle limit</th><th scope="col" data-sort="number">Longest idle before a reuse</th><th scope="col">Order of timeouts</th><th scope="col" data-sort="number">Margin</th><th scope="col" data-sort="number">TIME_WAIT at once</th></tr></thead>
<tbody>${clients.map(clientRow)}</tbody></table></div>`;

function clientRow({
  address,
  connections,
  requests,
  requestsPerConnection,
  idleLimit,
  longestReuseGapMs,
  order,
  marginMs,
  timeWait,
}: ClientInference): Markup {
  const duration = (ms: number | null): Markup =>
    ms === null
      ? markup`<td data-value="-1e99"><span class="soft">not seen</span></td>`
      : markup`<td data-value="${ms}">${inMs(ms)}</td>`;
  const held = [
    timeWait.clientPeak > 0 ? `client ${formatCount(timeWait.clientPeak)}` : '',
    timeWait.serverPeak > 0 ? `server ${formatCount(timeWait.serverPeak)}` : '',
  ].filter((text) => text !== '');
  const ports =
    timeWait.clientPeak > 0 ? markup`<br><span class="soft">${formatCount(timeWait.portsLeft)} ports left</span>` : null;
  return markup`<tr><th scope="row"><code>${address}</code></th><td data-value="${connections}">${formatCount(connections)}</td><td data-value="${requests}">${formatCount(requests)} <span class="soft">${requestsPerConnection.toFixed(1)} each</span></td>${duration(idleLimit?.ms ?? null)}${duration(longestReuseGapMs)}<td>${orderWords[order]}</td>${duration(marginMs)}<td data-value="${timeWait.clientPeak + timeWait.serverPeak}">${held.length === 0 ? markup`<span class="soft">none</span>` : held.join(', ')}${ports}</td></tr>`;
}
