/**
 * What is known over all servers: servers and pairs by name within limits, how connections ended, what protocols and statuses
 * were seen (the verdict says from them what is not the cause), and requests that must not be sent twice.
 *
 * Beyond the limits a server (or pair) that has not been used for long is handed to `retire`, judged for the last time and
 * forgotten. Which one: the first in the order of the map that was not used since it was last passed over (a clock, which costs
 * nothing on use).
 */
import { assert, type ConnectionId, type Endpoint } from '../base/index.js';
import type { ConnectionFacts } from './facts-connection.js';
import { PairFacts } from './facts-pair.js';
import { ServerFacts } from './facts-server.js';
import type { Connection, EndingBy, EndingHow, Exchange, ProtocolName } from './model.js';

export const wholeLimits = {
  servers: 1024,
  pairs: 4096,
  /** Newest requests with a method that is not idempotent. */
  unsafeRequests: 2048,
} as const;

/** A request with a method that is not idempotent (RFC 9110 §9.2.2). */
export interface UnsafeRequest {
  readonly key: string;
  readonly connection: ConnectionId;
  readonly server: ServerFacts;
  readonly clientAddress: string;
  readonly method: string;
  readonly target: string;
  readonly atNs: number;
  readonly packet: number;
  /** When its connection ended without an answer to it; null when it was answered, still waits, or was certainly never taken. */
  readonly failedNs: number | null;
  readonly status: number | null;
}

export interface Retirement {
  readonly server: (server: ServerFacts) => void;
  readonly pair: (pair: PairFacts) => void;
}

const isUnsafe = (method: string): boolean => method === 'POST' || method === 'PATCH';

/**
 * The connection ended, and the server may have read the request before. It certainly has not when its FIN does not acknowledge
 * the request: it had closed before its machine received it.
 */
function mayHaveBeenTaken({ ending, closing }: Connection, { requestAt }: Exchange): boolean {
  if (ending.how === 'open') return false;
  const { first } = closing;
  if (first === null || first.from !== 'server' || first.how !== 'fin') return true;
  return first.unacknowledgedBytes === 0 && requestAt.atNs <= first.at.atNs;
}

export class WholeFacts {
  readonly servers = new Map<string, ServerFacts>();
  readonly pairs = new Map<string, PairFacts>();
  connections = 0;
  requests = 0;
  answered = 0;
  reusedConnections = 0;
  earliestNs = Number.POSITIVE_INFINITY;
  latestNs = 0;
  readonly endings: Record<EndingBy, Record<EndingHow, number>> = {
    client: { fin: 0, rst: 0, timeout: 0, open: 0 },
    server: { fin: 0, rst: 0, timeout: 0, open: 0 },
    network: { fin: 0, rst: 0, timeout: 0, open: 0 },
    none: { fin: 0, rst: 0, timeout: 0, open: 0 },
  };
  readonly protocols = new Map<ProtocolName, number>();
  /** Responses by hundreds of their status, and some by the whole. */
  readonly statusClasses = new Float64Array(6);
  badGateways = 0;
  gatewayTimeouts = 0;
  unavailable = 0;
  joinedLate = 0;
  oneSided = 0;
  withGaps = 0;
  waitedClientNs = 0;
  waitedNetworkNs = 0;
  waitedServerNs = 0;
  handshakeNs = 0;
  readonly unsafe: UnsafeRequest[] = [];
  #unsafeNext = 0;
  readonly #retire: Retirement;
  /** Pairs by client address and host. */
  readonly #byHost = new Map<string, Set<PairFacts>>();

  constructor(retire: Retirement) {
    this.#retire = retire;
  }

  /** Adds a connection; `facts` has read it already, and gets its server and pair. */
  add(connection: Connection, facts: ConnectionFacts): void {
    const pair = this.#pairOf(connection);
    facts.pair = pair;
    facts.server = pair.server;
    const isNewHost = pair.host === null;
    pair.add(connection, facts);
    if (isNewHost && pair.host !== null) this.#addHost(pair);
    pair.server.add(connection, facts);
    const { ending, protocol, last, tcp } = connection;
    this.connections++;
    this.requests += connection.exchangeCount;
    this.answered += facts.answered;
    if (connection.exchangeCount > 1) this.reusedConnections++;
    if (connection.opened.atNs < this.earliestNs) this.earliestNs = connection.opened.atNs;
    if (last.atNs > this.latestNs) this.latestNs = last.atNs;
    this.endings[ending.by][ending.how]++;
    this.protocols.set(protocol.name, (this.protocols.get(protocol.name) ?? 0) + 1);
    if (connection.sidesFrom === 'guess' || connection.sidesFrom === 'bytes') this.joinedLate++;
    if (!facts.bothSeen) this.oneSided++;
    if (tcp.gapBytes.client + tcp.gapBytes.server > 0) this.withGaps++;
    this.waitedClientNs += facts.waitedClientNs;
    this.waitedNetworkNs += facts.waitedNetworkNs;
    this.waitedServerNs += facts.waitedServerNs;
    this.handshakeNs += connection.handshakeNs ?? 0;
    if (facts.isHttp) this.#addExchanges(connection, pair.server);
  }

