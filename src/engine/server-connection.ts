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
 * The parts: exchanges (server-exchanges.ts), waits for the client (server-waiting.ts), the way out (server-output.ts), the end (server-farewell.ts).
 */

import type { Socket } from 'node:net';

import type { Fields, MessageOutcome, MessageProblem, ReaderState, RequestHandler, RequestHead } from '../wire/index.js';
import type { Deadline } from './deadlines.js';
import { type ErrorCode, HoldfastError } from './errors.js';
import { ConnectionObservations } from './observe.js';
import type { Server } from './server.js';
import { clientOf, nameSocketError, readResponseHead, serverOf } from './server-endpoint.js';
import { Exchanges } from './server-exchanges.js';
import { cut, Farewell } from './server-farewell.js';
import { Output } from './server-output.js';
import { persistsAfter } from './server-persistence.js';
import type { SharedReader } from './server-reader.js';
import { ServerRequest } from './server-request.js';
import { ServerResponse } from './server-response.js';
import { Waiting } from './server-waiting.js';

type Stage = 'open' | 'closing' | 'handed-over' | 'gone';

const never = Number.POSITIVE_INFINITY;
const noBytes = Buffer.alloc(0);

export class ServerConnection implements RequestHandler, Deadline {
  dueAtMs = never;
  filedAtMs = 0;
  filedIndex = -1;
  /** Someone listens to observations. */
  readonly observed: boolean;
  requestCount = 0;
  private stage: Stage = 'open';
  private readonly observations: ConnectionObservations | null;
  /** Only while a request or its answer is under way. */
  private shared: SharedReader | null = null;
  readonly output: Output;
  readonly exchanges = new Exchanges(this);
  private readonly waiting: Waiting;
  private farewell: Farewell | null = null;
  /** Bytes that came while the reader was paused. */
  private rest: Buffer | null = null;
  /** The bytes being read are lent: what is kept of them must be copied. */
  private borrowed = false;
  /** No request after the newest is taken. */
  private lastTaken = false;
  private upgrade: ServerRequest | null = null;
  private peerEnded = false;
  private lookingOnce = false;
  private receiving = false;
  private settling = false;
  private scheduled = false;
  private readonly agedAfterMs: number;

  constructor(
    readonly server: Server,
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
    this.output = new Output(socket, clock, settings.sendTimeoutMs, () => {
      this.waiting.idleStarts();
      this.settle();
    });
    this.observed = observer !== undefined;
    this.observations = observer === undefined ? null : new ConnectionObservations(observer, clientOf(socket), serverOf(socket));
    // Node remembers the address once it was asked for; later the socket may be gone.
    if (server.onAccess !== undefined) void socket.remotePort;
    this.settle();
  }

  private get readerState(): ReaderState {
    return this.shared === null ? 'between' : this.shared.reader.state;
  }

  get isOpen(): boolean {
    return this.stage === 'open';
  }

  get isIdle(): boolean {
    return this.stage === 'open' && this.exchanges.oldest === null && this.readerState === 'between';
  }

  // What the socket says.

  /** Bytes that are ours to keep. */
  onData(data: Buffer): void {
    if (this.stage === 'closing') this.discard(data.length);
    if (this.stage !== 'open') return;
    if (this.rest !== null) this.rest = Buffer.concat([this.rest, data]);
    else this.feed(data, data.length);
    this.settle();
  }

  /** `data[0, byteCount)`, lent for this call. False: no more for now. */
  onBytes(data: Buffer, byteCount: number): boolean {
    if (this.stage === 'handed-over') return this.socket.push(Buffer.from(data.subarray(0, byteCount)));
    if (this.stage === 'closing') this.discard(byteCount);
    else if (this.rest !== null) this.onData(Buffer.from(data.subarray(0, byteCount)));
    else {
      this.borrowed = true;
      this.feed(data, byteCount);
      this.borrowed = false;
      this.settle();
    }
    return !this.waiting.isHeld;
  }

