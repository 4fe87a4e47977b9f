/**
 * One connection as a lane of a timeline: when it opened, its exchanges as bars, what else happened as points, how it ended. Times
 * only; where they lie on a picture is the axis's business. Bounded whatever the connection did: when there are more exchanges
 * than bars, those with the least time between them share one.
 */
import type { ConnectionId, Endpoint, Side } from '../base/index.js';
import type { Connection, Ending, Exchange, Mark, ProtocolName, Waiter } from '../story/index.js';
import type { BusyTime } from './busy-time.js';

/** How the exchanges of a bar went: the worst of them. */
export type BarOutcome = 'ok' | 'client-error' | 'server-error' | 'cut' | 'unanswered';

export interface LaneBar {
  readonly startNs: number;
  /** First byte of the response; null when there was none, or when the bar stands for several exchanges. */
  readonly firstByteNs: number | null;
  readonly endNs: number;
  readonly waitedOn: Waiter;
  readonly outcome: BarOutcome;
  /** `POST /orders` and the status of the first exchange. Raw wire text. */
  readonly request: string;
  readonly status: number | null;
  /** Number of the first exchange on the connection, and how many the bar stands for. */
  readonly first: number;
  readonly count: number;
}

export type LanePointKind = 'probe' | 'repeat' | 'stall' | 'missing' | 'fin' | 'reset';

export interface LanePoint {
  readonly atNs: number;
  readonly kind: LanePointKind;
  readonly from: Side;
}

export interface Lane {
  readonly id: ConnectionId;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly protocol: ProtocolName;
  readonly openedNs: number;
  readonly openedPacket: number;
  /** Begun before the capture. */
  readonly joinedLate: boolean;
  /** End of the handshake; null when it was not seen. */
  readonly handshakeEndNs: number | null;
  /** Where the lane ends: the last packet of the connection. */
  readonly endNs: number;
  readonly bars: readonly LaneBar[];
  readonly points: readonly LanePoint[];
  readonly ending: Ending;
  readonly exchangeCount: number;
  readonly responseCount: number;
  readonly waited: Readonly<Record<Waiter, number>>;
  /** Bytes of another protocol than HTTP/1 flowed from here to there; null without any. */
  readonly otherBytes: { readonly startNs: number; readonly endNs: number } | null;
}

export const laneLimits = { bars: 60, points: 60, requestCharacters: 80 } as const;

export function laneOf(connection: Connection): Lane {
  const { id, client, server, protocol, opened, handshakeNs, ending, exchangeCount, responseCount, tcp, sidesFrom } = connection;
  const endNs = Math.max(opened.atNs, ending.at.atNs, connection.last.atNs);
  const handshakeEndNs = handshakeNs === null ? null : opened.atNs + handshakeNs;
  const waited = { client: 0, network: 0, server: 0 };
  for (const exchange of connection.exchanges) {
    waited.client += exchange.waited.client;
    waited.network += exchange.waited.network;
    waited.server += exchange.waited.server;
  }
  const hasOther = exchangeCount === 0 && tcp.bytes.client + tcp.bytes.server > 0;
  const lastByteNs = ending.at.atNs - (ending.idleNs ?? 0);
  return {
    id,
    client,
    server,
    protocol: protocol.name,
    openedNs: opened.atNs,
    openedPacket: opened.packet,
    joinedLate: sidesFrom === 'bytes' || sidesFrom === 'guess',
    handshakeEndNs,
    endNs,
    bars: joinBars(
      connection.exchanges.map((exchange) => barOf(exchange, ending.at.atNs)),
      laneLimits.bars,
    ),
    points: pointsOf(connection.marks, ending),
    ending,
    exchangeCount,
    responseCount,
    waited,
    otherBytes: hasOther ? { startNs: handshakeEndNs ?? opened.atNs, endNs: Math.max(opened.atNs, lastByteNs) } : null,
  };
}

function barOf(exchange: Exchange, connectionEndNs: number): LaneBar {
  const { number, method, target, status, requestSeen, requestAt, firstByte, responseEnd, responseHeadEnd, waitedOn } = exchange;
  // An answer without an end lasted as far as is known; who got none waited to the end.
  const end = responseEnd ?? (firstByte === null ? null : (responseHeadEnd ?? firstByte));
  return {
    startNs: requestAt.atNs,
    firstByteNs: firstByte?.atNs ?? null,
    endNs: Math.max(requestAt.atNs, end?.atNs ?? connectionEndNs),
    waitedOn,
    outcome: barOutcome(exchange),
    request: requestSeen ? `${method} ${target}`.slice(0, laneLimits.requestCharacters) : '',
    status,
    first: number,
    count: 1,
  };
}

