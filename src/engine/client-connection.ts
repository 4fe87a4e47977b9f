/**
 * One open connection of a client: writes requests, reads responses, and says exactly what became of each.
 *
 *                    start(exchange)                      response ends, both sides persist
 *     idle ────────────────────────► busy ─────────────────────────────────────────────────► idle
 *      │ FIN, RST, any byte, limit     │ FIN, RST, bad response, timeout, abort, or the end said
 *      └──────────► closed ◄───────────┘
 *
 * Rules
 * - The reader stays attached while idle: a byte that nobody asked for ends the connection (response queue poisoning), a FIN is
 *   noticed at once, and at the very moment of reuse the kernel is asked again (`isQuiet`).
 * - A connection goes back to the pool only when the response is complete, the request wholly written, both said they persist,
 *   and not a byte came behind.
 * - Every wait has a deadline: sending, head, body, unread, drain, idle. `closed` is final and happens once.
 *
 * What is not here: which connection a request gets (pool.ts), and whether it is sent again (client-retry.ts decides, the pool does).
 */

import type { Socket } from 'node:net';
import {
  type AnsweredRequest,
  type Fields,
  type MessageOutcome,
  type MessageProblem,
  parseKeepAlive,
  type ResponseHandler,
  type ResponseHead,
  ResponseReader,
} from '../wire/index.js';
import type { OpenedConnection } from './client-connect.js';
import type { Exchange } from './client-exchange.js';
import type { ClientSettings } from './client-options.js';
import { fileDescriptorOf, type SocketFacts, socketFacts } from './client-socket-facts.js';
import { upload } from './client-upload.js';
import type { Deadline, Deadlines } from './deadlines.js';
import type { ErrorCode } from './errors.js';
import { HoldfastError } from './errors.js';
import type { ConnectionObservations } from './observe.js';

/** What a connection tells its pool. */
export interface ConnectionHome {
  readonly settings: ClientSettings;
  readonly deadlines: Deadlines;
  /** Free again, after a complete exchange. */
  free(connection: ClientConnection, nowMs: number): void;
  /** Idle for as long as it was allowed to be. */
  idleLimit(connection: ClientConnection, nowMs: number): void;
  /** Over. `exchanges`: those it still owed, oldest first, each with what failed it. */
  closed(connection: ClientConnection, why: CloseReason, failed: FailedExchange[]): void;
  /** Pipelining: there is room behind what it owes. */
  fill(connection: ClientConnection, nowMs: number): void;
  /** The server said how long it keeps idle connections. */
  hint(timeoutSeconds: number | null): void;
  /** Whether requests wait for a connection. */
  readonly isWaitedFor: boolean;
}

/** `idle-close`: the server closed while idle. `poisoned`: bytes came that nobody asked for. `ours`: this end wanted it. */
export type CloseReason = 'idle-close' | 'poisoned' | 'ours' | 'failed';

export interface FailedExchange {
  readonly exchange: Exchange;
  readonly error: HoldfastError;
  readonly connectionFailed: boolean;
  readonly neverTaken: boolean;
}

/** Bodies up to this size go out in one write with their head. */
const joinedBodyByteCount = 16 * 1024;
/** How often a stalled response is looked at while it holds its connection. */
const stallLookMs = 1_000;

type Phase = 'idle' | 'send' | 'head' | 'body' | 'stalled' | 'drain';

export class ClientConnection implements ResponseHandler, Deadline {
  dueAtMs = Number.POSITIVE_INFINITY;
  filedAtMs = 0;
  filedIndex = -1;
  readonly openedAtMs: number;
  /** When it became idle. */
  idleSinceMs: number;
  requestCount = 0;
  /** Requests it may carry in all. */
  requestLimit: number;
  /** It keeps watch for the server's idle timeout and takes no requests. */
  watches = false;
  unreferenced = false;
  isClosed = false;
  readonly socket: Socket;
  /** Requests without a complete response, in order. */
  readonly owed: Exchange[] = [];
  private readonly reader: ResponseReader;
  private readonly facts: SocketFacts;
  private readonly fd: number;
  private readonly isTls: boolean;
  private phase: Phase = 'idle';
  private writtenByteCount: number;
  private readAtMs = 0;
  /** Ended within the present read; told when the read is over. */
  private ended: Exchange | null = null;
  private reading = false;
  private paused = false;
  private stalledAtMs = 0;
  /** The response being read is for nobody. */
  private draining = false;
  private drainLeft = 0;
  /** The message being read is 1xx. */
  private interim = false;
  private handlerError: unknown = null;
  private tunnelHead: ResponseHead | null = null;
  private lastHint: string | null = null;
  private refusedByKernel = false;

