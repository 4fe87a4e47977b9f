/**
 * What is known over all servers: servers and pairs by name within limits, how connections ended, what protocols and statuses
 * were seen (the verdict says from them what is not the cause), and requests that must not be sent twice.
 *
 * Beyond the limits, servers and pairs that have not been used for long are judged for the last time and forgotten.
 */
import { type ConnectionId, type Endpoint, groupedBy, zeroNs } from '../base/index.js';
import { type ConnectionFacts, isOfGateway, isUnsafe } from './facts-connection.js';
import { PairFacts, PairMemory } from './facts-pair.js';
import { ServerFacts } from './facts-server.js';
import { ClockTable } from './facts-table.js';
import { isLoopback } from './ip-network.js';
import type { Connection, EndingBy, Exchange } from './model.js';

const wholeLimits = {
  servers: 1024,
  pairs: 8192,
  /** Connections after which it is known whether a client of one server is another one, or is on its machine. */
  learning: 1024,
  /** Newest requests with a method that is not idempotent. */
  unsafeRequests: 2048,
  /** Answers of a proxy on its own account. */
  gatewayAnswers: 1024,
} as const;

/** A request with a method that is not idempotent. The oldest makes room: its object is filled anew. */
export interface UnsafeRequest {
  connection: ConnectionId;
  server: ServerFacts;
  clientAddress: string;
  method: string;
  target: string;
  host: string | null;
  bodyBytes: number;
  /** When its connection was opened, and its number on it, from 1. */
  openedNs: number;
  number: number;
  atNs: number;
  packet: number;
  /** When its connection ended without an answer to it; null when it was answered, still waits, or was certainly never taken. */
  failedNs: number | null;
  status: number | null;
}

/** A 502, 503 or 504: a proxy may speak of what is behind it. */
export interface GatewayAnswer {
  readonly connection: ConnectionId;
  readonly server: Endpoint;
  readonly status: number;
  readonly startNs: number;
  readonly answeredNs: number;
  readonly packet: number;
}

export interface Retirement {
  readonly server: (server: ServerFacts) => void;
  readonly pair: (pair: PairFacts) => void;
}

