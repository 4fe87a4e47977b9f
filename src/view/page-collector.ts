/**
 * What a page or a picture of a whole capture is made of, gathered while connections come and go, in bounded memory: the lanes
 * and exchanges with most to tell, when anything happened at all, how many connections were open.
 */
import type { ConnectionId, Endpoint } from '../base/index.js';
import type { Connection, Exchange, Finding } from '../story/index.js';
import { BestOf } from './best-of.js';
import { BusyTime, type Stretch } from './busy-time.js';
import { endingWords } from './ending-words.js';
import { clipEnd } from './escape.js';
import { interestOf } from './interest.js';
import { addBusyTime, joinBars, type Lane, laneOf } from './lane.js';
import { type OpenBin, OpenConnections } from './open-connections.js';
import { formatEndpoint } from './quantity.js';

export const pageLimits = {
  /** Connections with a row of their own. */
  lanes: 300,
  /** Bars of all rows together, and of one row at the least. */
  bars: 6000,
  barsPerLane: 12,
  /** Exchanges listed. */
  exchanges: 300,
  /** Servers with a strip of their own when not all connections have a row. */
  servers: 8,
  /** Servers that are counted. */
  serversCounted: 1000,
  /** Connections drawn as a ladder, and rows of one ladder. */
  ladders: 20,
  ladderRows: 240,
  /** Ladders of connections that no finding names. */
  laddersWithoutFinding: 3,
  /** Characters kept of a request target. */
  target: 200,
} as const;

/** An exchange as the list shows it. */
export interface ListedExchange {
  readonly connection: ConnectionId;
  readonly number: number;
  readonly method: string;
  readonly target: string;
  readonly host: string | null;
  readonly status: number | null;
  readonly complete: boolean;
  readonly requestSeen: boolean;
  readonly atNs: number;
  readonly tookNs: number;
  readonly waited: Exchange['waited'];
  readonly waitedOn: Exchange['waitedOn'];
  readonly packets: { readonly request: number; readonly response: number | null; readonly responseEnd: number | null };
  readonly notes: Exchange['notes'];
}

interface ServerStrip {
  readonly server: Endpoint;
  readonly connections: number;
  readonly bins: readonly OpenBin[];
}

export interface PageData {
  /** In order of opening. */
  readonly lanes: readonly Lane[];
  readonly connections: number;
  /** In order of time. */
  readonly exchanges: readonly ListedExchange[];
  readonly exchangeCount: number;
  readonly busy: readonly Stretch[];
  readonly strips: readonly ServerStrip[];
  /** Servers in all, as far as they were counted. */
  readonly servers: number;
  /** The connections with most to tell, best first. */
  readonly mostTelling: readonly ConnectionId[];
}

export class PageCollector {
  readonly #lanes = new BestOf<{ readonly lane: Lane; readonly interest: number }>(pageLimits.lanes);
  readonly #exchanges = new BestOf<ListedExchange>(pageLimits.exchanges);
  readonly #busy = new BusyTime();
  readonly #servers = new Map<string, { readonly server: Endpoint; readonly open: OpenConnections }>();

  add(connection: Connection, interest = interestOf(connection)): void {
    this.#lanes.offer(interest, () => ({ lane: laneOf(connection), interest }));
    addBusyTime(connection, this.#busy);
    for (const exchange of connection.exchanges) {
      this.#exchanges.offer(exchangeScore(exchange), () => listedExchange(connection, exchange));
    }
    const { ending, opened, last, server } = connection;
    const name = formatEndpoint(server);
    let counted = this.#servers.get(name);
    if (counted === undefined && this.#servers.size < pageLimits.serversCounted) {
      counted = { server, open: new OpenConnections() };
      this.#servers.set(name, counted);
    }
    counted?.open.add(opened.atNs, Math.max(ending.at.atNs, last.atNs), endingWords[ending.why].severity === 'bad');
  }

  end(): PageData {
    const lanes = this.#lanes.best();
    const omitted = this.#lanes.offered > lanes.length;
    const servers = omitted ? [...this.#servers.values()].sort((a, b) => b.open.connections - a.open.connections) : [];
    const bars = Math.max(pageLimits.barsPerLane, Math.floor(pageLimits.bars / Math.max(1, lanes.length)));
    return {
      lanes: lanes
        .map(({ lane }) => ({ ...lane, bars: joinBars(lane.bars, bars) }))
        .sort((a, b) => a.openedNs - b.openedNs || a.id - b.id),
      connections: this.#lanes.offered,
      exchanges: this.#exchanges.best().sort((a, b) => a.atNs - b.atNs || a.connection - b.connection),
      exchangeCount: this.#exchanges.offered,
      busy: this.#busy.stretches(),
      servers: this.#servers.size,
      strips: servers.slice(0, pageLimits.servers).map(({ server, open }) => ({
        server,
        connections: open.connections,
        bins: open.bins(),
      })),
      mostTelling: lanes.slice(0, pageLimits.ladders).map(({ lane }) => lane.id),
    };
  }
}

/** Lost before failed, failed before slow. */
function exchangeScore({ waited, status, complete, requestSeen, firstByte }: Exchange): number {
  const tookMs = (waited.client + waited.network + waited.server) / 1e6;
  const lost = requestSeen && (firstByte === null || !complete) ? 1e12 : 0;
  const failed = status !== null && status >= 500 ? 1e10 : status !== null && status >= 400 ? 1e9 : 0;
  return lost + failed + tookMs;
}

function listedExchange(connection: Connection, exchange: Exchange): ListedExchange {
  const { number, method, target, host, status, complete, requestSeen, requestAt, waited, waitedOn, notes } = exchange;
  return {
    connection: connection.id,
    number,
    method: method.slice(0, pageLimits.target),
    target: clipEnd(target, pageLimits.target, '...'),
    host: host === null ? null : host.slice(0, pageLimits.target),
    status,
    complete,
    requestSeen,
    atNs: requestAt.atNs,
    tookNs: waited.client + waited.network + waited.server,
    waited,
    waitedOn,
    packets: {
      request: requestAt.packet,
      response: exchange.firstByte?.packet ?? null,
      responseEnd: exchange.responseEnd?.packet ?? null,
    },
    notes,
  };
}

/**
 * The connections worth a ladder: those that findings name, one of each in turn, worst finding first; then, so that a healthy capture
 * has a picture too, a few with most to tell.
 */
export function connectionsOfInterest(findings: readonly Finding[], mostTelling: readonly ConnectionId[]): ConnectionId[] {
  const chosen = new Set<ConnectionId>();
  const named = findings.filter(({ level }) => level !== 'good');
  for (let round = 0; round < pageLimits.ladders && chosen.size < pageLimits.ladders; round++) {
    for (const { connections } of named) {
      const id = connections[round];
      if (id !== undefined && chosen.size < pageLimits.ladders) chosen.add(id);
    }
  }
  let others = 0;
  for (const id of mostTelling) {
    if (chosen.size >= pageLimits.ladders || others >= pageLimits.laddersWithoutFinding) break;
    if (!chosen.has(id)) others++;
    chosen.add(id);
  }
  return [...chosen];
}
