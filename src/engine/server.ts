/**
 * The server: listens, admits connections, hands requests to the handler, and stops without losing one.
 *
 *     const server = await serve({ port: 8080 }, (request, response) => response.end('Hello'));
 *     const server = await serve({ port: 8080, fetch: app.fetch });
 *
 * What happens on a connection is in server-connection.ts. Here is what they share: settings, the deadlines' timer, the lines that every
 * head has, the counts.
 */

import { once } from 'node:events';
import { type AddressInfo, createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

import type { Observer } from '../base/index.js';
import { Deadlines } from './deadlines.js';
import { type ErrorCode, HoldfastError } from './errors.js';
import { ServerConnection } from './server-connection.js';
import { clientOf } from './server-endpoint.js';
import { StandingLines, writeRefusal } from './server-head.js';
import type { AccessEntry } from './server-log.js';
import {
  clockOf,
  type ErrorContext,
  type NativeHandler,
  type ServerOptions,
  type ServerSettings,
  settingsOf,
  type TakeOver,
} from './server-options.js';
import { readInPlace } from './server-read-in-place.js';
import { SharedReaders } from './server-reader.js';
import type { ServerRequest } from './server-request.js';
import type { ServerResponse } from './server-response.js';
import { nativeHandlerOf } from './server-web.js';
import { setProbes } from './tcp-probes.js';

export interface StopOptions {
  /** How long requests in work, and their closes, may take. Then what is left is destroyed. Default 10 s. */
  readonly graceMs?: number;
  /** How long idle connections are kept, so that a request on its way is still answered, with `Connection: close`. Default 100 ms. */
  readonly idleGraceMs?: number;
}

export interface ServerCounts {
  /** Connections accepted since the start, refused ones too. */
  readonly connections: number;
  /** Connections open now; of these, idle. */
  readonly open: number;
  readonly idle: number;
  /** Connections accepted that wait for a place. */
  readonly waiting: number;
  /** Requests whose head was read. */
  readonly requests: number;
  /** Failures, by name. */
  readonly errors: Readonly<Partial<Record<ErrorCode, number>>>;
}

/** A request that the server itself answers. */
export interface RequestRefusal {
  readonly status: number;
  readonly code: string;
  readonly lines: string;
}

const connectionOf = Symbol('connection');
type ServedSocket = Socket & { [connectionOf]: ServerConnection };

export class Server {
  /** @internal */
  readonly settings: ServerSettings;
  /** @internal */
  readonly deadlines: Deadlines;
  /** @internal */
  readonly standingLines: StandingLines;
  /** @internal */
  readonly readers: SharedReaders;
  /** @internal */
  readonly handler: NativeHandler;
  /** @internal */
  readonly observer: Observer | undefined;
  /** @internal */
  readonly onAccess: ((entry: AccessEntry) => void) | undefined;
  /** @internal */
  requestCount = 0;
  /** @internal No response may persist. */
  closesAfterResponse: boolean;
  /** Whether `stop` was called. */
  stopping = false;
  /** @internal See `StopOptions`. */
  idleGraceMs = 0;
  private readonly listener: NetServer;
  private readonly connections = new Set<ServerConnection>();
  private readonly waiting = new Set<Socket>();
  private readonly errorCounts: Partial<Record<ErrorCode, number>> = {};
  private readonly onError: ServerOptions['onError'];
  private readonly onUpgrade: TakeOver | undefined;
  private readonly onConnect: TakeOver | undefined;
  private readonly knownMethods: Set<string>;
  private readonly allowedMethods: Set<string>;
  private readonly allowLine: string;
  private connectionCount = 0;
  private keepAlivesEnabled = true;
  private emptied: (() => void) | null = null;

  /** @internal */
  constructor(
    private readonly options: ServerOptions,
    handler: NativeHandler,
  ) {
    this.settings = settingsOf(options);
    this.deadlines = new Deadlines(clockOf(options));
    this.standingLines = new StandingLines(this.settings);
    this.readers = new SharedReaders(this.settings.limits);
    this.handler = handler;
    this.observer = options.observer;
    this.onAccess = options.onAccess;
    this.onError = options.onError;
    this.onUpgrade = options.onUpgrade;
    this.onConnect = options.onConnect;
    this.closesAfterResponse = this.settings.idleTimeoutMs === 0;
    this.knownMethods = new Set(this.settings.knownMethods);
    this.allowedMethods = new Set(this.settings.allowedMethods);
    if (this.onConnect !== undefined) this.allowedMethods.add('CONNECT');
    this.allowLine = `Allow: ${[...this.allowedMethods].join(', ')}\r\n`;
    const { tcpKeepAlive } = this.settings;
    const socketOptions = {
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: tcpKeepAlive !== null,
      keepAliveInitialDelay: tcpKeepAlive?.idleMs ?? 0,
      pauseOnConnect: options.tls === undefined,
    };
    const accept = (socket: Socket) => this.accept(socket);
    if (options.tls === undefined) this.listener = createNetServer(socketOptions, accept);
    else {
      const handshakeTimeout = Math.min(this.settings.firstRequestTimeoutMs, 120_000);
      this.listener = createTlsServer({ ...socketOptions, handshakeTimeout, ...options.tls }, accept);
      this.listener.on('tlsClientError', (cause: Error, socket: Socket) => {
        this.report(new HoldfastError('tls-handshake-failed', { cause }), { connectionNumber: 0, requestNumber: 0 });
        socket.destroy();
      });
    }
  }

  /** @internal */
  async listen(): Promise<this> {
    const { port = 0, host = '127.0.0.1', backlog = 1024 } = this.options;
    try {
      this.listener.listen({ port, host, backlog });
      await once(this.listener, 'listening');
    } catch (cause) {
      throw new HoldfastError('listen-failed', { cause, detail: `${host}:${port}` });
    }
    this.listener.on('error', (cause) => {
      this.report(new HoldfastError('internal-error', { cause, fault: 'server' }), { connectionNumber: 0, requestNumber: 0 });
    });
    return this;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo | null)?.port ?? 0;
  }

  get address(): string {
    return (this.listener.address() as AddressInfo | null)?.address ?? '';
  }

  /** `http://127.0.0.1:8080`, without a slash at its end. */
  get url(): string {
    const host = this.address.includes(':') ? `[${this.address}]` : this.address;
    return `${this.options.tls === undefined ? 'http' : 'https'}://${host}:${this.port}`;
  }

  get counts(): ServerCounts {
    let idle = 0;
    for (const connection of this.connections) if (connection.isIdle) idle += 1;
    return {
      connections: this.connectionCount,
      open: this.connections.size,
      idle,
      waiting: this.waiting.size,
      requests: this.requestCount,
      errors: { ...this.errorCounts },
    };
  }

  /** With false, every response from now on says close; connections that are idle stay until their next response or timeout. */
  setKeepAlivesEnabled(enabled: boolean): void {
    this.keepAlivesEnabled = enabled;
    this.closesAfterResponse = this.stopping || !enabled || this.settings.idleTimeoutMs === 0;
  }

  /** Whether responses may persist at all. */
  get keepAlives(): boolean {
    return this.keepAlivesEnabled && this.settings.idleTimeoutMs > 0;
  }

  /**
   * Takes no more connections, lets what is in work finish (each response says close), and closes. Resolves when no connection is left.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    const { graceMs = 10_000, idleGraceMs = 100 } = options;
    this.idleGraceMs = idleGraceMs;
    if (!this.stopping) {
      this.stopping = true;
      this.closesAfterResponse = true;
      this.listener.close();
      for (const socket of this.waiting) socket.destroy();
      this.waiting.clear();
    }
    for (const connection of [...this.connections]) connection.stopSoon(idleGraceMs);
    if (this.connections.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    if (graceMs !== Number.POSITIVE_INFINITY) {
      timer = setTimeout(() => {
        for (const connection of [...this.connections]) connection.socket.destroy();
      }, graceMs);
    }
    await new Promise<void>((resolve) => {
      const before = this.emptied;
      this.emptied = () => {
        before?.();
        resolve();
      };
    });
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** @internal */
  report(error: HoldfastError, context: ErrorContext): void {
    this.errorCounts[error.code] = (this.errorCounts[error.code] ?? 0) + 1;
    this.onError?.(error, context);
  }

  /** @internal What the server itself answers, without the handler; null for what the handler shall answer. */
  refusalOf(request: ServerRequest): RequestRefusal | null {
    if (!this.allowedMethods.has(request.method)) {
      return this.knownMethods.has(request.method)
        ? { status: 405, code: 'method-not-allowed', lines: this.allowLine }
        : { status: 501, code: 'method-unknown', lines: '' };
    }
    if (request.contentLength > this.settings.bodyByteCount) {
      this.report(new HoldfastError('request-body-too-large'), {
        connectionNumber: request.connectionNumber,
        requestNumber: request.number,
      });
      return { status: 413, code: 'request-body-too-large', lines: '' };
    }
    return null;
  }

  /** @internal */
  takesOver(request: ServerRequest): boolean {
    if (request.method === 'CONNECT') return this.onConnect !== undefined;
    if (!request.hasBody && (this.options.takeOver?.(request) ?? null) !== null) return true;
    if (this.onUpgrade === undefined || !request.head.saysUpgrade || request.hasBody) return false;
    const wanted = (request.header('upgrade') ?? '').toLowerCase().split(',');
    return wanted.some((protocol) => this.settings.upgradeProtocols.includes(protocol.trim().split('/')[0]!));
  }

  /** @internal */
  handOver(connection: ServerConnection, request: ServerRequest, head: Uint8Array): void {
    const { socket } = connection;
    socket.off('data', onData);
    socket.off('end', onEnd);
    // As node:http does: neither flowing nor paused, until the new owner listens.
    (socket as { readableFlowing: boolean | null }).readableFlowing = null;
    try {
      const take = request.method === 'CONNECT' ? this.onConnect! : (this.options.takeOver?.(request) ?? this.onUpgrade!);
      take(request, socket, head);
    } catch (cause) {
      this.report(new HoldfastError('handler-failed', { cause }), {
        connectionNumber: connection.number,
        requestNumber: request.number,
      });
      socket.destroy();
    }
  }

  /** @internal */
  logExchange(connection: ServerConnection, response: ServerResponse): void {
    const { request } = response;
    const client = clientOf(connection.socket);
    const durationMs = this.deadlines.clock.now() - response.readAtMs;
    this.onAccess?.({
      clientAddress: client.address,
      clientPort: client.port,
      connectionNumber: connection.number,
      requestNumber: request.number,
      at: new Date(Date.now() - durationMs),
      method: request.method,
      target: request.target,
      version: request.version,
      status: response.sentStatus,
      requestBodyByteCount: request.bodyByteCount,
      responseBodyByteCount: response.bodyByteCount,
      durationMs,
      persists: response.phase === 'ended' && !response.saysClose,
      error: request.failure?.code ?? null,
    });
  }

  /** @internal */
  logRefusal(connection: ServerConnection, status: number, error: ErrorCode): void {
    const client = clientOf(connection.socket);
    this.onAccess?.({
      clientAddress: client.address,
      clientPort: client.port,
      connectionNumber: connection.number,
      requestNumber: connection.requestCount + 1,
      at: new Date(),
      method: '',
      target: '',
      version: '',
      status,
      requestBodyByteCount: 0,
      responseBodyByteCount: 0,
      durationMs: 0,
      persists: false,
      error,
    });
  }

  /** @internal */
  connectionGone(connection: ServerConnection): void {
    this.connections.delete(connection);
    if (this.waiting.size > 0 && this.connections.size < this.settings.maxConnections) {
      const [next] = this.waiting;
      this.waiting.delete(next!);
      next!.off('error', ignore);
      this.admit(next!);
    }
    if (this.stopping && this.connections.size === 0) {
      const { emptied } = this;
      this.emptied = null;
      emptied?.();
    }
  }

  private accept(socket: Socket): void {
    this.connectionCount += 1;
    if (this.stopping) {
      socket.destroy();
      return;
    }
    const { maxConnections, whenFull, waitingConnections } = this.settings;
    if (this.connections.size < maxConnections) {
      this.admit(socket);
    } else if (whenFull === 'wait' && this.options.tls === undefined && this.waiting.size < waitingConnections) {
      this.waiting.add(socket);
      socket.on('error', ignore);
      socket.once('close', () => this.waiting.delete(socket));
    } else this.refuseConnection(socket);
  }

  private admit(accepted: Socket): void {
    let connection!: ServerConnection;
    const inPlace =
      this.options.tls === undefined ? readInPlace(accepted, (data, byteCount) => connection.onBytes(data, byteCount)) : null;
    const socket = inPlace ?? accepted;
    connection = new ServerConnection(this, socket, this.connectionCount, inPlace !== null);
    const { tcpKeepAlive } = this.settings;
    if (tcpKeepAlive?.intervalMs !== undefined || tcpKeepAlive?.count !== undefined) {
      setProbes(socket, { intervalMs: 1000, count: 10, ...tcpKeepAlive });
    }
    (socket as ServedSocket)[connectionOf] = connection;
    this.connections.add(connection);
    if (inPlace === null) {
      socket.on('data', onData);
      socket.resume();
    }
    socket.on('end', onEnd);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  /** 503, then the FIN; the client has the linger time to read it and to close. */
  private refuseConnection(socket: Socket): void {
    this.report(new HoldfastError('too-many-connections'), { connectionNumber: this.connectionCount, requestNumber: 0 });
    this.standingLines.refresh();
    socket.on('error', ignore);
    socket.resume();
    socket.end(writeRefusal(503, 'too-many-connections', this.standingLines.last, 'Retry-After: 1\r\n', false), 'latin1');
    const timer = setTimeout(() => socket.destroy(), this.settings.lingerTimeoutMs);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }
}

function ignore(): void {}

function onData(this: Socket, data: Buffer): void {
  (this as ServedSocket)[connectionOf].onData(data);
}

function onEnd(this: Socket): void {
  (this as ServedSocket)[connectionOf].onEnd();
}

function onError(this: Socket, error: Error): void {
  (this as ServedSocket)[connectionOf].onSocketError(error);
}

function onClose(this: Socket): void {
  (this as ServedSocket)[connectionOf].onClosed();
}

/**
 * Starts a server. Resolves when it listens; rejects with `listen-failed`, and throws `invalid-option`.
 *
 * Give either a native handler or `options.fetch`.
 */
export async function serve(options: ServerOptions, handler?: NativeHandler): Promise<Server> {
  if ((handler === undefined) === (options.fetch === undefined)) {
    throw new HoldfastError('invalid-option', { detail: 'Give either a handler or fetch.' });
  }
  return new Server(options, handler ?? nativeHandlerOf(options.fetch!)).listen();
}
