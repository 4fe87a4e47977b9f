/**
 * The model: what a connection's story is made of. Plain values, times in nanoseconds since the source's origin, packet
 * numbers as evidence everywhere. Strings that came from the wire (method, target, reason, server name …) are raw Latin-1:
 * whoever draws them escapes them.
 */
import type { ConnectionId, Endpoint, SegmentCall, Side } from '../base/index.js';
import type { Framing } from '../wire/index.js';

/** A moment in the capture, with the packet that shows it. */
export interface Moment {
  readonly atNs: number;
  readonly packet: number;
}

/** What the first bytes of a connection say it is. `none`: no bytes at all; `unknown`: bytes that nothing here recognises. */
export type ProtocolName =
  | 'http/1'
  | 'tls'
  | 'http/2'
  | 'websocket'
  | 'tunnel'
  | 'ssh'
  | 'smtp'
  | 'ftp'
  | 'imap'
  | 'pop3'
  | 'irc'
  | 'redis'
  | 'postgresql'
  | 'mysql'
  | 'mongodb'
  | 'dns'
  | 'smb'
  | 'rdp'
  | 'mqtt'
  | 'amqp'
  | 'ldap'
  | 'socks'
  | 'bittorrent'
  | 'proxy-protocol'
  | 'unknown'
  | 'none';

export interface Protocol {
  readonly name: ProtocolName;
  /** TLS: the server name (SNI) the client asked for, or null. */
  readonly serverName: string | null;
  /** TLS: the protocol chosen by ALPN when visible; or another detail in the protocol's own words; else null. */
  readonly detail: string | null;
}

/** An interim response (1xx other than 101). */
export interface InterimResponse extends Moment {
  readonly status: number;
}

export type Waiter = Side | 'network';

/** One request and its response. Members are null where the capture does not show them. */
export interface Exchange {
  /** Number on its connection, from 1. */
  readonly number: number;
  /** Empty string when the request was not captured. */
  method: string;
  target: string;
  version: string;
  /** The Host field, or null. */
  host: string | null;
  status: number | null;
  reason: string;
  responseVersion: string | null;
  /** First byte of the request head. When the request was not captured: the response's first byte. */
  requestAt: Moment;
  /** Last byte of the request head, and of the whole request; null while unfinished. */
  requestHeadEnd: Moment | null;
  requestEnd: Moment | null;
  /** All of the request acknowledged by the server's TCP. */
  requestAcked: Moment | null;
  /** First byte of the final response's head (not of an interim 1xx). */
  firstByte: Moment | null;
  responseHeadEnd: Moment | null;
  responseEnd: Moment | null;
  interim: readonly InterimResponse[];
  requestFraming: Framing | null;
  responseFraming: Framing | null;
  requestBodyBytes: number;
  responseBodyBytes: number;
  /** Content-Length as announced by the response, or null. */
  responseContentLength: number | null;
  /** Both messages seen to their framed end. */
  complete: boolean;
  requestSeen: boolean;
  /** Segments of either side sent again while it was the oldest unfinished exchange. */
  resent: number;
  /** Sent while an earlier request on this connection was still unanswered. */
  pipelined: boolean;
  /** Who asked, in a `Connection: close` option or by HTTP/1.0 without the token, for the connection to end after this exchange. */
  closeAskedBy: 'none' | 'client' | 'server' | 'both';
  /** The response is a stream of events (text/event-stream): it lasts as long as both want. */
  isStream: boolean;
  /** The response's `Keep-Alive` field. */
  hint: { readonly timeoutSeconds: number | null; readonly max: number | null } | null;
  /** Where the time from the request's first byte to the response's last byte went. Sums to the whole. */
  waited: { client: number; network: number; server: number };
  /** How long it stood still because something was lost or late, in whole ms. */
  stalledMs: number;
  /** The largest share of `waited`. */
  waitedOn: Waiter;
  /** Framing or syntax irregularities, at most `storyLimits.notesPerExchange`. */
  notes: readonly { readonly code: string; readonly text: string; readonly packet: number }[];
}

export type EndingBy = Side | 'network' | 'none';
export type EndingHow = 'fin' | 'rst' | 'timeout' | 'open';

/** Every ending has one of these reasons. The texts are in `endingReasonTexts`. */
export type EndingWhy = keyof typeof endingReasonTexts;

export const endingReasonTexts = {
  'close-announced': 'closed as announced by Connection: close or HTTP/1.0',
  'half-close': 'the client closed its sending side behind its last request, and was answered',
  'body-end': 'closed to mark the end of the response body',
  'after-response': 'closed right after a response, unannounced',
  idle: 'closed while idle',
  'request-crossed': 'the close crossed a request that was on its way',
  'request-unanswered': 'closed while a request waited for its response',
  'response-cut': 'closed in the middle of a response',
  'request-cut': 'closed in the middle of a request',
  unused: 'closed without a request',
  refused: 'connection refused',
  'no-answer': 'the opening was never answered',
  'handshake-aborted': 'reset during the opening handshake',
  'probes-unanswered': 'keep-alive probes stayed unanswered',
  'data-unanswered': 'retransmissions stayed unanswered',
  'error-response': 'closed after an error response (4xx or 5xx)',
  'tunnel-end': 'the tunnel or upgraded connection ended',
  'other-protocol-end': 'a connection of another protocol ended',
  'joined-late': 'closed; the capture began too late to say why',
  'still-open': 'still open when the capture ended',
} as const;

