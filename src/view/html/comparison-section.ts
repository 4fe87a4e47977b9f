/**
 * Two captures of the same traffic: what the way between them lost, forged or changed, and how long it took. The rest of the page is of
 * the first capture; numbers of packets and connections lead there where they are of the first.
 */
import type { ComparedConnection, Comparison, OneSidedPacket } from '../../base/index.js';
import {
  clockText,
  comparisonHeadline,
  directionText,
  isTelling,
  nothingInCommon,
  oneSidedPacketWords,
} from '../comparison-words.js';
import { type Markup, markup } from '../markup.js';
import { formatCount, formatCounted, formatDuration } from '../quantity.js';
import type { PageLinks } from './page-links.js';

export interface ComparedPage {
  readonly comparison: Comparison;
  readonly names: { readonly first: string; readonly second: string };
  /** What the second capture says by itself. */
  readonly secondHeadline: string;
}

/** Connections shown, and packets of each. */
const told = { connections: 200, packets: 12 } as const;

export function comparisonSection({ comparison, names, secondHeadline }: ComparedPage, links: PageLinks): Markup {
  const { clock, matchedConnections, matchedPackets, oneSided, delays, nearerToClient, leftOut, connections } = comparison;
  const isCommon = matchedConnections > 0 && clock !== null;
  const rows: [string, string][] = [
    ['This page', `is of ${names.first}; the second capture is ${names.second}`],
    ['The second by itself', secondHeadline],
  ];
  if (isCommon) {
    rows.push(
      ['In both', `${formatCounted(matchedConnections, 'connection')}, ${formatCounted(matchedPackets, 'packet')}`],
      [
        'Points',
        nearerToClient === null
          ? 'which capture is nearer to the clients cannot be told'
          : `${names[nearerToClient]} is nearer to the clients`,
      ],
      ['Clocks', clockText(clock, names.second)],
      ['Sent by the clients', directionText(oneSided.client, delays.client)],
      ['Sent by the servers', directionText(oneSided.server, delays.server)],
    );
    for (const which of ['first', 'second'] as const) {
      const count = comparison.oneSidedConnectionCounts[which];
      if (count > 0) rows.push(['Alone', `${formatCounted(count, 'connection')} only in ${names[which]}`]);
      if (leftOut[which] > 0)
        rows.push(['Left out', `${formatCounted(leftOut[which], 'packet')} of ${names[which]}: more than is compared`]);
    }
  }
  const telling = isCommon ? connections.filter(isTelling) : [];
  const shown = telling.slice(0, told.connections);
  const omitted = telling.length - shown.length;
  return markup`<section id="comparison" aria-labelledby="comparison-title"><h2 id="comparison-title">Between the two captures</h2>
<p class="detail"><b>${isCommon ? `${comparisonHeadline(oneSided)}.` : nothingInCommon}</b></p>
<dl class="facts">${rows.map(([title, text]) => markup`<div><dt>${title}</dt><dd>${text}</dd></div>`)}</dl>
${shown.length === 0 ? null : connectionTable(shown, names, links)}
${omitted > 0 ? markup`<p class="omitted">${formatCounted(omitted, 'connection')} more with something to tell; <code>--json</code> has them.</p>` : null}
</section>`;
}

const connectionTable = (
  connections: readonly ComparedConnection[],
  names: ComparedPage['names'],
  links: PageLinks,
): Markup => markup`<div class="scroll"><table class="compared"><caption>Connections with something to tell</caption>
<thead><tr><th scope="col">First</th><th scope="col">Second</th><th scope="col">Ends</th><th scope="col">Lost</th><th scope="col">Forged</th><th scope="col">Way, median</th><th scope="col">What the way did</th></tr></thead>
<tbody>${connections.map((connection) => connectionRow(connection, names, links))}</tbody></table></div>`;

function connectionRow(connection: ComparedConnection, names: ComparedPage['names'], links: PageLinks): Markup {
  const { first, second, clientEnds, serverEnds, oneSided, delays, isTranslated, hasShiftedNumbers, rewritten } = connection;
  const ends = (index: 0 | 1): string => `${clientEnds[index]} → ${serverEnds[index]}`;
  const lost = oneSided.client.lost + oneSided.server.lost;
  const forged = oneSided.client.forged + oneSided.server.forged;
  const changes: Markup[] = rewritten.map((text) => markup`${text}`);
  if (isTranslated) changes.push(markup`in the second <code>${ends(1)}</code>`);
  if (hasShiftedNumbers) changes.push(markup`sequence numbers: a box between the points makes up its own`);
  const packets = connection.packets.filter(({ why }) => why === 'lost' || why === 'forged');
  for (const packet of packets.slice(0, told.packets)) changes.push(packetItem(packet, names, links));
  const more = packets.length - told.packets;
  const ways = (['client', 'server'] as const).flatMap((side) => {
    const delay = delays[side];
    return delay === null ? [] : [markup`<span>${formatDuration(delay.medianNs)} from the ${side}</span> `];
  });
  return markup`<tr><th scope="row">${links.connection(first)}</th><td>#${second}</td><td><code>${ends(0)}</code></td>
<td${lost > 0 ? markup` class="tone-bad"` : null}>${formatCount(lost)}</td><td${forged > 0 ? markup` class="tone-bad"` : null}>${formatCount(forged)}</td><td>${ways}</td>
<td><ul class="changes">${changes.map((change) => markup`<li>${change}</li>`)}${more > 0 ? markup`<li>and ${formatCount(more)} more</li>` : null}</ul></td></tr>`;
}

function packetItem(packet: OneSidedPacket, names: ComparedPage['names'], links: PageLinks): Markup {
  const [before, behind] = oneSidedPacketWords(packet, names[packet.seenIn]);
  const number = packet.seenIn === 'first' ? links.packet(packet.packet) : formatCount(packet.packet);
  return markup`${packet.why === 'lost' ? 'Lost' : 'Forged'}: ${before}${number}${behind}`;
}
