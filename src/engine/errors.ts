/**
 * The errors of the engine: one class, a stable code, the cause, and whose fault it is.
 *
 * Rules
 * - Every failure that the engine reports, rejects or throws is a `HoldfastError` with a code of this table. What a peer did is
 *   never an assertion; what the application did wrong is `fault: 'caller'`.
 * - Codes are part of the public face: extend, never rename. A message holds no bytes of a peer's.
 *
 * `fault` says who has to change something: `client` and `server` are the two ends of the connection, `network` what lies
 * between, `caller` the application that uses the engine, `us` the engine itself (a bug).
 */

import { clientErrorKinds } from './client-error-kinds.js';

export type Fault = 'client' | 'server' | 'network' | 'us' | 'caller';

interface ErrorKind {
  readonly fault: Fault;
  readonly text: string;
}

const errorKinds = {
  // Used by both sides.
  'invalid-option': { fault: 'caller', text: 'An option has a value that it cannot have.' },
  'invalid-message': { fault: 'caller', text: 'A message that the application wants to send cannot be written as HTTP/1.1.' },
  'internal-error': { fault: 'us', text: 'The engine has met a state that it should never be in.' },

  // Server: what clients do.
  'request-refused': { fault: 'client', text: 'The client sent a request that must not be read.' },
  'first-request-timeout': { fault: 'client', text: 'The client opened a connection and sent no request in time.' },
  'request-head-timeout': { fault: 'client', text: 'The client did not finish the head of its request in time.' },
  'request-body-timeout': { fault: 'client', text: 'The client sent the body of its request too slowly.' },
  'request-body-too-large': { fault: 'client', text: 'The body of the request is over the limit.' },
  'request-cut': { fault: 'client', text: 'The client closed the connection in the middle of its request.' },
  'client-reset': { fault: 'client', text: 'The client reset the connection.' },
  'client-reads-too-slowly': { fault: 'client', text: 'The client did not take the response in time.' },
  'client-linger-exceeded': { fault: 'client', text: 'The client kept sending after the connection was closed.' },
  'tls-handshake-failed': { fault: 'client', text: 'The TLS handshake failed.' },
  // Server: what lies between.
  'client-unreachable': { fault: 'network', text: 'The network lost the client.' },
  // Server: what its own application does.
  'handler-failed': { fault: 'caller', text: 'The handler threw an error.' },
  'response-timeout': { fault: 'caller', text: 'The handler did not begin its response in time.' },
  'response-already-begun': { fault: 'caller', text: 'The head of the response has been sent already.' },
  'response-already-ended': { fault: 'caller', text: 'The response has ended already.' },
  'response-length-mismatch': { fault: 'caller', text: 'The body of the response is not as long as its Content-Length says.' },
  'body-already-used': { fault: 'caller', text: 'The body of the request is being read or has been read already.' },
  'server-stopped': { fault: 'caller', text: 'The server was stopped before this was finished.' },
  'connection-ends': { fault: 'client', text: 'The connection ended before this request was answered.' },
  'listen-failed': { fault: 'caller', text: 'The server cannot listen at that address.' },
  'too-many-connections': { fault: 'server', text: 'The server has as many connections as it may have.' },

  // Client.
  ...clientErrorKinds,
} as const satisfies Record<string, ErrorKind>;

/** Stable name of an error. */
export type ErrorCode = keyof typeof errorKinds;

export interface ErrorDetails {
  /** The error beneath, as Node or the application threw it. */
  readonly cause?: unknown;
  /** More than the table's sentence says; no bytes of a peer's. */
  readonly detail?: string;
  /** Where the fault is not the one of the table. */
  readonly fault?: Fault;
}

export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly fault: Fault;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    const kind: ErrorKind = errorKinds[code];
    super(
      details.detail === undefined ? kind.text : `${kind.text} ${details.detail}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.fault = details.fault ?? kind.fault;
  }
}
