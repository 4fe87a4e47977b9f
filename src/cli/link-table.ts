/** What passed a link and what did not, as a small table: a row for each count that is not zero, a column for each way. */
import type { LinkStatistics, LinkWayStatistics } from '../capture/index.js';
import { formatBytes, formatCount, formatCounted, type TerminalStyle } from '../view/index.js';

interface Row {
  readonly label: string;
  readonly of: (way: LinkWayStatistics) => number;
  /** Beside it, what part of the packets this is. */
  readonly share?: true;
}

const rows: readonly Row[] = [
  { label: 'packets sent', of: ({ packets }) => packets },
  { label: 'delivered', of: ({ delivered }) => delivered },
  { label: 'lost by chance', of: ({ dropped }) => dropped.lost, share: true },
  { label: 'dropped, queue full', of: ({ dropped }) => dropped.queueFull, share: true },
  { label: 'dropped, link cut', of: ({ dropped }) => dropped.cut, share: true },
  { label: 'dropped, forgotten', of: ({ dropped }) => dropped.forgotten, share: true },
  { label: 'refused by receiver', of: ({ dropped }) => dropped.refused, share: true },
  { label: 'overtaken', of: ({ reordered }) => reordered, share: true },
  { label: 'delivered twice', of: ({ duplicated }) => duplicated, share: true },
  { label: 'corrupted', of: ({ corrupted }) => corrupted, share: true },
  { label: 'resets by middlebox', of: ({ forgedResets }) => forgedResets },
];

const labelWidth = 22;
const columnWidth = 20;

export function linkTable(title: string, statistics: LinkStatistics, { palette }: TerminalStyle): string[] {
  const { toServer, toClient, overrun } = statistics;
  const line = (label: string, there: string, back: string): string =>
    `${label.padEnd(labelWidth)}${there.padStart(columnWidth)}${back.padStart(columnWidth)}`;
  const lines = [title, palette.faint(line('', 'to server', 'to client'))];
  for (const { label, of, share } of rows) {
    if (of(toServer) + of(toClient) === 0) continue;
    const text = (way: LinkWayStatistics): string => {
      const part = share === true && way.packets > 0 ? ` (${formatShare(of(way) / way.packets)})` : '';
      return `${formatCount(of(way))}${part}`;
    };
    lines.push(line(label, text(toServer), text(toClient)));
  }
  lines.push(line('bytes sent', formatBytes(toServer.bytes), formatBytes(toClient.bytes)));
  if (overrun > 0)
    lines.push(palette.warning(`${formatCounted(overrun, 'packet')} lost because this machine was too slow for the link`));
  return lines;
}

export const formatShare = (share: number): string => `${(100 * share).toFixed(2)} %`;
