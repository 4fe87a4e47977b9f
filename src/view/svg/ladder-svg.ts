/** The ladder of one connection as one picture. */
import { type Connection, endingReasonTexts } from '../../story/index.js';
import type { Clock } from '../clock.js';
import { endingActor } from '../ending-words.js';
import { clipEnd } from '../escape.js';
import { type LadderArrow, type LadderRow, type LadderTone, ladderOf } from '../ladder.js';
import { type Markup, markup, trusted } from '../markup.js';
import { formatCount, formatCounted, formatDuration, formatEndpoint, formatRelative } from '../quantity.js';
import { renderPicture } from './picture.js';

const width = 1080;
const margin = 24;
const packetRight = 96;
const timeRight = 200;
const sinceRight = 290;
const clientAt = 320;
const serverAt = width - margin - 10;
const rowHeight = 30;
/** Characters of a label that fit between the lifelines. */
const labelCharacters = 96;
/** Rows of a picture. */
const ladderPictureRows = 1000;

const toneStyle = `.wire{stroke:var(--edge);stroke-width:2}.wire.quiet{stroke-dasharray:2 4}
.arrow{stroke-width:1.6;fill:none}.tip{stroke:none}
${(
  [
    ['plain', 'soft'],
    ['request', 'client'],
    ['response', 'good'],
    ['client-error', 'warning'],
    ['server-error', 'bad'],
    ['close', 'ink'],
    ['reset', 'bad'],
    ['probe', 'info'],
    ['repeat', 'warning'],
    ['warning', 'warning'],
  ] satisfies readonly (readonly [LadderTone, string])[]
)
  .map(([tone, colour]) => `.t-${tone} .arrow{stroke:var(--${colour})}.t-${tone} .tip{fill:var(--${colour})}`)
  .join('\n')}
.t-probe .arrow,.t-repeat .arrow{stroke-dasharray:5 4}.t-reset .arrow,.t-close .arrow{stroke-width:3}
.t-plain .label{fill:var(--soft);font-weight:400}.label{font-weight:600}.detail{font-weight:400;fill:var(--soft)}
.client-name{fill:var(--client);font-weight:600}.server-name{fill:var(--server);font-weight:600}.silence{font-style:italic;fill:var(--soft)}.silence.waiting{fill:var(--warning)}`;

export function renderLadderPicture(connection: Connection, clock: Clock, name: string): string {
  const rows = ladderOf(connection, { rowsLimit: ladderPictureRows });
  const { id, client, server, opened, ending } = connection;
  const title = `Connection #${id}: ${formatEndpoint(client)} → ${formatEndpoint(server)}`;
  const ended = `${endingActor(ending)}: ${endingReasonTexts[ending.why]}`;
  const top = margin + 106;
  const painted = rows.map((row, index) => paintRow(row, top + index * rowHeight, opened.atNs, clock));
  const head = top - 12;
  return renderPicture({
    width,
    height: top + rows.length * rowHeight + margin,
    title,
    description: `${ended}. ${formatCounted(rows.length, 'row')}.`,
    content: markup`<style>${trusted(toneStyle)}</style>
<text class="title" x="${margin}" y="${margin + 18}">${clipEnd(title, 90, '…')}</text>
<text x="${margin}" y="${margin + 42}">${ended}</text>
<text class="small" x="${margin}" y="${margin + 61}">${clipEnd(`${name}, opened ${clock.dateAndTime(opened.atNs)} UTC`, 160, '…')}</text>
<text class="head right" x="${packetRight}" y="${head}">packet</text><text class="head right" x="${timeRight}" y="${head}">time, s</text><text class="head right" x="${sinceRight}" y="${head}">+</text><text class="client-name" x="${clientAt}" y="${head}">client</text><text class="server-name right" x="${serverAt}" y="${head}">server</text>
${painted}`,
  });
}

function paintRow(row: LadderRow, y: number, zeroNs: number, clock: Clock): Markup {
  const wires = (tone: string): Markup =>
    markup`<line class="${tone}" x1="${clientAt}" x2="${clientAt}" y1="${y}" y2="${y + rowHeight}"/><line class="${tone}" x1="${serverAt}" x2="${serverAt}" y1="${y}" y2="${y + rowHeight}"/>`;
  const middle = (clientAt + serverAt) / 2;
  if (row.kind === 'arrow') return markup`${wires('wire')}${paintArrow(row, y, zeroNs, clock)}`;
  const text =
    row.kind === 'break' ? `${row.label} ${formatDuration(row.durationNs)}` : `${formatCounted(row.count, 'event')} not shown`;
  const tone = row.kind === 'break' && row.waitedFor !== 'nobody' ? 'silence waiting middle' : 'silence middle';
  return markup`${wires('wire quiet')}<text class="${tone}" x="${middle}" y="${y + 19}">${text}</text>`;
}

function paintArrow(row: LadderArrow, y: number, zeroNs: number, clock: Clock): Markup {
  const { from, label, detail, tone, packet, lastPacket, atNs, sinceBeforeNs } = row;
  const line = y + 24;
  const base = y + 17;
  const numbers = lastPacket > packet ? `${formatCount(packet)}–${formatCount(lastPacket)}` : formatCount(packet);
  const shown = clipEnd(label, labelCharacters, '…');
  const more =
    detail !== '' && shown.length + detail.length + 3 <= labelCharacters
      ? markup` <tspan class="detail">${detail}</tspan>`
      : null;
  const tip =
    from === 'client'
      ? `M${serverAt - 9} ${line - 4.5}L${serverAt - 1} ${line}L${serverAt - 9} ${line + 4.5}Z`
      : `M${clientAt + 9} ${line - 4.5}L${clientAt + 1} ${line}L${clientAt + 9} ${line + 4.5}Z`;
  const text =
    from === 'client'
      ? markup`<text class="label" x="${clientAt + 16}" y="${base}">${shown}${more}</text>`
      : markup`<text class="label right" x="${serverAt - 16}" y="${base}">${shown}${more}</text>`;
  return markup`<g class="t-${tone}"><text class="number right strong" x="${packetRight}" y="${base}">${numbers}</text><text class="small number right" x="${timeRight}" y="${base}">${formatRelative(atNs - zeroNs, clock.decimals)}</text><text class="small number right" x="${sinceRight}" y="${base}">${sinceBeforeNs === null ? '' : formatDuration(sinceBeforeNs)}</text>${text}<line class="arrow" x1="${clientAt + 1}" x2="${serverAt - 1}" y1="${line}" y2="${line}"/><path class="tip" d="${tip}"/></g>`;
}
