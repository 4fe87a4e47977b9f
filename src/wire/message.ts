/**
 * What a reader tells: heads, bodies, trailers, ends. Types only; the readers are in request-reader.ts and
 * response-reader.ts.
 *
 * Rules
 * - Heads and trailers are borrowed. They are valid during the callback that hands them over; `keep()` called within it makes
 *   them last (one copy of the head as a string). Reading `method`, `target`, `status`, `version`, `reason` gives ordinary
 *   strings and numbers that last by themselves.
 * - Strings are Latin-1: one character a byte, as sent, hostile. Renderers escape them.
 */

import type { Persistence } from './persistence.js';
import type { MessageProblem } from './problem.js';

/** The field lines of a head or of a trailer section, in the order sent. Every lookup by name ignores case. */
export interface Fields extends Iterable<readonly [name: string, value: string]> {
  /** Number of field lines. */
  readonly count: number;
  /** Name of line `index` as sent; '' beyond the end. */
  name(index: number): string;
  /** Value of line `index` without the white space around it; '' beyond the end. */
  value(index: number): string;
  has(name: string): boolean;
  /** All values of that name in order, joined with ', ' (RFC 9110 §5.3), or null. */
  get(name: string): string | null;
  /** All values of that name in order. */
  getAll(name: string): string[];
  /** All lines, as the observation vocabulary has them. */
  lines(): (readonly [name: string, value: string])[];
  /** Makes the fields last beyond the callback. Returns the same object. */
  keep(): Fields;
}

/**
 * How the end of the body is known (RFC 9112 §6.3): `none` (there is no body), `length` (counted), `chunked`, `until-close`
 * (a response that ends with the connection), `tunnel` (what follows is not HTTP: 101, or 2xx to CONNECT).
 */
export type Framing = 'none' | 'length' | 'chunked' | 'until-close' | 'tunnel';

interface MessageHead {
  /** As sent after `HTTP/`: '1.1', '1.0'; observing also '0.9' for a request without version, and others. */
  readonly version: string;
  readonly fields: Fields;
  readonly framing: Framing;
  /** Value of Content-Length (also where it does not frame, as in the answer to HEAD), or −1. */
  readonly contentLength: number;
  /** Whether the connection goes on after this message as far as this side decides it, and why. */
  readonly persistence: Persistence;
  /** `Connection` options, recognised without regard to case. */
  readonly saysClose: boolean;
  readonly saysKeepAlive: boolean;
  /** `Connection: upgrade` together with an `Upgrade` field. */
  readonly saysUpgrade: boolean;
  /** There is a `Keep-Alive` field; read it with `parseKeepAlive(fields.get('keep-alive'))`. */
  readonly hasKeepAliveField: boolean;
  /** Bytes of the head on the wire, empty line included. */
  readonly byteCount: number;
}

export interface RequestHead extends MessageHead {
  readonly method: string;
  /** The request target as sent. */
  readonly target: string;
  /** Value of Host, '' when empty, null when missing. */
  readonly host: string | null;
  /** `Expect: 100-continue` in a request that may have it (HTTP/1.1). */
  readonly expectsContinue: boolean;
  /** Makes the head last beyond the callback. Returns the same object. */
  keep(): RequestHead;
}

export interface ResponseHead extends MessageHead {
  /** Observing: 0 when the status line has none that can be read. */
  readonly status: number;
  readonly reason: string;
  /** 1xx other than 101: a final response to the same request is still to come. */
  readonly isInterim: boolean;
  keep(): ResponseHead;
}

/**
 * `complete`: read to its end as framed. `cut`: the stream ended first. `abandoned` (observing only): what came is no message,
 * or its framing was lost; the head may never have been told.
 */
export type MessageOutcome = 'complete' | 'cut' | 'abandoned';

/**
 * Takes what a reader reads. Callbacks come synchronously, in stream order:
 *
 *     onMessageStart  onHead  onBody*  onTrailers?  onMessageEnd
 *
 * with `onProblem` anywhere. Observing, every start has exactly one end. Strict, nothing at all follows a problem.
 * A handler is one object with all methods there, so that the calls stay monomorphic. It must not throw.
 */
export interface MessageHandler<Head> {
  /** The first byte of a message (empty lines before it are not part of it). `offset`: bytes of the stream before it. */
  onMessageStart(offset: number): void;
  /** Borrowed: see above. `head.framing === 'tunnel'` is followed by the end and `onTunnel`. */
  onHead(head: Head): void;
  /** A piece of content, without chunk framing. `data[start, end)` is valid only during the call and never empty. */
  onBody(data: Uint8Array, start: number, end: number): void;
  /** A trailer section that has field lines. Borrowed. */
  onTrailers(trailers: Fields): void;
  /**
   * `bodyByteCount`: bytes of content, those missing in gaps included. `missingByteCount`: how many of them were missing.
   */
  onMessageEnd(outcome: MessageOutcome, bodyByteCount: number, missingByteCount: number): void;
  /**
   * Strict: the message is refused and the reader has stopped. Observing: an irregularity, told once a message and code, and
   * the reader goes on.
   */
  onProblem(problem: MessageProblem): void;
  /** Observing: this many bytes belonged to no message and were passed over, looking for the next start. */
  onSkipped(byteCount: number): void;
  /** The connection is no longer HTTP from here on; the reader takes no more bytes. */
  onTunnel(): void;
}

export type RequestHandler = MessageHandler<RequestHead>;

/** What a response reader must know about the request that a response answers. */
export interface AnsweredRequest {
  readonly method: string;
  /** As in `RequestHead.version`; '0.9' lets the observing reader take an answer without status line. */
  readonly version: string;
}

export interface ResponseHandler extends MessageHandler<ResponseHead> {
  /**
   * The request that the response now being read answers: the oldest one without a final response; null when there is none
   * or it was not seen. Asked at the end of each final response's head, before `onHead`, and (observing) when bytes come that
   * are no status line; may be asked more than once for one response, so it must not use the request up.
   */
  answeredRequest(): AnsweredRequest | null;
}

/** `strict` refuses what RFC 9112 does not allow (servers and clients); `observing` reads what real peers sent, passively. */
export type Manner = 'strict' | 'observing';