  private discard(byteCount: number): void {
    if (this.farewell?.discard(byteCount) !== true) return;
    this.report(new HoldfastError('client-linger-exceeded'));
    this.destroy();
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
    if (this.stage !== 'handed-over' && (this.exchanges.oldest !== null || this.readerState === 'head')) this.report(error);
    this.exchanges.lose(error);
  }

  onClosed(): void {
    this.exchanges.lose(new HoldfastError(this.server.stopping ? 'server-stopped' : 'client-reset'));
    this.stage = 'gone';
    if (this.shared !== null) this.server.readers.giveBack(this.shared);
    this.shared = null;
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
      if (nowMs >= this.farewell.dueAtMs) this.destroy();
    } else {
      const late = this.exchanges.late(nowMs, this.server.settings.responseTimeoutMs);
      if (late !== null) this.exchanges.fail(late, new HoldfastError('response-timeout'), 503);
      else if (nowMs >= this.readDueAtMs()) this.onReadDue();
    }
    this.settle();
  }

  private onReadDue(): void {
    const { newest } = this.exchanges;
    switch (this.readerState) {
      case 'between':
        if (this.requestCount === 0 && !this.server.stopping) this.report(new HoldfastError('first-request-timeout'));
        this.closeUnlessBytesWait();
        break;
      case 'head':
        this.exchanges.refuse(408, 'request-head-timeout', new HoldfastError('request-head-timeout'));
        break;
      default:
        if (newest !== null) this.exchanges.fail(newest, new HoldfastError('request-body-timeout'), 408);
    }
  }

  /**
   * When a timer comes, a request may lie in the kernel already. So the connection closes only after a whole turn of the event loop, which looks
   * at the sockets, has brought nothing. (Of two immediates, the second comes a turn later.)
   */
  private closeUnlessBytesWait(): void {
    this.lookingOnce = true;
    setImmediate(() => setImmediate(closeIfStillIdle, this));
  }

  closeIfStillIdle(): void {
    this.lookingOnce = false;
    if (this.isIdle && this.readDueAtMs() <= this.server.deadlines.clock.now()) this.close();
    this.settle();
  }

  /** The server stops: an idle connection closes after `graceMs`, another after its response. */
  stopSoon(graceMs: number): void {
    this.waiting.closeIdleAfter(graceMs);
    this.settle();
  }

  // What the reader says. After the stage has changed within a call of its, it is not listened to any more.

  onMessageStart(): void {
    this.waiting.messageStarts();
  }

  onHead(head: RequestHead): void {
    if (this.stage !== 'open') return;
    const { server } = this;
    this.requestCount += 1;
    server.requestCount += 1;
    const request = new ServerRequest(this, head, this.requestCount);
    const response = new ServerResponse(this, request);
    if (server.onAccess !== undefined) response.readAtMs = server.deadlines.clock.now();
    if (this.observations !== null) {
      const { method, target, version } = head;
      this.observations.requestHead({ method, target, version, fields: head.fields.lines() });
    }
    if (head.framing === 'none') {
      request.complete = true;
      this.observations?.messageEnd('client', true, 0);
    } else this.waiting.bodyStarts();
    if (this.requestCount >= server.settings.maxRequestsPerConnection) this.lastTaken = true;
    this.exchanges.add(response);
    if (response.phase === 'open' || response.phase === 'streaming') head.keep();
  }

  onBody(data: Uint8Array, start: number, end: number): void {
    const response = this.exchanges.newest;
    if (this.stage !== 'open' || response === null) return;
    this.waiting.bodyPiece();
    const verdict = response.request.takeBody(data, start, end, this.borrowed, response.phase === 'ended', this.server.settings);
    if (verdict === 'too-large') this.exchanges.fail(response, new HoldfastError('request-body-too-large'), 413);
    else if (verdict === 'not-worth-draining') this.close();
  }

  onTrailers(trailers: Fields): void {
    const request = this.exchanges.newest?.request;
    if (this.stage === 'open' && request !== undefined) request.incoming().trailers = trailers.keep();
  }

  onMessageEnd(_outcome: MessageOutcome, bodyByteCount: number): void {
    if (this.stage !== 'open') return;
    if (this.exchanges.newest?.request.complete === false) this.observations?.messageEnd('client', true, bodyByteCount);
    this.exchanges.requestEnded();
    if (!this.mayReadNext()) {
      this.output.flush();
      if (!this.mayReadNext()) this.shared?.reader.pause();
    }
  }

  onProblem(problem: MessageProblem): void {
    if (this.stage !== 'open') return;
    const error =
      problem.code === 'cut-short'
        ? new HoldfastError('request-cut')
        : new HoldfastError('request-refused', { detail: `${problem.code}: ${problem.text}` });
    const reading = this.exchanges.newest;
    if (reading === null || reading.request.complete) this.exchanges.refuse(problem.status, problem.code, error);
    else {
      this.observations?.messageEnd('client', false, reading.request.bodyByteCount);
      this.exchanges.fail(reading, error, problem.status, problem.code);
    }
  }

  /** A strict reader skips nothing, and tunnels are handed over, not read. */
  onSkipped(): void {}
  onTunnel(): void {}

  // What responses say.

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

  /** Date, Connection and Keep-Alive of a response's head; decides whether the connection persists. */
  standingLines(response: ServerResponse): string {
    const { settings, standingLines, closesAfterResponse } = this.server;
    const { request } = response;
    const isNewest = response === this.exchanges.newest;
    standingLines.refresh();
    const persists = persistsAfter(response, {
      settings,
      isNewest,
      serverCloses: closesAfterResponse,
      clientEnded: this.peerEnded && this.exchanges.refusal === null,
      isAged: this.agedAfterMs !== never && this.waiting.ageMs >= this.agedAfterMs,
    });
    if (persists) return standingLines.persists(request.head, settings.maxRequestsPerConnection - request.number);
    response.saysClose = true;
    if (isNewest) {
      this.lastTaken = true;
      this.shared?.reader.pause();
    }
    return standingLines.last;
  }

  // What bodies say.

  sayContinue(): void {
    const response = this.exchanges.newest;
    if (response?.phase !== 'open') return;
    response.putHead('HTTP/1.1 100 Continue\r\n\r\n');
    this.touched();
  }

  bodyTaken(): void {
    if (this.waiting.isHeld) this.touched();
  }

  // What exchanges say.

  takeOver(request: ServerRequest): void {
    this.upgrade = request;
    this.lastTaken = true;
  }

  exchangeOver(response: ServerResponse): void {
    this.observations?.messageEnd('server', response.phase === 'ended', response.bodyByteCount);
    if (this.server.onAccess !== undefined) this.server.logExchange(this, response);
  }

  /** The last thing said here answers a request that could not be read. */
  refused(text: string, status: number, code: ErrorCode): void {
    this.lastTaken = true;
    this.tellResponseHead(text);
    this.output.add(text);
    this.observations?.messageEnd('server', true, 0);
    this.server.logRefusal(this, status, code);
    this.close();
  }

  becomeIdle(): void {
    this.waiting.idleStarts();
    const state = this.readerState;
    if (state === 'ended' || state === 'done') this.close();
    else if (this.server.stopping) this.waiting.closeIdleAfter(this.server.idleGraceMs);
  }

  // Reading.

  private feed(data: Buffer, byteCount: number): void {
    this.receiving = true;
    this.shared ??= this.server.readers.take(this);
    const taken = this.shared.reader.receive(data, 0, byteCount);
    this.receiving = false;
    if (taken === byteCount || this.readerState !== 'paused' || this.stage !== 'open') this.rest = null;
    else this.rest = this.borrowed ? Buffer.from(data.subarray(taken, byteCount)) : data.subarray(taken, byteCount);
  }

  private mayReadNext(): boolean {
    return !this.lastTaken && this.output.hasRoom && this.exchanges.mayGrow(this.server.settings.pipelineDepth);
  }

  private settle(): void {
    if (this.settling || this.receiving) return;
    this.settling = true;
    while (this.stage === 'open') {
      this.output.flush();
      if (this.readerState !== 'paused') break;
      if (this.upgrade !== null && this.exchanges.oldest?.request === this.upgrade) {
        this.handOver(this.upgrade);
        return;
      }
      if (!this.mayReadNext()) break;
      this.shared?.reader.resume();
      if (this.rest !== null) this.feed(this.rest, this.rest.length);
    }
    if (this.stage === 'open' && this.peerEnded && this.rest === null) this.endInput();
    this.settling = false;
    if (this.stage === 'open') {
      if (this.shared?.reader.isAtRest === true && this.exchanges.oldest === null) {
        this.server.readers.giveBack(this.shared);
        this.shared = null;
      }
      this.exchanges.oldest?.wakeWriter();
      this.holdOrLetGo();
      const { responseTimeoutMs } = this.server.settings;
      const responseDueAtMs =
        this.exchanges.oldest === null ? never : this.exchanges.dueAtMs(this.server.deadlines.clock, responseTimeoutMs);
      this.setDeadline(Math.min(this.readDueAtMs(), responseDueAtMs, this.output.dueAtMs));
    } else if (this.stage === 'closing') this.proceedClosing();
  }

  /** The client has sent its last byte, and all were read. */
  private endInput(): void {
    const state = this.readerState;
    if (state === 'failed' || state === 'ended' || state === 'done' || state === 'paused') return;
    this.shared?.reader.end(true);
    this.lastTaken = true;
    if (this.exchanges.oldest === null && this.exchanges.refusal === null) this.close();
  }

  /** Holds the client back while the body has no room or no further request may be read. */
  private holdOrLetGo(): void {
    const request = this.exchanges.newest?.request;
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
    const { newest } = this.exchanges;
    return this.waiting.dueAtMs(this.readerState, newest !== null, this.requestCount, newest?.request.bodyByteCount ?? 0);
  }

  private setDeadline(dueAtMs: number): void {
    this.dueAtMs = dueAtMs;
    this.server.deadlines.moved(this);
  }

  // Closing.

  close(): void {
    if (this.stage !== 'open') return;
    this.stage = 'closing';
    this.rest = null;
    this.farewell = new Farewell(this.socket, this.server.deadlines.clock, this.server.settings);
    this.settle();
  }

  private proceedClosing(): void {
    const farewell = this.farewell!;
    if (this.waiting.isHeld) this.letGo();
    this.exchanges.lose(new HoldfastError('connection-ends'));
    farewell.proceed(this.output, () => {
      this.observations?.fin('server');
      this.settle();
    });
    this.setDeadline(Math.min(this.output.dueAtMs, farewell.dueAtMs));
  }

  private giveUpSending(): void {
    const error = new HoldfastError('client-reads-too-slowly');
    this.report(error);
    this.exchanges.lose(error);
    this.cut();
  }

  private destroy(): void {
    this.stage = 'gone';
    this.socket.destroy();
  }

  /** Nothing more is flushed: a peer on libuv that finds data and the reset at once takes the reset for a FIN. */
  cut(): void {
    this.observations?.reset('server');
    this.stage = 'gone';
    cut(this.socket);
  }

  private handOver(request: ServerRequest): void {
    const head = this.rest ?? noBytes;
    this.rest = null;
    this.stage = 'handed-over';
    this.exchanges.forget();
    this.server.deadlines.remove(this);
    if (this.waiting.isHeld) this.letGo();
    this.server.handOver(this, request, head);
  }

  report(error: HoldfastError, requestNumber = this.requestCount): void {
    this.server.report(error, { connectionNumber: this.number, requestNumber });
  }
}

const settleTouched = (connection: ServerConnection): void => connection.settleTouched();
const closeIfStillIdle = (connection: ServerConnection): void => connection.closeIfStillIdle();
