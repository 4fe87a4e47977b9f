/**
 * Exchanges of a connection whose messages cannot be read because their bytes were not captured: a capture of headers only
 * (`tcpdump -s 96`), or a listing. They are told from who sends when: what the client sends until the server answers is a
 * request, what the server sends until the client asks again is its response.
 *
 * Rules
 * - What little is there is used: a start line at the beginning of a segment gives method, target and status, and `Host` and
 *   `Connection: close` where they are in sight. Once start lines were seen in a direction, only they begin a message there.
 * - An interim response (1xx) is no answer. Behind a 101, or a 2xx to CONNECT, there are no exchanges.
 * - A request that follows unseen bytes says so in a note. Bytes that were missed altogether (a gap that no segment covers) begin
 *   nothing: more may have been exchanged than is told.
 * - Every answered exchange counts as complete: where its response ends cannot be known. Sizes include the heads.
 * - A server that speaks first, on a connection that was seen from its start, speaks no HTTP.
 *
 * Deliberately absent: any guess at pipelined requests that share a segment, and at what framing would have said.
 */
import type { Side } from '../base/index.js';
import { looksLikeRequestStart, looksLikeResponseStart } from '../wire/index.js';
import type { TalkListener } from './http-talk.js';
import { type Exchange, type Moment, storyLimits } from './model.js';
import { settleWaiting, type WaitAccount } from './waiting.js';

/** `Protocol.detail` of a connection that is told this way. */
export const payloadNotCaptured = 'payload not captured';

/** First bytes of a segment that are looked at. */
const visibleLimit = 2048;

/** Ports of protocols that are no HTTP in the clear, in which client and server take turns too: nothing is told of what is unseen there. */
const otherPorts = new Set([
  20, 21, 22, 23, 25, 43, 53, 88, 110, 111, 119, 135, 139, 143, 179, 389, 443, 445, 465, 514, 563, 587, 636, 853, 873, 989, 990,
  993, 995, 1433, 1521, 1883, 2049, 3268, 3269, 3306, 3389, 5222, 5269, 5432, 5671, 5672, 6379, 6667, 6697, 8443, 8883, 9042,
  9092, 11211, 27017,
]);

/** Whether a connection to this port may be told from turns alone, without a byte in sight. */
export const mayTakeTurns = (serverPort: number): boolean => !otherPorts.has(serverPort);

/** The talk that hands over: it keeps the exchanges. */
export interface TurnHost {
  newExchange(start: Moment, requestSeen: boolean): Exchange;
  /** The oldest exchange without an answer. */
  oldestUnanswered(): Exchange | null;
  /** It is answered: no time of waiting is added to it any more. */
  settle(exchange: Exchange): void;
}

interface RequestStart {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly host: string | null;
  readonly saysClose: boolean;
  readonly isCut: boolean;
}

interface ResponseStart {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  readonly saysClose: boolean;
}

export interface TurnsSoFar {
  /** The newest exchange, and the one whose response has begun and not ended. */
  readonly asked: Exchange | null;
  readonly answering: Exchange | null;
  /** The opening was captured, so nothing came before. */
  readonly fromStart: boolean;
}

export class TurnTaking {
  private readonly host: TurnHost;
  private readonly listener: TalkListener;
  private readonly wait: WaitAccount;
  private readonly fromStart: boolean;
  private asked: Exchange | null;
  private answering: Exchange | null;
  private requestStartsSeen = false;
  private responseStartsSeen = false;
  private serverSpokeFirst = false;
  private lastFrom: Side | null = null;
  private lastPacket = -1;
  /** The last segment of the server was an interim response. */
  private interim = false;
  private isTold = false;
  /** Upgraded or tunnelled: no more exchanges. */
  private isTunnel = false;
  private readonly missed = { client: 0, server: 0 };

  constructor(host: TurnHost, listener: TalkListener, wait: WaitAccount, { asked, answering, fromStart }: TurnsSoFar) {
    this.host = host;
    this.listener = listener;
    this.wait = wait;
    this.asked = asked;
    this.answering = answering;
    this.fromStart = fromStart;
  }

