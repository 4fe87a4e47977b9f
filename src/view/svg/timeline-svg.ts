/** The timeline of all connections as one picture: one row a connection, one axis of time, the verdict above. */
import type { SourceSummary } from '../../base/index.js';
import { clockOf } from '../clock.js';
import { endingLine, endingWords } from '../ending-words.js';
import { clipEnd, clipStart } from '../escape.js';
import { type Markup, markup } from '../markup.js';
import { axisOfPage } from '../page-axis.js';
import type { PageData } from '../page-collector.js';
import { formatCount, formatCounted, formatDuration, formatEndpoint } from '../quantity.js';
import { axisHeight, laneHeight, paintAxis, paintGrid, paintLane, paintStrip, pixelsAcross } from './lane-picture.js';
import { legendItems, legendSign } from './legend.js';
import { linesOf, renderPicture } from './picture.js';

export interface TimelineInput {
  readonly name: string;
  readonly source: SourceSummary;
  readonly data: PageData;
  /** The verdict in one sentence. */
  readonly headline: string;
}

const width = 1280;
const margin = 24;
const trackLeft = 300;
const trackWidth = 700;
const endingLeft = trackLeft + trackWidth + 20;
/** Characters that fit: of the title, of an address and of an ending in their columns. */
const titleCharacters = 105;
const addressCharacters = 34;
const endingCharacters = 36;
const stripHeight = 28;
/** Width of a character of the legend, about. */
const legendCharacter = 6.3;

export function renderTimeline({ name, source, data, headline }: TimelineInput): string {
  const { lanes, strips, connections } = data;
  const clock = clockOf(source);
  const axis = axisOfPage(data, source);
  const across = pixelsAcross(trackLeft, trackWidth);
  const parts: Markup[] = [];
  let y = margin;
  for (const line of linesOf(`${headline}.`, titleCharacters)) {
    parts.push(markup`<text class="title" x="${margin}" y="${y + 18}">${line}</text>`);
    y += 26;
  }
  const shown =
    lanes.length < connections
      ? `the ${formatCount(lanes.length)} connections with most to tell, of ${formatCount(connections)}`
      : formatCounted(connections, 'connection');
  const began =
    source.firstAtNs === null ? '' : `, ${formatDuration(clock.spanNs)} from ${clock.dateAndTime(source.firstAtNs, 3)} UTC`;
  const subtitle = clipEnd(`${name}: ${shown}${began}`, 180, '…');
  parts.push(markup`<text class="small" x="${margin}" y="${y + 16}">${subtitle}</text>`);
  y += 34;
  const legend = paintLegend(data, y);
  parts.push(legend.content);
  y = legend.bottom + 12;
  const head = y + axisHeight - 5;
  parts.push(
    markup`<text class="head" x="${margin}" y="${head}">#</text><text class="head" x="${margin + 50}" y="${head}">client → server</text>${paintAxis(axis, across, y)}<text class="head" x="${endingLeft}" y="${head}">ended</text>`,
  );
  y += axisHeight;
  const top = y;
  const rows: Markup[] = [];
  for (const { server, connections: count, bins } of strips) {
    rows.push(
      markup`<line class="rule" x1="${margin}" x2="${width - margin}" y1="${y}" y2="${y}"/><text class="mono" x="${margin + 50}" y="${y + stripHeight / 2 - 2}">${clipStart(formatEndpoint(server), addressCharacters, '…')}</text><text class="small" x="${margin + 50}" y="${y + stripHeight / 2 + 11}">${formatCounted(count, 'connection')}</text>${paintStrip(bins, axis, across, y + 1, stripHeight - 2)}`,
    );
    y += stripHeight;
  }
  for (const lane of lanes) {
    const middle = y + laneHeight / 2;
    const ending = clipEnd(endingLine(lane, { unicode: true }), endingCharacters, '…');
    rows.push(
      markup`<g><line class="rule" x1="${margin}" x2="${width - margin}" y1="${y}" y2="${y}"/><text class="strong" x="${margin}" y="${middle + 4}">#${lane.id}</text><text class="mono" x="${margin + 50}" y="${middle - 3}">${clipStart(formatEndpoint(lane.client), addressCharacters, '…')}</text><text class="mono" x="${margin + 50}" y="${middle + 11}">→ ${clipStart(formatEndpoint(lane.server), addressCharacters, '…')}</text>${paintLane(lane, axis, across, middle)}<text class="tone-${endingWords[lane.ending.why].severity}" x="${endingLeft}" y="${middle + 4}">${ending}</text></g>`,
    );
    y += laneHeight;
  }
  return renderPicture({
    width,
    height: y + margin,
    title: `${name}: timeline of its connections`,
    description: `${headline}. ${shown}${began}.`,
    content: markup`${parts}${paintGrid(axis, across, top, y - top)}${rows}`,
  });
}

function paintLegend({ lanes }: PageData, top: number): { readonly content: Markup; readonly bottom: number } {
  let x = margin;
  let y = top;
  const items = legendItems(lanes).map(({ sign, text }) => {
    const wide = legendSign.width + 6 + text.length * legendCharacter + 18;
    if (x + wide > width - margin && x > margin) {
      x = margin;
      y += 22;
    }
    const item = markup`<g transform="translate(${x} ${y})">${sign}<text class="small" x="${legendSign.width + 6}" y="13">${text}</text></g>`;
    x += wide;
    return item;
  });
  return { content: markup`${items}`, bottom: y + legendSign.height };
}
