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
 *   noticed at once, and at the very moment of reuse the kernel is asked again (`quietness`).
 * - A connection goes back to the pool only when the response is complete, the request wholly written, both said they persist,
 *   and not a byte came behind.
 * - Every wait has a deadline: sending, head, body, unread, drain, idle. `closed` is final and happens once.
 *
 * What is not here: which connection a request gets (pool.ts), and whether it is sent again (client-retry.ts decides, the pool does).
 */

import type { Socket } from 'node:net';
import type { MessageProblem } from '../wire/index.js';
import type { ConnectionAddresses, OpenedConnection } from './client-connect.js';
import { type Quietness, SocketEvidence } from './client-evidence.js';
import type { Exchange } from './client-exchange.js';
import type { ClientSettings } from './client-options.js';
import { type ReadingHome, ResponseReading } from './client-reading.js';
import { RequestSending, type SendingHome } from './client-sending.js';
import type { Deadline, Deadlines } from './deadlines.js';
import { type ErrorCode, HoldfastError } from './errors.js';
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
  /** A request has been answered, so long after it was written. */
  answered(afterMs: number): void;
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

/** How often a stalled response is looked at while it holds its connection. */
const stallLookMs = 1_000;

type Phase = 'idle' | 'send' | 'head' | 'body' | 'stalled' | 'drain';

