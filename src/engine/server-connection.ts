/**
 * One connection of a server: where a socket, a request reader and the handler's responses meet.
 *
 *     open ──last response, refusal, idle timeout──► closing ──both FINs, or limits──► gone
 *       └───upgrade──► handed-over
 *
 * Rules
 * - Exchanges form a queue; only the oldest writes. Safe requests behind safe ones run at once (RFC 9112 §9.3.2); others wait for their turn, and
 *   behind an unsafe one nothing is read.
 * - Every turn of the event loop that touches the connection ends in `settle`: it flushes, reads on, and sets the one deadline.
 * - The head of a response decides whether the connection persists; afterwards only a failure takes that back.
 * - An idle connection closes only when a look at the socket, after the timeout, has shown no request waiting there.
 *
 * The parts: exchanges (server-queue.ts), waits for the client (server-waiting.ts), the way out (server-output.ts), the end (server-farewell.ts).
 */

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import type { Fields, MessageOutcome, MessageProblem, RequestHandler, RequestHead } from '../wire/index.js';
import { RequestReader } from '../wire/index.js';
import type { Deadline } from './deadlines.js';
import { HoldfastError } from './errors.js';
import { ConnectionObservations } from './observe.js';
import type { Server } from './server.js';
import type { BodySource } from './server-body.js';
import { endpointsOf, nameSocketError, readResponseHead } from './server-endpoint.js';
import { cut, Farewell } from './server-farewell.js';
import { writeRefusal } from './server-head.js';
import { Output } from './server-output.js';
import { ExchangeQueue } from './server-queue.js';
import { ServerRequest } from './server-request.js';
import { ServerResponse } from './server-response.js';
import { Waiting } from './server-waiting.js';

type Stage = 'open' | 'closing' | 'handed-over' | 'gone';

/** The last response, when the request that it answers could not be read. */
interface Refusal {
  readonly status: number;
  /** What the body of the response says. */
  readonly code: string;
  readonly error: HoldfastError;
}

const never = Number.POSITIVE_INFINITY;
const noBytes = Buffer.alloc(0);

const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

export class ServerConnection implements RequestHandler, Deadline, BodySource {
  dueAtMs = never;
  filedAtMs = 0;
  filedIndex = -1;
  /** Someone listens to observations. */
  readonly observed: boolean;
  requestCount = 0;
  private stage: Stage = 'open';
  private readonly observations: ConnectionObservations | null;
  private readonly reader: RequestReader;
  private readonly output: Output;
  private readonly queue = new ExchangeQueue();
  private readonly waiting: Waiting;
  private farewell: Farewell | null = null;
  private refusal: Refusal | null = null;
  /** Bytes that came while the reader was paused. */
  private rest: Buffer | null = null;
  /** The bytes being read are lent: what is kept of them must be copied. */
  private borrowed = false;
  /** No request after the newest is taken. */
  private lastTaken = false;
  /** The client waits for 100 Continue. */
  private continueDue = false;
  private drainedByteCount = 0;
  private upgrade: ServerRequest | null = null;
  private peerEnded = false;
  private lookingOnce = false;
  private receiving = false;
  private settling = false;
  private scheduled = false;
  private readonly agedAfterMs: number;

  constructor(
    private readonly server: Server,
    readonly socket: Socket,
    readonly number: number,
    /** The socket lends its bytes through `onBytes`, and is paused by what that returns. */
    private readonly inPlace: boolean,
  ) {
    const { settings, observer, deadlines } = server;
    const { clock } = deadlines;
    this.waiting = new Waiting(clock, settings);
    this.agedAfterMs =
      settings.maxAgeMs === never ? never : settings.maxAgeMs * (1 + settings.maxAgeJitter * (2 * Math.random() - 1));
    this.reader = new RequestReader({ manner: 'strict', handler: this, limits: settings.limits });
    this.output = new Output(socket, clock, settings.sendTimeoutMs, () => this.onUnblocked());
    this.observed = observer !== undefined;
    if (observer === undefined) this.observations = null;
    else {
      const { client, here } = endpointsOf(socket);
      this.observations = new ConnectionObservations(observer, client, here);
    }
    // Node remembers the address once it was asked for; later the socket may be gone.
    if (server.onAccess !== undefined) void socket.remotePort;
    this.settle();
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
    return this.stage === 'open' && this.queue.oldest === null && this.reader.state === 'between';
  }

