/**
 * What many connections tell of a server and its clients, as plain data: the idle timeout measured against the one announced, the
 * most requests and the greatest age of a connection, how long the clients' pools wait, whether the order of timeouts is
 * right, and what reuse saved or would have saved.
 */
import { type Endpoint, nsPerMs } from '../base/index.js';
import type { Constant, ProvenConstant } from './facts-constant.js';
import type { PairFacts } from './facts-pair.js';
import type { ServerFacts } from './facts-server.js';
import { ephemeralPorts } from './facts-time-wait.js';
import { knownBy } from './known-timeouts.js';

/** Of the age. */
const leastApart = 0.05;

/** Clients told per server: those with the most requests. */
const clientLimit = 16;

/** A value measured several times: `spreadMs` is half the distance between its extremes; `count` of `of` samples agree on it. */
export interface InferredDuration {
  readonly ms: number;
  readonly spreadMs: number;
  readonly count: number;
  readonly of: number;
  /** Software that has this value by default; a hint, not evidence. */
  readonly defaultOf: readonly string[];
}

export interface InferredMaximum {
  /** Requests on a connection when the server closed it. */
  readonly requests: number;
  readonly count: number;
  /** Said with `Connection: close` each time. */
  readonly announced: boolean;
}

/** Whether the client stops reusing a connection before the server closes it. */
export type TimeoutOrder = 'right' | 'wrong' | 'unknown';

export interface ClientInference {
  readonly address: string;
  readonly connections: number;
  readonly requests: number;
  readonly requestsPerConnection: number;
  /** After which idle time it closes; null when it was not seen to. */
  readonly idleLimit: InferredDuration | null;
  /** The longest idle time after which it reused a connection and got an answer. */
  readonly longestReuseGapMs: number | null;
  readonly order: TimeoutOrder;
  /** Server's idle timeout minus the client's idle limit (or its longest reuse gap); null when either is unknown. */
  readonly marginMs: number | null;
  readonly timeWait: TimeWaitInference;
}

export interface TimeWaitInference {
  /** Sockets left in TIME_WAIT, by the side that closed first and holds them. */
  readonly client: number;
  readonly server: number;
  /** The most at once, on a system where TIME_WAIT lasts 60 s. */
  readonly clientPeak: number;
  readonly serverPeak: number;
  /** Of the 28,232 ports that Linux uses for one destination, how many are left at the client's peak. */
  readonly portsLeft: number;
}

export interface ReuseInference {
  readonly connections: number;
  readonly requests: number;
  readonly meanHandshakeMs: number | null;
  /** Requests that needed no handshake of their own, and what that saved. */
  readonly savedHandshakes: number;
  readonly savedMs: number | null;
  /** Handshakes beyond one per client address at a time that reuse could have spared. An upper bound: concurrency needs some. */
  readonly avoidableHandshakes: number;
  readonly avoidableMs: number | null;
}

export interface ServerInference {
  readonly server: Endpoint;
  readonly idleTimeout: InferredDuration | null;
  /** What its `Keep-Alive: timeout=` announces, in seconds. */
  readonly announcedSeconds: number | null;
  /** Measured and announced agree within 10 %, or 100 ms; null when either is unknown. */
  readonly announcementHolds: boolean | null;
  /** The longest idle time that a connection was seen to survive. */
  readonly survivedMs: number | null;
  readonly maximumRequests: InferredMaximum | null;
  readonly announcedMaximum: number | null;
  readonly ageLimit: InferredDuration | null;
  readonly reuse: ReuseInference;
  readonly clients: readonly ClientInference[];
}

const duration = (found: Constant | null, kind: 'server' | 'client', software: string | null): InferredDuration | null =>
  found === null
    ? null
    : {
        ms: found.value / nsPerMs,
        spreadMs: found.spread / nsPerMs,
        count: found.count,
        of: found.of,
        defaultOf: knownBy(found.value, kind, software),
      };

export function inferServer(server: ServerFacts): ServerInference {
  const idle = server.idleTimeout();
  const announcedSeconds = server.announcedSeconds();
  const clients = [...server.pairs.values()].sort((a, b) => b.requests - a.requests).slice(0, clientLimit);
  return {
    server: server.endpoint,
    idleTimeout: duration(idle, 'server', server.software),
    announcedSeconds,
    announcementHolds: idle === null || announcedSeconds === null ? null : agrees(idle.value, announcedSeconds * 1e9),
    survivedMs: server.longestSurvivedGapNs > 0 ? server.longestSurvivedGapNs / nsPerMs : null,
    maximumRequests: maximumRequests(server),
    announcedMaximum: server.hintMax > 0 ? server.hintMax : null,
    ageLimit: duration(ageLimit(server), 'server', server.software),
    reuse: reuse(server),
    clients: clients.map((pair) => inferClient(pair, idle)),
  };
}

