/**
 * One connection of a server: where a socket, a request reader and the handler's responses meet.
 *
 *     open ──last response said close, refusal, idle──► closing ──FIN sent──► lingering ──FIN received, or limits──► gone
 *       └──upgrade──► handed over
 *
 * Rules
 * - Exchanges form a queue, oldest first; only the oldest writes. Safe requests behind safe ones run at once (RFC 9112 §9.3.2), others wait
 *   for their turn, and behind an unsafe one nothing is read.
 * - Every turn of the event loop that touches the connection ends in `settle`: it flushes, moves on, and sets the one deadline.
 * - The head of a response decides whether the connection persists; afterwards nothing takes that back except a failure.
 * - A connection that closes says FIN first and reads on, within limits, until the client's FIN (RFC 9112 §9.6).
 * - An idle connection closes only when a look at the socket, after the timeout, has shown no request waiting there.
 */

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import type { Fields, MessageOutcome, MessageProblem, RequestHandler, RequestHead } from '../wire/index.js';
import { RequestReader } from '../wire/index.js';
import type { Deadline } from './deadlines.js';
import { HoldfastError } from './errors.js';
import { ConnectionObservations } from './observe.js';
import type { Server } from './server.js';
import { endpointOf, fieldLinesOf, nameSocketError } from './server-endpoint.js';
import { writeRefusal } from './server-head.js';
import { Output } from './server-output.js';
import { ServerRequest } from './server-request.js';
import { ServerResponse } from './server-response.js';

type Stage = 'open' | 'closing' | 'lingering' | 'handed-over' | 'gone';

/** A response that nobody's handler writes: the request could not be read. */
interface Refusal {
  readonly status: number;
  readonly error: HoldfastError;
}

const never = Number.POSITIVE_INFINITY;
/** Output beyond which writers wait and no further request is read. */
const outputRoom = 128 * 1024;

const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

export class ServerConnection implements RequestHandler, Deadline {
  dueAtMs = never;
  filedAtMs = 0;
  filedIndex = -1;
  readonly observed: boolean;
  readonly observations: ConnectionObservations | null;
  requestCount = 0;
  private stage: Stage = 'open';
  private readonly reader: RequestReader;
  private readonly output: Output;
  private oldest: ServerResponse | null = null;
  private newest: ServerResponse | null = null;
  private pendingCount = 0;
  /** Bytes that came while the reader was paused. */
  private rest: Buffer | null = null;
  private refusal: Refusal | null = null;
  /** No request after the newest is taken. */
  private lastTaken = false;
  private receiving = false;
  private settling = false;
  private scheduled = false;
  private peerEnded = false;
  private socketPaused = false;
  private continueDue = false;
  private upgrade: ServerRequest | null = null;
  private readonly openedAtMs: number;
  private readonly agedAtMs: number;
  private idleSinceMs = 0;
  private headSinceMs = 0;
  /** Reading of the body: when it began (moved on by pauses), and when the last piece came. */
  private bodySinceMs = 0;
  private bodyPieceAtMs = 0;
  private bodyPieceCame = false;
  private bodyPausedAtMs = 0;
  private sendDueAtMs = never;
  private closeDueAtMs = never;
  private discardedByteCount = 0;
  private drainedByteCount = 0;

  constructor(
    private readonly server: Server,
    readonly socket: Socket,
    readonly number: number,
  ) {
    const { settings, observer, deadlines } = server;
    this.openedAtMs = deadlines.clock.now();
    this.agedAtMs =
      settings.maxAgeMs === never
        ? never
        : this.openedAtMs + settings.maxAgeMs * (1 + settings.maxAgeJitter * (2 * Math.random() - 1));
    this.reader = new RequestReader({ manner: 'strict', handler: this, limits: settings.limits });
    this.output = new Output(socket, () => this.onUnblocked());
    this.observed = observer !== undefined;
    const { client, here } = this.observed ? endpointOf(socket) : { client: null!, here: null! };
    this.observations = observer === undefined ? null : new ConnectionObservations(observer, client, here);
    if (server.onAccess !== undefined) void socket.remotePort;
    this.setDeadline(this.openedAtMs + settings.firstRequestTimeoutMs);
  }