  // What the socket says.

  /** Bytes that are ours to keep. */
  onData(data: Buffer): void {
    if (this.stage === 'open') {
      if (this.rest !== null) this.rest = Buffer.concat([this.rest, data]);
      else this.feed(data, data.length);
      this.settle();
    } else if (this.stage === 'closing' && this.farewell?.discard(data.length) === true) {
      this.report(new HoldfastError('client-linger-exceeded'));
      this.socket.destroy();
    }
  }

  /** `data[0, byteCount)`, lent for this call. False: no more for now. */
  onBytes(data: Buffer, byteCount: number): boolean {
    if (this.stage === 'open' && this.rest === null) {
      this.borrowed = true;
      this.feed(data, byteCount);
      this.borrowed = false;
      this.settle();
    } else {
      const kept = Buffer.from(data.subarray(0, byteCount));
      if (this.stage === 'handed-over') return this.socket.push(kept);
      this.onData(kept);
    }
    return !this.waiting.isHeld;
  }

  /** The client's FIN. */
  onEnd(): void {
    this.peerEnded = true;
    this.observations?.fin('client');
    this.settle();
  }

  onSocketError(cause: Error): void {
    const error = nameSocketError(cause);
    this.observations?.reset('client');
    if (this.stage !== 'handed-over' && (this.queue.oldest !== null || this.reader.state === 'head')) this.report(error);
    this.loseExchanges(error);
  }

  onClosed(): void {
    this.loseExchanges(new HoldfastError(this.server.stopping ? 'server-stopped' : 'client-reset'));
    this.stage = 'gone';
    this.server.deadlines.remove(this);
    this.output.drop();
    this.rest = null;
    this.observations?.close('finished');
    this.server.connectionGone(this);
  }

  onDue(nowMs: number): void {
    if (this.stage !== 'open' && this.stage !== 'closing') return;
    if (nowMs >= this.output.dueAtMs) this.giveUpSending();
    else if (this.farewell !== null) {
      if (nowMs >= this.farewell.dueAtMs) this.socket.destroy();
    } else {
      const late = this.queue.late(nowMs, this.server.settings.responseTimeoutMs);
      if (late !== null) this.failExchange(late, new HoldfastError('response-timeout'), 503);
      else if (nowMs >= this.readDueAtMs()) this.onReadDue();
    }
    this.settle();
  }

  private onReadDue(): void {
    const { newest } = this.queue;
    switch (this.reader.state) {
      case 'between':
        this.closeUnlessBytesWait();
        break;
      case 'head':
        this.refuse(408, 'request-head-timeout', new HoldfastError('request-head-timeout'));
        break;
      default:
        if (newest !== null) this.failExchange(newest, new HoldfastError('request-body-timeout'), 408);
    }
  }

  /**
   * Timers run before the sockets are looked at: a request may lie in the kernel already. So the connection closes only after the next look has
   * brought nothing.
   */
  private closeUnlessBytesWait(): void {
    this.lookingOnce = true;
    setImmediate(() => {
      this.lookingOnce = false;
      if (this.isIdle && this.readDueAtMs() <= this.server.deadlines.clock.now()) this.close();
      this.settle();
    });
  }

  /** The server stops: an idle connection closes after `graceMs`, another after its response. */
  stopSoon(graceMs: number): void {
    this.waiting.closeIdleAfter(graceMs);
    this.settle();
  }

  destroy(): void {
    this.socket.destroy();
  }

  // What the reader says. After the stage has changed within a call of its, it is not listened to any more.

