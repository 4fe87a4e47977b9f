/**
 * A request that got no response byte because its connection ended: what was on the wire around it. Made once, when the
 * connection is over; judged later, when more is known of the server.
 *
 * Not made where the capture cannot tell: bytes of the server are missing, or only one side was captured.
 */
import type { ConnectionId, Side } from '../base/index.js';
import { type ConnectionFacts, isRequestWhole } from './facts-connection.js';
import type { Connection, Exchange, Moment, Reset } from './model.js';
import { payloadNotCaptured } from './turn-taking.js';

export interface LostRequest {
  readonly connection: ConnectionId;
  readonly clientAddress: string;
  readonly method: string;
  readonly target: string;
  readonly host: string | null;
  readonly bodyBytes: number;
  /** Number of the exchange on its connection, from 1. */
  readonly number: number;
  readonly requestAt: Moment;
  /** The request was sent in full, as far as its framing tells. */
  readonly whole: boolean;
  /** The server's TCP acknowledged all of it before the close. */
  readonly acknowledged: boolean;
  /** Idle time before it: since the response before, or since the handshake when it was the first; in ns. */
  readonly idleBeforeNs: number;
  /** The response before it, or the request itself, said that the connection ends. */
  readonly closeSaidBefore: 'none' | 'client' | 'server' | 'both';
  readonly pipelined: boolean;
  /** Unanswered requests on the connection, this one included. */
  readonly pending: number;
  /** Seconds of the last `Keep-Alive: timeout=N` on this connection. */
  readonly hintSeconds: number | null;
  /** Who ended the connection, and how. */
  readonly by: Side | 'network';
  readonly how: 'fin' | 'rst' | 'timeout';
  readonly closeAt: Moment;
  /** The server's FIN, whether it or a reset came first. */
  readonly serverFin: Moment | null;
  readonly clientFin: Moment | null;
  /** From the request's last byte to the close, in ns; negative when the close was captured first. */
  readonly waitedNs: number;
  /** How long neither side had sent a byte when the connection ended, in ns. */
  readonly silentNs: number;
  /** The close does not acknowledge the request, or was captured before it. */
  readonly crossed: boolean;
  /** When the client's TCP acknowledged the server's FIN, and the client sent this request behind that. */
  readonly knewSince: Moment | null;
  readonly reset: Reset | null;
  /** How often the client had sent again, without any packet of the server since, when the connection ended. */
  readonly sentAgain: number;
  /** TCP keep-alive probes of the client on this connection. */
  readonly probes: number;
  /** The handshake's round trip in ns; 0 when unknown. */
  readonly roundTripNs: number;
  /** From where the capture was made to the server and back, in ns; 0 when unknown. */
  readonly toServerNs: number;
}

/** Sooner than this behind the FIN the client’s program can hardly have heard of it. */
export const leastKnowingNs = 1e6;
/** Round trips vary a little; short ones by as much as they last. */
const mostOfRoundTrip = 0.9;
const shortRoundTripNs = 1e6;
/** Where only turns are known, requests closer than this behind an answer are not told from the rest of an upload. */
const leastTurnNs = 50e6;

/** Requests that leave nearer together than this were sent together. */
const togetherNs = 50e6;

/** Those that were sent by the time of the close, or with this one; what was sent long behind it is another story. */
function pendingAt({ exchanges, exchangeCount, ending }: Connection, from: number): number {
  const untilNs = Math.max(ending.at.atNs, exchanges[from]!.requestAt.atNs) + togetherNs;
  let count = exchangeCount - exchanges.length;
  for (let index = from; index < exchanges.length; index++) if (exchanges[index]!.requestAt.atNs <= untilNs) count++;
  return count;
}

