/**
 * What a client can be told, with its limits and defaults. Times are milliseconds, `Infinity` switches a time limit off.
 *
 * Rules: every wait has a limit that can be named, and every queue a length. A wrong value throws `invalid-option` at once.
 */

import type { Socket } from 'node:net';
import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import type { Observer, Side } from '../base/index.js';
import type { FieldsToWrite, Limits } from '../wire/index.js';
import { HoldfastError } from './errors.js';

/** How long each part of an exchange may take. Each can be said for the client and again for a request. */
export interface ClientTimeouts {
  /** Waiting for a connection, the making of it included. Default 60,000. */
  readonly queueMs: number;
  /** Name and TCP. Default 10,000. */
  readonly connectMs: number;
  /** The TLS handshake, and before it the proxy's answer to CONNECT. Default 10,000 each. */
  readonly tlsMs: number;
  /** Without progress in handing the request to the kernel. Default 30,000. */
  readonly sendMs: number;
  /** From the request's end to the response's head. Default 300,000. */
  readonly headMs: number;
  /** Between two pieces of the response's body. Default 300,000. */
  readonly bodyMs: number;
  /** The whole exchange, waiting and retry included. Default Infinity. */
  readonly totalMs: number;
  /** How long a request with `expectContinue` waits for `100 Continue` before it sends its body all the same. Default 1,000. */
  readonly continueMs: number;
}

export interface ProxyOptions {
  /** `http://host:port` or `https://host:port`; user and password are sent as `Proxy-Authorization: Basic`. */
  readonly url: string | URL;
  /** Further fields of the CONNECT request. */
  readonly fields?: FieldsToWrite;
}

/** Looks on at a client's connections and changes nothing: for dumps, and for tools that tell what goes on. */
export interface ConnectionWitness {
  /** A socket that is about to connect: its events (`lookup`, `connectionAttempt`, `secureConnect` …) are there to be listened to. */
  socket?(socket: Socket): void;
  /** Bytes that are handed to the kernel or came from it; under TLS, what is inside. Borrowed. */
  bytes?(socket: Socket, from: Side, data: Uint8Array): void;
}

export interface ClientOptions {
  /** Connections to one origin at a time. Default 128. */
  readonly connections?: number;
  /** Idle connections kept to one origin. Default: as many as `connections`. */
  readonly idleConnections?: number;
  /** Requests that may wait for a connection to one origin. Default 10,000. */
  readonly pending?: number;
  /** Idleness after which a connection is given up, where neither a hint nor experience says less. Default 30,000. */
  readonly idleMs?: number;
  /** Age from which a connection takes no more requests. Default Infinity. */
  readonly ageMs?: number;
  /** Requests on one connection. Default Infinity. */
  readonly requestsPerConnection?: number;
  /**
   * Requests sent on one connection before the first of them is answered. Default 1. Only idempotent ones without a stream as body
   * are pipelined, and none on a connection that stands in for a failed one until it has answered once (RFC 9112 §9.3.2).
   */
  readonly pipelining?: number;
  /** `false`: `Connection: close` with every request. Default true. */
  readonly keepAlive?: boolean;
  /** Default '1.1'. As '1.0' the client asks with `Connection: keep-alive`, and cannot send a body of unknown length. */
  readonly version?: '1.1' | '1.0';
  readonly timeouts?: Partial<ClientTimeouts>;
  /** What is read of a body that nobody wants, so that its connection can be used again. Default 131,072 bytes, 50 ms. */
  readonly drain?: { readonly bytes?: number; readonly ms?: number };
  /** How long a response may lie unread while it holds its connection; a second when others wait for one. Default 10,000. */
  readonly unreadMs?: number;
  /** Limits of the response reader, by name. */
  readonly limits?: Partial<Limits>;
  readonly proxy?: ProxyOptions;
  /** A Unix socket to connect to instead of the origin's host and port. */
  readonly socketPath?: string;
  readonly localAddress?: string;
  /** Passed on to `tls.connect` (ca, cert, servername, rejectUnauthorized …). */
  readonly tls?: TlsConnectionOptions;
  /** Idle time before the kernel's first keep-alive probe; Infinity for none. Default 45,000. */
  readonly probeAfterMs?: number;
  /** Told of every connection opened from now on; see also `Client.observe`. */
  readonly observer?: Observer;
  readonly witness?: ConnectionWitness;
}