  onMessageStart(): void {
    this.waiting.messageStarts();
  }

  onHead(head: RequestHead): void {
    if (this.stage !== 'open') return;
    const { server, queue } = this;
    this.requestCount += 1;
    server.requestCount += 1;
    const request = new ServerRequest(this, head, this.requestCount);
    const response = new ServerResponse(this, request);
    if (server.onAccess !== undefined) response.readAtMs = server.deadlines.clock.now();
    if (this.observations !== null) {
      const { method, target, version } = head;
      this.observations.requestHead({ method, target, version, fields: head.fields.lines() });
    }
    if (head.framing === 'none') request.complete = true;
    else {
      this.waiting.bodyStarts();
      this.drainedByteCount = 0;
    }
    this.continueDue = head.expectsContinue;
    if (this.requestCount >= server.settings.maxRequestsPerConnection) this.lastTaken = true;
    const before = queue.newest;
    queue.add(response);
    if (before === null || (isSafe(head.method) && before.started)) this.start(response);
    if (response.phase === 'open' || response.phase === 'streaming') head.keep();
  }

  onBody(data: Uint8Array, start: number, end: number): void {
    const response = this.queue.newest;
    if (this.stage !== 'open' || response === null) return;
    const { request } = response;
    const { settings } = this.server;
    request.bodyByteCount += end - start;
    this.waiting.bodyPiece();
    if (request.bodyByteCount > settings.bodyByteCount) {
      this.failExchange(response, new HoldfastError('request-body-too-large'), 413);
    } else if (response.phase === 'ended' && (request.body === null || request.body.use === 'discarded')) {
      this.drainedByteCount += end - start;
      if (this.drainedByteCount > settings.drainByteCount) this.close();
    } else {
      const piece = data.subarray(start, end);
      request.incoming().push(this.borrowed ? Buffer.from(piece) : piece, settings.bodyBufferByteCount);
    }
  }

  onTrailers(trailers: Fields): void {
    const request = this.queue.newest?.request;
    if (this.stage === 'open' && request !== undefined) request.incoming().trailers = trailers.keep();
  }

  onMessageEnd(_outcome: MessageOutcome, bodyByteCount: number): void {
    if (this.stage !== 'open') return;
    this.observations?.messageEnd('client', true, bodyByteCount);
    const response = this.queue.newest;
    if (response !== null) {
      const { request } = response;
      request.complete = true;
      request.body?.end();
      if (response.phase === 'ended') this.advance();
    }
    if (!this.mayReadNext()) {
      this.output.flush();
      if (!this.mayReadNext()) this.reader.pause();
    }
  }

  onProblem(problem: MessageProblem): void {
    if (this.stage !== 'open') return;
    const error =
      problem.code === 'cut-short'
        ? new HoldfastError('request-cut')
        : new HoldfastError('request-refused', { detail: `${problem.code}: ${problem.text}` });
    const reading = this.queue.newest;
    if (reading === null || reading.request.complete) this.refuse(problem.status, problem.code, error);
    else {
      this.observations?.messageEnd('client', false, reading.request.bodyByteCount);
      this.failExchange(reading, error, problem.status);
    }
  }

  /** A strict reader skips nothing, and tunnels are handed over, not read. */
  onSkipped(): void {}
  onTunnel(): void {}

  // What responses say.

  isTurnOf(response: ServerResponse): boolean {
    return response === this.queue.oldest;
  }

  put(part: string | Uint8Array): void {
    this.output.add(part);
  }

  get hasRoom(): boolean {
    return this.output.hasRoom;
  }

  tellResponseHead(text: string): void {
    this.observations?.responseHead(readResponseHead(text));
  }

  /** Something has changed; what follows from it happens when this turn ends. */
  touched(): void {
    if (this.receiving || this.settling || this.scheduled || this.stage === 'gone') return;
    this.scheduled = true;
    process.nextTick(settleTouched, this);
  }

