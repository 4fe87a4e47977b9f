/**
 * What a server can be told, and what it does when it is not told. Times are milliseconds; `Infinity` switches a limit off.
 *
 * Every timeout is kept on its own deadline (deadlines.ts), none by a sweep.
 */

import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';

import type { Observer } from '../base/index.js';
import { assertFieldValue, type Limits, strictLimits } from '../wire/index.js';
import { type Clock, systemClock } from './deadlines.js';
import { HoldfastError } from './errors.js';
import type { AccessEntry } from './server-log.js';
import type { ServerRequest } from './server-request.js';
import type { ServerResponse } from './server-response.js';
import { canSetProbes } from './tcp-probes.js';

/** The fast form of a handler. A promise that it returns is watched for failure only; the response ends with `response.end()`. */
export type NativeHandler = (request: ServerRequest, response: ServerResponse) => unknown;

/** What the web-standard form of a handler is told beside the Request. */
export interface ConnectionInfo {
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly connectionNumber: number;
  readonly requestNumber: number;
}

/** The web-standard form of a handler, as frameworks export it. */
export type FetchHandler = (request: Request, info: ConnectionInfo) => Response | Promise<Response>;

/**
 * Takes over a connection that leaves HTTP. The socket is the application's from here on; `head` is what the client has sent after
 * its request already. The application writes the 101 (or the 2xx to CONNECT) itself.
 */
export type TakeOver = (request: ServerRequest, socket: Socket, head: Uint8Array) => void;

/** Where an error happened. */
export interface ErrorContext {
  /** Number of the connection on this server, counted from 1; 0 where there is none. */
  readonly connectionNumber: number;
  /** Number of the request on its connection, counted from 1; 0 before the first. */
  readonly requestNumber: number;
}

export interface TcpKeepAlive {
  /** Idle time before the first probe, in whole seconds. */
  readonly idleMs: number;
  /** Between further probes, in whole seconds; 1 s when not said. To set it takes Linux and the package koffi. */
  readonly intervalMs?: number;
  /** Unanswered probes after which the connection is given up; 10 when not said. To set it takes the same. */
  readonly count?: number;
}

/** Timeouts, sizes and counts, all with defaults. */
export interface ServerSettings {
  /**
   * From the end of the last response to the close; 0 closes after every response. The default is longer than clients keep theirs that heed
   * no `Keep-Alive` field (Go: 90 s), so that the client is the one to close and no request crosses a FIN.
   */
  readonly idleTimeoutMs: number;
  /** How much earlier than `idleTimeoutMs` the `Keep-Alive: timeout=` asks clients to let go, so that requests and FINs do not cross. */
  readonly idleHintMarginMs: number;
  /** Whether responses say `Keep-Alive: timeout=, max=`: to all, only to requests with `Connection: keep-alive`, or never. */
  readonly keepAliveHint: 'always' | 'asked' | 'never';
  /** From the accepted connection (TLS: its handshake too) to the first byte of the first request. */
  readonly firstRequestTimeoutMs: number;
  /** From the first byte of a request to the end of its head. Then 408. */
  readonly headTimeoutMs: number;
  /** Longest silence within a request's body while it is being read. Then 408. */
  readonly bodyTimeoutMs: number;
  /** After the first `bodyTimeoutMs` a body must have come at this rate on average, in bytes a second; 0 for no such rule. Then 408. */
  readonly bodyMinimumRate: number;
  /** From the end of the request's head to the beginning of the handler's response. Then 503. */
  readonly responseTimeoutMs: number;
  /** Longest time for the client to take a piece of output (at most 256 KiB). Then the connection is reset. */
  readonly sendTimeoutMs: number;
  /** After the FIN, how long and for how many bytes to read on until the client's FIN (RFC 9112 §9.6). */
  readonly lingerTimeoutMs: number;
  readonly lingerByteCount: number;
  /** Bytes of a body that nobody reads that are read and dropped to keep the connection. */
  readonly drainByteCount: number;
  /** Largest request body. Then 413. */
  readonly bodyByteCount: number;
  /** Bytes of a body kept until the handler asks for them; then the client is held back. */
  readonly bodyBufferByteCount: number;
  /** Requests on one connection; the last response says close. */
  readonly maxRequestsPerConnection: number;
  /** Age at which a connection's next response says close, ± `maxAgeJitter` as a fraction, drawn for each connection. */
  readonly maxAgeMs: number;
  readonly maxAgeJitter: number;
  readonly maxConnections: number;
  /** A connection too many is accepted and left unread until there is room, or answered 503. */
  readonly whenFull: 'wait' | 'refuse';
  /** How many may wait; the next are answered 503. */
  readonly waitingConnections: number;
  /**
   * Requests of one connection that may be in work at once when pipelined. Only safe methods run side by side (RFC 9112 §9.3.2); answers
   * always come in order.
   */
  readonly pipelineDepth: number;
  /** Methods there are; others are answered 501. */
  readonly knownMethods: readonly string[];
  /** Methods that reach the handler; other known ones are answered 405. */
  readonly allowedMethods: readonly string[];
  /** Protocols of `Upgrade` that `onUpgrade` takes, in lower case. Other upgrades are ignored, as RFC 9110 §7.8 allows. */
  readonly upgradeProtocols: readonly string[];
  readonly tcpKeepAlive: TcpKeepAlive | null;
  /** Limits of the request reader. */
  readonly limits: Partial<Limits>;
  /** Value of the `Server` field, or null for none. */
  readonly serverName: string | null;
}

