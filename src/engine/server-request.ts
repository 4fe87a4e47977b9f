/**
 * A request as a native handler sees it: the head at once, the body when asked for.
 *
 * The head's strings are Latin-1 and hostile. `fields` is borrowed from the reader while the handler runs for the first time, and made to
 * last when the handler returns before its response has ended; so whoever ends the response at once pays for no copy.
 */

import { TLSSocket } from 'node:tls';

import type { Fields, RequestHead } from '../wire/index.js';
import type { HoldfastError } from './errors.js';
import { type BodySource, IncomingBody, noBody } from './server-body.js';
import type { ServerConnection } from './server-connection.js';
import { clientOf } from './server-endpoint.js';
import type { ServerSettings } from './server-options.js';

const decoder = new TextDecoder();
const ownBytes = (bytes: Uint8Array, lent: boolean): Uint8Array => (lent ? Buffer.from(bytes) : bytes);
const utf8Text = (bytes: Uint8Array): string => decoder.decode(bytes);
const jsonValue = (bytes: Uint8Array): unknown => JSON.parse(decoder.decode(bytes));

/** What becomes of a piece of a body. */
type BodyVerdict = 'taken' | 'too-large' | 'not-worth-draining';

export class ServerRequest implements BodySource {
  readonly method: string;
  /** The request target as sent: origin form mostly, absolute form perhaps. */
  readonly target: string;
  /** '1.1', '1.0', … */
  readonly version: string;
  readonly fields: Fields;
  /** Value of Content-Length, or −1. */
  readonly contentLength: number;
  /** Number of this request on its connection, counted from 1. */
  readonly number: number;
  /** @internal Why the exchange failed; then nothing of it matters any more. */
  failure: HoldfastError | null = null;
  /** @internal */
  readonly head: RequestHead;
  /** @internal The body has been read to its end as framed. */
  complete = false;
  /** @internal The client waits for 100 Continue. */
  continueDue: boolean;
  /** @internal Bytes of content read. */
  bodyByteCount = 0;
  /** @internal */
  body: IncomingBody | null = null;
  private readonly connection: ServerConnection;
  private drainedByteCount = 0;
  private controller: AbortController | null = null;

  constructor(connection: ServerConnection, head: RequestHead, number: number) {
    this.connection = connection;
    this.head = head;
    this.method = head.method;
    this.target = head.target;
    this.version = head.version;
    this.fields = head.fields;
    this.contentLength = head.contentLength;
    this.number = number;
    this.continueDue = head.expectsContinue;
  }

  /** Value of a field, several joined with ', ', or null. Any case. */
  header(name: string): string | null {
    return this.fields.get(name);
  }

  get hasBody(): boolean {
    return this.head.framing !== 'none' && this.contentLength !== 0;
  }

  get clientAddress(): string {
    return clientOf(this.connection.socket).address;
  }

  get clientPort(): number {
    return clientOf(this.connection.socket).port;
  }

  /** Number of the connection on its server, counted from 1. */
  get connectionNumber(): number {
    return this.connection.number;
  }

  /** Whether the connection is TLS. */
  get secure(): boolean {
    return this.connection.socket instanceof TLSSocket;
  }

  /** Aborts, with the `HoldfastError` as reason, when the client is gone or the exchange failed otherwise. */
  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController();
      if (this.failure !== null) this.controller.abort(this.failure);
    }
    return this.controller.signal;
  }

  /** Trailer fields, once the body has been read to its end; null when there were none. */
  get trailers(): Fields | null {
    return this.body?.trailers ?? null;
  }

  /** The next piece of the body, or null at its end. Rejects with a `HoldfastError` when the body does not come whole. */
  read(): Promise<Uint8Array | null> {
    return this.hasBody ? this.incoming().read() : Promise.resolve(null);
  }

  /** The whole body. Rejects as `read` does. */
  bytes(): Promise<Uint8Array> {
    return this.hasBody ? this.incoming().gather(this.contentLength, ownBytes) : Promise.resolve(noBody);
  }

  /**
   * Hands each piece of the body to `take` as it comes, valid during the call only: the way at least cost to count, hash or parse a body.
   * Resolves at its end. Rejects as `read` does, or with what `take` throws.
   */
  consume(take: (piece: Uint8Array) => void): Promise<void> {
    return this.hasBody ? this.incoming().consume(take) : Promise.resolve();
  }

  /** The whole body, read as UTF-8. */
  text(): Promise<string> {
    return this.hasBody ? this.incoming().gather(this.contentLength, utf8Text) : Promise.resolve('');
  }

  /** The whole body as JSON. Rejects with a `SyntaxError` when it is none. */
  json(): Promise<unknown> {
    return this.hasBody ? this.incoming().gather(this.contentLength, jsonValue) : this.text().then(JSON.parse);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (let piece = await this.read(); piece !== null; piece = await this.read()) yield piece;
  }

  /** @internal */
  incoming(): IncomingBody {
    if (this.body === null) {
      this.body = new IncomingBody(this);
      if (this.failure !== null) this.body.fail(this.failure);
      else if (this.complete && this.bodyByteCount === 0) this.body.end();
      else if (this.complete) this.body.discard();
    }
    return this.body;
  }

  /** @internal `isOver`: its response has ended, so that nobody begins to read it any more. */
  takeBody(data: Uint8Array, start: number, end: number, lent: boolean, isOver: boolean, settings: ServerSettings): BodyVerdict {
    this.bodyByteCount += end - start;
    if (this.bodyByteCount > settings.bodyByteCount) return 'too-large';
    if (isOver && (this.body === null || this.body.use === 'discarded')) {
      this.drainedByteCount += end - start;
      return this.drainedByteCount > settings.drainByteCount ? 'not-worth-draining' : 'taken';
    }
    this.incoming().push(data, start, end, lent);
    return 'taken';
  }

  /** @internal */
  bodyWanted(): void {
    if (!this.continueDue) return;
    this.continueDue = false;
    if (this.bodyByteCount === 0) this.connection.sayContinue();
  }

  /** @internal */
  bodyTaken(): void {
    this.connection.bodyTaken();
  }

  /** @internal Tells whoever waits that `failure` was set. */
  tellFailure(): void {
    if (this.failure === null) return;
    if (!this.complete) this.body?.fail(this.failure);
    this.controller?.abort(this.failure);
  }
}