  get secure(): boolean {
    return this.socket instanceof TLSSocket;
  }

  get clientAddress(): string {
    return this.socket.remoteAddress ?? '';
  }

  get clientPort(): number {
    return this.socket.remotePort ?? 0;
  }

  get isIdle(): boolean {
    return this.stage === 'open' && this.oldest === null && this.reader.state === 'between';
  }

  // What the socket says.

  onData(data: Buffer): void {
    if (this.stage === 'open') {
      if (this.rest !== null) this.rest = Buffer.concat([this.rest, data]);
      else this.feed(data);
      this.settle();
    } else if (this.stage !== 'handed-over') this.discard(data.length);
  }

  /** The client's FIN. */
  onEnd(): void {
    this.peerEnded = true;
    this.observations?.fin('client');
    if (this.stage !== 'open' || this.rest !== null) return;
    this.endOfInput();
    this.settle();
  }

  onClosed(cause: Error | null): void {
    if (this.stage === 'gone') return;
    const handedOver = this.stage === 'handed-over';
    this.stage = 'gone';
    this.server.deadlines.remove(this);
    if (!handedOver && this.oldest !== null) this.loseExchanges(cause);
    this.output.drop();
    this.rest = null;
    this.observations?.close('finished');
    this.server.connectionGone(this);
  }

  onSocketError(cause: Error): void {
    this.observations?.reset('client');
    if (this.oldest !== null || this.reader.state === 'head') this.report(nameSocketError(cause));
    this.loseExchanges(cause);
  }

  onDue(nowMs: number): void {
    if (this.stage === 'closing' || this.stage === 'lingering') {
      if (nowMs >= this.sendDueAtMs) this.giveUpSending();
      else if (nowMs >= this.closeDueAtMs) this.socket.destroy();
      else this.setDeadline(Math.min(this.sendDueAtMs, this.closeDueAtMs));
      return;
    }
    if (this.stage !== 'open') return;
    if (nowMs >= this.sendDueAtMs) return this.giveUpSending();
    const late = this.lateResponse(nowMs);
    if (late !== null) this.failExchange(late, new HoldfastError('response-timeout'), 503);
    else if (this.readDueAtMs() <= nowMs) this.onReadDue();
    this.settle();
  }

  private onReadDue(): void {
    const { state } = this.reader;
    if (state === 'head') this.refuse(408, new HoldfastError('request-head-timeout'));
    else if (state === 'between' && this.oldest === null) this.closeUnlessBytesWait();
    else if (this.newest !== null) this.failExchange(this.newest, new HoldfastError('request-body-timeout'), 408);
  }

  /**
   * Timers run before the sockets are looked at: a request may lie in the kernel already. So the connection closes only after the
   * next look has brought nothing.
   */
  private closeUnlessBytesWait(): void {
    const { requestCount } = this;
    const close = () => {
      if (this.isIdle && this.requestCount === requestCount) this.beginClosing();
    };
    setImmediate(() => setImmediate(close));
  }

  /** Nothing more to come is wanted: an idle connection closes after `graceMs`, another after its response. */
  stopSoon(graceMs: number): void {
    if (this.isIdle) {
      this.idleSinceMs = this.server.deadlines.clock.now() + graceMs - this.server.settings.idleTimeoutMs;
      if (this.requestCount === 0) this.requestCount = -1;
      this.settle();
    }
  }

  destroy(): void {
    this.socket.destroy();
  }

  // What the reader says.

  onMessageStart(): void {
    this.headSinceMs = 0;
  }

