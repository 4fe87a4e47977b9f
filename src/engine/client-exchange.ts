/**
 * One request on its way to one response, through waiting, sending, perhaps sending again, and reading. It belongs to the pool
 * while it waits and to one connection after that; it ends exactly once, in `finish` or `fail`.
 *
 *     waiting ──► assigned ──► done
 *        ▲───────────┘ (sent once more, client-retry.ts)
 *
 * The handler's calls are guarded: what it throws ends this exchange and no other.
 */

import type { Socket } from 'node:net';
import type { Fields, ResponseHead } from '../wire/index.js';
import type { ClientConnection } from './client-connection.js';
import type { PreparedRequest } from './client-request.js';
import type { Deadline, Deadlines } from './deadlines.js';
import { HoldfastError } from './errors.js';

/**
 * Takes a response as it comes, at least cost. Heads and pieces are borrowed: valid only during the call. Exactly one of `onEnd`,
 * `onError` and `onTunnel` is called, last.
 */
export interface ResponseTaker {
  /** The request is about to be written; called again before a retry. */
  onSend?(): void;
  /** A 1xx other than 101. */
  onInterim?(head: ResponseHead): void;
  onHead(head: ResponseHead): void;
  /** data[start, end) is content. `false` asks for no more until `Exchange.resume()`. */
  onBody(data: Uint8Array, start: number, end: number): unknown;
  onTrailers?(trailers: Fields): void;
  /** Nobody has begun to read what was handed over. Asked when pieces were refused and others wait for the connection. */
  isUntouched?(): boolean;
  onEnd(): void;
  onError(error: HoldfastError): void;
  /** After 101 or a 2xx to CONNECT, instead of `onEnd`: the socket is the taker's from now on, `rest` came behind the head. */
  onTunnel?(head: ResponseHead, socket: Socket, rest: Uint8Array): void;
}

/** What a request cost, in milliseconds from its start; null: has not happened, or not for this request. */
export interface ExchangeTimings {
  /** When it began, on the scale of performance.now(). */
  readonly startedAtMs: number;
  /** Until a connection took it, the making of the connection included. */
  readonly queuedMs: number | null;
  /** How long name, TCP and TLS took, when a connection was made for it and it was the first on it. */
  readonly nameMs: number | null;
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  readonly firstByteMs: number | null;
  readonly lastByteMs: number | null;
  /** The connection had carried requests before, or had lain idle. */
  readonly reused: boolean;
  /** It was sent a second time. */
  readonly retried: boolean;
}

export interface ExchangeConnection {
  /** Number of the connection within its client, counted from 1. */
  readonly number: number;
  /** Number of the request on the connection, counted from 1. */
  readonly requestNumber: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Time since the last response ended on the connection, 0 for a fresh one. */
  readonly idleGapMs: number;
  /** TLS version and whether its session was resumed, or null. */
  readonly tls: { readonly version: string; readonly resumed: boolean } | null;
}

/** Where exchanges go back to: the pool of their origin. */
export interface ExchangeHome {
  readonly deadlines: Deadlines;
  /** A waiting exchange has ended: it need not be served. */
  forget(exchange: Exchange): void;
}

export class Exchange {
  state: 'waiting' | 'assigned' | 'done' = 'waiting';
  connection: ClientConnection | null = null;
  attempts = 0;
  /** Only a connection made anew will do (it is a retry). */
  wantsFresh = false;
  reused = false;
  idleGapMs = 0;
  requestNumber = 0;
  /** Byte of the connection at which the request begins, −1 when unknown. */
  startByte = -1;
  /** The request is wholly with the kernel, or on its way there. */
  sent = false;
  /** A piece of a streamed body has been taken from its source. */
  bodyTouched = false;
  firstByteAtMs = 0;
  lastByteAtMs = 0;
  assignedAtMs = 0;
  /** Upload in progress: ends it. */
  stopUpload: (() => void) | null = null;
  /** Called by `100 Continue`. */
  onContinue: (() => void) | null = null;
  private waitDeadline: ExchangeDeadline | null = null;
  private totalDeadline: ExchangeDeadline | null = null;
  private signal: AbortSignal | null = null;

  constructor(
    readonly request: PreparedRequest,
    readonly taker: ResponseTaker,
    readonly home: ExchangeHome,
    readonly startedAtMs: number,
  ) {
    const { totalMs } = request.timeouts;
    if (totalMs !== Number.POSITIVE_INFINITY) {
      this.totalDeadline = new ExchangeDeadline(startedAtMs + totalMs, () =>
        this.abort(new HoldfastError('request-total-timeout', { detail: `Limit: ${totalMs} ms.` })),
      );
      home.deadlines.moved(this.totalDeadline);
    }
  }

