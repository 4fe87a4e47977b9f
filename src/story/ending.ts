/**
 * Who ended a connection, how and why: decided once, from the whole of it.
 *
 * The first FIN or RST is the ending; what came later (the other side's FIN, a reset after both) only follows from it. What
 * was going on at that moment is read off the exchanges, whose moments are those of the packets.
 */
import type { Closing, Connection, Ending, EndingBy, EndingHow, EndingWhy, Exchange, FirstClose, Moment } from './model.js';

/** What the fold remembers beside the connection's value. */
export interface EndingFacts {
  readonly joinedLate: boolean;
  readonly handshakeDone: boolean;
  readonly lastByteNs: number | null;
  readonly anyBytes: boolean;
  readonly tunnel: boolean;
  readonly partialRequest: boolean;
  /** The last exchange, kept in the connection's list or not. */
  readonly lastExchange: Exchange | null;
}

/** So many sends in a row without any answer mean that nobody answers any more. */
const unansweredEnough = 3;
/** A close this soon after a response, plus two round trips, belongs to the response rather than to an idle timer. */
const promptNs = 10e6;

export function decideEnding(connection: Connection, facts: EndingFacts): Ending {
  const { unanswered: lost, first: close } = connection.closing;
  const lostFirst =
    lost !== null &&
    lost.probes + lost.retransmissions >= unansweredEnough &&
    (close === null || (close.how === 'rst' && close.from === lost.from && close.at.atNs >= lost.last.atNs));
  const idleSince = facts.lastByteNs;
  const make = (by: EndingBy, how: EndingHow, why: EndingWhy, at: Moment): Ending => ({
    by,
    how,
    why,
    at,
    idleNs: idleSince === null ? null : Math.max(0, at.atNs - idleSince),
  });
  if (lostFirst && facts.handshakeDone) {
    const how = close === null ? 'timeout' : 'rst';
    return make(
      'network',
      how,
      lost.probes > lost.retransmissions ? 'probes-unanswered' : 'data-unanswered',
      close?.at ?? lost.last,
    );
  }
  if (close === null) {
    const synOnly = connection.tcp.syns.client > 0 && connection.tcp.syns.server === 0 && !facts.anyBytes && !facts.handshakeDone;
    if (synOnly && connection.tcp.syns.client >= 2) return make('network', 'timeout', 'no-answer', connection.last);
    return make('none', 'open', 'still-open', connection.last);
  }
  return make(close.from, close.how, closeReason(connection, facts, close), close.at);
}

/**
 * The answer came behind the close, to an end that was not there any more: behind a reset, or behind the FIN of a client whose machine
 * refuses it with a reset. A client that has only closed its sending side acknowledges.
 */
export function cameTooLate({ firstByte }: Exchange, { first, reset }: Closing): boolean {
  if (firstByte === null || first === null || firstByte.atNs <= first.at.atNs) return false;
  if (first.how === 'rst') return true;
  return first.from === 'client' && reset !== null && reset.from === 'client';
}

function closeReason(connection: Connection, facts: EndingFacts, close: FirstClose): EndingWhy {
  if (!facts.anyBytes) {
    if (facts.handshakeDone) return 'unused';
    if (close.how === 'rst' && connection.tcp.syns.client > 0) {
      // A refusal acknowledges the SYN and nothing else (RFC 9293 §3.10.7.1); otherwise the capture missed the answer to the opening.
      const { tcp, closing } = connection;
      const acknowledgesSyn = closing.reset?.acknowledges === true && tcp.acksOfUnseen.server === 0;
      const isRefusal = close.from === 'server' && tcp.syns.server === 0 && acknowledgesSyn;
      return isRefusal ? 'refused' : 'handshake-aborted';
    }
    return facts.joinedLate ? 'joined-late' : 'unused';
  }
  if (facts.tunnel) return 'tunnel-end';
  const exchange = facts.lastExchange;
  if (exchange === null) {
    if (facts.partialRequest) return 'request-cut';
    if (connection.protocol.name !== 'unknown' && connection.protocol.name !== 'none') return 'other-protocol-end';
    return facts.joinedLate ? 'joined-late' : 'other-protocol-end';
  }
  const atNs = close.at.atNs;
  const answered = exchange.firstByte !== null && !cameTooLate(exchange, connection.closing);
  if (!answered) {
    const crossed =
      close.from === 'server' &&
      connection.exchangeCount > 1 &&
      (exchange.requestAt.atNs > atNs || (close.unacknowledgedBytes > 0 && !close.hadHead));
    if (crossed) return 'request-crossed';
    return exchange.requestEnd === null ? 'request-cut' : 'request-unanswered';
  }
  if (exchange.responseEnd === null) return 'response-cut';
  if (facts.partialRequest) return 'request-cut';
  if (exchange.responseFraming === 'until-close' && close.from === 'server') return 'body-end';
  if (exchange.closeAskedBy !== 'none') return 'close-announced';
  if (close.from === 'client' && close.how === 'fin' && exchange.responseEnd.atNs > atNs) return 'half-close';
  const idleNs = facts.lastByteNs === null ? 0 : atNs - facts.lastByteNs;
  const prompt = idleNs <= promptNs + 2 * (connection.handshakeNs ?? 0);
  if (prompt && (exchange.status ?? 0) >= 400) return 'error-response';
  return prompt ? 'after-response' : 'idle';
}