  constructor(
    readonly number: number,
    readonly opened: OpenedConnection,
    private readonly home: ConnectionHome,
    private readonly told: ConnectionObservations | null,
    nowMs: number,
  ) {
    const { socket } = opened;
    this.socket = socket;
    this.openedAtMs = nowMs;
    this.idleSinceMs = nowMs;
    this.requestLimit = home.settings.requestsPerConnection;
    this.facts = socketFacts();
    this.fd = fileDescriptorOf(socket);
    this.isTls = opened.tls !== null;
    this.writtenByteCount = opened.writtenByteCount;
    this.reader = new ResponseReader({ manner: 'strict', handler: this, limits: home.settings.limits });
    this.reader.pause();
    opened.attach(
      (data, length) => this.read(data, length),
      () => this.onFin(),
      (error) => this.onSocketError(error),
    );
  }

  get addresses(): { localAddress: string; localPort: number; remoteAddress: string; remotePort: number } {
    return this.opened.addresses;
  }

  /** Time since it was opened. */
  ageMs(nowMs: number): number {
    return nowMs - this.openedAtMs;
  }

  /** May take a request behind those that it still owes. */
  mayPipeline(depth: number): boolean {
    if (this.isClosed || this.owed.length >= depth || this.requestCount >= this.requestLimit || this.paused) return false;
    if (this.opened.replacesFailed && this.owed.length === this.requestCount) return false;
    return this.owed.every(({ sent, request }) => sent && request.idempotent && request.persists && !request.mayBecomeTunnel);
  }

  /**
   * Asks the kernel: no FIN, no error, no byte waiting to be read. Over TLS bytes may be session tickets, so there `bytes` is for
   * the caller to judge. Without the kernel's facts: `unknown`.
   */
  isQuiet(): 'quiet' | 'bytes' | 'poisoned' | 'dead' | 'unknown' {
    switch (this.facts.waiting(this.fd)) {
      case 'nothing':
        return 'quiet';
      case 'unknown':
        return 'unknown';
      case 'bytes':
        if (!this.isTls) return 'poisoned';
        return this.facts.established(this.fd) ? 'bytes' : 'dead';
      default:
        return 'dead';
    }
  }

  /** Writes a request. The connection is idle, or may pipeline. */
  start(exchange: Exchange, nowMs: number): void {
    const { request } = exchange;
    const pipelined = this.owed.length > 0;
    exchange.reused = this.requestCount > 0 || nowMs > this.idleSinceMs;
    exchange.idleGapMs = this.requestCount > 0 && !pipelined ? nowMs - this.idleSinceMs : 0;
    exchange.requestNumber = ++this.requestCount;
    exchange.startByte = this.place(exchange);
    exchange.assign(this, nowMs);
    this.owed.push(exchange);
    if (!pipelined) {
      this.reader.resume();
      this.refusedByKernel = false;
    }
    if (exchange.taker.onSend !== undefined) exchange.taker.onSend();
    if (this.told !== null) this.tellRequest(exchange);
    this.send(exchange, nowMs);
    if (request.persists === false) this.requestLimit = this.requestCount;
  }

  /** Byte of the stream at which the next request begins; what an end of stream is held against (`neverTaken`). */
  private place(exchange: Exchange): number {
    if (!this.isTls) return this.writtenByteCount;
    if (exchange.request.idempotent) return -1;
    const acknowledged = this.facts.acknowledgedByteCount(this.fd);
    const unacknowledged = this.facts.unacknowledgedByteCount(this.fd);
    return acknowledged === -1 || unacknowledged === -1 ? -1 : acknowledged - 1 + unacknowledged;
  }