  /** Bytes in sight, at the beginning of a segment. */
  seen(from: Side, data: Uint8Array, start: number, end: number, at: Moment): void {
    if (this.isTunnel) return;
    const to = Math.min(end, start + visibleLimit);
    const byteCount = end - start;
    if (this.goesOn(from, at)) this.extend(from, byteCount, at);
    else if (from === 'client') {
      const likelihood = looksLikeRequestStart(data, start, to);
      if (likelihood === 'yes') this.request(requestStart(latin1(data, start, to)), byteCount, at);
      else if (likelihood === 'no') this.extend(from, byteCount, at);
      else this.unseen(from, byteCount, at);
    } else if (looksLikeResponseStart(data, start, to) === 'yes') {
      this.response(responseStart(latin1(data, start, to)), byteCount, at);
    } else this.unseen(from, byteCount, at);
    this.note(from, at);
  }

  /** Bytes of a segment that were not captured. */
  unseen(from: Side, byteCount: number, at: Moment): void {
    if (this.isTunnel) return;
    if (this.goesOn(from, at)) this.extend(from, byteCount, at);
    else if (from === 'client') {
      const isAnswered = this.asked === null || this.asked.firstByte !== null;
      if (isAnswered && !this.requestStartsSeen && !this.serverSpokeFirst) this.request(null, byteCount, at);
      else this.extend(from, byteCount, at);
    } else {
      const due = this.host.oldestUnanswered();
      const isMore = this.answering !== null && (this.responseStartsSeen || due === null || due === this.answering);
      if (isMore || this.interim) this.extend(from, byteCount, at);
      else if (due !== null || this.mayBeginWithAnswer()) this.response(null, byteCount, at);
      else this.serverSpokeFirst = true;
    }
    this.note(from, at);
  }

  /** Bytes that no captured segment carried. */
  missing(from: Side, byteCount: number): void {
    this.missed[from] += byteCount;
  }

  /** The rest of the segment before. */
  private goesOn(from: Side, at: Moment): boolean {
    return from === this.lastFrom && at.packet === this.lastPacket;
  }

  private mayBeginWithAnswer(): boolean {
    return this.asked === null && !this.fromStart && !this.serverSpokeFirst;
  }

  private note(from: Side, at: Moment): void {
    this.lastFrom = from;
    this.lastPacket = at.packet;
  }

  private request(start: RequestStart | null, byteCount: number, at: Moment): void {
    const exchange = this.host.newExchange(at, true);
    if (start !== null) {
      this.requestStartsSeen = true;
      exchange.method = start.method;
      exchange.target = start.target;
      exchange.version = start.version;
      exchange.host = start.host;
      if (start.saysClose) exchange.closeAskedBy = 'client';
      if (start.isCut) addNote(exchange, 'start-line-cut', 'The capture holds only the beginning of the request line.', at);
    }
    exchange.requestHeadEnd = at;
    exchange.requestEnd = at;
    exchange.requestBodyBytes = byteCount;
    this.asked = exchange;
    this.wait.begin(exchange, at.atNs);
    this.tell(exchange, at);
    if (start !== null) this.listener.requestRead();
    this.listener.mark('request', 'client', exchange);
    this.noteMissed('client', exchange, at);
  }

