/**
 * What can be said of all connections together, in fixed memory: who closed, why, with what status, who kept whom waiting.
 * A fold over ended connections; the summary is drawn from it. It also counts its own totals, so that a filter's totals are those
 * of the connections it lets through.
 */
import type { ConnectionId } from '../base/index.js';
import type { Connection, EndingBy, EndingHow, EndingWhy, Exchange, ProtocolName, Totals } from '../story/index.js';
import { DurationHistogram } from './duration-histogram.js';
import { endingWords } from './ending-words.js';
import { interestOf } from './interest.js';

/** An exchange that stands out, with what a line about it needs. */
export interface ExchangeOfNote {
  readonly connection: ConnectionId;
  readonly method: string;
  readonly target: string;
  readonly durationNs: number;
  readonly waitedOn: Exchange['waitedOn'];
  readonly status: number | null;
}

/** Characters kept of a target. */
const targetLimit = 200;
/** Numbers of connections kept per kind of trouble. */
export const connectionsPerTrouble = 8;
/** TLS server names kept. */
const serverNameLimit = 50;

export class Overview {
  connections = 0;
  httpConnections = 0;
  /** As in `totals`, with those that were only told from who sent when. */
  shownRequests = 0;
  shownResponses = 0;
  /** Requests with a final response; `totals.responses` counts interim ones too. */
  answered = 0;
  /** Connections that lost work, or had a 5xx answer. */
  troubled = 0;
  /** Of the connections added; interim responses counted, as Wireshark does. */
  readonly totals: Totals = {
    connections: 0,
    requests: 0,
    responses: 0,
    reusedConnections: 0,
    resets: 0,
    fins: 0,
    keepAliveProbes: 0,
    keepAliveAnswers: 0,
    retransmissions: 0,
  };
  readonly endings = new Map<EndingWhy, { count: number; connections: ConnectionId[] }>();
  /** By who and how: `server fin` → count. */
  readonly closers: Record<EndingBy, Record<EndingHow, number>> = {
    client: { fin: 0, rst: 0, timeout: 0, open: 0 },
    server: { fin: 0, rst: 0, timeout: 0, open: 0 },
    network: { fin: 0, rst: 0, timeout: 0, open: 0 },
    none: { fin: 0, rst: 0, timeout: 0, open: 0 },
  };
  readonly protocols = new Map<ProtocolName, number>();
  readonly serverNames = new Map<string, number>();
  /** Counts by status code 0–999. */
  readonly statuses = new Float64Array(1000);
  serverErrors: { count: number; connections: ConnectionId[] } = { count: 0, connections: [] };
  /** Waiting in ns, over all exchanges that were answered. */
  waited = { client: 0, network: 0, server: 0 };
  slowest: ExchangeOfNote | null = null;
  /** The connection to look at first; null without any. */
  mostTelling: ConnectionId | null = null;
  #mostInterest = Number.NEGATIVE_INFINITY;
  /** Request's first byte to response's last. */
  readonly answerTimes = new DurationHistogram();
  readonly handshakes = new DurationHistogram();
  outOfOrder = 0;
  zeroWindows = 0;
  gapBytes = 0;
  bytesFromClients = 0;
  bytesFromServers = 0;

  /** `interest`: how much it has to tell (interest.ts). */
  add(connection: Connection, interest = interestOf(connection)): void {
    this.connections++;
    if (interest > this.#mostInterest) {
      this.#mostInterest = interest;
      this.mostTelling = connection.id;
    }
    const errorsBefore = this.serverErrors.count;
    this.#addExchanges(connection);
    const { ending, protocol, tcp, handshakeNs } = connection;
    this.closers[ending.by][ending.how]++;
    let why = this.endings.get(ending.why);
    if (why === undefined) {
      why = { count: 0, connections: [] };
      this.endings.set(ending.why, why);
    }
    why.count++;
    if (why.connections.length < connectionsPerTrouble) why.connections.push(connection.id);
    this.protocols.set(protocol.name, (this.protocols.get(protocol.name) ?? 0) + 1);
    if (protocol.serverName !== null) this.#addServerName(protocol.serverName);
    if (handshakeNs !== null) this.handshakes.add(handshakeNs);
    this.outOfOrder += tcp.outOfOrder.client + tcp.outOfOrder.server;
    this.zeroWindows += tcp.zeroWindows.client + tcp.zeroWindows.server;
    this.gapBytes += tcp.gapBytes.client + tcp.gapBytes.server;
    this.bytesFromClients += tcp.bytes.client;
    this.bytesFromServers += tcp.bytes.server;
    if (connection.exchangeCount > 0) this.httpConnections++;
    if (endingWords[ending.why].severity === 'bad' || this.serverErrors.count > errorsBefore) this.troubled++;
  }

  /** Each exchange, and the totals; in one pass. */
  #addExchanges({ id, exchangeCount, responseCount, exchanges, protocol, tcp }: Connection): void {
    const { totals } = this;
    let notSeen = 0;
    let interim = 0;
    // Told from who sent when, where the payload was not captured: shown, but no message that was read.
    const byTurns = protocol.detail === 'payload not captured';
    let unreadRequests = 0;
    let unreadResponses = 0;
    for (const exchange of exchanges) {
      if (!exchange.requestSeen) notSeen++;
      else if (byTurns && exchange.method === '') unreadRequests++;
      if (byTurns && exchange.firstByte !== null && exchange.responseVersion === null) unreadResponses++;
      interim += exchange.interim.length;
      this.#addExchange(exchange, id);
    }
    this.answered += responseCount - notSeen;
    this.shownRequests += exchangeCount - notSeen;
    this.shownResponses += responseCount + interim;
    totals.connections++;
    totals.requests += exchangeCount - notSeen - unreadRequests;
    totals.responses += responseCount + interim - unreadResponses;
    if (exchangeCount > 1) totals.reusedConnections++;
    totals.resets += tcp.resets.client + tcp.resets.server;
    totals.fins += tcp.fins.client + tcp.fins.server;
    totals.keepAliveProbes += tcp.keepAliveProbes.client + tcp.keepAliveProbes.server;
    totals.keepAliveAnswers += tcp.keepAliveAnswers.client + tcp.keepAliveAnswers.server;
    totals.retransmissions += tcp.retransmissions.client + tcp.retransmissions.server;
  }

  #addServerName(name: string): void {
    const count = this.serverNames.get(name);
    if (count !== undefined || this.serverNames.size < serverNameLimit) this.serverNames.set(name, (count ?? 0) + 1);
  }

  #addExchange(exchange: Exchange, connection: ConnectionId): void {
    const { status, waited, responseEnd, firstByte, requestAt, requestSeen } = exchange;
    if (status !== null) {
      if (status < 1000) this.statuses[status] = this.statuses[status]! + 1;
      if (status >= 500) {
        this.serverErrors.count++;
        const { connections } = this.serverErrors;
        if (connections.length < connectionsPerTrouble && connections.at(-1) !== connection) connections.push(connection);
      }
    }
    const end = responseEnd ?? firstByte;
    if (end === null || !requestSeen) return;
    this.waited.client += waited.client;
    this.waited.network += waited.network;
    this.waited.server += waited.server;
    const durationNs = end.atNs - requestAt.atNs;
    this.answerTimes.add(durationNs);
    if (this.slowest !== null && durationNs <= this.slowest.durationNs) return;
    const { method, target, waitedOn } = exchange;
    this.slowest = { connection, method, target: target.slice(0, targetLimit), durationNs, waitedOn, status };
  }
}