  settleTouched(): void {
    this.scheduled = false;
    this.settle();
  }

  responseEnded(response: ServerResponse): void {
    const { request } = response;
    if (!request.complete && request.body?.use === 'unclaimed') request.body.discard();
    if (request.complete || response.saysClose) this.advance();
    this.touched();
  }

  /** Date, Connection and Keep-Alive of a response's head; decides whether the connection persists. */
  standingLines(response: ServerResponse): string {
    const { settings, standingLines } = this.server;
    const { request } = response;
    const { head } = request;
    const limit = settings.maxRequestsPerConnection;
    standingLines.refresh();
    if (!this.persistsAfter(response)) {
      response.saysClose = true;
      if (response === this.queue.newest) {
        this.lastTaken = true;
        this.reader.pause();
      }
      return standingLines.last;
    }
    if (settings.keepAliveHint === 'never')
      return head.version === '1.0' ? standingLines.persistentSaid : standingLines.persistentBare;
    if (limit !== never) return standingLines.counted(limit - request.number);
    return head.saysKeepAlive ? standingLines.counted(-1) : standingLines.persistent;
  }

  private persistsAfter(response: ServerResponse): boolean {
    const { request } = response;
    if (request.head.persistence.outcome === 'ends' || response.wantsClose) return false;
    if (request.number >= this.server.settings.maxRequestsPerConnection) return false;
    if (response === this.queue.newest) {
      if (this.server.closesAfterResponse || (this.peerEnded && this.refusal === null)) return false;
      if (this.agedAfterMs !== never && this.waiting.ageMs >= this.agedAfterMs) return false;
    }
    if (request.complete || request.body?.use === 'claimed') return true;
    if (this.continueDue) return false;
    return request.contentLength < 0 || request.contentLength - request.bodyByteCount <= this.server.settings.drainByteCount;
  }

  /** The handler threw, or gave up. With `cut` nothing more is said on the connection. */
  handlerFailed(response: ServerResponse, cause: unknown, isCut = false): void {
    const { request, phase } = response;
    if (this.stage !== 'open' || phase === 'abandoned' || cause === request.failure) return;
    const error =
      cause instanceof HoldfastError && cause.fault === 'caller' ? cause : new HoldfastError('handler-failed', { cause });
    if (phase === 'ended') {
      this.report(error, request.number);
      return;
    }
    if (isCut) {
      this.report(error, request.number);
      this.loseExchanges(error);
      this.cut();
    } else this.failExchange(response, error, 500);
    this.touched();
  }

  // What bodies say.

  bodyWanted(): void {
    const response = this.queue.newest;
    if (!this.continueDue || response === null) return;
    this.continueDue = false;
    if (response.phase !== 'open' || response.request.bodyByteCount > 0) return;
    response.putHead('HTTP/1.1 100 Continue\r\n\r\n');
    this.touched();
  }

  bodyTaken(): void {
    if (this.waiting.isHeld) this.touched();
  }

  // Beginning and ending exchanges.

  private start(response: ServerResponse): void {
    response.started = true;
    const { server } = this;
    const { request } = response;
    const refusal = server.refusalOf(request);
    if (refusal !== null) this.answer(response, refusal.status, refusal.code, refusal.lines, true);
    else if (server.takesOver(request)) {
      this.upgrade = request;
      this.lastTaken = true;
    } else {
      try {
        const result = server.handler(request, response) as PromiseLike<unknown> | null | undefined;
        if (typeof result?.then === 'function') result.then(undefined, (cause: unknown) => this.handlerFailed(response, cause));
      } catch (cause) {
        this.handlerFailed(response, cause);
      }
    }
  }

  /** Answers in place of the handler. */
  private answer(response: ServerResponse, status: number, code: string, lines: string, last: boolean): void {
    if (last) response.wantsClose = true;
    const standing = this.standingLines(response);
    response.sentStatus = status;
    response.phase = 'ended';
    response.putHead(writeRefusal(status, code, standing, lines, response.request.method === 'HEAD'));
    this.responseEnded(response);
  }