  onHead(head: RequestHead): void {
    if (this.requestCount < 0) this.requestCount = 0;
    this.requestCount += 1;
    this.server.requestCount += 1;
    const request = new ServerRequest(this, head, this.requestCount);
    const response = new ServerResponse(this, request);
    if (this.server.onAccess !== undefined) response.readAtMs = this.server.deadlines.clock.now();
    if (this.observations !== null) {
      this.observations.requestHead({
        method: head.method,
        target: head.target,
        version: head.version,
        fields: head.fields.lines(),
      });
    }
    if (head.framing === 'none') request.complete = true;
    else {
      this.bodySinceMs = 0;
      this.bodyPieceCame = false;
      this.drainedByteCount = 0;
    }
    this.continueDue = head.expectsContinue;
    if (this.requestCount >= this.server.settings.maxRequestsPerConnection) this.lastTaken = true;
    this.pendingCount += 1;
    const before = this.newest;
    this.newest = response;
    if (before === null) {
      this.oldest = response;
      this.start(response);
    } else {
      before.next = response;
      if (isSafe(head.method) && before.started) this.start(response);
    }
    if (response.phase !== 'ended' && response.phase !== 'abandoned') head.keep();
  }

  onBody(data: Uint8Array, start: number, end: number): void {
    const response = this.newest;
    if (response === null) return;
    const { request } = response;
    const byteCount = end - start;
    request.bodyByteCount += byteCount;
    this.bodyPieceCame = true;
    if (request.failure !== null) return;
    const { settings } = this.server;
    if (request.bodyByteCount > settings.bodyByteCount) {
      this.failExchange(response, new HoldfastError('request-body-too-large'), 413);
      return;
    }
    const over = response.phase === 'ended' || response.phase === 'abandoned';
    if (over && (request.body === null || request.body.use === 'discarded')) {
      this.drainedByteCount += byteCount;
      if (this.drainedByteCount > settings.drainByteCount) this.beginClosing();
      return;
    }
    request.incoming().push(data.subarray(start, end), settings.bodyBufferByteCount);
  }

  onTrailers(trailers: Fields): void {
    const request = this.newest?.request;
    if (request === undefined || request.failure !== null) return;
    request.incoming().trailers = trailers.keep();
  }

  onMessageEnd(_outcome: MessageOutcome, bodyByteCount: number): void {
    const response = this.newest;
    if (response !== null) {
      const { request } = response;
      this.observations?.messageEnd('client', true, bodyByteCount);
      if (!request.complete) {
        request.complete = true;
        request.body?.end();
      }
      if (response === this.oldest && response.phase === 'ended') this.advance();
    }
    if (this.lastTaken || this.pendingCount > 0 || this.output.queuedByteCount > outputRoom) {
      if (this.output.queuedByteCount > outputRoom) this.output.flush();
      if (!this.mayReadNext()) this.reader.pause();
    }
  }

  onProblem(problem: MessageProblem): void {
    const error =
      problem.code === 'cut-short'
        ? new HoldfastError('request-cut')
        : new HoldfastError('request-refused', { detail: `${problem.code}: ${problem.text}` });
    const reading = this.newest;
    if (reading !== null && !reading.request.complete) {
      this.observations?.messageEnd('client', false, reading.request.bodyByteCount);
      this.failExchange(reading, error, problem.status);
    } else this.refuse(problem.status, error, problem.code);
  }

  /** A server's reader stays strict: nothing is skipped, and tunnels are handed over, not read. */
  onSkipped(): void {}
  onTunnel(): void {}

  // What responses say.

  isTurnOf(response: ServerResponse): boolean {
    return response === this.oldest;
  }

  put(part: string | Uint8Array): void {
    if (typeof part === 'string') this.output.addText(part);
    else this.output.addBytes(part);
  }

  hasRoom(): boolean {
    return this.output.queuedByteCount < outputRoom && !(this.output.blocked && this.socket.writableLength >= outputRoom);
  }

  tellResponseHead(text: string): void {
    this.observations!.responseHead(fieldLinesOf(text));
  }

