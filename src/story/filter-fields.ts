/**
 * The fields of a display filter: what each name means on a whole connection. Names are Wireshark's where the field means the
 * same; `ending.*` and `protocol` are Holdfast's own.
 */
import type { Connection, Exchange, PerSide } from './model.js';

export type Value = string | number;

export interface Field {
  /** A flag has one value, 1 or 0, and holds bare when it is 1. */
  readonly type: 'number' | 'flag' | 'text' | 'address';
  readonly values: (connection: Connection) => readonly Value[];
  /** Addresses: only those of this family. */
  readonly family?: 4 | 6;
}

const numbers = (values: Field['values']): Field => ({ type: 'number', values });
const texts = (values: Field['values']): Field => ({ type: 'text', values });
const perExchange =
  (value: (exchange: Exchange) => Value | null) =>
  ({ exchanges }: Connection): Value[] => {
    const found: Value[] = [];
    for (const exchange of exchanges) {
      const one = value(exchange);
      if (one !== null) found.push(one);
    }
    return found;
  };
const ofRequest = (value: (exchange: Exchange) => Value | null): Field['values'] =>
  perExchange((exchange) => (exchange.requestSeen ? value(exchange) : null));
/** Whether any packet of the connection has it. */
const flag = (count: (tcp: Connection['tcp']) => PerSide<number>): Field => ({
  type: 'flag',
  values: ({ tcp }) => [count(tcp).client + count(tcp).server > 0 ? 1 : 0],
});

/** First byte of the request to the last of the response, in seconds; as far as the response was seen. */
const exchangeSeconds = ({ requestAt, responseEnd, firstByte }: Exchange): number | null => {
  const end = responseEnd ?? firstByte;
  return end === null ? null : (end.atNs - requestAt.atNs) / 1e9;
};

const addresses = (family: 4 | 6, values: Field['values']): Field => ({ type: 'address', family, values });
const clientAddress: Field['values'] = ({ client }) => [client.address];
const serverAddress: Field['values'] = ({ server }) => [server.address];
const bothAddresses: Field['values'] = ({ client, server }) => [client.address, server.address];
const isHttp: Field['values'] = ({ protocol, exchangeCount }) => (protocol.name === 'http/1' || exchangeCount > 0 ? [1] : []);
const status: Field = numbers(perExchange((exchange) => exchange.status));

/** Source and destination are told as client and server: the direction of the connection, not of a packet. */
export const fields: Readonly<Record<string, Field>> = {
  tcp: numbers(() => [1]),
  'tcp.port': numbers(({ client, server }) => [client.port, server.port]),
  'tcp.srcport': numbers(({ client }) => [client.port]),
  'tcp.dstport': numbers(({ server }) => [server.port]),
  'tcp.stream': numbers(({ id }) => [id]),
  'tcp.flags.syn': flag((tcp) => tcp.syns),
  'tcp.flags.fin': flag((tcp) => tcp.fins),
  'tcp.flags.reset': flag((tcp) => tcp.resets),
  'tcp.analysis.keep_alive': flag((tcp) => tcp.keepAliveProbes),
  'tcp.analysis.keep_alive_ack': flag((tcp) => tcp.keepAliveAnswers),
  'tcp.analysis.retransmission': flag((tcp) => tcp.retransmissions),
  'tcp.analysis.out_of_order': flag((tcp) => tcp.outOfOrder),
  'tcp.analysis.duplicate_ack': flag((tcp) => tcp.duplicateAcks),
  'tcp.analysis.lost_segment': flag((tcp) => tcp.lostSegments),
  'tcp.analysis.zero_window': flag((tcp) => tcp.zeroWindows),
  'tcp.analysis.zero_window_probe': flag((tcp) => tcp.zeroWindowProbes),
  ip: addresses(4, bothAddresses),
  'ip.addr': addresses(4, bothAddresses),
  'ip.src': addresses(4, clientAddress),
  'ip.dst': addresses(4, serverAddress),
  'ip.host': addresses(4, bothAddresses),
  ipv6: addresses(6, bothAddresses),
  'ipv6.addr': addresses(6, bothAddresses),
  'ipv6.src': addresses(6, clientAddress),
  'ipv6.dst': addresses(6, serverAddress),
  http: numbers(isHttp),
  'http.request': numbers(ofRequest(() => 1)),
  'http.request.method': texts(ofRequest((exchange) => exchange.method)),
  'http.request.uri': texts(ofRequest((exchange) => exchange.target)),
  'http.request.version': texts(ofRequest((exchange) => exchange.version)),
  'http.host': texts(perExchange((exchange) => exchange.host)),
  'http.response': numbers(perExchange((exchange) => (exchange.status === null ? null : 1))),
  'http.response.code': status,
  'http.response.status': status,
  'http.response.phrase': texts(perExchange((exchange) => (exchange.status === null ? null : exchange.reason))),
  'http.time': numbers(perExchange(exchangeSeconds)),
  tls: numbers(({ protocol }) => (protocol.name === 'tls' ? [1] : [])),
  'tls.handshake.extensions_server_name': texts(({ protocol }) => (protocol.serverName === null ? [] : [protocol.serverName])),
  protocol: texts(({ protocol }) => [protocol.name]),
  'ending.by': texts(({ ending }) => [ending.by]),
  'ending.how': texts(({ ending }) => [ending.how]),
  'ending.why': texts(({ ending }) => [ending.why]),
};

/** The names a filter may use. */
export const filterFields: readonly string[] = Object.keys(fields);
