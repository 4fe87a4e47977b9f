/** Connections by hand: a healthy one by default, and what a test says otherwise. Times in milliseconds, for reading. */
import type { Connection, Exchange, Mark, MarkKind, Moment, PerSide, TcpTally } from 'holdfast/story';

export const ms = (value: number): number => Math.round(value * 1e6);
export const at = (timeMs: number, packet = 1): Moment => ({ atNs: ms(timeMs), packet });

const zero = (): PerSide<number> => ({ client: 0, server: 0 });

export function buildTally(tally: Partial<TcpTally> = {}): TcpTally {
  return {
    keepAliveProbes: zero(),
    keepAliveAnswers: zero(),
    retransmissions: zero(),
    outOfOrder: zero(),
    duplicateAcks: zero(),
    zeroWindows: zero(),
    zeroWindowProbes: zero(),
    lostSegments: zero(),
    acksOfUnseen: zero(),
    fins: { client: 1, server: 1 },
    resets: zero(),
    syns: { client: 1, server: 1 },
    bytes: { client: 100, server: 200 },
    gapBytes: zero(),
    ...tally,
  };
}

/** A GET that was answered within `tookMs`, most of it by the server. */
export function buildExchange(number: number, startMs: number, tookMs: number, exchange: Partial<Exchange> = {}): Exchange {
  const request = at(startMs, 10 * number);
  const first = at(startMs + 0.9 * tookMs, 10 * number + 1);
  const end = at(startMs + tookMs, 10 * number + 1);
  return {
    number,
    method: 'GET',
    target: '/',
    version: '1.1',
    host: 'example.test',
    status: 200,
    reason: 'OK',
    responseVersion: '1.1',
    requestAt: request,
    requestHeadEnd: request,
    requestEnd: request,
    requestAcked: request,
    firstByte: first,
    responseHeadEnd: first,
    responseEnd: end,
    interim: [],
    requestFraming: 'none',
    responseFraming: 'length',
    requestBodyBytes: 0,
    responseBodyBytes: 12,
    responseContentLength: 12,
    complete: true,
    requestSeen: true,
    resent: 0,
    stalledMs: 0,
    pipelined: false,
    closeAskedBy: 'none',
    isStream: false,
    hint: null,
    waited: { client: 0, network: ms(0.1 * tookMs), server: ms(0.9 * tookMs) },
    waitedOn: 'server',
    notes: [],
    ...exchange,
  };
}

/** A request without an answer. */
export const unanswered: Partial<Exchange> = {
  status: null,
  reason: '',
  responseVersion: null,
  firstByte: null,
  responseHeadEnd: null,
  responseEnd: null,
  responseFraming: null,
  responseBodyBytes: 0,
  responseContentLength: null,
  complete: false,
};

/** Exchanges of 5 ms, each 100 ms after the one before. */
export const buildExchanges = (count: number): Exchange[] =>
  Array.from({ length: count }, (_, index) => buildExchange(index + 1, 1 + 105 * index, 5));

export function buildMark(kind: MarkKind, from: Mark['from'], timeMs: number, packet: number, mark: Partial<Mark> = {}): Mark {
  return { kind, from, ...at(timeMs, packet), byteCount: 0, exchange: -1, ...mark };
}

const quietClosing: Connection['closing'] = {
  first: null,
  clientFin: null,
  serverFin: null,
  unacknowledgedByServer: 0,
  reset: null,
  finAcknowledged: null,
  sentAfterFin: null,
  sentKnowing: null,
  unanswered: null,
};

/** What only the rules look at. */
const nothingToDiagnose = {
  closing: quietClosing,
  skipped: null,
  writing: null,
  encrypted: null,
  software: { client: null, server: null },
};

export function buildConnection(connection: Partial<Connection> = {}): Connection {
  const exchanges = connection.exchanges ?? [buildExchange(1, 1, 5)];
  const lastMs = exchanges.reduce((most, { responseEnd, requestAt }) => Math.max(most, (responseEnd ?? requestAt).atNs), 0) / 1e6;
  const end = at(lastMs + 5000, 99);
  return {
    id: 0,
    client: { address: '10.0.0.1', port: 51234 },
    server: { address: '10.0.0.5', port: 8080 },
    sidesFrom: 'syn',
    protocol: { name: 'http/1', serverName: null, detail: null },
    opened: at(0),
    last: end,
    closed: end,
    handshakeNs: ms(0.5),
    synToSynAckNs: ms(0.4),
    exchanges,
    newest: [],
    exchangeCount: exchanges.length,
    responseCount: exchanges.filter(({ status }) => status !== null).length,
    idleGapsNs: exchanges.slice(1).map((exchange, index) => {
      const before = exchanges[index]!;
      return exchange.requestAt.atNs - (before.responseEnd ?? before.requestAt).atNs;
    }),
    ending: { by: 'server', how: 'fin', why: 'idle', at: end, idleNs: ms(5000) },
    tcp: buildTally(),
    zeek: { connState: 'SF', history: 'ShADadFf' },
    marks: [],
    marksOmitted: 0,
    ...nothingToDiagnose,
    ...connection,
  };
}