const blankRequest = (server: ServerFacts): UnsafeRequest => ({
  connection: 0,
  server,
  clientAddress: '',
  method: '',
  target: '',
  host: null,
  bodyBytes: 0,
  // Floats from the beginning.
  openedNs: Number.NaN,
  number: 0,
  atNs: Number.NaN,
  packet: 0,
  failedNs: null,
  status: null,
});

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
  readonly servers: ClockTable<ServerFacts>;
  readonly pairs: ClockTable<PairFacts>;
  connections = 0;
  requests = 0;
  answered = 0;
  reusedConnections = 0;
  /** The most requests of any pair. */
  mostOfPair = 0;
  earliestNs = Number.POSITIVE_INFINITY;
  latestNs = zeroNs;
  readonly endedBy: Record<EndingBy, number> = { client: 0, server: 0, network: 0, none: 0 };
  /** Connections with TLS, and with HTTP/2 in the clear. */
  encrypted = 0;
  http2 = 0;
  /** Responses by hundreds of their status, and some by the whole. */
  readonly statusClasses = new Float64Array(6);
  badGateways = 0;
  gatewayTimeouts = 0;
  joinedLate = 0;
  oneSided = 0;
  withGaps = 0;
  waitedClientNs = zeroNs;
  waitedNetworkNs = zeroNs;
  waitedServerNs = zeroNs;
  handshakeNs = zeroNs;
  /** A client that is a server too, or is on the machine of the capture, where a proxy and what is behind it may be. */
  mayHaveProxies = false;
  readonly gatewayAnswers: GatewayAnswer[] = [];
  readonly unsafe: UnsafeRequest[] = [];
  private unsafeNext = 0;
  private readonly pairMemory = new PairMemory(wholeLimits.pairs);
  /** Pairs of servers that had to go, to be filled anew. */
  private readonly sparePairs: PairFacts[] = [];
  /** The server at an address whose port was seen last; others in a chain. */
  private readonly byAddress = new Map<string, ServerFacts>();
  /** Pairs by client address and host, and lost requests by server, while all findings are gathered; made when they are asked for. */
  private indexed: {
    byHost: ReadonlyMap<string, readonly PairFacts[]> | null;
    failed: ReadonlyMap<ServerFacts, readonly UnsafeRequest[]> | null;
    byTarget: ReadonlyMap<string, readonly UnsafeRequest[]> | null;
  } | null = null;

  constructor(retire: Retirement) {
    this.servers = new ClockTable(wholeLimits.servers, (server) => {
      retire.server(server);
      for (const pair of server.pairs.values()) {
        this.pairs.remove(pair);
        this.sparePairs.push(pair);
      }
      server.pairs.clear();
      this.unlink(server);
    });
    this.pairs = new ClockTable(wholeLimits.pairs, (pair) => {
      retire.pair(pair);
      pair.server.pairs.delete(pair.clientAddress);
    });
  }

  /** Adds a connection; `facts` has read it already, its statuses into `statusClasses`, and gets its server and pair. */
  add(connection: Connection, facts: ConnectionFacts): void {
    const pair = this.pairOf(connection);
    facts.pair = pair;
    facts.server = pair.server;
    pair.add(connection, facts);
    const isLearning = this.connections < wholeLimits.learning;
    if (isLearning) this.lookForProxy(connection.client.address);
    pair.server.add(connection, facts, this.mayHaveProxies || isLearning);
    if (pair.requests > this.mostOfPair) this.mostOfPair = pair.requests;
    const { ending, protocol, last, tcp } = connection;
    this.connections++;
    this.requests += connection.exchangeCount;
    this.answered += facts.answered;
    if (connection.exchangeCount > 1) this.reusedConnections++;
    if (connection.opened.atNs < this.earliestNs) this.earliestNs = connection.opened.atNs;
    if (last.atNs > this.latestNs) this.latestNs = last.atNs;
    this.endedBy[ending.by]++;
    if (protocol.name === 'tls') this.encrypted++;
    else if (protocol.name === 'http/2') this.http2++;
    if (connection.sidesFrom === 'guess' || connection.sidesFrom === 'bytes') this.joinedLate++;
    if (!facts.bothSeen) this.oneSided++;
    if (tcp.gapBytes.client + tcp.gapBytes.server > 0) this.withGaps++;
    this.waitedClientNs += facts.waitedClientNs;
    this.waitedNetworkNs += facts.waitedNetworkNs;
    this.waitedServerNs += facts.waitedServerNs;
    this.handshakeNs += connection.handshakeNs ?? 0;
    if (facts.ofNote > 0) this.addExchanges(connection, facts);
  }

  /** The capture misses packets here and there: what was not seen may have happened all the same. */
  get isLeaky(): boolean {
    return this.withGaps >= leastLeaks && this.withGaps >= leakyShare * this.connections;
  }

  /**
   * The pairs of the same client address that ask for the same host, this one included. Known only while all findings are
   * gathered, between `index` and `forgetIndex`.
   */
  siblingsOf(pair: PairFacts): readonly PairFacts[] {
    if (this.indexed === null) return [];
    this.indexed.byHost ??= groupedBy(this.pairs.entries, (one) => (one.host === null ? null : hostKey(one)));
    return this.indexed.byHost.get(hostKey(pair)) ?? [];
  }

  /** Requests to this server that must not be sent twice, and had no answer. */
  failedUnsafe(server: ServerFacts): readonly UnsafeRequest[] {
    const failedAt = ({ server: at, failedNs }: UnsafeRequest): ServerFacts | null => (failedNs === null ? null : at);
    if (this.indexed === null) return this.unsafe.filter((request) => failedAt(request) === server);
    this.indexed.failed ??= groupedBy(this.unsafe, failedAt);
    return this.indexed.failed.get(server) ?? [];
  }

  /** Requests for this target that must not be sent twice. */
  unsafeFor(target: string): readonly UnsafeRequest[] {
    if (this.indexed === null) return this.unsafe.filter((request) => request.target === target);
    this.indexed.byTarget ??= groupedBy(this.unsafe, (request) => request.target);
    return this.indexed.byTarget.get(target) ?? [];
  }

  index(): void {
    this.indexed = { byHost: null, failed: null, byTarget: null };
  }

  forgetIndex(): void {
    this.indexed = null;
  }

  /** Those of note: few connections have any. */
  private addExchanges(connection: Connection, { server, sound }: ConnectionFacts): void {
    for (const exchange of connection.exchanges) {
      const { status } = exchange;
      if (status !== null && isOfGateway(status)) {
        if (status === 502) this.badGateways++;
        else if (status === 504) this.gatewayTimeouts++;
        this.addGatewayAnswer(exchange, connection);
      }
      if (isUnsafe(exchange.method)) this.addUnsafe(exchange, connection, server, sound);
    }
  }

  private addUnsafe(exchange: Exchange, connection: Connection, server: ServerFacts, sound: boolean): void {
    // Filled anew when there are enough, because there may be one an exchange.
    let request = this.unsafe[this.unsafeNext];
    if (request === undefined) {
      request = blankRequest(server);
      this.unsafe.push(request);
    }
    this.unsafeNext = (this.unsafeNext + 1) % wholeLimits.unsafeRequests;
    const { requestAt } = exchange;
    const isLost = sound && exchange.firstByte === null && mayHaveBeenTaken(connection, exchange);
    request.connection = connection.id;
    request.server = server;
    request.clientAddress = connection.client.address;
    request.method = exchange.method;
    request.target = exchange.target;
    request.host = exchange.host;
    request.bodyBytes = exchange.requestBodyBytes;
    request.openedNs = connection.opened.atNs;
    request.number = exchange.number;
    request.atNs = requestAt.atNs;
    request.packet = requestAt.packet;
    request.failedNs = isLost ? connection.ending.at.atNs : null;
    request.status = exchange.status;
  }

  private addGatewayAnswer({ requestAt, firstByte, status }: Exchange, { id, server }: Connection): void {
    if (firstByte === null || status === null || this.gatewayAnswers.length >= wholeLimits.gatewayAnswers) return;
    const { atNs: answeredNs, packet } = firstByte;
    this.gatewayAnswers.push({ connection: id, server, status, startNs: requestAt.atNs, answeredNs, packet });
  }

  private pairOf({ client, server }: Connection): PairFacts {
    const facts = this.serverOf(server);
    facts.used = true;
    let pair = facts.pairs.get(client.address);
    if (pair === undefined) {
      const old = this.pairs.makeRoom() ?? this.sparePairs.pop();
      pair = old?.restart(facts, client.address) ?? new PairFacts(this.pairMemory, facts, client.address);
      this.lookForProxy(client.address);
      this.pairs.add(pair);
      facts.pairs.set(client.address, pair);
    }
    pair.used = true;
    return pair;
  }

  private lookForProxy(clientAddress: string): void {
    this.mayHaveProxies ||= isLoopback(clientAddress) || this.byAddress.has(clientAddress);
  }

  private serverOf(endpoint: Endpoint): ServerFacts {
    const first = this.byAddress.get(endpoint.address) ?? null;
    for (let facts = first; facts !== null; facts = facts.nextPort) if (facts.endpoint.port === endpoint.port) return facts;
    // May change the chain.
    this.servers.makeRoom();
    const facts = new ServerFacts(endpoint);
    this.servers.add(facts);
    facts.nextPort = this.byAddress.get(endpoint.address) ?? null;
    this.byAddress.set(endpoint.address, facts);
    return facts;
  }

  private unlink(server: ServerFacts): void {
    const { address } = server.endpoint;
    let facts = this.byAddress.get(address) ?? null;
    if (facts === server) {
      if (server.nextPort === null) this.byAddress.delete(address);
      else this.byAddress.set(address, server.nextPort);
      return;
    }
    while (facts !== null && facts.nextPort !== server) facts = facts.nextPort;
    if (facts !== null) facts.nextPort = server.nextPort;
  }
}

/** Connections with missing bytes that make a capture leaky, and their share. */
const leastLeaks = 3;
const leakyShare = 0.001;

const hostKey = ({ clientAddress, host }: PairFacts): string => `${clientAddress} ${host}`;
