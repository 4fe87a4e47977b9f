/**
 * A ladder for each connection of interest, as a table: packet, time, time since the row before, and the message between the two
 * lifelines, which are the edges of its cell. So it is text, wraps in a narrow window, and reads in order; the arrow is drawn by the
 * style, and said in words for those who do not see it.
 */
import type { ConnectionId } from '../../base/index.js';
import { type Connection, type Exchange, endingReasonTexts } from '../../story/index.js';
import type { Clock } from '../clock.js';
import { endingActor, endingWords } from '../ending-words.js';
import { isEvidence, type LadderArrow, type LadderRow } from '../ladder.js';
import { type Markup, markup, wireText } from '../markup.js';
import { protocolTitle } from '../protocol-words.js';
import { formatBytes, formatCount, formatCounted, formatDuration, formatEndpoint, formatRelative } from '../quantity.js';
import { connectionAnchor, ladderAnchor, type PageLinks, packetAnchor } from './page-links.js';

/** Ladders that stand open at first. */
const openAtFirst = 3;

export interface LaddersInput {
  readonly connections: readonly Connection[];
  readonly ladders: ReadonlyMap<ConnectionId, readonly LadderRow[]>;
  /** Packets that findings name. */
  readonly evidence: ReadonlySet<number>;
  readonly clock: Clock;
  readonly links: PageLinks;
  /** Why there are none, or fewer than wished for; null when there is nothing to say. */
  readonly missing: string | null;
  readonly hasRow: (id: ConnectionId) => boolean;
}

export function laddersSection(input: LaddersInput): Markup | null {
  const { connections, missing } = input;
  if (connections.length === 0 && missing === null) return null;
  const anchored = new Set<number>();
  return markup`<section id="ladders" aria-labelledby="ladders-title"><h2 id="ladders-title">Connections of interest, packet by packet</h2>
${missing === null ? null : markup`<p class="omitted">${missing}</p>`}
${connections.map((connection, index) => ladderDetails(connection, index < openAtFirst, input, anchored))}
</section>`;
}

function ladderDetails(connection: Connection, isOpen: boolean, input: LaddersInput, anchored: Set<number>): Markup {
  const { id, client, server, opened, ending } = connection;
  const { clock, ladders, evidence, hasRow } = input;
  const rows = ladders.get(id) ?? [];
  const { severity } = endingWords[ending.why];
  const named = hasRow(id) ? markup`<a href="#${connectionAnchor(id)}">in the timeline</a>` : null;
  return markup`<details class="ladder" id="${ladderAnchor(id)}"${isOpen ? markup` open` : null}>
<summary><span class="ladder-name">#${id}</span> <code>${formatEndpoint(client)} → ${formatEndpoint(server)}</code> <span class="ladder-ending tone-${severity}">${endingActor(ending)}${endingWords[ending.why].short === '' ? '' : `, ${endingWords[ending.why].short}`}</span></summary>
<p class="story">${endingSentence(connection)} <span class="soft">${facts(connection, clock)}</span> ${named}</p>
<table class="rungs"><caption class="hidden">Packets of connection ${id}, in the order of the capture</caption>
<thead><tr><th scope="col" class="r-packet">Packet</th><th scope="col" class="r-time">Time, s</th><th scope="col" class="r-since"><abbr title="since the row before">+</abbr></th><th scope="col" class="r-message"><span class="ends"><span>client</span><span>server</span></span></th></tr></thead>
<tbody>${rows.map((row) => rung(row, { zeroNs: opened.atNs, clock, evidence, anchored }))}</tbody></table>
${exchangeList(connection)}</details>`;
}

interface RungContext {
  readonly zeroNs: number;
  readonly clock: Clock;
  readonly evidence: ReadonlySet<number>;
  /** Packets whose row has been painted: a packet has one anchor on the page, whatever is told of it. */
  readonly anchored: Set<number>;
}

function rung(row: LadderRow, context: RungContext): Markup {
  switch (row.kind) {
    case 'omission':
      return markup`<tr class="rung-omission"><td class="r-packet"></td><td class="r-time"></td><td class="r-since"></td><td class="r-message">${formatCounted(row.count, 'event')} not shown</td></tr>`;
    case 'break':
      return markup`<tr class="rung-break for-${row.waitedFor}"><td class="r-packet"></td><td class="r-time"></td><td class="r-since"></td><td class="r-message"><span>${row.label} ${formatDuration(row.durationNs)}</span></td></tr>`;
    case 'arrow':
      return arrowRung(row, context);
  }
}