/** All of them; a place in this list stands for a reason where numbers are kept. */
export const endingReasons = Object.keys(endingReasonTexts) as EndingWhy[];

export interface Ending {
  readonly by: EndingBy;
  readonly how: EndingHow;
  readonly why: EndingWhy;
  /** First FIN or RST, the last unanswered packet, or the last packet of an open connection. */
  readonly at: Moment;
  /** Time since the last byte either way, in ns; null when there were none. */
  readonly idleNs: number | null;
}

/** The FIN or RST that came first. */
export interface FirstClose {
  readonly from: Side;
  readonly how: 'fin' | 'rst';
  readonly at: Moment;
  /** Bytes of the other side, captured before, that it does not acknowledge: they crossed it. */
  readonly unacknowledgedBytes: number;
  /** A FIN of the server that acknowledges the head of the newest request: the server had begun to read it. */
  readonly hadHead: boolean;
}

/** The first reset, with what tells a forged one: its time to live and IPv4 identification, and those its sender had before. */
export interface Reset {
  readonly from: Side;
  readonly at: Moment;
  /** False: it has no acknowledgment, as a reset has that answers one. */
  readonly acknowledges: boolean;
  readonly timeToLive: number | null;
  readonly usualTimeToLive: number | null;
  readonly identification: number | null;
  readonly lastIdentification: number | null;
}

/** Sent again and again, or probed, without any packet from the other side since. */
export interface Unanswered {
  readonly from: Side;
  probes: number;
  retransmissions: number;
  readonly since: Moment;
  last: Moment;
}

/** The closing packets. */
export interface Closing {
  readonly first: FirstClose | null;
  readonly clientFin: Moment | null;
  readonly serverFin: Moment | null;
  /** Bytes of the client that were captured before the server's FIN and that it does not acknowledge. */
  readonly unacknowledgedByServer: number;
  readonly reset: Reset | null;
  /** The other side's first acknowledgement of the first FIN. */
  readonly finAcknowledged: Moment | null;
  /** First new bytes of the other side captured behind the first FIN. */
  readonly sentAfterFin: Moment | null;
  /** First new bytes that the other side sent although it had acknowledged the first FIN. */
  readonly sentKnowing: Moment | null;
  /** What was unanswered when the story ended. */
  readonly unanswered: Unanswered | null;
}

/** Writes of one message that waited for a delayed acknowledgement. */
export interface WriteStalls {
  readonly count: number;
  readonly delayNs: number;
  /** The acknowledgement and the write behind it, of the first few. */
  readonly packets: readonly number[];
}

/** Responses after idle that came in growing flights; sizes in bytes and idle time of the first of them. */
export interface SlowStart {
  readonly count: number;
  readonly delayNs: number;
  readonly flights: readonly number[];
  /** The largest flight before. */
  readonly largestBefore: number;
  readonly idleNs: number;
  readonly packets: readonly number[];
}

/** How a TLS connection is used, as far as its records tell (encrypted-use.ts). */
export interface EncryptedUse {
  /** How often the client began to send data, first or behind data of the server; and how many of these the server sent data behind. */
  readonly turns: number;
  readonly answeredTurns: number;
  /** Where the newest turn begins; null before the first. */
  readonly askedAt: Moment | null;
  /** Since the data before that; 0 before the first. */
  readonly idleBeforeNs: number;
  /** The server sent data behind the newest turn. */
  readonly isAnswered: boolean;
  /** When either side last sent data; NaN before that. */
  readonly lastDataNs: number;
  /** The alert with which the server said that it closes; null when it did not. */
  readonly serverFarewell: Moment | null;
}

/** How a side's TCP held back what it had to send. */
export interface Writing {
  readonly clientStalls: WriteStalls | null;
  readonly serverStalls: WriteStalls | null;
  readonly slowStart: SlowStart | null;
}

/** What a mark in the life of a connection is; the ladder and the picture draw these. */
export type MarkKind =
  | 'syn'
  | 'syn-ack'
  | 'ack'
  | 'request'
  | 'request-end'
  | 'interim'
  | 'response'
  | 'response-end'
  | 'data'
  | 'fin'
  | 'reset'
  | 'gap'
  | SegmentCall;

export interface Mark extends Moment {
  readonly kind: MarkKind;
  readonly from: Side;
  /** Payload bytes of `data` and of calls; missing bytes of a `gap`; else 0. */
  readonly byteCount: number;
  /** Index into `exchanges` for request and response marks; -1 else. */
  readonly exchange: number;
}