/** All options, with defaults in place. */
export interface ClientSettings {
  readonly connections: number;
  readonly idleConnections: number;
  readonly pending: number;
  readonly idleMs: number;
  readonly ageMs: number;
  readonly requestsPerConnection: number;
  readonly pipelining: number;
  readonly keepAlive: boolean;
  readonly version: '1.1' | '1.0';
  readonly timeouts: ClientTimeouts;
  readonly drainByteCount: number;
  readonly drainMs: number;
  readonly unreadMs: number;
  readonly limits: Partial<Limits>;
  readonly proxy: { readonly url: URL; readonly fields: FieldsToWrite } | null;
  readonly socketPath: string | null;
  readonly localAddress: string | null;
  readonly tls: TlsConnectionOptions;
  readonly probeAfterMs: number;
  readonly witness: ConnectionWitness | null;
}

const defaultTimeouts: ClientTimeouts = {
  queueMs: 60_000,
  connectMs: 10_000,
  tlsMs: 10_000,
  sendMs: 30_000,
  headMs: 300_000,
  bodyMs: 300_000,
  totalMs: Number.POSITIVE_INFINITY,
  continueMs: 1_000,
};

export function settingsOf(options: ClientOptions): ClientSettings {
  const connections = count('connections', options.connections ?? 128);
  const version = options.version ?? '1.1';
  if (version !== '1.1' && version !== '1.0') throw invalid('version', "is not '1.1' or '1.0'");
  return {
    connections,
    idleConnections: number('idleConnections', options.idleConnections ?? connections),
    pending: number('pending', options.pending ?? 10_000),
    idleMs: number('idleMs', options.idleMs ?? 30_000),
    ageMs: number('ageMs', options.ageMs ?? Number.POSITIVE_INFINITY),
    requestsPerConnection: count('requestsPerConnection', options.requestsPerConnection ?? Number.POSITIVE_INFINITY),
    pipelining: count('pipelining', options.pipelining ?? 1),
    keepAlive: options.keepAlive ?? true,
    version,
    timeouts: timeoutsOf(options.timeouts, defaultTimeouts),
    drainByteCount: number('drain.bytes', options.drain?.bytes ?? 128 * 1024),
    drainMs: number('drain.ms', options.drain?.ms ?? 50),
    unreadMs: number('unreadMs', options.unreadMs ?? 10_000),
    limits: options.limits ?? {},
    proxy: options.proxy === undefined ? null : proxyOf(options.proxy),
    socketPath: options.socketPath ?? null,
    localAddress: options.localAddress ?? null,
    tls: options.tls ?? {},
    probeAfterMs: number('probeAfterMs', options.probeAfterMs ?? 45_000),
    witness: options.witness ?? null,
  };
}

/** `given` over `usual`. The same object when nothing is given. */
export function timeoutsOf(given: Partial<ClientTimeouts> | undefined, usual: ClientTimeouts): ClientTimeouts {
  if (given === undefined) return usual;
  const timeouts: Record<string, number> = { ...usual };
  for (const [name, ms] of Object.entries(given)) {
    if (!(name in usual)) throw invalid(`timeouts.${name}`, 'is not known');
    if (ms !== undefined) timeouts[name] = number(`timeouts.${name}`, ms);
  }
  return timeouts as unknown as ClientTimeouts;
}

function proxyOf(proxy: ProxyOptions): { url: URL; fields: FieldsToWrite } {
  const url = URL.canParse(String(proxy.url)) ? new URL(proxy.url) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw invalid('proxy.url', 'is not an http(s) URL');
  return { url, fields: proxy.fields ?? {} };
}

function number(name: string, value: number): number {
  if (typeof value !== 'number' || !(value >= 0)) throw invalid(name, 'is not a number from 0 on');
  return value;
}

function count(name: string, value: number): number {
  if (!(value >= 1)) throw invalid(name, 'is not at least 1');
  return number(name, value);
}

const invalid = (name: string, what: string): HoldfastError =>
  new HoldfastError('invalid-option', { detail: `${name} ${what}.` });