  /** For the reader: the request that a response answers. */
  get method(): string {
    return this.request.method;
  }

  get version(): string {
    return this.request.version;
  }

  /** Ends the exchange when the signal does. An already aborted signal ends it at once. */
  follow(signal: AbortSignal): void {
    this.signal = signal;
    if (signal.aborted) this.onAbort();
    else signal.addEventListener('abort', this.onAbort, { once: true });
  }

  private readonly onAbort = (): void => {
    const reason: unknown = this.signal?.reason;
    this.abort(new HoldfastError('aborted', { cause: reason }));
  };

  /** It begins to wait for a connection. */
  wait(nowMs: number): void {
    this.state = 'waiting';
    const { queueMs } = this.request.timeouts;
    if (queueMs === Number.POSITIVE_INFINITY) return;
    this.waitDeadline ??= new ExchangeDeadline(Number.POSITIVE_INFINITY, () =>
      this.abort(new HoldfastError('queue-timeout', { detail: `Limit: ${queueMs} ms.` })),
    );
    this.waitDeadline.dueAtMs = nowMs + queueMs;
    this.home.deadlines.moved(this.waitDeadline);
  }

  /** A connection takes it. */
  assign(connection: ClientConnection, nowMs: number): void {
    this.state = 'assigned';
    this.connection = connection;
    this.attempts++;
    this.sent = false;
    if (this.assignedAtMs === 0) this.assignedAtMs = nowMs;
    if (this.waitDeadline !== null) this.home.deadlines.remove(this.waitDeadline);
  }

  /** Gives it up wherever it is. No effect once it is done. */
  abort(error: HoldfastError): void {
    if (this.state === 'done') return;
    const { connection } = this;
    if (this.state === 'waiting' || connection === null) {
      this.home.forget(this);
      this.fail(error);
    } else connection.abandon(this, error);
  }

  /** Ends the response early; its connection lives on when the rest is short (ClientOptions.drain). */
  dump(): void {
    if (this.state === 'assigned') this.connection!.drain(this);
  }

  /** Body pieces may come again. */
  resume(): void {
    if (this.state === 'assigned') this.connection!.resume(this);
  }

  /** The whole response has been read. */
  finish(): void {
    if (this.state === 'done') return;
    this.end();
    try {
      this.taker.onEnd();
    } catch (error) {
      reportLater(error);
    }
  }

  fail(error: HoldfastError): void {
    if (this.state === 'done') return;
    this.end();
    try {
      this.taker.onError(error);
    } catch (thrown) {
      reportLater(thrown);
    }
  }

  /** Becomes a tunnel. */
  tunnel(head: ResponseHead, socket: Socket, rest: Uint8Array): void {
    this.end();
    try {
      this.taker.onTunnel!(head, socket, rest);
    } catch (thrown) {
      socket.destroy();
      reportLater(thrown);
    }
  }

  private end(): void {
    this.state = 'done';
    this.stopUpload?.();
    this.stopUpload = null;
    this.onContinue = null;
    if (this.signal !== null) this.signal.removeEventListener('abort', this.onAbort);
    if (this.waitDeadline !== null) this.home.deadlines.remove(this.waitDeadline);
    if (this.totalDeadline !== null) this.home.deadlines.remove(this.totalDeadline);
  }

  get timings(): ExchangeTimings {
    const since = (atMs: number): number | null => (atMs === 0 ? null : atMs - this.startedAtMs);
    const { connection } = this;
    const fresh = connection !== null && !this.reused;
    return {
      startedAtMs: this.startedAtMs,
      queuedMs: since(this.assignedAtMs),
      nameMs: fresh ? connection.opened.nameMs : null,
      connectMs: fresh ? connection.opened.connectMs : null,
      tlsMs: fresh ? connection.opened.tlsMs : null,
      firstByteMs: since(this.firstByteAtMs),
      lastByteMs: since(this.lastByteAtMs),
      reused: this.reused,
      retried: this.attempts > 1,
    };
  }

  /** The connection that took it (last), or null while it waits for its first. */
  get connectionInfo(): ExchangeConnection | null {
    const { connection } = this;
    if (connection === null) return null;
    return {
      number: connection.number,
      requestNumber: this.requestNumber,
      ...connection.addresses,
      idleGapMs: this.idleGapMs,
      tls: connection.opened.tls,
    };
  }
}

class ExchangeDeadline implements Deadline {
  filedAtMs = 0;
  filedIndex = -1;
  constructor(
    public dueAtMs: number,
    readonly onDue: () => void,
  ) {}
}

/** What a taker throws from its last call concerns nobody here: it is the application's, as an uncaught exception. */
function reportLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
