/**
 * The HTTP/1 of one connection: reads ordered bytes of both directions with `wire` and keeps the exchanges.
 *
 * Rules
 * - Each direction is recognised by its own first bytes, so a response without its request is still told, and so is HTTP in
 *   the unusual direction (a server that sends requests through a connection that was opened to it).
 * - Where a connection was joined in mid-stream, or is of no known protocol, the start of every segment is looked at until a
 *   message begins.
 * - A final response answers the oldest request that has none. Interim responses (1xx) belong to the same.
 * - Times are those of the packets that carried the bytes; an end that waited for a hole to be filled is dated by the latest
 *   packet it needed.
 */
import {
  type MessageEndObservation,
  otherSide,
  type RequestHeadObservation,
  type ResponseHeadObservation,
  type Side,
} from '../base/index.js';
import {
  type AnsweredRequest,
  looksLikeRequestStart,
  looksLikeResponseStart,
  type MessageOutcome,
  type MessageProblem,
  parseKeepAlive,
  RequestReader,
  ResponseReader,
} from '../wire/index.js';
import { emptyExchange } from './empty-exchange.js';
import { type Exchange, type MarkKind, type Moment, storyLimits } from './model.js';
import { sniffLimit } from './sniff.js';
import { Direction, joined, losesFraming, type Reading, RequestSide, ResponseSide } from './talk-direction.js';
import { type SeenRequestHead, type SeenResponseHead, toldRequestHead, toldResponseHead } from './told-head.js';
import { TurnTaking } from './turn-taking.js';
import { settleWaiting, type WaitAccount } from './waiting.js';

/** What the talk tells its connection. */
export interface TalkListener {
  exchangeBegan(exchange: Exchange, idleNs: number): void;
  /** A request was read, not only told from who sent when. */
  requestRead(): void;
  /** `isRead`: likewise. */
  responseSeen(isInterim: boolean, isRead: boolean): void;
  mark(kind: MarkKind, from: Side, exchange: Exchange | null): void;
  tunnelBegan(detail: string): void;
  /** What the first request (User-Agent) or response (Server) of the connection says of its software. */
  softwareSeen(from: Side, name: string | null): void;
  /** Bytes that belong to no message. */
  skipped(from: Side, byteCount: number): void;
  /** Messages cannot be read: from now on exchanges are told from who sends when. */
  turnsTaken(): void;
}

export class HttpTalk {
  /** Exchanges that have no complete response yet, from `pendingFrom` on, oldest first. */
  readonly pending: Exchange[] = [];
  pendingFrom = 0;
  /** Response bytes are missing: responses may have been among them. */
  private responsesLost = false;
  /** The exchange whose request is being read. */
  private sending: Exchange | null = null;
  private receiving: Exchange | null = null;
  private last: Exchange | null = null;
  private count = 0;
  private lastHintText: string | null = null;
  private lastHint: Exchange['hint'] = null;
  private nowNs = Number.NEGATIVE_INFINITY;
  private nowPacket = 0;
  private moment: Moment | null = null;
  private readonly client = new Direction();
  private readonly server = new Direction();
  private listener: TalkListener;
  private readonly wait: WaitAccount;
  /** HTTP was read in either direction. */
  isHttp = false;
  /** The payload is not captured: messages are told from turns. */
  private turns: TurnTaking | null = null;

  constructor(listener: TalkListener, wait: WaitAccount) {
    this.listener = listener;
    this.wait = wait;
  }

  /** Forgets everything and reads another connection: readers are worth keeping when connections come by the thousand. */
  restart(listener: TalkListener): void {
    this.listener = listener;
    this.pending.length = 0;
    this.pendingFrom = 0;
    this.responsesLost = false;
    this.sending = null;
    this.receiving = null;
    this.last = null;
    this.count = 0;
    this.nowNs = Number.NEGATIVE_INFINITY;
    this.nowPacket = 0;
    this.moment = null;
    this.client.restart();
    this.server.restart();
    this.isHttp = false;
    this.turns = null;
  }

  /** What this direction is known to carry: for the owner to decide about other protocols. */
  isDecided(from: Side): boolean {
    return this.direction(from).reading !== 'undecided';
  }

  isTunnel(from: Side): boolean {
    return this.direction(from).reading === 'tunnel';
  }

  /** Whether a message of this direction has begun and not ended. */
  isInMessage(from: Side): boolean {
    return this.direction(from).inMessage;
  }