export function lostRequestOf(connection: Connection, facts: ConnectionFacts): LostRequest | null {
  const { ending, closing, exchanges, tcp } = connection;
  const { by, how } = ending;
  if (by === 'none' || how === 'open' || connection.protocol.name !== 'http/1') return null;
  // Exchanges told from turns: bytes are missing by nature, but who closed and what was acknowledged is all there.
  const byTurns = connection.protocol.detail === payloadNotCaptured;
  if (connection.protocol.detail !== null && !byTurns) return null;
  const index = facts.firstUnanswered;
  if (index < 0) return null;
  const exchange = exchanges[index]!;
  if (!exchange.requestSeen || exchange.method === 'CONNECT' || exchange.interim.length > 0) return null;
  if (
    !facts.bothSeen ||
    facts.clockBack ||
    (tcp.gapBytes.client + tcp.gapBytes.server > 0 && !byTurns) ||
    tcp.acksOfUnseen.client + tcp.acksOfUnseen.server > 0 ||
    tcp.lostSegments.server > 0 ||
    (connection.skipped?.server ?? 0) > 0
  )
    return null;
  if (exchange.number === 1 && tcp.bytes.server > 0 && exchange.firstByte === null) return null;
  const previous: Exchange | undefined = exchanges[index - 1];
  if (previous !== undefined && previous.responseEnd === null) return null;
  const since = previous?.responseEnd?.atNs ?? connection.opened.atNs + (connection.handshakeNs ?? 0);
  // What comes right behind an answer may be the rest of the request that was answered early; or, where that request was not captured,
  // the request itself, captured behind its answer.
  if (previous !== undefined && (byTurns || !previous.requestSeen) && exchange.requestAt.atNs - since < leastTurnNs) return null;
  const { first, finAcknowledged, serverFin, clientFin, reset } = closing;
  const sentAt = exchange.requestEnd ?? exchange.requestHeadEnd ?? exchange.requestAt;
  const finFirst = first !== null && first.from === 'server' && first.how === 'fin';
  const capturedAfter = exchange.requestAt.atNs > ending.at.atNs;
  // No reset can answer a request sooner than within a round trip, or before it was sent.
  const resetCrossed =
    by === 'server' &&
    how === 'rst' &&
    // One without an acknowledgement answers a packet, and crosses none (RFC 9293 §3.10.7.1).
    reset?.acknowledges !== false &&
    exchange.requestAcked === null &&
    (ending.at.atNs - exchange.requestAt.atNs < Math.max(0, mostOfRoundTrip * facts.roundTripNs - shortRoundTripNs) ||
      // A reset that acknowledges none of the request left before it came.
      (exchange.requestEnd !== null && (first?.unacknowledgedBytes ?? 0) > exchange.requestBodyBytes));
  const knew =
    finFirst && finAcknowledged !== null && exchange.requestAt.atNs >= finAcknowledged.atNs && closing.sentKnowing !== null;
  return {
    connection: connection.id,
    clientAddress: connection.client.address,
    method: exchange.method,
    target: exchange.target,
    host: exchange.host,
    bodyBytes: exchange.requestBodyBytes,
    number: exchange.number,
    requestAt: exchange.requestAt,
    whole: isRequestWhole(exchange),
    acknowledged: exchange.requestAcked !== null && exchange.requestAcked.atNs <= ending.at.atNs,
    idleBeforeNs: Math.max(0, exchange.requestAt.atNs - since),
    closeSaidBefore: previous?.closeAskedBy ?? 'none',
    pipelined: exchange.pipelined,
    pending: pendingAt(connection, index),
    hintSeconds: facts.lastHintSeconds,
    by,
    how,
    closeAt: ending.at,
    serverFin,
    clientFin,
    waitedNs: ending.at.atNs - sentAt.atNs,
    silentNs: ending.idleNs ?? 0,
    crossed: finFirst ? capturedAfter || (first.unacknowledgedBytes > 0 && !first.hadHead) : resetCrossed,
    knewSince: knew ? finAcknowledged : null,
    reset,
    sentAgain: closing.unanswered?.from === 'client' ? closing.unanswered.retransmissions : 0,
    probes: tcp.keepAliveProbes.client,
    roundTripNs: facts.roundTripNs,
    toServerNs: connection.synToSynAckNs ?? 0,
  };
}
