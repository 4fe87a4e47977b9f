/**
 * Two captures of the same traffic, for a terminal: one sentence that says whether the way between them lost or forged anything,
 * then clocks, delays, and the connections that show it, with packet numbers of both captures.
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
import { escapeName } from '../escape.js';
import { formatCount, formatCounted } from '../quantity.js';
import { labelled, wrapWords } from './lines.js';
import type { TerminalStyle } from './style.js';

export interface ComparedNames {
  readonly first: string;
  readonly second: string;
}

const labelWidth = 9;
/** Connections told one by one, and packets of each. */
const toldConnections = 12;
const toldPackets = 6;

export function renderComparison(comparison: Comparison, names: ComparedNames, style: TerminalStyle): string[] {
  const { palette, width } = style;
  const { clock, matchedConnections, matchedPackets, oneSided, leftOut } = comparison;
  if (matchedConnections === 0 || clock === null) {
    return wrapWords(nothingInCommon, width).map(palette.strong);
  }
  const lost = oneSided.client.lost + oneSided.server.lost;
  const forged = oneSided.client.forged + oneSided.server.forged;
  const paint = forged > 0 || lost > 0 ? palette.bad : palette.good;
  const lines = wrapWords(`${comparisonHeadline(oneSided)}.`, width).map((line) => palette.strong(paint(line)));
  lines.push(
    ...wrapWords(
      `${formatCounted(matchedConnections, 'connection')} and ${formatCounted(matchedPackets, 'packet')} are in both.`,
      width,
    ),
    '',
  );
  const nearer = comparison.nearerToClient === null ? null : escapeName(names[comparison.nearerToClient]);
  lines.push(
    ...row(
      'Points',
      nearer === null ? 'which capture is nearer to the clients cannot be told' : `${nearer} is nearer to the clients`,
      style,
    ),
  );
  lines.push(...row('Clocks', clockText(clock, escapeName(names.second), style), style));
  for (const side of ['client', 'server'] as const) {
    lines.push(
      ...row(
        `${side === 'client' ? 'Requests' : 'Answers'}`,
        `sent by the ${side}s: ${directionText(oneSided[side], comparison.delays[side], style)}`,
        style,
      ),
    );
  }
  for (const name of ['first', 'second'] as const) {
    const count = comparison.oneSidedConnectionCounts[name];
    if (count > 0) lines.push(...row('Alone', `${formatCounted(count, 'connection')} only in ${escapeName(names[name])}`, style));
    if (leftOut[name] > 0)
      lines.push(
        ...row(
          'Left out',
          `${formatCounted(leftOut[name], 'packet')} of ${escapeName(names[name])}: more than is compared`,
          style,
        ),
      );
  }
  const telling = comparison.connections.filter(isTelling);
  for (const connection of telling.slice(0, toldConnections)) lines.push('', ...told(connection, names, style));
  if (telling.length > toldConnections)
    lines.push(
      '',
      palette.faint(`and ${formatCount(telling.length - toldConnections)} more connections with something to tell (--json)`),
    );
  return lines;
}

function told(connection: ComparedConnection, names: ComparedNames, style: TerminalStyle): string[] {
  const { palette, width } = style;
  const ends = (index: 0 | 1): string => escapeName(`${connection.clientEnds[index]} > ${connection.serverEnds[index]}`);
  const elsewhere = connection.isTranslated ? `, in the second ${ends(1)}` : '';
  const lines = wrapWords(
    `#${connection.first} in the first, #${connection.second} in the second: ${ends(0)}${elsewhere}`,
    width,
  ).map(palette.strong);
  for (const text of connection.rewritten) lines.push(...row('Changed', escapeName(text), style));
  if (connection.hasShiftedNumbers)
    lines.push(...row('Changed', 'sequence numbers: a box between the points makes up its own', style));
  const packets = connection.packets.filter(({ why }) => why === 'lost' || why === 'forged');
  for (const packet of packets.slice(0, toldPackets))
    lines.push(...row(packet.why === 'lost' ? 'Lost' : 'Forged', packetText(packet, names), style));
  if (packets.length > toldPackets) lines.push(...row('', `and ${formatCount(packets.length - toldPackets)} more`, style));
  return lines;
}

function packetText(packet: OneSidedPacket, names: ComparedNames): string {
  const [before, behind] = oneSidedPacketWords(packet, escapeName(names[packet.seenIn]));
  return `${before}${formatCount(packet.packet)}${behind}`;
}

function row(label: string, text: string, style: TerminalStyle): string[] {
  return labelled(label, wrapWords(text, style.width - labelWidth - 4), labelWidth).map((line, index) =>
    index === 0 && label !== '' ? `  ${style.palette.faint(label)}${line.slice(2 + label.length)}` : line,
  );
}