export interface ServerOptions extends Partial<ServerSettings> {
  /** 0 or nothing: a free port. */
  readonly port?: number;
  /** Address to listen at; 127.0.0.1 when not said. */
  readonly host?: string;
  readonly backlog?: number;
  /** As for `tls.createServer`; then the server speaks HTTPS. Sessions are resumed by tickets. */
  readonly tls?: TlsOptions;
  /** The web-standard handler, in place of the native one. */
  readonly fetch?: FetchHandler;
  readonly onUpgrade?: TakeOver;
  readonly onConnect?: TakeOver;
  /**
   * Says who takes over the connection at this request, or null for the handler: for whoever must write or close as HTTP does not allow.
   * Asked of requests without a body, and asked again when their turn has come. The engine keeps no deadline and logs nothing then.
   */
  readonly takeOver?: (request: ServerRequest) => TakeOver | null;
  readonly onError?: (error: HoldfastError, context: ErrorContext) => void;
  /** Called after every response. */
  readonly onAccess?: (entry: AccessEntry) => void;
  /** Told what happens on the connections. */
  readonly observer?: Observer;
  readonly clock?: Clock;
}

/** IANA HTTP Method Registry, and QUERY. */
const registeredMethods =
  'ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PUT QUERY REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL'.split(
    ' ',
  );

const defaults: ServerSettings = {
  idleTimeoutMs: 95_000,
  idleHintMarginMs: 1_000,
  keepAliveHint: 'always',
  firstRequestTimeoutMs: 30_000,
  headTimeoutMs: 20_000,
  bodyTimeoutMs: 20_000,
  bodyMinimumRate: 500,
  responseTimeoutMs: 300_000,
  sendTimeoutMs: 60_000,
  lingerTimeoutMs: 5_000,
  lingerByteCount: 16 * 1024 * 1024,
  drainByteCount: 256 * 1024,
  bodyByteCount: 16 * 1024 * 1024,
  bodyBufferByteCount: 64 * 1024,
  maxRequestsPerConnection: Number.POSITIVE_INFINITY,
  maxAgeMs: Number.POSITIVE_INFINITY,
  maxAgeJitter: 0.1,
  maxConnections: Number.POSITIVE_INFINITY,
  whenFull: 'wait',
  waitingConnections: 1024,
  pipelineDepth: 16,
  knownMethods: registeredMethods,
  allowedMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  upgradeProtocols: ['websocket'],
  tcpKeepAlive: { idleMs: 45_000 },
  limits: {},
  serverName: null,
};

/** The settings of `options`, with defaults. Throws `invalid-option`. */
export function settingsOf(options: ServerOptions): ServerSettings {
  const settings: Record<string, unknown> = { ...defaults };
  for (const name of Object.keys(defaults) as (keyof ServerSettings)[]) {
    if (options[name] !== undefined) settings[name] = options[name];
  }
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === 'number') checkNumber(name, value);
  }
  const { intervalMs, count } = options.tcpKeepAlive ?? {};
  if ((intervalMs !== undefined || count !== undefined) && !canSetProbes()) {
    throw new HoldfastError('invalid-option', { detail: 'tcpKeepAlive.intervalMs and count need Linux and the package koffi.' });
  }
  for (const [name, value] of Object.entries(options.limits ?? {})) {
    if (!(name in strictLimits)) throw new HoldfastError('invalid-option', { detail: `There is no limit ${name}.` });
    checkNumber(name, value);
  }
  if (options.serverName !== undefined && options.serverName !== null) {
    try {
      assertFieldValue(options.serverName, 'Server');
    } catch (cause) {
      throw new HoldfastError('invalid-option', { cause, detail: 'serverName cannot be a field value.' });
    }
  }
  return settings as unknown as ServerSettings;
}

const mayBeZero = new Set([
  'idleTimeoutMs',
  'idleHintMarginMs',
  'bodyMinimumRate',
  'lingerTimeoutMs',
  'maxAgeJitter',
  'waitingConnections',
]);

function checkNumber(name: string, value: number): void {
  const smallest = mayBeZero.has(name) || name.endsWith('ByteCount') ? 0 : Number.MIN_VALUE;
  if (!(value >= smallest)) {
    throw new HoldfastError('invalid-option', {
      detail: `${name} is ${value}; it must be ${smallest === 0 ? 'at least' : 'above'} 0.`,
    });
  }
}

export const clockOf = (options: ServerOptions): Clock => options.clock ?? systemClock;