/** A value for each side: for counts, the side that sent the packet. */
export interface PerSide<T> {
  readonly client: T;
  readonly server: T;
}

export interface TcpTally {
  keepAliveProbes: PerSide<number>;
  keepAliveAnswers: PerSide<number>;
  retransmissions: PerSide<number>;
  outOfOrder: PerSide<number>;
  duplicateAcks: PerSide<number>;
  zeroWindows: PerSide<number>;
  zeroWindowProbes: PerSide<number>;
  lostSegments: PerSide<number>;
  /** Acknowledgements of bytes, or of a FIN, that were not captured, by the side that acknowledges. */
  acksOfUnseen: PerSide<number>;
  fins: PerSide<number>;
  resets: PerSide<number>;
  syns: PerSide<number>;
  /** Distinct stream bytes seen. */
  bytes: PerSide<number>;
  gapBytes: PerSide<number>;
}

export interface Connection {
  readonly id: ConnectionId;
  client: Endpoint;
  server: Endpoint;
  /** What the sides rest on; `bytes`: joined in mid-stream and the first bytes told. */
  sidesFrom: 'syn' | 'syn-ack' | 'bytes' | 'guess';
  protocol: Protocol;
  opened: Moment;
  /** Last packet of the connection so far. */
  last: Moment;
  /** The moment both sides were done (second FIN, reset, timeout); null while open. */
  closed: Moment | null;
  /** SYN to the ACK that completes the handshake, in ns. */
  handshakeNs: number | null;
  /** SYN to SYN-ACK as captured, in ns. */
  synToSynAckNs: number | null;
  /** The first exchanges, at most `storyLimits.exchangesPerConnection`. */
  exchanges: Exchange[];
  /** Of a story that is looked at while it is told: the newest exchanges that are not among the first; empty while all are. */
  newest: Exchange[];
  /** All exchanges, kept or not. */
  exchangeCount: number;
  responseCount: number;
  /** Response end → next request start on this connection, in ns; parallel to the exchanges after the first; bounded likewise. */
  idleGapsNs: number[];
  ending: Ending;
  readonly closing: Closing;
  /** User-Agent and Server as the first exchange names them, raw. */
  software: PerSide<string | null>;
  /** Bytes that belonged to no message, and the first packet of them; null without any. */
  skipped: { readonly client: number; readonly server: number; readonly packet: number } | null;
  /** Null where nothing was held back. */
  writing: Writing | null;
  /** Null but for TLS. */
  encrypted: EncryptedUse | null;
  tcp: TcpTally;
  zeek: { connState: string; history: string };
  /** What happened, in order of capture; bounded: the first and the newest ones are kept. */
  marks: Mark[];
  marksOmitted: number;
}

export interface Totals {
  connections: number;
  requests: number;
  responses: number;
  reusedConnections: number;
  resets: number;
  fins: number;
  keepAliveProbes: number;
  keepAliveAnswers: number;
  retransmissions: number;
}

export type FindingLevel = 'bad' | 'warning' | 'info' | 'good';

/** A setting to change: `for` whom (a product), to what, and why. */
export interface Fix {
  readonly for: string;
  readonly setting: string;
  readonly why: string;
}

/** A rule that fired at one server, with its evidence. */
export interface Finding {
  readonly rule: string;
  readonly level: FindingLevel;
  readonly confidence: 'high' | 'medium' | 'low';
  readonly owner: 'client' | 'server' | 'network' | 'proxy';
  readonly title: string;
  readonly detail: string;
  readonly fixes: readonly Fix[];
  /** Numbers of connections and packets that show it, those beyond doubt first; at most `diagnosisLimits` of each. */
  readonly connections: readonly ConnectionId[];
  readonly packets: readonly number[];
  readonly server: Endpoint;
  /** Cases in all, how many of them beyond doubt, on how many connections. */
  readonly count: number;
  readonly sureCount: number;
  readonly connectionCount: number;
  /** What it cost: requests that got no answer, and waiting in ms. */
  readonly lostRequests: number;
  readonly delayMs: number;
}

/** Named limits of the fold: what is kept in detail. Counts go on beyond them. */
export const storyLimits = {
  /** Exchanges kept per connection. */
  exchangesPerConnection: 10_000,
  /** Exchanges kept over all connections that are not closed yet; beyond it a connection keeps only its first 64. */
  exchangesOfOpenConnections: 200_000,
  exchangesAlwaysKept: 64,
  /** Sets of readers kept for connections to come. */
  idleTools: 1024,
  /** Marks of a connection that keeps all of them. */
  marksOfDetail: 20_000,
  marksPerConnection: 64,
  /** Marks, ordinary ones too, and newest exchanges of a connection that is looked at while its story is told. */
  marksOfLive: 96,
  newestExchanges: 32,
  notesPerExchange: 8,
} as const;