  /** Something was written; it leaves when this turn ends. */
  touched(): void {
    if (this.receiving || this.settling || this.scheduled) return;
    this.scheduled = true;
    process.nextTick(settleScheduled, this);
  }

  settleNow(): void {
    this.scheduled = false;
    this.settle();
  }

  responseEnded(response: ServerResponse): void {
    const { request } = response;
    if (!request.complete && request.body?.use === 'unclaimed') request.body.discard();
    if (response === this.oldest && (request.complete || response.saysClose)) this.advance();
    if (!this.receiving) this.touched();
  }

  /** Date, Connection and Keep-Alive of a response's head; decides whether the connection persists. */
  standingLines(response: ServerResponse): string {
    const { server } = this;
    const lines = server.standingLines;
    lines.refresh();
    const { request } = response;
    const { head } = request;
    const limit = server.settings.maxRequestsPerConnection;
    const persists =
      head.persistence.outcome === 'persists' &&
      !response.wantsClose &&
      request.number < limit &&
      (response !== this.newest || !(server.closesAfterResponse || this.peerEnded || this.refusal !== null || this.isAged())) &&
      (request.complete || this.bodyAllowsPersistence(request));
    if (!persists) {
      response.saysClose = true;
      if (response === this.newest) {
        this.lastTaken = true;
        this.reader.pause();
      }
      return lines.last;
    }
    if (limit !== never && server.settings.keepAliveHint !== 'never') return lines.counted(limit - request.number);
    if (head.version !== '1.1' || head.saysKeepAlive) {
      return server.settings.keepAliveHint === 'never' ? lines.persistentSaid : lines.counted(-1);
    }
    return lines.persistent;
  }

  handlerFailed(response: ServerResponse, cause: unknown, cut = false): void {
    if (response.phase === 'abandoned' || this.stage === 'gone' || this.stage === 'handed-over') return;
    const error =
      cause instanceof HoldfastError && cause.fault === 'caller' ? cause : new HoldfastError('handler-failed', { cause });
    if (response.phase === 'ended') {
      this.report(error, response.request.number);
      return;
    }
    if (cause instanceof HoldfastError && cause === response.request.failure) return;
    if (cut && response.phase === 'open') response.wantsClose = true;
    this.failExchange(response, error, 500);
    this.touched();
  }

  // What bodies say.

  bodyWanted(): void {
    const response = this.newest;
    if (!this.continueDue || response === null) return;
    this.continueDue = false;
    if (response.phase !== 'open' || response.request.bodyByteCount > 0) return;
    response.putHead('HTTP/1.1 100 Continue\r\n\r\n');
    this.touched();
  }

  bodyTaken(): void {
    if (this.socketPaused) this.touched();
  }

  // Beginning and ending exchanges.

  private start(response: ServerResponse): void {
    response.started = true;
    const { request } = response;
    const { server } = this;
    const refusal = server.refusalOf(request);
    if (refusal !== null) {
      this.refuseRequest(response, refusal.status, refusal.code, refusal.lines);
      return;
    }
    const takeOver = server.takesOver(request);
    if (takeOver) {
      this.upgrade = request;
      this.lastTaken = true;
      return;
    }
    try {
      const result = server.handler(request, response);
      if (result !== undefined && typeof (result as PromiseLike<unknown> | null)?.then === 'function') {
        (result as PromiseLike<unknown>).then(undefined, (cause: unknown) => this.handlerFailed(response, cause));
      }
    } catch (cause) {
      this.handlerFailed(response, cause);
    }
  }

  /** Answers in place of the handler, and closes. */
  private refuseRequest(response: ServerResponse, status: number, code: string, lines = ''): void {
    response.wantsClose = true;
    const standing = this.standingLines(response);
    const { request } = response;
    response.sentStatus = status;
    response.phase = 'ended';
    response.saysClose = true;
    response.putHead(writeRefusal(status, code, standing, lines, request.method === 'HEAD'));
    this.responseEnded(response);
  }