function barOutcome({ status, firstByte, complete, requestSeen }: Exchange): BarOutcome {
  if (firstByte === null) return 'unanswered';
  if (status !== null && status >= 500) return 'server-error';
  if (!complete && requestSeen) return 'cut';
  return status !== null && status >= 400 ? 'client-error' : 'ok';
}

const outcomeRank: readonly BarOutcome[] = ['ok', 'client-error', 'server-error', 'cut', 'unanswered'];

/** So many bars at the most: those with the least time between them become one. */
export function joinBars(bars: readonly LaneBar[], limit: number): readonly LaneBar[] {
  if (bars.length <= limit) return bars;
  const quiets = bars.slice(1).map(({ startNs }, index) => startNs - bars[index]!.endNs);
  const sorted = [...quiets].sort((a, b) => b - a);
  const leastQuiet = sorted[limit - 2]!;
  const joined: LaneBar[] = [];
  // Of the quiets that are just as long as the shortest that separates, only as many separate as there is room for.
  let room = limit - 1 - quiets.filter((quiet) => quiet > leastQuiet).length;
  let group: LaneBar[] = [];
  for (const [index, bar] of bars.entries()) {
    const quiet = index === 0 ? 0 : quiets[index - 1]!;
    if (group.length > 0 && (quiet > leastQuiet || (quiet === leastQuiet && room > 0))) {
      joined.push(oneBar(group));
      group = [];
      if (quiet === leastQuiet) room--;
    }
    group.push(bar);
  }
  joined.push(oneBar(group));
  return joined;
}

function oneBar(group: readonly LaneBar[]): LaneBar {
  const first = group[0]!;
  if (group.length === 1) return first;
  const lengths = { client: 0, network: 0, server: 0 };
  let { outcome, endNs } = first;
  let count = 0;
  for (const bar of group) {
    lengths[bar.waitedOn] += bar.endNs - bar.startNs;
    if (outcomeRank.indexOf(bar.outcome) > outcomeRank.indexOf(outcome)) outcome = bar.outcome;
    endNs = Math.max(endNs, bar.endNs);
    count += bar.count;
  }
  const waitedOn = (['server', 'network', 'client'] as const).reduce((most, who) => (lengths[who] > lengths[most] ? who : most));
  return { ...first, firstByteNs: null, endNs, waitedOn, outcome, count };
}

function pointsOf(marks: readonly Mark[], ending: Ending): LanePoint[] {
  const points: LanePoint[] = [];
  for (const { kind, atNs, from } of marks) {
    const point = pointKind(kind);
    if (point !== null) points.push({ atNs, kind: point, from });
  }
  if (points.length <= laneLimits.points) return points;
  // The first and the last tell most; closes stay.
  const half = laneLimits.points / 2;
  const kept = [...points.slice(0, half), ...points.slice(-half)];
  const closes = points
    .slice(half, -half)
    .filter(({ kind, atNs }) => (kind === 'fin' || kind === 'reset') && atNs === ending.at.atNs);
  return [...kept, ...closes.slice(0, 1)].sort((a, b) => a.atNs - b.atNs);
}

function pointKind(kind: Mark['kind']): LanePointKind | null {
  switch (kind) {
    case 'keep-alive-probe':
    case 'zero-window-probe':
      return 'probe';
    case 'retransmission':
    case 'fast-retransmission':
    case 'spurious-retransmission':
      return 'repeat';
    case 'zero-window':
      return 'stall';
    case 'gap':
      return 'missing';
    case 'fin':
      return 'fin';
    case 'reset':
      return 'reset';
    default:
      return null;
  }
}

/** When something happened on the connection. */
export function addBusyTime(connection: Connection, busy: BusyTime): void {
  const { opened, handshakeNs, ending, exchanges, marks, exchangeCount, tcp } = connection;
  busy.add(opened.atNs, opened.atNs + (handshakeNs ?? 0));
  for (const exchange of exchanges) {
    const { startNs, endNs } = barOf(exchange, ending.at.atNs);
    busy.add(startNs, endNs);
  }
  // Of another protocol it is not known which silence was idleness: from the first byte to the last it was busy.
  if (exchangeCount === 0 && tcp.bytes.client + tcp.bytes.server > 0)
    busy.add(opened.atNs, ending.at.atNs - (ending.idleNs ?? 0));
  for (const { kind, atNs } of marks) if (pointKind(kind) !== null) busy.add(atNs, atNs);
  busy.add(ending.at.atNs, ending.at.atNs);
}
