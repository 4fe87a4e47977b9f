/**
 * Makes connections: name, TCP, the proxy's tunnel, TLS; each with its own time limit and its own error.
 *
 *     name ── TCP ──┬──────────────┬── TLS ──► opened
 *                   └─ CONNECT ────┘
 *
 * Rules
 * - ALPN offers `http/1.1` and nothing else; TLS sessions are kept for the next connection to the same origin (RFC 8446 §2.2).
 * - Every socket is half-open on purpose: the peer's FIN is the connection's to judge, not the socket's to answer.
 * - Where nothing stands between (no proxy, no upgrade), bytes are read into one buffer that all connections share: they are used
 *   up before the next read.
 */

import { connect as connectTcp, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type TLSSocket, type ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import type { ClientSettings, ConnectionWitness } from './client-options.js';
import { askForTunnel } from './client-tunnel.js';
import { type ErrorCode, HoldfastError } from './errors.js';

/** Where connections go: scheme, host and port, without brackets around an IPv6 address. */
export interface Origin {
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number;
  /** For the Host field. */
  readonly authority: string;
}

export function originOf(origin: string): Origin {
  const { protocol, hostname, port, host } = new URL(origin);
  const isTls = protocol === 'https:';
  return {
    isTls,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isTls ? 443 : 80) : Number(port),
    authority: host,
  };
}

export interface ConnectionAddresses {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** A connection ready for its first request. */
export interface OpenedConnection {
  readonly socket: Socket;
  readonly addresses: ConnectionAddresses;
  /** Durations; null where there was no such step. */
  readonly nameMs: number | null;
  readonly connectMs: number;
  readonly tlsMs: number | null;
  readonly tls: { readonly version: string; readonly resumed: boolean } | null;
  /** Bytes that this end has written already (to the proxy). */
  readonly writtenByteCount: number;
  /** It stands in for one that failed with several requests on it. */
  readonly replacesFailed: boolean;
  /** Begins to read. `read` gets borrowed bytes and says whether it wants more; `socket.resume()` asks for more again. */
  attach(read: ReadBytes, ended: () => void, failed: (error: Error) => void): void;
  /** Lets go of the socket, for whoever takes it over; null when it cannot be handed over. */
  readonly detach: (() => void) | null;
}

type ReadBytes = (data: Uint8Array, length: number) => boolean;

/** What the connections to one origin have in common. */
export interface ConnectionSource {
  readonly origin: Origin;
  readonly settings: ClientSettings;
  /** The newest TLS session. */
  session: Buffer | null;
}

export interface OpeningOptions {
  /** The socket may have to be handed over (an upgrade). */
  readonly mayBeHandedOver: boolean;
  readonly replacesFailed: boolean;
  readonly connectMs: number;
  readonly tlsMs: number;
}

/** Read by every connection in turn, never held. */
const sharedBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Begins to open a connection. Calls exactly one of the two, later; neither once it was cancelled by the returned function. */
export function openConnection(
  source: ConnectionSource,
  options: OpeningOptions,
  opened: (connection: OpenedConnection) => void,
  failed: (error: HoldfastError) => void,
): () => void {
  const opening = new Opening(source, options, opened, failed);
  opening.begin();
  return () => opening.cancel();
}

class Opening {
  private readonly startedAtMs = performance.now();
  private stepAtMs = this.startedAtMs;
  private nameMs: number | null = null;
  private connectMs = 0;
  private tlsMs: number | null = null;
  private writtenByteCount = 0;
  private timer: NodeJS.Timeout | null = null;
  private socket: Socket | null = null;
  private over = false;
  /** What is wrong when the socket fails now. */
  private step: 'connect' | 'proxy' | 'tls' = 'connect';
  /** Who reads from the shared buffer. */
  private read: ReadBytes | null = null;
  private sharesBuffer = false;

  constructor(
    private readonly source: ConnectionSource,
    private readonly options: OpeningOptions,
    private readonly opened: (connection: OpenedConnection) => void,
    private readonly failed: (error: HoldfastError) => void,
  ) {}