  /** `data[start, end)` in stream order; `scan`: look for a message start even after bytes of no known kind. */
  bytes(from: Side, data: Uint8Array, start: number, end: number, atNs: number, packet: number): void {
    const direction = this.direction(from);
    if (atNs >= this.nowNs) this.nowNs = atNs;
    this.nowPacket = packet;
    this.moment = null;
    if (this.turns !== null) {
      this.turns.seen(from, data, start, end, this.now);
      return;
    }
    if (direction.reading === 'undecided' && !this.decide(direction, from, data, start, end)) return;
    let at0 = start;
    let bytes = data;
    let to = end;
    if (direction.heldBytes !== null) {
      bytes = direction.heldBytes;
      at0 = 0;
      to = bytes.length;
      direction.heldBytes = null;
    }
    const reader =
      direction.reading === 'request' ? direction.requests : direction.reading === 'response' ? direction.responses : null;
    if (reader === null) return;
    const taken = reader.receive(bytes, at0, to);
    // A reader stops early only for a tunnel: the rest is what goes through it.
    if (taken < to && direction.reading === ('undecided' as Reading)) this.bytes(from, bytes, taken, to, atNs, packet);
  }

  /**
   * The rest of a segment that the snap length cut off, behind `data[start, end)` of it. Where that spoils the framing, messages can
   * no longer be read on this connection. `fromStart`: its opening was captured.
   */
  cut(from: Side, data: Uint8Array, start: number, end: number, byteCount: number, at: Moment, fromStart: boolean): void {
    const direction = this.direction(from);
    if (at.atNs >= this.nowNs) this.setNow(at);
    if (this.turns === null) {
      if (!losesFraming(direction)) {
        this.gap(from, byteCount, at.atNs, at.packet);
        return;
      }
      this.turns = this.takeTurns(fromStart);
      if (end > start) this.turns.seen(from, data, start, end, at);
    }
    this.turns.unseen(from, byteCount, at);
  }

  private takeTurns(fromStart: boolean): TurnTaking {
    const asked = this.sending ?? this.last;
    const answering = this.receiving;
    for (const direction of [this.client, this.server]) {
      if (direction.reading !== 'tunnel') direction.reading = 'turns';
      direction.heldBytes = null;
      direction.inMessage = false;
    }
    this.sending = null;
    this.receiving = null;
    return new TurnTaking(this, this.listener, this.wait, { asked, answering, fromStart });
  }

  gap(from: Side, byteCount: number, atNs: number, packet: number): void {
    const direction = this.direction(from);
    if (atNs >= this.nowNs) this.nowNs = atNs;
    this.nowPacket = packet;
    this.moment = null;
    direction.heldBytes = null;
    this.turns?.missing(from, byteCount);
    if (direction.reading === 'request') direction.requests?.gap(byteCount);
    else if (direction.reading === 'response') {
      direction.responses?.gap(byteCount);
      this.responsesLost = !direction.inMessage;
    }
  }

  /** The client sends more behind the server's FIN: an answer that ends with its connection was over by then. */
  serverClosed(at: Moment): void {
    if (this.receiving?.responseFraming === 'until-close') this.end('server', true, at);
  }

  /** The stream of this side is over: by FIN (orderly) or otherwise. */
  end(from: Side, orderly: boolean, at: Moment): void {
    const direction = this.direction(from);
    if (direction.ended) return;
    direction.ended = true;
    for (const exchange of this.pending) settleWaiting(exchange);
    if (at.atNs >= this.nowNs) this.setNow(at);
    if (direction.reading === 'request') direction.requests?.end(orderly);
    else if (direction.reading === 'response') {
      const due = this.oldestUnanswered();
      // An answer of which there is only the beginning of its head.
      if (direction.inMessage && this.receiving === null && due !== null && due.firstByte === null && due.requestSeen) {
        due.firstByte = direction.messageStart;
      }
      direction.responses?.end(orderly);
    }
  }

  /** A request has begun whose head never became whole. */
  get hasPartialRequest(): boolean {
    const direction = this.client;
    if (direction.reading === 'request') return direction.inMessage && this.sending === null;
    return direction.reading === 'undecided' && direction.heldBytes !== null && this.isHttp;
  }

  /** From a source that knows messages: no reading needed. */
  told(observation: RequestHeadObservation | ResponseHeadObservation | MessageEndObservation, at: Moment): void {
    this.isHttp = true;
    this.setNow(at);
    if (observation.kind === 'message-end') {
      const outcome = observation.complete ? 'complete' : 'cut';
      if (observation.from === 'client') this.requestEnded(this.client, outcome, observation.bodyByteCount, 'client');
      else this.responseEnded(this.server, outcome, observation.bodyByteCount, 'server');
      return;
    }
    const direction = observation.kind === 'request-head' ? this.client : this.server;
    direction.reading = observation.kind === 'request-head' ? 'request' : 'response';
    this.messageStarted(direction);
    if (observation.kind === 'request-head') this.requestHead(direction, 'client', toldRequestHead(observation));
    else this.responseHead(direction, 'server', toldResponseHead(observation, this.answered()?.method ?? 'GET'));
  }