  /** Ends an exchange that failed: with `status` when the response has not begun, else by cutting the connection. */
  private failExchange(response: ServerResponse, error: HoldfastError, status: number): void {
    const { request, phase } = response;
    this.report(error, request.number);
    request.failure = error;
    if (phase === 'open') this.answer(response, status, error.code, '', error.code !== 'handler-failed' || !request.complete);
    else if (phase === 'streaming') {
      this.loseExchanges(error);
      this.cut();
    } else this.close();
    request.tellFailure();
  }

  /** The stream cannot be read any further: the last thing said, after the responses still due, is `status`. */
  private refuse(status: number, code: string, error: HoldfastError): void {
    if (this.refusal !== null) return;
    this.refusal = { status, code, error };
    this.report(error, this.requestCount + 1);
    this.lastTaken = true;
    if (this.queue.oldest === null) this.sayRefusal(this.refusal);
  }

  private sayRefusal({ status, code, error }: Refusal): void {
    const { standingLines } = this.server;
    standingLines.refresh();
    const text = writeRefusal(status, code, standingLines.last, '', false);
    this.tellResponseHead(text);
    this.put(text);
    this.observations?.messageEnd('server', true, 0);
    this.server.logRefusal(this, status, error.code);
    this.close();
  }

  /** The oldest exchange may be over: moves on to the next. */
  private advance(): void {
    const { queue } = this;
    for (let done = queue.oldest; done !== null && done.phase === 'ended'; done = queue.oldest) {
      const { request } = done;
      const bodyMatters = request.failure === null && (!done.saysClose || request.body?.use === 'claimed');
      if (!request.complete && bodyMatters) return;
      queue.removeOldest();
      this.observations?.messageEnd('server', true, done.bodyByteCount);
      if (this.server.onAccess !== undefined) this.server.logExchange(this, done);
      if (done.saysClose) {
        this.loseExchanges(new HoldfastError('server-stopped', { detail: 'The connection ends with an earlier response.' }));
        this.close();
        return;
      }
      const next = queue.oldest;
      if (next === null) {
        this.becomeIdle();
        return;
      }
      next.release();
      if (!next.started) this.start(next);
    }
  }

  private becomeIdle(): void {
    this.waiting.idleStarts();
    if (this.refusal !== null) this.sayRefusal(this.refusal);
    else if (this.reader.state === 'ended' || this.reader.state === 'done') this.close();
    else if (this.server.stopping) this.waiting.closeIdleAfter(this.server.idleGraceMs);
  }

  private loseExchanges(error: HoldfastError): void {
    if (this.queue.oldest === null || this.stage === 'handed-over') return;
    for (let response = this.queue.takeAll(); response !== null; response = response.next) {
      response.request.failure ??= error;
      response.abandon(error);
      this.observations?.messageEnd('server', false, response.bodyByteCount);
      if (this.server.onAccess !== undefined) this.server.logExchange(this, response);
      response.request.tellFailure();
    }
  }

  // Reading.

  private feed(data: Buffer, byteCount: number): void {
    this.receiving = true;
    const taken = this.reader.receive(data, 0, byteCount);
    this.receiving = false;
    if (taken === byteCount || this.reader.state !== 'paused' || this.stage !== 'open') this.rest = null;
    else this.rest = this.borrowed ? Buffer.from(data.subarray(taken, byteCount)) : data.subarray(taken, byteCount);
  }

  private mayReadNext(): boolean {
    if (this.lastTaken || this.refusal !== null || !this.output.hasRoom) return false;
    const { newest, count } = this.queue;
    return newest === null || (count < this.server.settings.pipelineDepth && newest.started && isSafe(newest.request.method));
  }

