/** Where on the page a packet or a connection is told, so that evidence can lead there. */
import type { ConnectionId } from '../../base/index.js';
import type { LadderRow } from '../ladder.js';
import { type Markup, markup } from '../markup.js';
import { formatCount } from '../quantity.js';

export interface PageLinks {
  readonly packet: (packet: number) => Markup;
  readonly connection: (id: ConnectionId) => Markup;
  readonly hasLadder: (id: ConnectionId) => boolean;
}

export interface PageTargets {
  readonly ladders: ReadonlyMap<ConnectionId, readonly LadderRow[]>;
  /** Connections with a row in the timeline. */
  readonly rows: ReadonlySet<ConnectionId>;
}

/** The anchor of a ladder row is that of its first packet. */
export const packetAnchor = (packet: number): string => `packet-${packet}`;
export const ladderAnchor = (id: ConnectionId): string => `ladder-${id}`;
export const connectionAnchor = (id: ConnectionId): string => `connection-${id}`;

export function pageLinks({ ladders, rows }: PageTargets): PageLinks {
  const single = new Set<number>();
  const runs: { readonly first: number; readonly last: number }[] = [];
  for (const ladder of ladders.values()) {
    for (const row of ladder) {
      if (row.kind !== 'arrow') continue;
      single.add(row.packet);
      if (row.lastPacket > row.packet) runs.push({ first: row.packet, last: row.lastPacket });
    }
  }
  const anchorOf = (packet: number): number | null => {
    if (single.has(packet)) return packet;
    // Packets of other connections lie between: the shortest run is the likeliest.
    const around = runs.filter(({ first, last }) => packet >= first && packet <= last);
    return around.sort((a, b) => a.last - a.first - (b.last - b.first))[0]?.first ?? null;
  };
  return {
    packet: (packet) => {
      const anchor = anchorOf(packet);
      const text = formatCount(packet);
      return anchor === null
        ? markup`<span class="pill">${text}</span>`
        : markup`<a class="pill" href="#${packetAnchor(anchor)}">${text}</a>`;
    },
    connection: (id) =>
      ladders.has(id)
        ? markup`<a class="pill" href="#${ladderAnchor(id)}">#${id}</a>`
        : rows.has(id)
          ? markup`<a class="pill" href="#${connectionAnchor(id)}">#${id}</a>`
          : markup`<span class="pill">#${id}</span>`,
    hasLadder: (id) => ladders.has(id),
  };
}