  /** Ends an exchange that failed: with `status` when the response has not begun, else by cutting the connection. */
  private failExchange(response: ServerResponse, error: HoldfastError, status: number): void {
    const { request } = response;
    const { phase } = response;
    this.report(error, request.number);
    if (phase === 'open') {
      if (error.code === 'handler-failed' && request.complete && !response.wantsClose) this.answerFailure(response, status);
      else this.refuseRequest(response, status, error.code);
    }
    request.fail(error);
    if (phase === 'streaming') {
      response.abandon(error);
      this.cut();
    } else if (phase === 'ended' && !request.complete) this.beginClosing();
  }

  /** A handler that failed before its response spoils nothing else on the connection. */
  private answerFailure(response: ServerResponse, status: number): void {
    const standing = this.standingLines(response);
    response.sentStatus = status;
    response.phase = 'ended';
    response.putHead(writeRefusal(status, 'handler-failed', standing, '', response.request.method === 'HEAD'));
    this.responseEnded(response);
  }

  /** The stream cannot be read any further: the last thing said, after the responses still due, is `status`. */
  private refuse(status: number, error: HoldfastError, code: string = error.code): void {
    if (this.refusal !== null) return;
    this.refusal = { status, error };
    this.report(error, this.requestCount + 1);
    this.refusalCode = code;
    this.lastTaken = true;
    if (this.oldest === null) this.sayRefusal();
  }
  private refusalCode = '';

  private sayRefusal(): void {
    const { refusal } = this;
    if (refusal === null || this.stage !== 'open') return;
    const { standingLines } = this.server;
    standingLines.refresh();
    const text = writeRefusal(refusal.status, this.refusalCode, standingLines.last, '', false);
    if (this.observed) this.tellResponseHead(text);
    this.put(text);
    this.observations?.messageEnd('server', true, 0);
    this.server.logRefusal(this, refusal.status, refusal.error.code);
    this.beginClosing();
  }

  /** The oldest exchange may be over: moves on to the next. */
  private advance(): void {
    for (;;) {
      const done = this.oldest;
      if (done === null || done.phase !== 'ended') return;
      const { request } = done;
      const unread = !request.complete && !(done.saysClose && request.body?.use !== 'claimed');
      if (unread) return;
      this.oldest = done.next;
      done.next = null;
      this.pendingCount -= 1;
      this.observations?.messageEnd('server', true, done.bodyByteCount);
      if (this.server.onAccess !== undefined) this.server.logExchange(this, done);
      if (this.oldest === null) this.newest = null;
      if (done.saysClose) {
        this.loseExchanges(null);
        this.beginClosing();
        return;
      }
      const next = this.oldest;
      if (next === null) {
        this.idleSinceMs = 0;
        if (this.refusal !== null) this.sayRefusal();
        return;
      }
      next.release();
      if (!next.started) this.start(next);
    }
  }

  private loseExchanges(cause: Error | null): void {
    let response = this.oldest;
    if (response === null) return;
    this.oldest = null;
    this.newest = null;
    this.pendingCount = 0;
    const error =
      cause instanceof HoldfastError
        ? cause
        : cause === null
          ? this.stage === 'gone'
            ? new HoldfastError(this.server.stopping ? 'server-stopped' : 'client-reset')
            : new HoldfastError('server-stopped', { detail: 'The connection closes after an earlier response.' })
          : nameSocketError(cause);
    for (; response !== null; response = response.next) {
      response.request.fail(error);
      response.abandon(error);
      this.observations?.messageEnd('server', false, response.bodyByteCount);
      if (this.server.onAccess !== undefined) this.server.logExchange(this, response);
    }
  }

  // Reading.

  private feed(data: Buffer): void {
    this.receiving = true;
    const taken = this.reader.receive(data);
    this.receiving = false;
    this.rest =
      taken < data.length && (this.reader.state === 'paused' || this.reader.state === 'between') ? data.subarray(taken) : null;
  }