  /** Bytes wait to be recognised. */
  heldBytes(from: Side): Uint8Array | null {
    return this.direction(from).heldBytes;
  }

  private setNow(at: Moment): void {
    this.nowNs = at.atNs;
    this.nowPacket = at.packet;
    this.moment = at;
  }

  /** The packet being read, as a moment. */
  private get now(): Moment {
    this.moment ??= { atNs: this.nowNs, packet: this.nowPacket };
    return this.moment;
  }

  private direction(side: Side): Direction {
    return side === 'client' ? this.client : this.server;
  }

  /** Recognises a direction; false: nothing to read yet, or not HTTP. */
  private decide(direction: Direction, from: Side, data: Uint8Array, start: number, end: number): boolean {
    let bytes = data;
    let at = start;
    let to = end;
    if (direction.heldBytes !== null) {
      bytes = joined(direction.heldBytes, data, start, end);
      at = 0;
      to = bytes.length;
    }
    const request = looksLikeRequestStart(bytes, at, to);
    const response = request === 'yes' ? 'no' : looksLikeResponseStart(bytes, at, to);
    if (request === 'yes' || response === 'yes') {
      if (bytes !== data) direction.heldBytes = bytes;
      if (request === 'yes') this.readRequests(direction, from);
      else this.readResponses(direction, from);
      return true;
    }
    if ((request === 'maybe' || response === 'maybe') && to - at < sniffLimit) {
      direction.heldSince ??= this.now;
      direction.heldBytes = bytes === data ? data.slice(start, end) : bytes;
    } else {
      direction.heldBytes = null;
      direction.heldSince = null;
    }
    return false;
  }

  private readRequests(direction: Direction, from: Side): void {
    this.isHttp = true;
    direction.reading = 'request';
    if (direction.requests === null) {
      direction.requests = new RequestReader({ manner: 'observing', handler: new RequestSide(this, direction, from) });
    } else {
      direction.requests.restart();
    }
  }

  private readResponses(direction: Direction, from: Side): void {
    this.isHttp = true;
    direction.reading = 'response';
    if (direction.responses === null) {
      direction.responses = new ResponseReader({ manner: 'observing', handler: new ResponseSide(this, direction, from) });
    } else {
      direction.responses.restart();
    }
  }

  messageStarted(direction: Direction): void {
    direction.inMessage = true;
    direction.messageStart = direction.heldSince ?? this.now;
    direction.heldSince = null;
  }

  requestHead(direction: Direction, from: Side, head: SeenRequestHead): void {
    const exchange = this.newExchange(direction.messageStart ?? this.now, true);
    exchange.method = head.method;
    exchange.target = head.target;
    exchange.version = head.version;
    exchange.host = head.host;
    exchange.requestFraming = head.framing;
    exchange.requestHeadEnd = this.now;
    if (exchange.number === 1) this.listener.softwareSeen('client', head.fields.get('user-agent'));
    if (head.persistence.outcome === 'ends') exchange.closeAskedBy = 'client';
    this.sending = exchange;
    this.wait.begin(exchange, this.nowNs);
    if (head.expectsContinue) this.wait.expects(exchange);
    this.listener.requestRead();
    this.listener.mark('request', from, exchange);
  }

  requestEnded(direction: Direction, outcome: MessageOutcome, bodyByteCount: number, from: Side): void {
    direction.inMessage = false;
    const exchange = this.sending;
    this.sending = null;
    if (exchange === null) return;
    exchange.requestBodyBytes = bodyByteCount;
    if (outcome !== 'complete') return;
    exchange.requestEnd = this.now;
    if (exchange.requestHeadEnd !== this.now) this.listener.mark('request-end', from, exchange);
  }

  /** The oldest exchange without a final response, for the response reader. */
  answered(): AnsweredRequest | null {
    const exchange = this.pending[this.pendingFrom];
    return exchange?.requestSeen ? exchange : null;
  }

