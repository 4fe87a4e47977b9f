/**
 * A client in the shape of undici's Dispatcher, so that Node's own `fetch` (and undici's `fetch`, `request` …) run over it:
 *
 *     await fetch(url, { dispatcher: new HoldfastDispatcher(client) });
 *
 * Both shapes of handler are served: the one that Node 20's fetch has (onConnect, onHeaders, onData …) and undici 7's
 * (onRequestStart, onResponseStart …). Nothing of undici is imported: the shape is all that counts.
 *
 * What it does not do: events (`drain`, `connect` …); the client's own queue takes every request.
 */

import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Fields, FieldsToWrite, ResponseHead } from '../wire/index.js';
import type { Client } from './client.js';
import type { Exchange, ResponseTaker } from './client-exchange.js';
import type { ClientTimeouts } from './client-options.js';
import type { RequestBody } from './client-request.js';
import { HoldfastError } from './errors.js';

/** What of undici's `DispatchOptions` is heeded. */
export interface DispatchOptions {
  readonly origin?: string | URL;
  readonly path: string;
  readonly method: string;
  readonly query?: Record<string, unknown>;
  readonly headers?: DispatchHeaders | null;
  readonly body?: RequestBody | Blob | FormData | null;
  readonly idempotent?: boolean;
  readonly upgrade?: boolean | string | null;
  /** Milliseconds; 0 for none. */
  readonly headersTimeout?: number | null;
  readonly bodyTimeout?: number | null;
  /** Close the connection behind this request. */
  readonly reset?: boolean;
  readonly expectContinue?: boolean;
}

type HeaderValue = string | readonly string[] | undefined;
type DispatchHeaders = readonly string[] | Iterable<readonly [string, HeaderValue]> | Readonly<Record<string, HeaderValue>>;

/** Undici's controller of a request under way. */
interface DispatchController {
  readonly aborted: boolean;
  readonly paused: boolean;
  readonly reason: Error | null;
  rawHeaders: Buffer[] | null;
  rawTrailers: Buffer[] | null;
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

/** Undici's handlers of either shape; every method may be missing. */
export interface DispatchHandler {
  onRequestStart?(controller: DispatchController, context: unknown): void;
  onRequestUpgrade?(controller: DispatchController, status: number, headers: IncomingHeaders, socket: Socket): void;
  onResponseStart?(controller: DispatchController, status: number, headers: IncomingHeaders, reason?: string): void;
  onResponseData?(controller: DispatchController, piece: Buffer): void;
  onResponseEnd?(controller: DispatchController, trailers: IncomingHeaders): void;
  onResponseError?(controller: DispatchController, error: Error): void;

  onConnect?(abort: (reason?: Error) => void, context: unknown): void;
  onResponseStarted?(): void;
  onHeaders?(status: number, rawHeaders: Buffer[], resume: () => void, reason: string): unknown;
  onData?(piece: Buffer): unknown;
  onComplete?(rawTrailers: Buffer[] | null): void;
  onUpgrade?(status: number, rawHeaders: Buffer[], socket: Socket): void;
  onError?(error: Error): void;
}

type IncomingHeaders = Record<string, string | string[]>;

export class HoldfastDispatcher {
  /** `client` stays the caller's: closing the dispatcher closes it too. */
  constructor(private readonly client: Client) {}

  /** Sends a request. Always true: there is room for more. */
  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean {
    const taker = new DispatchTaker(handler);
    try {
      taker.connect();
      if (taker.aborted) return true;
      taker.exchange = this.client.exchange(requestOf(options), taker);
      if (taker.aborted) taker.exchange.abort(taker.error());
    } catch (error) {
      taker.onError(error as HoldfastError);
    }
    return true;
  }

  close(): Promise<void> {
    return this.client.close();
  }

  async destroy(): Promise<void> {
    this.client.destroy();
  }
}

function requestOf(options: DispatchOptions) {
  const { origin, path, method, query, upgrade, reset } = options;
  if (origin === undefined) throw new HoldfastError('invalid-option', { detail: 'The origin is missing.' });
  const base = String(origin).replace(/\/$/, '');
  const target = query === undefined ? path : `${path}${path.includes('?') ? '&' : '?'}${queryText(query)}`;
  let fields = fieldsOf(options.headers ?? null);
  if (typeof upgrade === 'string') {
    fields = [...fields.filter(([name]) => name.toLowerCase() !== 'connection'), ['Connection', 'upgrade'], ['Upgrade', upgrade]];
  }
  let body = options.body ?? null;
  if (body instanceof FormData || body instanceof Blob) {
    const carrier = new Response(body);
    const type = carrier.headers.get('content-type');
    if (type !== null && !fields.some(([name]) => name.toLowerCase() === 'content-type')) fields.push(['Content-Type', type]);
    body = carrier.body as ReadableStream<Uint8Array>;
  }
  return {
    url: base,
    target,
    method,
    fields: fields as FieldsToWrite,
    body: body as RequestBody | null,
    ...(options.idempotent !== undefined && { idempotent: options.idempotent }),
    ...(options.expectContinue !== undefined && { expectContinue: options.expectContinue }),
    ...(reset === true && { keepAlive: false }),
    timeouts: timeoutsOf(options),
  };
}

function timeoutsOf({ headersTimeout, bodyTimeout }: DispatchOptions): Partial<ClientTimeouts> {
  const ms = (value: number): number => (value === 0 ? Number.POSITIVE_INFINITY : value);
  return {
    ...(typeof headersTimeout === 'number' && { headMs: ms(headersTimeout) }),
    ...(typeof bodyTimeout === 'number' && { bodyMs: ms(bodyTimeout) }),
  };
}

function queryText(query: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) parameters.append(name, String(each ?? ''));
  }
  return parameters.toString();
}