  /** The pairs of the same client address that ask for the same host, this one included. */
  siblingsOf(pair: PairFacts): Iterable<PairFacts> {
    return this.#byHost.get(hostKey(pair)) ?? [];
  }

  #addExchanges(connection: Connection, server: ServerFacts): void {
    for (const exchange of connection.exchanges) {
      const { status, method } = exchange;
      if (status !== null) {
        this.statusClasses[Math.min(5, Math.floor(status / 100))]!++;
        if (status === 502) this.badGateways++;
        else if (status === 503) this.unavailable++;
        else if (status === 504) this.gatewayTimeouts++;
      }
      if (!isUnsafe(method)) continue;
      const request: UnsafeRequest = {
        key: `${method} ${exchange.host ?? ''} ${exchange.target} ${exchange.requestBodyBytes} ${connection.client.address}`,
        connection: connection.id,
        server,
        clientAddress: connection.client.address,
        method,
        target: exchange.target,
        atNs: exchange.requestAt.atNs,
        packet: exchange.requestAt.packet,
        failedNs: exchange.firstByte === null && mayHaveBeenTaken(connection, exchange) ? connection.ending.at.atNs : null,
        status,
      };
      if (this.unsafe.length < wholeLimits.unsafeRequests) {
        this.unsafe.push(request);
        continue;
      }
      this.unsafe[this.#unsafeNext] = request;
      this.#unsafeNext = (this.#unsafeNext + 1) % wholeLimits.unsafeRequests;
    }
  }

  #pairOf({ client, server }: Connection): PairFacts {
    const key = pairKey(client.address, server);
    let pair = this.pairs.get(key);
    if (pair !== undefined) {
      pair.used = true;
      pair.server.used = true;
      return pair;
    }
    const serverKey = `${server.address} ${server.port}`;
    let facts = this.servers.get(serverKey);
    if (facts === undefined) {
      if (this.servers.size >= wholeLimits.servers) this.#retireOldestServer();
      facts = new ServerFacts(server);
      this.servers.set(serverKey, facts);
    }
    if (this.pairs.size >= wholeLimits.pairs) this.#retireOldestPair();
    pair = new PairFacts(facts, client.address);
    facts.pairs.add(pair);
    this.pairs.set(key, pair);
    return pair;
  }

  #retireOldestServer(): void {
    const [key, server] = unusedOf(this.servers);
    this.#retire.server(server);
    for (const pair of server.pairs) this.#forget(pair);
    server.pairs.clear();
    this.servers.delete(key);
  }

  #retireOldestPair(): void {
    const [, pair] = unusedOf(this.pairs);
    this.#retire.pair(pair);
    pair.server.pairs.delete(pair);
    this.#forget(pair);
  }

  #addHost(pair: PairFacts): void {
    const key = hostKey(pair);
    const siblings = this.#byHost.get(key);
    if (siblings === undefined) this.#byHost.set(key, new Set([pair]));
    else siblings.add(pair);
  }

  #forget(pair: PairFacts): void {
    this.pairs.delete(pairKey(pair.clientAddress, pair.server.endpoint));
    const key = hostKey(pair);
    const siblings = this.#byHost.get(key);
    siblings?.delete(pair);
    if (siblings?.size === 0) this.#byHost.delete(key);
  }
}

const hostKey = ({ clientAddress, host }: PairFacts): string => `${clientAddress} ${host}`;

const pairKey = (clientAddress: string, server: Endpoint): string => `${clientAddress} ${server.address} ${server.port}`;

/** The first that was not used since it was last passed over; those passed over go to the end. */
function unusedOf<T extends { used: boolean }>(map: Map<string, T>): [string, T] {
  for (;;) {
    const first = map.entries().next();
    assert(first.done !== true, 'nothing to retire');
    const [key, value] = first.value;
    if (!value.used) return [key, value];
    value.used = false;
    map.delete(key);
    map.set(key, value);
  }
}