export const agrees = (measuredNs: number, announcedNs: number): boolean =>
  Math.abs(measuredNs - announcedNs) <= Math.max(0.1 * announcedNs, 100e6);

/** A count at which the server closed at least three connections, and which no connection was seen to exceed. */
export function maximumRequests(server: ServerFacts): InferredMaximum | null {
  const { mostRequests } = server;
  const at = server.requestsAtClose.get(mostRequests);
  if (at === undefined || mostRequests < 2) return null;
  const count = at.announced + at.silent;
  // Closes at other counts speak against a maximum, whatever their number.
  let others = 0;
  for (const [requests, { announced, silent }] of server.requestsAtClose)
    if (requests !== mostRequests) others += announced + silent;
  if (count < 2 || others > 0.2 * count) return null;
  return { requests: mostRequests, count, announced: at.silent === 0 };
}

/** Closes at one age whatever the use: constant where the idle times before the close are not. */
export function ageLimit(server: ServerFacts): ProvenConstant | null {
  const age = server.serverAges.proven({ least: 3, share: 0.8 });
  if (age === null || age.value < 1e9 || !cameApart(server, age)) return null;
  // The same use on each connection makes the ages alike too: then the times since the last answer are as constant.
  const idle = server.serverAgeIdles.densest();
  return idle !== null && 2 * idle.count > age.count ? null : age;
}

/** Connections that were opened together and closed together say nothing of their age: a stop of the server does the same. */
function cameApart(server: ServerFacts, { connections, value, spread }: ProvenConstant): boolean {
  const ids = new Set(connections);
  const opened = server.serverAges.samples
    .filter(({ connection }) => ids.has(connection))
    .map(({ atNs, value: age }) => atNs - age);
  return Math.max(...opened) - Math.min(...opened) > Math.max(2 * spread, leastApart * value);
}

function reuse(server: ServerFacts): ReuseInference {
  const { httpConnections, requests, pairs } = server;
  const meanNs = server.handshakes === 0 ? null : server.handshakeNs / server.handshakes;
  const inMs = (count: number): number | null => (meanNs === null ? null : (count * meanNs) / nsPerMs);
  const saved = Math.max(0, requests - httpConnections);
  let avoidable = 0;
  for (const pair of pairs.values()) avoidable += Math.max(0, pair.usedConnections - pair.mostAtOnce());
  return {
    connections: httpConnections,
    requests,
    meanHandshakeMs: meanNs === null ? null : meanNs / nsPerMs,
    savedHandshakes: saved,
    savedMs: inMs(saved),
    avoidableHandshakes: avoidable,
    avoidableMs: inMs(avoidable),
  };
}

function inferClient(pair: PairFacts, idle: Constant | null): ClientInference {
  const limit = pair.idleLimit();
  const { clientTimeWait, serverTimeWait } = pair;
  const longestGap = pair.longestSurvivedGapNs > 0 ? pair.longestSurvivedGapNs : null;
  const waitsNs = limit?.value ?? longestGap;
  return {
    address: pair.clientAddress,
    connections: pair.connections,
    requests: pair.requests,
    requestsPerConnection: pair.usedConnections === 0 ? 0 : pair.requests / pair.usedConnections,
    idleLimit: duration(limit, 'client', null),
    longestReuseGapMs: longestGap === null ? null : longestGap / nsPerMs,
    order: orderOf(pair, idle),
    marginMs: idle === null || waitsNs === null ? null : (idle.value - waitsNs) / nsPerMs,
    timeWait: {
      client: clientTimeWait.count,
      server: serverTimeWait.count,
      clientPeak: clientTimeWait.peak,
      serverPeak: serverTimeWait.peak,
      portsLeft: Math.max(0, ephemeralPorts - clientTimeWait.peak),
    },
  };
}

/**
 * Right: the client closes idle connections itself, earlier than the server would. Wrong: it holds them until the server
 * closes, so that a request can meet the close.
 */
function orderOf(pair: PairFacts, idle: Constant | null): TimeoutOrder {
  const limit = pair.idleLimit();
  if (limit !== null) return idle === null || limit.value < idle.value ? 'right' : 'wrong';
  if (idle !== null && pair.idleClosesByServer > 0 && pair.idleClosesByClient === 0) return 'wrong';
  return 'unknown';
}