  begin(): void {
    const { origin, settings } = this.source;
    const { proxy, socketPath, localAddress, probeAfterMs } = settings;
    const target =
      socketPath !== null && proxy === null
        ? { path: socketPath }
        : {
            ...(proxy === null ? { host: origin.host, port: origin.port } : endOf(proxy.url)),
            ...(localAddress !== null && { localAddress }),
          };
    const probes = probeAfterMs !== Number.POSITIVE_INFINITY;
    const common = {
      ...target,
      noDelay: true,
      allowHalfOpen: true,
      ...(probes && { keepAlive: true, keepAliveInitialDelay: probeAfterMs }),
    };
    this.limit(this.options.connectMs, 'connect-timeout');
    this.sharesBuffer = proxy === null && !this.options.mayBeHandedOver;
    const onread = this.sharesBuffer ? { onread: { buffer: sharedBuffer, callback: this.onShared } } : {};
    if (proxy === null && origin.isTls) this.beginTls({ ...common, ...onread }, origin.host);
    else if (proxy?.url.protocol === 'https:') this.beginTls(common, proxy.url.hostname);
    else {
      const socket = connectTcp({ ...common, ...onread } as TcpNetConnectOpts);
      this.hold(socket);
      socket.once('connect', () => this.tcpConnected());
    }
  }

  /** TCP and TLS in one, where nothing comes between. */
  private beginTls(target: object, host: string): void {
    const socket = connectTls(this.tlsOptions(host, target));
    this.hold(socket);
    socket.once('connect', () => {
      this.connectMs = this.lap();
      this.step = 'tls';
      this.limit(this.options.tlsMs, 'tls-timeout');
    });
    this.awaitTls(socket, () => (this.source.settings.proxy === null ? this.finish() : this.askProxy(socket)));
  }

  private awaitTls(socket: TLSSocket, then: () => void): void {
    if (this.source.settings.proxy === null || this.step !== 'connect') {
      socket.on('session', (session) => {
        this.source.session = session;
      });
    }
    socket.once('secureConnect', () => {
      this.tlsMs = (this.tlsMs ?? 0) + this.lap();
      then();
    });
  }

  private tlsOptions(host: string, target: object): TlsConnectionOptions {
    const { settings, session } = this.source;
    const toOrigin = settings.proxy === null || 'socket' in target;
    return {
      ...(isIP(host) === 0 && { servername: host }),
      ...settings.tls,
      ...(toOrigin && session !== null && { session }),
      ...target,
      ALPNProtocols: ['http/1.1'],
    };
  }

  private tcpConnected(): void {
    this.connectMs = this.lap();
    if (this.source.settings.proxy === null) this.finish();
    else this.askProxy(this.socket!);
  }

  private askProxy(socket: Socket): void {
    const { origin, settings } = this.source;
    this.step = 'proxy';
    this.limit(this.options.tlsMs, 'proxy-timeout');
    const authority = `${origin.host.includes(':') ? `[${origin.host}]` : origin.host}:${origin.port}`;
    this.writtenByteCount += askForTunnel(socket, authority, settings, (error) => {
      if (this.over) return;
      if (error !== null) this.fail(error);
      else if (origin.isTls) this.tlsThroughTunnel(socket);
      else this.finish();
    });
  }

  private tlsThroughTunnel(tunnel: Socket): void {
    this.step = 'tls';
    this.lap();
    this.limit(this.options.tlsMs, 'tls-timeout');
    tunnel.removeAllListeners('error');
    tunnel.removeAllListeners('close');
    const socket = connectTls(this.tlsOptions(this.source.origin.host, { socket: tunnel, allowHalfOpen: true }));
    this.hold(socket);
    this.awaitTls(socket, () => this.finish());
  }

  private hold(socket: Socket): void {
    this.socket = socket;
    this.source.settings.witness?.socket?.(socket);
    if (this.step === 'connect') {
      socket.once('lookup', () => {
        this.nameMs = this.lap();
      });
    }
    socket.on('error', this.onError);
    socket.on('close', this.onClose);
  }

  /** Time since the last step ended. */
  private lap(): number {
    const nowMs = performance.now();
    const ms = nowMs - this.stepAtMs;
    this.stepAtMs = nowMs;
    return ms;
  }

  private limit(ms: number, code: ErrorCode): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (ms === Number.POSITIVE_INFINITY) return;
    this.timer = setTimeout(() => this.fail(new HoldfastError(code, { detail: `Limit: ${ms} ms.` })), Math.min(ms, 0x7fff_ffff));
  }