  private send(exchange: Exchange, nowMs: number): void {
    const { head, body, expectsContinue } = exchange.request;
    const { socket } = this;
    if (body === null) {
      socket.write(head, 'latin1');
      this.writtenByteCount += head.length;
      this.wholeRequestSent(exchange, nowMs, 0);
    } else if (body.bytes !== null && body.bytes.length <= joinedBodyByteCount && !expectsContinue) {
      const whole = Buffer.allocUnsafe(head.length + body.bytes.length);
      whole.write(head, 'latin1');
      whole.set(body.bytes, head.length);
      socket.write(whole);
      this.writtenByteCount += whole.length;
      this.wholeRequestSent(exchange, nowMs, body.bytes.length);
    } else {
      socket.write(head, 'latin1');
      this.writtenByteCount += head.length;
      if (expectsContinue) this.awaitContinue(exchange, nowMs);
      else this.sendBody(exchange);
    }
    // The kernel refused the first write of this request: it has no byte of it.
    if (socket.errored !== null && this.owed.length === 1) this.refusedByKernel = true;
  }

  private awaitContinue(exchange: Exchange, nowMs: number): void {
    exchange.onContinue = () => {
      exchange.onContinue = null;
      this.sendBody(exchange);
    };
    this.setDeadline('send', nowMs + exchange.request.timeouts.continueMs);
  }

  private sendBody(exchange: Exchange): void {
    const { sendMs } = exchange.request.timeouts;
    this.setDeadline('send', Number.POSITIVE_INFINITY);
    exchange.stopUpload = upload(this.socket, exchange.request.body!, exchange.request.trailers, {
      wrote: (byteCount) => {
        this.writtenByteCount += byteCount;
      },
      waits: () => {
        if (exchange.firstByteAtMs === 0) this.setDeadline('send', performance.now() + sendMs);
      },
      moves: () => {
        if (exchange.firstByteAtMs === 0) this.setDeadline('send', Number.POSITIVE_INFINITY);
      },
      touched: () => {
        exchange.bodyTouched = true;
      },
      ended: (byteCount) => {
        exchange.stopUpload = null;
        this.wholeRequestSent(exchange, performance.now(), byteCount);
      },
      failed: (error) => this.abandon(exchange, error),
    });
  }

  private wholeRequestSent(exchange: Exchange, nowMs: number, bodyByteCount: number): void {
    exchange.sent = true;
    if (this.told !== null) this.told.messageEnd('client', true, bodyByteCount);
    if (this.owed[0] === exchange && exchange.firstByteAtMs === 0) {
      this.setDeadline('head', nowMs + exchange.request.timeouts.headMs);
    }
  }

  // ---- reading ----

  /** Bytes came. Returns whether more are wanted. */
  private read(data: Uint8Array, length: number): boolean {
    if (this.isClosed) return false;
    if (this.owed.length === 0) {
      this.poisoned(data, length);
      return false;
    }
    this.readAtMs = performance.now();
    this.reading = true;
    const taken = this.reader.receive(data, 0, length);
    this.reading = false;
    if (this.isClosed) return false;
    this.afterRead(data, taken, length);
    return !this.paused;
  }

  private afterRead(data: Uint8Array, taken: number, length: number): void {
    const { reader, ended } = this;
    this.ended = null;
    if (this.handlerError !== null) {
      const cause = this.handlerError;
      this.handlerError = null;
      const error = new HoldfastError('response-handler-failed', { cause });
      if (ended === null) this.failFirst(error);
      else {
        this.close('ours');
        ended.fail(error);
      }
    } else if (reader.state === 'failed') {
      this.failFirst(refusal(reader.problem!));
    } else if (reader.state === 'tunnel') this.becomeTunnel(data.subarray(taken, length));
    else if (ended !== null) this.settle(ended, taken < length);
    else if (this.draining && this.drainLeft < 0) this.close('ours');
    else {
      if (this.phase === 'body') this.dueAtMs = this.readAtMs + this.owed[0]!.request.timeouts.bodyMs;
      if (this.home.settings.pipelining > 1 && this.home.isWaitedFor) this.home.fill(this, this.readAtMs);
    }
  }

  /** The last response owed is complete. */
  private settle(exchange: Exchange, bytesBehind: boolean): void {
    const { reader, home } = this;
    const nowMs = this.readAtMs;
    const wanted = exchange.request.persists && exchange.sent && this.socket.writableLength === 0;
    if (reader.state === 'paused' && wanted && !bytesBehind && this.requestCount < this.requestLimit && !this.isClosed) {
      this.idleSinceMs = nowMs;
      home.free(this, nowMs);
    } else this.close(bytesBehind && reader.state === 'paused' ? 'poisoned' : 'ours');
    exchange.finish();
  }