  private mayReadNext(): boolean {
    if (this.lastTaken || this.refusal !== null || this.output.queuedByteCount > outputRoom) return false;
    const { newest } = this;
    if (newest === null) return true;
    return this.pendingCount < this.server.settings.pipelineDepth && isSafe(newest.request.method) && newest.started;
  }

  private endOfInput(): void {
    this.reader.end(true);
    if (this.stage === 'open' && this.oldest === null && this.refusal === null) this.beginClosing();
    else this.lastTaken = true;
  }

  private settle(): void {
    if (this.settling) return;
    this.settling = true;
    while (this.stage === 'open') {
      if (this.reader.state === 'paused' && this.upgrade !== null && this.oldest?.request === this.upgrade) {
        this.settling = false;
        this.handOver();
        return;
      }
      this.output.flush();
      if (this.reader.state !== 'paused' || !this.mayReadNext()) break;
      this.reader.resume();
      if (this.rest === null) break;
      this.feed(this.rest);
    }
    if (this.stage === 'open' && this.peerEnded && this.rest === null && this.reader.state === 'between') this.endOfInput();
    this.settling = false;
    if (this.stage === 'open') {
      this.pauseOrResume();
      if (this.output.blocked && this.sendDueAtMs === never)
        this.sendDueAtMs = this.server.deadlines.clock.now() + this.server.settings.sendTimeoutMs;
      this.setDeadline(Math.min(this.readDueAtMs(), this.responseDueAtMs(), this.sendDueAtMs));
    } else if (this.stage === 'closing') this.finishClosing();
  }

  /** Holds the client back while the body has no room or no further request may be read. */
  private pauseOrResume(): void {
    const body = this.newest?.request.complete === false ? this.newest.request.body : null;
    const pause = this.rest !== null || (body !== null && !body.hasRoom(this.server.settings.bodyBufferByteCount));
    if (pause === this.socketPaused) return;
    this.socketPaused = pause;
    if (pause) {
      this.bodyPausedAtMs = this.server.deadlines.clock.now();
      this.socket.pause();
    } else {
      const pausedMs = this.server.deadlines.clock.now() - this.bodyPausedAtMs;
      if (this.bodySinceMs !== 0) {
        this.bodySinceMs += pausedMs;
        this.bodyPieceAtMs += pausedMs;
      }
      this.socket.resume();
    }
  }

  private bodyAllowsPersistence(request: ServerRequest): boolean {
    if (request.body?.use === 'claimed') return true;
    if (this.continueDue) return false;
    return request.contentLength < 0 || request.contentLength - request.bodyByteCount <= this.server.settings.drainByteCount;
  }

  private isAged(): boolean {
    return this.agedAtMs !== never && this.server.deadlines.clock.now() >= this.agedAtMs;
  }

  // Deadlines.

  private setDeadline(dueAtMs: number): void {
    this.dueAtMs = dueAtMs;
    this.server.deadlines.moved(this);
  }

  /** When what is being waited for from the client is late. */
  private readDueAtMs(): number {
    const { settings, deadlines } = this.server;
    switch (this.reader.state) {
      case 'between':
        if (this.oldest !== null) return never;
        if (this.requestCount === 0) return this.openedAtMs + settings.firstRequestTimeoutMs;
        if (this.idleSinceMs === 0) this.idleSinceMs = deadlines.clock.now();
        return this.idleSinceMs + settings.idleTimeoutMs;
      case 'head':
        if (this.headSinceMs === 0) this.headSinceMs = deadlines.clock.now();
        return this.headSinceMs + settings.headTimeoutMs;
      case 'counted':
      case 'chunked':
      case 'trailers': {
        if (this.socketPaused) return never;
        if (this.bodySinceMs === 0 || this.bodyPieceCame) {
          this.bodyPieceAtMs = deadlines.clock.now();
          if (this.bodySinceMs === 0) this.bodySinceMs = this.bodyPieceAtMs;
          this.bodyPieceCame = false;
        }
        const silence = this.bodyPieceAtMs + settings.bodyTimeoutMs;
        if (settings.bodyMinimumRate === 0) return silence;
        const received = this.newest?.request.bodyByteCount ?? 0;
        return Math.min(silence, this.bodySinceMs + settings.bodyTimeoutMs + (received / settings.bodyMinimumRate) * 1000);
      }
      default:
        return never;
    }
  }