export class ClientConnection implements ReadingHome, SendingHome, Deadline {
  dueAtMs = Number.POSITIVE_INFINITY;
  filedAtMs = 0;
  filedIndex = -1;
  readonly openedAtMs: number;
  /** When it became idle. */
  idleSinceMs: number;
  requestCount = 0;
  /** Requests it may carry in all. */
  requestLimit: number;
  /** After `idle-close`: how long the server had waited. */
  closedAfterMs = 0;
  /** Its socket does not hold the process. */
  unreferenced = false;
  isClosed = false;
  readonly socket: Socket;
  /** Requests without a complete response, in order. */
  readonly owed: Exchange[] = [];
  private readonly reading: ResponseReading;
  private readonly sending: RequestSending;
  private readonly evidence: SocketEvidence;
  private phase: Phase = 'idle';
  /** When the newest request was written. */
  private startedAtMs = 0;
  private isReading = false;
  private isHeld = false;
  private heldSinceMs = 0;

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
    this.sending = new RequestSending(socket, this, opened.writtenByteCount);
    this.evidence = new SocketEvidence(socket, opened.tls !== null);
    this.reading = new ResponseReading(this.owed, this, told, home.settings.limits);
    opened.attach(
      (data, length) => this.read(data, length),
      () => this.onFin(),
      (error) => this.onSocketError(error),
    );
  }

  get addresses(): ConnectionAddresses {
    return this.opened.addresses;
  }

  /** Time since it was opened. */
  ageMs(nowMs: number): number {
    return nowMs - this.openedAtMs;
  }

  /** May take a request behind those that it still owes. */
  mayPipeline(depth: number): boolean {
    if (this.isClosed || this.owed.length >= depth || this.requestCount >= this.requestLimit || this.isHeld) return false;
    if (this.opened.replacesFailed && this.owed.length === this.requestCount) return false;
    return this.owed.every(({ sent, request }) => sent && request.idempotent && request.persists && !request.mayBecomeTunnel);
  }

  /** What the kernel says of it at this moment. */
  quietness(): Quietness {
    return this.evidence.quietness();
  }

  /**
   * How long the server may have been counting: since its last bytes reached this host, not since they were read. A busy event loop
   * lies between the two.
   */
  trueIdleMs(nowMs: number): number {
    return Math.max(nowMs - this.idleSinceMs, this.evidence.receivedAgoMs());
  }

  /** By the kernel's clock where it tells: this process may have noticed late that the response ended, and that the server closed. */
  private serverWaitedMs(): number {
    const waitedMs = this.evidence.waitedBeforeCloseMs();
    return waitedMs > 0 ? waitedMs : performance.now() - this.idleSinceMs;
  }

  /** Writes a request. The connection is idle, or may pipeline. */
  start(exchange: Exchange, nowMs: number): void {
    const { request } = exchange;
    const pipelined = this.owed.length > 0;
    this.startedAtMs = nowMs;
    exchange.reused = this.requestCount > 0 || nowMs > this.idleSinceMs;
    exchange.idleGapMs = this.requestCount > 0 && !pipelined ? nowMs - this.idleSinceMs : 0;
    exchange.requestNumber = ++this.requestCount;
    exchange.startByte = this.evidence.place(this.sending.writtenByteCount, request.idempotent);
    exchange.assign(this, nowMs);
    this.owed.push(exchange);
    if (!pipelined) this.reading.reader.resume();
    if (exchange.taker.onSend !== undefined) exchange.taker.onSend();
    if (this.told !== null) this.tellRequest(exchange);
    this.sending.send(exchange, nowMs, !pipelined);
    if (request.persists === false) this.requestLimit = this.requestCount;
  }

  awaitSending(exchange: Exchange, untilMs: number): void {
    if (exchange.firstByteAtMs === 0 && this.owed[0] === exchange) this.setDeadline('send', untilMs);
  }

  requestSent(exchange: Exchange, nowMs: number, contentByteCount: number): void {
    exchange.sent = true;
    if (this.told !== null) this.told.messageEnd('client', true, contentByteCount);
    if (this.owed[0] === exchange && exchange.firstByteAtMs === 0) {
      this.setDeadline('head', nowMs + exchange.request.timeouts.headMs);
    }
  }

  // ---- reading ----

  /** Bytes came. Returns whether more are wanted. */
  private read(data: Uint8Array, length: number): boolean {
    if (this.isClosed) return false;
    const { reading } = this;
    reading.atMs = performance.now();
    if (this.owed.length === 0) {
      this.poisoned(data, length);
      return false;
    }
    this.isReading = true;
    const taken = reading.reader.receive(data, 0, length);
    this.isReading = false;
    if (this.isClosed) return false;
    this.afterRead(data, taken, length);
    return !this.isHeld;
  }

  private afterRead(data: Uint8Array, taken: number, length: number): void {
    const { reading } = this;
    const { reader, ended } = reading;
    reading.ended = null;
    if (reading.thrown !== null) this.takerThrew(reading.thrown.cause, ended);
    else if (reader.state === 'failed') this.failFirst(refusal(reader.problem!));
    else if (reader.state === 'tunnel') this.becomeTunnel(data.subarray(taken, length));
    else if (ended !== null) this.settle(ended, taken < length);
    else if (reading.draining && reading.drainLeft < 0) this.close('ours');
    else {
      if (this.phase === 'body') this.dueAtMs = reading.atMs + this.owed[0]!.request.timeouts.bodyMs;
      if (this.home.settings.pipelining > 1 && this.home.isWaitedFor) this.home.fill(this, reading.atMs);
    }
  }

  private takerThrew(cause: unknown, ended: Exchange | null): void {
    this.reading.thrown = null;
    const error = new HoldfastError('response-handler-failed', { cause });
    if (ended === null) this.failFirst(error);
    else {
      this.close('ours');
      ended.fail(error);
    }
  }

  /** The last response owed is complete. */
  private settle(exchange: Exchange, bytesBehind: boolean): void {
    const { state } = this.reading.reader;
    const { atMs } = this.reading;
    const wanted = exchange.request.persists && exchange.sent && this.socket.writableLength === 0;
    if (state === 'paused' && wanted && !bytesBehind && this.requestCount < this.requestLimit) {
      this.idleSinceMs = atMs;
      this.home.answered(exchange.firstByteAtMs - this.startedAtMs);
      this.home.free(this, atMs);
    } else this.close(bytesBehind && state === 'paused' ? 'poisoned' : 'ours');
    exchange.finish();
  }

  awaitHead(exchange: Exchange): void {
    this.setDeadline('head', this.reading.atMs + exchange.request.timeouts.headMs);
  }

  awaitBody(exchange: Exchange): void {
    this.setDeadline('body', this.reading.atMs + exchange.request.timeouts.bodyMs);
  }

  hint(timeoutSeconds: number | null, max: number | null): void {
    if (timeoutSeconds !== null) this.home.hint(timeoutSeconds);
    if (max !== null) this.requestLimit = Math.min(this.requestLimit, this.requestCount + max);
  }

  // ---- flow ----

  hold(): void {
    if (this.isHeld || this.isClosed) return;
    this.isHeld = true;
    this.heldSinceMs = this.reading.atMs;
    this.setDeadline('stalled', this.reading.atMs + Math.min(stallLookMs, this.home.settings.unreadMs));
  }

  resume(exchange: Exchange): void {
    if (!this.isHeld || this.owed[0] !== exchange || this.isClosed) return;
    this.setDeadline('body', performance.now() + exchange.request.timeouts.bodyMs);
    this.letGo();
  }

  private letGo(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    if (!this.isReading) this.socket.resume();
  }

  /** Reads the rest of the response for nobody, within the limits, so that the connection can be used again. */
  drain(exchange: Exchange): void {
    if (this.owed[0] !== exchange || this.isClosed) return;
    const { drainByteCount, drainMs } = this.home.settings;
    this.reading.draining = true;
    this.reading.drainLeft = drainByteCount;
    this.setDeadline('drain', performance.now() + drainMs);
    this.letGo();
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
    const head = this.reading.tunnelHead!;
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
    exchange.lastByteAtMs = this.reading.atMs;
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
    this.reading.atMs = performance.now();
    if (this.owed.length === 0) {
      this.told?.fin('server');
      this.close('idle-close');
      return;
    }
    if (this.evidence.endWasReset()) {
      this.onSocketError(new Error('The connection was reset behind its last bytes.'));
      return;
    }
    this.told?.fin('server');
    const { reader } = this.reading;
    const first = this.owed[0]!;
    if (reader.state === 'between' && first.firstByteAtMs === 0) {
      this.fail((exchange) => ({
        error: failure('closed-before-response'),
        connectionFailed: true,
        neverTaken: this.sending.refused || this.evidence.acknowledgedNothingFrom(exchange.startByte),
      }));
      return;
    }
    reader.end(true);
    const { ended } = this.reading;
    this.reading.ended = null;
    if (ended !== null) {
      // A body that ends with the connection.
      this.close('ours');
      ended.finish();
    } else if (!this.isClosed) this.failFirst(failure('response-cut'), true);
  }

  private onSocketError(cause: Error): void {
    if (this.isClosed) return;
    this.reading.atMs = performance.now();
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    const lost = code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'ENETDOWN';
    if (!lost) this.told?.reset('server');
    if (this.owed.length === 0) {
      this.close(lost ? 'failed' : 'idle-close');
      return;
    }
    const begun = this.owed[0]!.firstByteAtMs !== 0;
    const name: ErrorCode = lost ? 'server-unreachable' : begun ? 'response-reset' : 'reset-before-response';
    const neverTaken = this.sending.refused && !begun;
    this.fail(() => ({ error: failure(name, cause), connectionFailed: true, neverTaken }));
  }

  private poisoned(data: Uint8Array, length: number): void {
    // Some servers announce an idle timeout with a 408 before they close (RFC 9110 §15.5.9).
    const announced = length >= 12 && Buffer.from(data.buffer, data.byteOffset, 12).toString('latin1').endsWith(' 408');
    this.close(announced ? 'idle-close' : 'poisoned');
  }

  onDue(nowMs: number): void {
    if (this.isClosed) return;
    this.reading.atMs = nowMs;
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

  /** An unread response keeps its connection for a while; only for a second when it was never touched and others wait. */
  private lookAtStall(nowMs: number): void {
    const { unreadMs } = this.home.settings;
    const heldMs = nowMs - this.heldSinceMs;
    const untouched = this.owed[0]!.taker.isUntouched?.() ?? false;
    if (heldMs >= unreadMs || (untouched && this.home.isWaitedFor)) this.failFirst(new HoldfastError('response-not-read'));
    else this.setDeadline('stalled', nowMs + Math.min(stallLookMs, unreadMs - heldMs));
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
    const drained = this.reading.draining ? this.owed.shift() : undefined;
    this.reading.draining = false;
    if (this.owed.length > 0) {
      this.fail(laterVictim, why);
    } else this.end(why, []);
    drained?.finish();
  }

  private end(why: CloseReason, failed: FailedExchange[]): void {
    this.isClosed = true;
    if (why === 'idle-close') this.closedAfterMs = this.serverWaitedMs();
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
      if (this.evidence.hasUnreadBytes()) told!.reset('client');
      else told!.fin('client');
    }
    told!.close('finished');
  }
}

const failure = (code: ErrorCode, cause?: unknown): HoldfastError => new HoldfastError(code, { cause });

const refusal = ({ code, text }: MessageProblem): HoldfastError =>
  new HoldfastError('response-refused', { detail: `${text} (${code})` });

/** A request behind one that took the connection down. */
const laterVictim = () => ({ error: failure('closed-before-response'), connectionFailed: true });