  private response(start: ResponseStart | null, byteCount: number, at: Moment): void {
    const isInterim = start !== null && start.status >= 100 && start.status < 200 && start.status !== 101;
    const exchange = this.host.oldestUnanswered() ?? this.host.newExchange(at, false);
    this.asked ??= exchange;
    this.tell(exchange, at);
    if (start !== null) this.responseStartsSeen = true;
    this.interim = isInterim;
    if (isInterim) {
      if (exchange.interim.length < storyLimits.notesPerExchange) {
        exchange.interim = [...exchange.interim, { ...at, status: start.status }];
      }
      this.listener.responseSeen(true, true);
      this.listener.mark('interim', 'server', exchange);
      return;
    }
    if (start !== null) {
      exchange.status = start.status;
      exchange.reason = start.reason;
      exchange.responseVersion = start.version;
      if (start.saysClose) exchange.closeAskedBy = exchange.closeAskedBy === 'client' ? 'both' : 'server';
    }
    exchange.firstByte = at;
    exchange.responseHeadEnd = at;
    exchange.responseEnd = at;
    exchange.responseBodyBytes = byteCount;
    exchange.complete = true;
    settleWaiting(exchange);
    this.answering = exchange;
    this.host.settle(exchange);
    this.listener.responseSeen(false, start !== null);
    this.listener.mark('response', 'server', exchange);
    this.isTunnel =
      start !== null && (start.status === 101 || (exchange.method === 'CONNECT' && Math.floor(start.status / 100) === 2));
    if (this.isTunnel) this.listener.tunnelBegan(start?.status === 101 ? 'upgrade' : 'CONNECT');
    this.noteMissed('server', exchange, at);
  }

  /** More of the message that is under way. */
  private extend(from: Side, byteCount: number, at: Moment): void {
    if (from === 'client') {
      const { asked } = this;
      if (asked === null) return;
      asked.requestBodyBytes += byteCount;
      if (asked.firstByte !== null) return;
      asked.requestEnd = at;
      // The request had only seemed whole: what passed since was the client's time.
      asked.waited.client += asked.waited.server;
      asked.waited.server = 0;
      return;
    }
    const { answering } = this;
    if (answering === null || this.interim) return;
    answering.responseBodyBytes += byteCount;
    answering.complete = true;
    const since = answering.responseEnd ?? answering.firstByte ?? at;
    if (at.atNs > since.atNs) {
      // Before the hand-over it was still waited for, slice by slice.
      if (answering.responseEnd !== null) this.wait.late(answering, since.atNs, at.atNs);
      answering.responseEnd = at;
    } else answering.responseEnd ??= at;
    settleWaiting(answering);
    this.host.settle(answering);
  }

  /** Once a connection: how its exchanges are known. */
  private tell(exchange: Exchange, at: Moment): void {
    if (this.isTold) return;
    this.isTold = true;
    this.listener.turnsTaken();
    const text = 'The payload was not captured: from here on, exchanges are told from who sent when.';
    addNote(exchange, 'payload-not-captured', text, at);
  }

  private noteMissed(from: Side, exchange: Exchange, at: Moment): void {
    const byteCount = this.missed[from];
    if (byteCount === 0) return;
    this.missed[from] = 0;
    const text = `${byteCount} bytes of the ${from} before this were not captured: more was exchanged than is shown.`;
    addNote(exchange, 'bytes-missing', text, at);
  }
}

function addNote(exchange: Exchange, code: string, text: string, { packet }: Moment): void {
  if (exchange.notes.length < storyLimits.notesPerExchange) exchange.notes = [...exchange.notes, { code, text, packet }];
}

function requestStart(text: string): RequestStart {
  const match = /^[\r\n]*([^ \r\n]*) ?([^ \r\n]*)(?: HTTP\/(\d\.\d))?/.exec(text);
  const [whole = '', method = '', target = '', version] = match ?? [];
  const host = /\r\nhost:[ \t]*([^\r\n]*?)[ \t]*\r\n/i.exec(text)?.[1] ?? null;
  return {
    method,
    target,
    version: version ?? '',
    host,
    saysClose: saysClose(text),
    isCut: version === undefined && whole === text,
  };
}

function responseStart(text: string): ResponseStart | null {
  const match = /^[\r\n]*HTTP\/(\d\.\d) (\d{3})(?: ([^\r\n]*))?/.exec(text);
  if (match === null) return null;
  const [, version = '', status = '', reason = ''] = match;
  return { status: Number(status), reason, version, saysClose: saysClose(text) };
}

const saysClose = (text: string): boolean => /\r\nconnection:[ \t]*close[ \t]*\r\n/i.test(text);

function latin1(data: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...data.subarray(start, end));
}