/** Connection options that only repeat what the client does anyway are left out. */
function fieldsOf(headers: DispatchHeaders | null): [string, string][] {
  const fields: [string, string][] = [];
  const add = (name: string, value: HeaderValue): void => {
    if (value === undefined || name.toLowerCase() === 'keep-alive') return;
    if (typeof value === 'string') fields.push([name, value]);
    else if (Array.isArray(value)) for (const each of value) fields.push([name, each]);
    else fields.push([name, String(value)]);
  };
  if (headers === null) return fields;
  if (Array.isArray(headers) && typeof headers[0] === 'string') {
    for (let index = 0; index + 1 < headers.length; index += 2) add(headers[index], headers[index + 1]);
  } else if (Symbol.iterator in headers) {
    for (const [name, value] of headers as Iterable<readonly [string, HeaderValue]>) add(name, value);
  } else for (const [name, value] of Object.entries(headers)) add(name, value);
  return fields;
}

class DispatchTaker implements ResponseTaker, DispatchController {
  exchange: Exchange | null = null;
  aborted = false;
  paused = false;
  reason: Error | null = null;
  rawHeaders: Buffer[] | null = null;
  rawTrailers: Buffer[] | null = null;
  private trailers: Fields | null = null;
  private readonly isNew: boolean;

  constructor(private readonly handler: DispatchHandler) {
    this.isNew = handler.onRequestStart !== undefined;
  }

  connect(): void {
    if (this.isNew) this.handler.onRequestStart!(this, null);
    else this.handler.onConnect?.((reason) => this.abort(reason), null);
    if (this.aborted) this.onError(this.error());
  }

  error(): HoldfastError {
    return new HoldfastError('aborted', { cause: this.reason });
  }

  abort(reason?: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason ?? new HoldfastError('aborted');
    this.exchange?.abort(this.error());
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.exchange?.resume();
  }

  onInterim(head: ResponseHead): void {
    if (head.status !== 100) this.headTo(head);
  }

  onHead(head: ResponseHead): void {
    if (!this.isNew) this.handler.onResponseStarted?.();
    this.headTo(head);
  }

  private headTo(head: ResponseHead): void {
    const { handler } = this;
    if (this.isNew) {
      this.rawHeaders = rawOf(head.fields);
      handler.onResponseStart?.(this, head.status, objectOf(head.fields), head.reason);
    } else if (handler.onHeaders?.(head.status, rawOf(head.fields), () => this.resume(), head.reason) === false)
      this.paused = true;
  }

  onBody(data: Uint8Array, start: number, end: number): boolean {
    const { handler } = this;
    const piece = Buffer.allocUnsafe(end - start);
    piece.set(data.subarray(start, end));
    if (this.isNew) handler.onResponseData?.(this, piece);
    else if (handler.onData?.(piece) === false) this.paused = true;
    return !this.paused;
  }

  onTrailers(trailers: Fields): void {
    this.trailers = trailers.keep();
  }

  onEnd(): void {
    const { handler, trailers } = this;
    this.rawTrailers = trailers === null ? [] : rawOf(trailers);
    if (this.isNew) handler.onResponseEnd?.(this, trailers === null ? {} : objectOf(trailers));
    else handler.onComplete?.(this.rawTrailers);
  }

  /** Whoever aborted is told its own reason. */
  onError(error: Error): void {
    const told = this.aborted && this.reason !== null ? this.reason : error;
    if (this.isNew) this.handler.onResponseError?.(this, told);
    else this.handler.onError?.(told);
  }

  onTunnel(head: ResponseHead, socket: Socket, rest: Uint8Array): void {
    if (rest.length > 0) (socket as Readable).unshift(rest);
    if (this.isNew) this.handler.onRequestUpgrade?.(this, head.status, objectOf(head.fields), socket);
    else if (this.handler.onUpgrade !== undefined) this.handler.onUpgrade(head.status, rawOf(head.fields), socket);
    else socket.destroy();
  }
}

/** Names and values in turn, as bytes. */
function rawOf(fields: Fields): Buffer[] {
  const raw: Buffer[] = [];
  for (let index = 0; index < fields.count; index++) {
    raw.push(Buffer.from(fields.name(index), 'latin1'), Buffer.from(fields.value(index), 'latin1'));
  }
  return raw;
}

/** Lower-case names; several lines of one name become a list. */
function objectOf(fields: Fields): IncomingHeaders {
  const headers: IncomingHeaders = Object.create(null);
  for (let index = 0; index < fields.count; index++) {
    const name = fields.name(index).toLowerCase();
    const value = fields.value(index);
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (typeof before === 'string') headers[name] = [before, value];
    else before.push(value);
  }
  return headers;
}