  private settle(): void {
    if (this.settling || this.receiving) return;
    this.settling = true;
    while (this.stage === 'open') {
      this.output.flush();
      if (this.reader.state !== 'paused') break;
      if (this.upgrade !== null && this.queue.oldest?.request === this.upgrade) {
        this.handOver(this.upgrade);
        return;
      }
      if (!this.mayReadNext()) break;
      this.reader.resume();
      if (this.rest !== null) this.feed(this.rest, this.rest.length);
    }
    if (this.stage === 'open' && this.peerEnded && this.rest === null) this.endInput();
    this.settling = false;
    if (this.stage === 'open') {
      this.holdOrLetGo();
      const { responseTimeoutMs } = this.server.settings;
      const responseDueAtMs =
        this.queue.oldest === null ? never : this.queue.dueAtMs(this.server.deadlines.clock, responseTimeoutMs);
      this.setDeadline(Math.min(this.readDueAtMs(), responseDueAtMs, this.output.dueAtMs));
    } else if (this.stage === 'closing') this.proceedClosing();
  }

  /** The client has sent its last byte, and all were read. */
  private endInput(): void {
    const { state } = this.reader;
    if (state === 'failed' || state === 'ended' || state === 'done' || state === 'paused') return;
    this.reader.end(true);
    this.lastTaken = true;
    if (this.queue.oldest === null && this.refusal === null) this.close();
  }

  /** Holds the client back while the body has no room or no further request may be read. */
  private holdOrLetGo(): void {
    const request = this.queue.newest?.request;
    const body = request?.complete === false ? request.body : null;
    const hold = this.rest !== null || (body !== null && !body.hasRoom(this.server.settings.bodyBufferByteCount));
    if (hold === this.waiting.isHeld) return;
    if (hold) {
      this.waiting.hold();
      if (!this.inPlace) this.socket.pause();
    } else this.letGo();
  }

  private letGo(): void {
    this.waiting.letGo();
    if (this.inPlace) this.socket.read(0);
    else this.socket.resume();
  }

  private readDueAtMs(): number {
    if (this.lookingOnce) return never;
    const { newest } = this.queue;
    return this.waiting.dueAtMs(this.reader.state, newest !== null, this.requestCount, newest?.request.bodyByteCount ?? 0);
  }

  private setDeadline(dueAtMs: number): void {
    this.dueAtMs = dueAtMs;
    this.server.deadlines.moved(this);
  }

  private onUnblocked(): void {
    this.waiting.idleStarts();
    this.queue.oldest?.wakeWriter();
    this.settle();
  }

  // Closing.

  private close(): void {
    if (this.stage !== 'open') return;
    this.stage = 'closing';
    this.rest = null;
    this.farewell = new Farewell(this.socket, this.server.deadlines.clock, this.server.settings);
    this.settle();
  }

  private proceedClosing(): void {
    const farewell = this.farewell!;
    if (this.waiting.isHeld) this.letGo();
    this.loseExchanges(new HoldfastError('server-stopped', { detail: 'The connection closes.' }));
    farewell.proceed(this.output, () => {
      this.observations?.fin('server');
      this.settle();
    });
    this.setDeadline(Math.min(this.output.dueAtMs, farewell.dueAtMs));
  }

  private giveUpSending(): void {
    const error = new HoldfastError('client-reads-too-slowly');
    this.report(error);
    this.loseExchanges(error);
    this.cut();
  }

  private cut(): void {
    this.output.flush();
    this.observations?.reset('server');
    cut(this.socket);
  }

  private handOver(request: ServerRequest): void {
    const head = this.rest ?? noBytes;
    this.rest = null;
    this.stage = 'handed-over';
    this.queue.takeAll();
    this.server.deadlines.remove(this);
    if (this.waiting.isHeld) this.letGo();
    this.server.handOver(this, request, head);
  }

  private report(error: HoldfastError, requestNumber = this.requestCount): void {
    this.server.report(error, { connectionNumber: this.number, requestNumber });
  }
}

function settleTouched(connection: ServerConnection): void {
  connection.settleTouched();
}