  private readonly onError = (error: Error): void => this.fail(connectError(this.step, error));
  private readonly onClose = (): void => this.fail(connectError(this.step, new Error('The socket was closed.')));
  private readonly onShared = (length: number, data: Uint8Array): boolean =>
    this.read === null ? this.tooEarly() : this.read(data, length);

  /** Bytes before anything was asked for. */
  private tooEarly(): boolean {
    this.fail(new HoldfastError('response-refused', { detail: 'It came before any request.' }));
    return false;
  }

  cancel(): void {
    if (this.stop()) this.socket?.destroy();
  }

  private fail(error: HoldfastError): void {
    if (!this.stop()) return;
    this.socket?.destroy();
    this.failed(error);
  }

  private stop(): boolean {
    if (this.over) return false;
    this.over = true;
    if (this.timer !== null) clearTimeout(this.timer);
    return true;
  }

  private finish(): void {
    if (!this.stop()) return;
    const socket = this.socket!;
    const { sharesBuffer } = this;
    const { session: _, settings } = this.source;
    const isTls = 'getProtocol' in socket;
    let detach: (() => void) | null = null;
    const connection: OpenedConnection = {
      socket,
      addresses: {
        localAddress: socket.localAddress ?? '',
        localPort: socket.localPort ?? 0,
        remoteAddress: socket.remoteAddress ?? settings.socketPath ?? '',
        remotePort: socket.remotePort ?? 0,
      },
      nameMs: this.nameMs,
      connectMs: this.connectMs,
      tlsMs: this.tlsMs,
      tls: isTls ? tlsFactsOf(socket as TLSSocket) : null,
      writtenByteCount: this.writtenByteCount,
      replacesFailed: this.options.replacesFailed,
      attach: (toConnection, ended, failed) => {
        const { witness } = settings;
        const read = witness?.bytes === undefined ? toConnection : witnessed(socket, toConnection, witness);
        socket.removeListener('error', this.onError);
        socket.removeListener('close', this.onClose);
        const closed = (): void => failed(new Error('The socket was closed.'));
        socket.on('error', failed);
        socket.on('close', closed);
        socket.on('end', ended);
        const onData = (data: Uint8Array): void => {
          if (!read(data, data.length)) socket.pause();
        };
        if (sharesBuffer) this.read = read;
        else {
          socket.on('data', onData);
          // The proxy's answer was read from it before, and then it was stopped.
          socket.resume();
        }
        detach = () => {
          socket.pause();
          socket.removeListener('data', onData);
          socket.removeListener('end', ended);
          socket.removeListener('close', closed);
          socket.removeListener('error', failed);
        };
      },
      get detach() {
        return sharesBuffer ? null : detach;
      },
    };
    this.opened(connection);
  }
}

/** Tells what is written from now on, and gives a `read` that tells what is read. */
function witnessed(socket: Socket, read: ReadBytes, witness: ConnectionWitness): ReadBytes {
  const write = socket.write as (...parameters: unknown[]) => boolean;
  socket.write = (data: string | Uint8Array, ...parameters: unknown[]): boolean => {
    const encoding = parameters[0] === 'latin1' ? 'latin1' : 'utf8';
    witness.bytes!(socket, 'client', typeof data === 'string' ? Buffer.from(data, encoding) : data);
    return write.call(socket, data, ...parameters);
  };
  return (data, length) => {
    witness.bytes!(socket, 'server', data.subarray(0, length));
    return read(data, length);
  };
}

const tlsFactsOf = (socket: TLSSocket): { version: string; resumed: boolean } => ({
  version: socket.getProtocol() ?? 'unknown',
  resumed: socket.isSessionReused(),
});

function endOf(url: URL): { host: string; port: number } {
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
  };
}

function connectError(step: 'connect' | 'proxy' | 'tls', cause: Error): HoldfastError {
  if (step === 'tls') return new HoldfastError('tls-failed', { cause });
  if (step === 'proxy') return new HoldfastError('proxy-refused', { cause });
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const detail = code === '' ? {} : { detail: `(${code})` };
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'ENODATA')
    return new HoldfastError('name-not-found', { cause, ...detail });
  if (code === 'ECONNREFUSED') return new HoldfastError('connect-refused', { cause, ...detail });
  if (code === 'ETIMEDOUT') return new HoldfastError('connect-timeout', { cause, ...detail });
  return new HoldfastError('connect-failed', { cause, ...detail });
}
