/**
 * A request as the caller says it, and the head that goes on the wire for it (RFC 9112 §3, §6; RFC 9110 §7.2, §9.2).
 *
 * Rules
 * - Everything is judged before a connection is looked for: a request that cannot be written fails at once and touches none.
 * - Framing and persistence are the client's: it writes Host, Content-Length, Transfer-Encoding and Connection itself. The caller
 *   may say Host (another name than the origin's), Content-Length (then it must be true), `Connection: close` and, for an
 *   upgrade, `Connection: upgrade` with Upgrade. `Transfer-Encoding` and `Keep-Alive` from the caller are refused.
 * - A body of bytes or text can be sent again; a stream cannot, once it has been touched.
 */

import type { Readable } from 'node:stream';
import { eachField, type FieldsToWrite, MessageWriteError, writeFieldLine, writeRequestLine } from '../wire/index.js';
import type { ClientSettings, ClientTimeouts } from './client-options.js';
import { timeoutsOf } from './client-options.js';
import { HoldfastError } from './errors.js';

/** A body: text (sent as UTF-8), bytes, or anything that gives bytes or text piece by piece. */
export type RequestBody =
  | string
  | Uint8Array
  | ArrayBuffer
  | Readable
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array>;

export interface ClientRequest {
  /** Absolute `http:` or `https:` URL. User and password in it are refused; a fragment is dropped. */
  readonly url: string | URL;
  /** Default GET. */
  readonly method?: string;
  readonly fields?: FieldsToWrite;
  readonly body?: RequestBody | null;
  /** Trailer section of a chunked body, asked for when the body has ended. */
  readonly trailers?: () => FieldsToWrite;
  readonly signal?: AbortSignal;
  readonly timeouts?: Partial<ClientTimeouts>;
  /**
   * Whether the request may be sent twice. Default: by its method (RFC 9110 §9.2.2), or when it has an `Idempotency-Key` field.
   */
  readonly idempotent?: boolean;
  /** Sends the body only after `100 Continue`, or after `timeouts.continueMs`. */
  readonly expectContinue?: boolean;
  /** `false`: `Connection: close` with this request. */
  readonly keepAlive?: boolean;
  /** Instead of the URL's path and query: the request target as it goes on the wire. */
  readonly target?: string;
}

/** A request ready to be written, as often as need be. */
export interface PreparedRequest {
  readonly method: string;
  readonly target: string;
  readonly version: '1.1' | '1.0';
  /** The whole head, one character a byte. */
  readonly head: string;
  readonly body: PreparedBody | null;
  readonly trailers: (() => FieldsToWrite) | null;
  readonly idempotent: boolean;
  /** The request itself lets the connection go on. */
  readonly persists: boolean;
  readonly expectsContinue: boolean;
  /** CONNECT, or an upgrade that the response may grant: the connection may stop being HTTP. */
  readonly mayBecomeTunnel: boolean;
  readonly timeouts: ClientTimeouts;
}

export interface PreparedBody {
  /** Bytes, when it can be sent again. */
  readonly bytes: Uint8Array | null;
  readonly pieces: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array> | null;
  /** Content-Length, −1 for chunked. */
  readonly byteCount: number;
}

/** `host`: the origin's, for Host. Throws `HoldfastError` (`invalid-message`, `invalid-option`). */
export function prepareRequest(request: ClientRequest, host: string, target: string, settings: ClientSettings): PreparedRequest {
  try {
    return prepare(request, host, target, settings);
  } catch (error) {
    if (error instanceof MessageWriteError) throw new HoldfastError('invalid-message', { cause: error, detail: error.message });
    throw error;
  }
}

const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** Methods for which a request without a body still says `Content-Length: 0` (RFC 9110 §8.6). */
const methodsWithBody = new Set(['POST', 'PUT', 'PATCH']);

/** What the caller's own fields say about things that are the client's business. */
class SaidFields {
  text = '';
  host = false;
  contentLength = -1;
  closes = false;
  upgrades = false;
  upgradeField = false;
  idempotencyKey = false;
  expectsContinue = false;

  readonly take = (name: string, value: string): void => {
    switch (name.length) {
      case 4:
        if (is(name, 'host')) this.host = true;
        break;
      case 6:
        if (is(name, 'expect')) {
          if (!is(value, '100-continue')) throw refused('Expect is not 100-continue.');
          this.expectsContinue = true;
          return;
        }
        break;
      case 7:
        if (is(name, 'upgrade')) this.upgradeField = true;
        break;
      case 10:
        if (is(name, 'connection')) {
          this.connection(value);
          return;
        }
        if (is(name, 'keep-alive')) throw refused('Keep-Alive is the client’s own business.');
        break;
      case 14:
        if (is(name, 'content-length')) {
          if (!/^\d{1,15}$/.test(value)) throw refused('Content-Length is not a number.');
          if (this.contentLength !== -1 && this.contentLength !== Number(value)) throw refused('Content-Length is said twice.');
          this.contentLength = Number(value);
          return;
        }
        break;
      case 15:
        if (is(name, 'idempotency-key')) this.idempotencyKey = true;
        break;
      case 17:
        if (is(name, 'transfer-encoding')) throw refused('Transfer-Encoding is the client’s own business.');
        break;
    }
    this.text += writeFieldLine(name, value);
  };