function arrowRung(row: LadderArrow, { zeroNs, clock, evidence, anchored }: RungContext): Markup {
  const { from, label, detail, tone, packet, lastPacket, atNs, sinceBeforeNs } = row;
  const proves = isEvidence(row, evidence);
  const numbers = lastPacket > packet ? `${formatCount(packet)}–${formatCount(lastPacket)}` : formatCount(packet);
  const anchor = anchored.has(packet) ? null : markup` id="${packetAnchor(packet)}"`;
  anchored.add(packet);
  const way = from === 'client' ? 'client to server' : 'server to client';
  return markup`<tr${anchor} class="rung from-${from} t-${tone}${proves ? ' proves' : ''}"><th scope="row" class="r-packet">${numbers}${proves ? markup` <span class="proof" title="named by a finding">◆<span class="hidden"> evidence</span></span>` : null}</th><td class="r-time">${formatRelative(atNs - zeroNs, clock.decimals)}</td><td class="r-since">${sinceBeforeNs === null ? '' : formatDuration(sinceBeforeNs)}</td><td class="r-message"><span class="hidden">${way}: </span><span class="label">${label}</span>${detail === '' ? null : markup` <span class="soft">${detail}</span>`}<i class="arrow" aria-hidden="true"></i></td></tr>`;
}

function endingSentence({ ending }: Connection): Markup {
  const { by, how, why, at, idleNs } = ending;
  const packet = at.packet > 0 ? ` (packet ${formatCount(at.packet)})` : '';
  const silence = idleNs !== null && idleNs > 0 ? `, ${formatDuration(idleNs)} after the last byte` : '';
  if (how === 'open') return markup`<b>Still open at the end of the capture${silence}.</b>`;
  if (how === 'timeout') return markup`<b>Given up${packet}: ${endingReasonTexts[why]}${silence}.</b>`;
  const who = by === 'none' ? 'nobody known' : `the ${by}`;
  return markup`<b>Ended by ${who} with ${how.toUpperCase()}${packet}: ${endingReasonTexts[why]}${silence}.</b>`;
}

function facts({ opened, protocol, handshakeNs, tcp, exchangeCount, responseCount, zeek }: Connection, clock: Clock): string {
  const items = [`Opened ${clock.dateAndTime(opened.atNs)} UTC`];
  items.push(
    [protocolTitle(protocol.name), protocol.serverName, protocol.detail]
      .filter((part) => part !== null)
      .map(wireText)
      .join(' '),
  );
  if (handshakeNs !== null) items.push(`handshake ${formatDuration(handshakeNs)}`);
  if (exchangeCount > 0) items.push(`${formatCounted(exchangeCount, 'request')}, ${formatCounted(responseCount, 'response')}`);
  items.push(`${formatBytes(tcp.bytes.client)} from the client, ${formatBytes(tcp.bytes.server)} from the server`);
  items.push(`Zeek ${zeek.connState} ${wireText(zeek.history)}`);
  return `${items.join(' · ')}.`;
}

/** Exchanges listed under a ladder. */
const exchangesListed = 50;

function exchangeList({ exchanges, exchangeCount }: Connection): Markup | null {
  if (exchanges.length === 0) return null;
  const shown = exchanges.slice(0, exchangesListed);
  const more = exchangeCount - shown.length;
  return markup`<div class="scroll"><table class="waits"><caption>Where each exchange’s time went</caption>
<thead><tr><th scope="col">#</th><th scope="col">Request</th><th scope="col">Status</th><th scope="col">Took</th><th scope="col">Server</th><th scope="col">Network</th><th scope="col">Client</th></tr></thead>
<tbody>${shown.map(waitsRow)}</tbody></table></div>${more > 0 ? markup`<p class="omitted">and ${formatCount(more)} more</p>` : null}`;
}

function waitsRow({ number, method, target, requestSeen, status, complete, waited, waitedOn }: Exchange): Markup {
  const request = requestSeen
    ? markup`<code>${wireText(`${method} ${target}`)}</code>`
    : markup`<span class="soft">not captured</span>`;
  const took = waited.client + waited.network + waited.server;
  return markup`<tr><th scope="row">${number}</th><td class="c-request">${request}</td><td>${status === null ? 'none' : `${status}${complete || !requestSeen ? '' : ' cut'}`}</td><td>${formatDuration(took)}</td>${(
    ['server', 'network', 'client'] as const
  ).map(
    (who) =>
      markup`<td>${waited[who] === 0 ? '–' : who === waitedOn ? markup`<b>${formatDuration(waited[who])}</b>` : formatDuration(waited[who])}</td>`,
  )}</tr>`;
}