  answeredRequest(): AnsweredRequest | null {
    return this.owed[0] ?? null;
  }

  onMessageStart(): void {
    const exchange = this.owed[0]!;
    if (exchange.firstByteAtMs === 0) exchange.firstByteAtMs = this.readAtMs;
  }

  onHead(head: ResponseHead): void {
    const exchange = this.owed[0]!;
    if (this.told !== null) this.told.responseHead({ ...startOf(head), fields: head.fields.lines() });
    if (head.isInterim) {
      this.interim = true;
      if (head.status === 100) exchange.onContinue?.();
      if (!this.draining && exchange.taker.onInterim !== undefined) {
        this.guard(() => exchange.taker.onInterim!(head));
      }
      return;
    }
    // A final response instead of `100 Continue`: the body stays here, and with it the connection's use (RFC 9110 §10.1.1).
    exchange.onContinue = null;
    if (head.hasKeepAliveField) this.takeHint(head.fields.get('keep-alive')!);
    if (head.framing === 'tunnel') {
      this.tunnelHead = head.keep();
      return;
    }
    if (this.draining) return;
    this.setDeadline('body', this.readAtMs + exchange.request.timeouts.bodyMs);
    try {
      exchange.taker.onHead(head);
    } catch (error) {
      this.handlerError = error;
    }
  }

  onBody(data: Uint8Array, start: number, end: number): void {
    if (this.draining) {
      this.drainLeft -= end - start;
      return;
    }
    if (this.handlerError !== null) return;
    try {
      if (this.owed[0]!.taker.onBody(data, start, end) === false && !this.paused) this.pause();
    } catch (error) {
      this.handlerError = error;
    }
  }

  onTrailers(trailers: Fields): void {
    const exchange = this.owed[0]!;
    if (!this.draining && exchange.taker.onTrailers !== undefined) {
      this.guard(() => exchange.taker.onTrailers!(trailers));
    }
  }

  onMessageEnd(outcome: MessageOutcome, bodyByteCount: number): void {
    const exchange = this.owed[0]!;
    if (this.interim) {
      this.interim = false;
      return;
    }
    if (this.told !== null) this.told.messageEnd('server', outcome === 'complete', bodyByteCount);
    if (outcome !== 'complete' || this.tunnelHead !== null) return;
    this.owed.shift();
    this.draining = false;
    exchange.lastByteAtMs = this.readAtMs;
    const next = this.owed[0];
    if (next === undefined || this.reader.state !== 'between' || this.handlerError !== null) {
      this.reader.pause();
      this.ended = exchange;
      return;
    }
    this.setDeadline('head', this.readAtMs + next.request.timeouts.headMs);
    exchange.finish();
  }

  onProblem(problem: MessageProblem): void {
    if (this.told !== null && problem.code === 'cut-short') this.told.messageEnd('server', false, 0);
  }

  onSkipped(): void {}

  onTunnel(): void {}