  responseHead(direction: Direction, from: Side, head: SeenResponseHead): void {
    const start = direction.messageStart ?? this.now;
    if (this.responsesLost) {
      // The client waits for each answer (unless it pipelines): what comes behind the gap answers its newest request.
      this.responsesLost = false;
      while (this.pendingFrom + 1 < this.pending.length) this.pendingFrom++;
    }
    let exchange: Exchange | undefined = this.pending[this.pendingFrom];
    if (exchange === undefined) {
      exchange = this.newExchange(start, false);
    }
    if (head.isInterim) {
      if (exchange.interim.length < storyLimits.notesPerExchange) {
        exchange.interim = [...exchange.interim, { atNs: start.atNs, packet: start.packet, status: head.status }];
      }
      this.listener.responseSeen(true, true);
      this.listener.mark('interim', from, exchange);
      return;
    }
    exchange.status = head.status === 0 ? null : head.status;
    exchange.reason = head.reason;
    exchange.responseVersion = head.version;
    exchange.responseFraming = head.framing;
    exchange.responseContentLength = head.contentLength < 0 ? null : head.contentLength;
    exchange.firstByte = start;
    exchange.responseHeadEnd = this.now;
    if (exchange.number === 1) this.listener.softwareSeen('server', head.fields.get('server'));
    // A body that ends with the connection asks for nothing; RFC 9112 §6.3 leaves it no other way.
    if (head.persistence.outcome === 'ends' && (head.saysClose || head.persistence.reason !== 'close-delimited')) {
      exchange.closeAskedBy = exchange.closeAskedBy === 'client' ? 'both' : 'server';
    }
    if (head.framing === 'chunked' || head.framing === 'until-close') {
      exchange.isStream = head.fields.get('content-type')?.toLowerCase().startsWith('text/event-stream') ?? false;
    }
    if (head.hasKeepAliveField) exchange.hint = this.hintOf(head.fields.get('keep-alive'));
    this.receiving = exchange;
    this.listener.responseSeen(false, true);
    this.listener.mark('response', from, exchange);
  }

  /** Servers say the same hint again and again: then the same value. */
  private hintOf(text: string | null): Exchange['hint'] {
    if (text !== this.lastHintText || this.lastHint === null) {
      this.lastHintText = text;
      this.lastHint = parseKeepAlive(text);
    }
    return this.lastHint;
  }

  responseEnded(direction: Direction, outcome: MessageOutcome, bodyByteCount: number, from: Side): void {
    direction.inMessage = false;
    const exchange = this.receiving;
    this.receiving = null;
    if (exchange === null) return;
    exchange.responseBodyBytes = bodyByteCount;
    if (outcome === 'complete') {
      exchange.responseEnd = this.now;
      exchange.complete = exchange.requestEnd !== null || !exchange.requestSeen;
      if (exchange.responseHeadEnd !== this.now) this.listener.mark('response-end', from, exchange);
    }
    settleWaiting(exchange);
    this.settle(exchange);
  }

  /** The oldest exchange without a final response. */
  oldestUnanswered(): Exchange | null {
    return this.pending[this.pendingFrom] ?? null;
  }

  settle(exchange: Exchange): void {
    if (this.pending[this.pendingFrom] === exchange) {
      this.pendingFrom++;
      if (this.pendingFrom === this.pending.length) {
        this.pending.length = 0;
        this.pendingFrom = 0;
      } else if (this.pendingFrom > 64) {
        this.pending.splice(0, this.pendingFrom);
        this.pendingFrom = 0;
      }
    }
  }

  note(direction: Direction, problem: MessageProblem): void {
    const exchange = direction.reading === 'request' ? (this.sending ?? this.last) : (this.receiving ?? this.last);
    if (exchange === null || exchange.notes.length >= storyLimits.notesPerExchange) return;
    exchange.notes = [...exchange.notes, { code: problem.code, text: problem.text, packet: this.nowPacket }];
  }

  skip(from: Side, byteCount: number): void {
    this.listener.skipped(from, byteCount);
  }

  tunnel(direction: Direction, from: Side): void {
    const isUpgrade = this.last?.status === 101;
    const other = this.direction(otherSide(from));
    if (other.reading === 'request') other.requests?.becomeTunnel();
    for (const each of [direction, other]) {
      // Through a CONNECT tunnel may go HTTP again, recognised by its first bytes as at the beginning.
      each.reading = isUpgrade ? 'tunnel' : 'undecided';
      each.heldBytes = null;
      each.inMessage = false;
    }
    this.listener.tunnelBegan(isUpgrade ? 'upgrade' : 'CONNECT');
  }

  /** Nothing more of this connection is HTTP. */
  stop(): void {
    this.client.reading = 'tunnel';
    this.server.reading = 'tunnel';
  }

  newExchange(start: Moment, requestSeen: boolean): Exchange {
    const previous = this.last;
    const pipelined = requestSeen && this.pendingFrom < this.pending.length;
    const exchange = emptyExchange(++this.count, start, requestSeen, pipelined);
    this.last = exchange;
    this.pending.push(exchange);
    const idleNs = previous?.responseEnd ? Math.max(0, start.atNs - previous.responseEnd.atNs) : 0;
    this.listener.exchangeBegan(exchange, idleNs);
    return exchange;
  }
}