  private connection(value: string): void {
    for (const option of value.split(',')) {
      const name = option.trim().toLowerCase();
      if (name === 'close') this.closes = true;
      else if (name === 'upgrade') this.upgrades = true;
      else if (name !== 'keep-alive' && name !== '') throw refused('Connection has an option other than close and upgrade.');
    }
  }
}

function prepare(request: ClientRequest, host: string, target: string, settings: ClientSettings): PreparedRequest {
  const method = request.method ?? 'GET';
  const { version } = settings;
  const timeouts = timeoutsOf(request.timeouts, settings.timeouts);
  const said = new SaidFields();
  if (request.fields !== undefined) eachField(request.fields, said.take);
  const body = prepareBody(request.body ?? null, said.contentLength);
  const persists = settings.keepAlive && request.keepAlive !== false && !said.closes;
  const expectsContinue = (request.expectContinue ?? said.expectsContinue) && body !== null && version === '1.1';
  const upgrades = said.upgrades && said.upgradeField;

  let head = writeRequestLine(method, target, version);
  if (!said.host) head += `Host: ${host}\r\n`;
  head += said.text;
  if (body === null) {
    if (said.contentLength > 0) throw refused('Content-Length is said without a body.');
    if (said.contentLength === 0 || methodsWithBody.has(method)) head += 'Content-Length: 0\r\n';
  } else if (body.byteCount !== -1) head += `Content-Length: ${body.byteCount}\r\n`;
  else if (version === '1.0') throw refused('HTTP/1.0 cannot send a body of unknown length.');
  else head += 'Transfer-Encoding: chunked\r\n';
  if (request.trailers !== undefined && body?.byteCount !== -1) throw refused('Only a body of unknown length has trailers.');
  if (expectsContinue) head += 'Expect: 100-continue\r\n';
  if (upgrades) head += persists ? 'Connection: upgrade\r\n' : 'Connection: close, upgrade\r\n';
  else if (!persists) head += 'Connection: close\r\n';
  else if (version === '1.0') head += 'Connection: keep-alive\r\n';

  return {
    method,
    target,
    version,
    head: `${head}\r\n`,
    body,
    trailers: request.trailers ?? null,
    idempotent: request.idempotent ?? (idempotentMethods.has(method) || said.idempotencyKey),
    persists,
    expectsContinue,
    mayBecomeTunnel: method === 'CONNECT' || upgrades,
    timeouts,
  };
}

function prepareBody(body: RequestBody | null, saidLength: number): PreparedBody | null {
  if (body === null) return null;
  const bytes =
    typeof body === 'string'
      ? Buffer.from(body, 'utf8')
      : body instanceof Uint8Array
        ? body
        : body instanceof ArrayBuffer
          ? new Uint8Array(body)
          : null;
  if (bytes !== null) {
    if (saidLength !== -1 && saidLength !== bytes.length) throw refused('Content-Length is not the length of the body.');
    return { bytes, pieces: null, byteCount: bytes.length };
  }
  if (typeof body !== 'object' || !(Symbol.asyncIterator in body || Symbol.iterator in body)) {
    throw refused('The body is neither text nor bytes nor a stream of them.');
  }
  return { bytes: null, pieces: body as AsyncIterable<Uint8Array>, byteCount: saidLength };
}

/** Where a request goes. */
export interface Destination {
  /** `http://host:port` as a key; the port only when it is not the scheme's own. */
  readonly origin: string;
  /** Path and query. */
  readonly target: string;
}

/** What nearly every URL looks like, taken apart without a URL object: lower-case host, no user, no fragment, no escapes needed. */
const plainUrl = /^(https?:\/\/[a-z0-9.-]+(?::[1-9]\d{0,4})?)(\/[!$&'()*+,\-./0-9:;=@A-Z_a-z~%?]*)?$/;
const defaultPort = /^(?:http:.*:80|https:.*:443)$/;
const dotSegment = /\/\.{1,2}(?:[/?]|$)/;

/** Takes a URL apart. Throws `invalid-option`. */
export function destinationOf(url: string | URL): Destination {
  if (typeof url === 'string') {
    const match = plainUrl.exec(url);
    if (match !== null && !defaultPort.test(match[1]!) && !numericHost.test(match[1]!)) {
      const target = match[2] ?? '/';
      if (!dotSegment.test(target)) return { origin: match[1]!, target };
    }
  }
  const parsed = url instanceof URL ? url : URL.canParse(url) ? new URL(url) : null;
  if (parsed === null) throw new HoldfastError('invalid-option', { detail: 'The URL cannot be read.' });
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new HoldfastError('invalid-option', { detail: 'The URL is not of http or https.' });
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new HoldfastError('invalid-option', {
      detail: 'User and password belong into the Authorization field, not into the URL.',
    });
  }
  return { origin: parsed.origin, target: `${parsed.pathname}${parsed.search}` };
}

/** Hosts whose last label is numeric have several spellings of one address; all but dotted decimal go the long way. */
const numericHost = /^https?:\/\/(?!(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}(?::|$))(?:[^:]*\.)?(?:\d+|0x[0-9a-f]*)(?::|$)/;

const is = (text: string, lowerCase: string): boolean => text === lowerCase || text.toLowerCase() === lowerCase;

const refused = (detail: string): HoldfastError => new HoldfastError('invalid-message', { detail });