  private guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.handlerError = error;
    }
  }

  private takeHint(value: string): void {
    if (value !== this.lastHint) {
      this.lastHint = value;
      const { timeoutSeconds, max } = parseKeepAlive(value);
      if (timeoutSeconds !== null) this.home.hint(timeoutSeconds);
      if (max !== null) this.requestLimit = Math.min(this.requestLimit, this.requestCount + max);
    }
  }

  // ---- flow ----

  private pause(): void {
    this.paused = true;
    this.stalledAtMs = this.readAtMs;
    this.setDeadline('stalled', this.readAtMs + Math.min(stallLookMs, this.home.settings.unreadMs));
  }

  resume(exchange: Exchange): void {
    if (!this.paused || this.owed[0] !== exchange || this.isClosed) return;
    this.paused = false;
    this.setDeadline('body', performance.now() + exchange.request.timeouts.bodyMs);
    if (!this.reading) this.socket.resume();
  }

  /** Reads the rest of the response for nobody, within the limits, so that the connection can be used again. */
  drain(exchange: Exchange): void {
    if (this.owed[0] !== exchange || this.isClosed) return;
    const { drainByteCount, drainMs } = this.home.settings;
    this.draining = true;
    this.drainLeft = drainByteCount;
    this.setDeadline('drain', performance.now() + drainMs);
    if (this.paused) {
      this.paused = false;
      if (!this.reading) this.socket.resume();
    }
  }

  /** The exchange is given up: with `error`, and the connection with it. */
  abandon(exchange: Exchange, error: HoldfastError): void {
    if (this.isClosed) {
      exchange.fail(error);
      return;
    }
    this.fail((each) => (each === exchange ? { error, connectionFailed: false } : laterVictim()), 'ours');
  }

  /** Gives up everything that it owes, and itself. */
  abandonAll(error: HoldfastError): void {
    if (!this.isClosed) this.fail(() => ({ error, connectionFailed: false }), 'ours');
  }

  private becomeTunnel(rest: Uint8Array): void {
    const exchange = this.owed[0]!;
    const head = this.tunnelHead!;
    if (
      !exchange.request.mayBecomeTunnel ||
      exchange.taker.onTunnel === undefined ||
      this.owed.length > 1 ||
      this.opened.detach === null
    ) {
      this.failFirst(
        new HoldfastError('response-refused', { detail: 'It takes the connection away from HTTP, which nobody asked for.' }),
      );
      return;
    }
    this.owed.length = 0;
    exchange.lastByteAtMs = this.readAtMs;
    const kept = Buffer.from(rest);
    this.isClosed = true;
    this.home.deadlines.remove(this);
    this.told?.close('source-ended');
    this.opened.detach();
    this.home.closed(this, 'ours', []);
    exchange.tunnel(head, this.socket, kept);
  }

  // ---- endings ----

  /** The server's FIN. */
  private onFin(): void {
    if (this.isClosed) return;
    this.readAtMs = performance.now();
    if (this.owed.length === 0) {
      this.told?.fin('server');
      this.close('idle-close');
      return;
    }
    // Node calls it an end, too, when a reset came with the last bytes (libuv takes the hang-up for one); the kernel knows.
    if (this.facts.waiting(this.fd) === 'failed') {
      this.onSocketError(new Error('The connection was reset behind its last bytes.'));
      return;
    }
    this.told?.fin('server');
    const { reader } = this;
    const first = this.owed[0]!;
    if (reader.state === 'between' && first.firstByteAtMs === 0) {
      this.fail((exchange) => ({
        error: failure('closed-before-response'),
        connectionFailed: true,
        neverTaken: this.neverTook(exchange),
      }));
      return;
    }
    reader.end(true);
    const { ended } = this;
    this.ended = null;
    if (ended !== null) {
      // A body that ends with the connection.
      this.close('ours');
      ended.finish();
    } else if (!this.isClosed) this.failFirst(failure('response-cut'), true);
  }

  /** The server acknowledged nothing of the request before it closed. */
  private neverTook(exchange: Exchange): boolean {
    if (this.refusedByKernel) return true;
    if (exchange.startByte < 0) return false;
    const acknowledged = this.facts.acknowledgedByteCount(this.fd) - 1;
    return acknowledged >= 0 && acknowledged <= exchange.startByte;
  }

  private onSocketError(cause: Error): void {
    if (this.isClosed) return;
    this.readAtMs = performance.now();
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    const lost = code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'ENETDOWN';
    if (!lost) this.told?.reset('server');
    if (this.owed.length === 0) {
      this.close(lost ? 'failed' : 'idle-close');
      return;
    }
    const begun = this.owed[0]!.firstByteAtMs !== 0;
    const name: ErrorCode = lost ? 'server-unreachable' : begun ? 'response-reset' : 'reset-before-response';
    const neverTaken = this.refusedByKernel && !begun;
    this.fail(() => ({ error: failure(name, cause), connectionFailed: true, neverTaken }));
  }

  private poisoned(data: Uint8Array, length: number): void {
    this.readAtMs = performance.now();
    // Some servers announce an idle timeout with a 408 before they close (RFC 9110 §15.5.9).
    const announced = length >= 12 && Buffer.from(data.buffer, data.byteOffset, 12).toString('latin1').endsWith(' 408');
    this.close(announced ? 'idle-close' : 'poisoned');
  }

  onDue(nowMs: number): void {
    if (this.isClosed) return;
    this.readAtMs = nowMs;
    const exchange = this.owed[0];
    if (exchange === undefined) {
      this.home.idleLimit(this, nowMs);
      return;
    }
    switch (this.phase) {
      case 'send':
        if (exchange.onContinue !== null) exchange.onContinue();
        else this.timeout('request-send-timeout', exchange.request.timeouts.sendMs);
        break;
      case 'head':
        this.timeout('response-head-timeout', exchange.request.timeouts.headMs);
        break;
      case 'body':
        this.timeout('response-body-timeout', exchange.request.timeouts.bodyMs);
        break;
      case 'drain':
        this.close('ours');
        break;
      case 'stalled':
        this.lookAtStall(nowMs);
        break;
      case 'idle':
        break;
    }
  }

  private timeout(code: ErrorCode, limitMs: number): void {
    this.failFirst(new HoldfastError(code, { detail: `Limit: ${limitMs} ms.` }));
  }

  /** An unread response keeps its connection for a while; for a second only when others wait. */
  private lookAtStall(nowMs: number): void {
    const { unreadMs } = this.home.settings;
    const stalledMs = nowMs - this.stalledAtMs;
    if (stalledMs >= unreadMs || this.home.isWaitedFor) this.failFirst(new HoldfastError('response-not-read'));
    else this.setDeadline('stalled', nowMs + Math.min(stallLookMs, unreadMs - stalledMs));
  }

  /** The oldest exchange failed with `error`; those behind it lost their connection. */
  private failFirst(error: HoldfastError, connectionFailed = false): void {
    const first = this.owed[0];
    this.fail((exchange) => (exchange === first ? { error, connectionFailed } : laterVictim()));
  }

  private fail(
    judge: (exchange: Exchange) => { error: HoldfastError; connectionFailed: boolean; neverTaken?: boolean },
    why: CloseReason = 'failed',
  ): void {
    const failed = this.owed.map((exchange) => ({ exchange, neverTaken: false, ...judge(exchange) }));
    this.owed.length = 0;
    this.end(why, failed);
  }

  /** Closes it. What it owed has been given up or drained. */
  close(why: CloseReason): void {
    if (this.isClosed) return;
    const drained = this.draining ? this.owed.shift() : undefined;
    this.draining = false;
    if (this.owed.length > 0) {
      this.fail(laterVictim, why);
    } else this.end(why, []);
    drained?.finish();
  }

  private end(why: CloseReason, failed: FailedExchange[]): void {
    this.isClosed = true;
    this.home.deadlines.remove(this);
    for (const { exchange } of failed) exchange.stopUpload?.();
    if (this.told !== null) this.tellOurClose();
    if (why === 'ours' && failed.length === 0 && this.socket.writableLength === 0) this.socket.destroySoon();
    else this.socket.destroy();
    this.home.closed(this, why, failed);
  }

  /** Sets what the idle connection waits for. */
  setIdleLimit(atMs: number): void {
    this.setDeadline('idle', atMs);
  }

  private setDeadline(phase: Phase, atMs: number): void {
    this.phase = phase;
    this.dueAtMs = atMs;
    this.home.deadlines.moved(this);
  }

  private tellRequest({ request }: Exchange): void {
    const { method, target, version, head } = request;
    const lines = head.split('\r\n').slice(1, -2);
    const fields = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const);
    this.told!.requestHead({ method, target, version, fields });
  }

  private tellOurClose(): void {
    const { told } = this;
    if (this.socket.errored === null) {
      // Bytes that nobody has read turn the close into a reset (RFC 9112 §9.6).
      if (this.facts.waiting(this.fd) === 'bytes') told!.reset('client');
      else told!.fin('client');
    }
    told!.close('finished');
  }
}

const startOf = ({ version, status, reason }: ResponseHead) => ({ version, status, reason });

const failure = (code: ErrorCode, cause?: unknown): HoldfastError => new HoldfastError(code, { cause });

const refusal = ({ code, text }: MessageProblem): HoldfastError =>
  new HoldfastError('response-refused', { detail: `${text} (${code})` });

/** A request behind one that took the connection down. */
const laterVictim = () => ({ error: failure('closed-before-response'), connectionFailed: true });