  private responseDueAtMs(): number {
    if (this.oldest === null) return never;
    let earliest = never;
    for (let response: ServerResponse | null = this.oldest; response !== null; response = response.next) {
      if (!response.started || response.phase !== 'open') continue;
      if (response.startedAtMs === 0) response.startedAtMs = this.server.deadlines.clock.now();
      earliest = Math.min(earliest, response.startedAtMs + this.server.settings.responseTimeoutMs);
    }
    return earliest;
  }

  private lateResponse(nowMs: number): ServerResponse | null {
    for (let response = this.oldest; response !== null; response = response.next) {
      const begun = response.phase !== 'open' || response.startedAtMs === 0;
      if (!begun && response.startedAtMs + this.server.settings.responseTimeoutMs <= nowMs) return response;
    }
    return null;
  }

  private onUnblocked(): void {
    this.sendDueAtMs = never;
    this.idleSinceMs = 0;
    this.oldest?.wakeWriter();
    if (this.stage === 'open' || this.stage === 'closing') this.settle();
  }

  // Closing.

  private beginClosing(): void {
    if (this.stage !== 'open') return;
    this.stage = 'closing';
    this.rest = null;
    this.lastTaken = true;
    if (!this.receiving && !this.settling) this.settle();
    else this.touchedWhileClosing();
  }

  private touchedWhileClosing(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    process.nextTick(settleScheduled, this);
  }

  /** Sends what is left, then the FIN; then reads on. */
  private finishClosing(): void {
    const { output, socket } = this;
    const { settings, deadlines } = this.server;
    output.flush();
    if (this.socketPaused) {
      this.socketPaused = false;
      socket.resume();
    }
    const nowMs = deadlines.clock.now();
    if (output.blocked && this.sendDueAtMs === never) this.sendDueAtMs = nowMs + settings.sendTimeoutMs;
    if (output.queuedByteCount === 0) {
      this.stage = 'lingering';
      this.loseExchanges(null);
      const onFinished = () => {
        this.sendDueAtMs = never;
        this.observations?.fin('server');
        if (this.peerEnded || this.stage !== 'lingering') return;
        this.closeDueAtMs = deadlines.clock.now() + settings.lingerTimeoutMs;
        this.setDeadline(this.closeDueAtMs);
      };
      socket.end(onFinished);
    }
    this.setDeadline(Math.min(this.sendDueAtMs, this.closeDueAtMs));
  }

  private discard(byteCount: number): void {
    this.discardedByteCount += byteCount;
    if (this.discardedByteCount <= this.server.settings.lingerByteCount) return;
    this.report(new HoldfastError('client-linger-exceeded'));
    this.socket.destroy();
  }

  private giveUpSending(): void {
    const error = new HoldfastError('client-reads-too-slowly');
    this.report(error);
    this.loseExchanges(error);
    this.cut();
  }

  /** Ends the connection so that nobody takes what was sent for whole. */
  private cut(): void {
    this.output.flush();
    this.observations?.reset('server');
    if (this.socket instanceof TLSSocket) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  private handOver(): void {
    const request = this.upgrade!;
    const head = this.rest ?? Buffer.alloc(0);
    this.rest = null;
    this.output.flush();
    this.stage = 'handed-over';
    this.oldest = null;
    this.newest = null;
    this.server.deadlines.remove(this);
    this.server.handOver(this, request, head);
  }

  private report(error: HoldfastError, requestNumber = this.requestCount): void {
    this.server.report(error, { connectionNumber: this.number, requestNumber: Math.max(0, requestNumber) });
  }
}

function settleScheduled(connection: ServerConnection): void {
  connection.settleNow();
}
