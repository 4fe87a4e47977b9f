/**
 * A response as a native handler writes it.
 *
 *     open ──end(body)──────────────────────────► ended
 *       └──write(piece)──► streaming ──end()──────►
 *     any ──(connection lost, timeout, refused)──► abandoned: everything is ignored from then on
 *
 * `end(body)` alone is the fast way: head and body leave in one write, framed by Content-Length. `write` frames by the Content-Length the
 * handler said, else in chunks, else (HTTP/1.0) by the end of the connection. Out of turn (pipelining), the output waits here.
 */

import { BodyWriter, eachField, type FieldsToWrite, MessageWriteError, writeFieldLine, writeStatusLine } from '../wire/index.js';
import { HoldfastError } from './errors.js';
import type { ServerConnection } from './server-connection.js';
import type { ServerRequest } from './server-request.js';

export type ResponsePhase = 'open' | 'streaming' | 'ended' | 'abandoned';

/** Bytes that a response out of turn may hold before `write` says no. */
const heldByteLimit = 64 * 1024;

const statusLines: (string | undefined)[] = new Array(600);

function statusLine(status: number, reason: string | undefined): string {
  if (reason !== undefined) return writeStatusLine(status, reason);
  let line = statusLines[status];
  if (line === undefined) {
    line = writeStatusLine(status);
    statusLines[status] = line;
  }
  return line;
}

/** Bytes up to this many leave as a string with one character a byte, in one write with their head. */
const smallByteCount = 4096;

const latin1Of = (bytes: Uint8Array): string =>
  (bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).toString('latin1');

const hasNoBody = (status: number): boolean => status === 204 || status === 304;

export class ServerResponse {
  /** 200 to 999; interim responses go by `inform`. */
  status = 200;
  /** The registered phrase where it is not said. */
  reason: string | undefined = undefined;
  /** @internal */
  readonly request: ServerRequest;
  /** @internal */
  phase: ResponsePhase = 'open';
  /** @internal This is the connection's last response; valid once the head is written. */
  saysClose = false;
  /** @internal The handler wants the connection closed. */
  wantsClose = false;
  /** @internal The engine has answered in place of the handler. */
  answeredFor = false;
  /** @internal The handler has been called. */
  started = false;
  /** @internal */
  startedAtMs = 0;
  /** @internal When the head had been read, for the access log. */
  readAtMs = 0;
  /** @internal Status that went on the wire, 0 before. */
  sentStatus = 0;
  /** @internal */
  bodyByteCount = 0;
  /** @internal */
  next: ServerResponse | null = null;
  /** @internal Waits for its turn. */
  held: (string | Uint8Array)[] | null = null;
  private heldByteCount = 0;
  /** Heads that wait and have not been observed yet. */
  private untold: string[] | null = null;
  private readonly connection: ServerConnection;
  private lines = '';
  private declaredLength = -1;
  private writer: BodyWriter | null = null;
  private trailerLines: [string, string][] | null = null;
  private waiting: { resolve: () => void; reject: (error: HoldfastError) => void; promise: Promise<void> } | null = null;

  constructor(connection: ServerConnection, request: ServerRequest) {
    this.connection = connection;
    this.request = request;
  }

  /** The head is on its way: status and fields can no longer change. */
  get headSent(): boolean {
    return this.phase !== 'open';
  }

  /**
   * Adds a field line. A repeated name makes a second line. Throws `invalid-message` on a line break, a NUL and the like.
   * What the connection's own fields are taken for: see server-head.ts.
   */
  field(name: string, value: string): this {
    if (this.phase !== 'open') {
      if (this.isLost) return this;
      throw new HoldfastError('response-already-begun');
    }
    const line = writing(writeFieldLine, name, value);
    if (isOwned[name.length] !== true || !this.takeOwned(name.toLowerCase(), value)) this.lines += line;
    return this;
  }

  /** Adds several field lines. */
  fields(fields: FieldsToWrite): this {
    eachField(fields, (name, value) => this.field(name, value));
    return this;
  }

  /** Closes the connection after this response, and says so. */
  closeAfter(): this {
    this.wantsClose = true;
    return this;
  }

  /** Sends an interim response (102, 103) at once. HTTP/1.0 clients get none. */
  inform(status: number, fields: FieldsToWrite = []): void {
    if (this.isLost) return;
    if (this.phase !== 'open') throw new HoldfastError('response-already-begun');
    if (!(status >= 102 && status <= 199))
      throw new HoldfastError('invalid-message', { detail: 'An interim response is 102 to 199.' });
    if (this.request.version === '1.0') return;
    let text = writing(statusLine, status, undefined);
    eachField(fields, (name, value) => {
      text += writing(writeFieldLine, name, value);
    });
    text += '\r\n';
    this.putHead(text);
    this.connection.touched();
  }

  /** Sends the whole response, or ends it. A string is sent as UTF-8. */
  end(body?: string | Uint8Array): void {
    if (this.phase !== 'open') {
      this.endStreaming(body);
      return;
    }
    const byteCount = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const withoutBody = this.request.method === 'HEAD' || hasNoBody(this.status);
    let length = byteCount;
    if (this.declaredLength >= 0) {
      if (this.declaredLength !== byteCount && !(withoutBody && byteCount === 0)) {
        throw new HoldfastError('response-length-mismatch', {
          detail: `${byteCount} bytes where ${this.declaredLength} were said.`,
        });
      }
      length = this.declaredLength;
    } else if (hasNoBody(this.status)) length = -1;
    const head = this.head(length < 0 ? '\r\n' : `Content-Length: ${length}\r\n\r\n`);
    this.phase = 'ended';
    if (withoutBody || byteCount === 0) this.putHead(head);
    else {
      this.bodyByteCount = byteCount;
      if (typeof body === 'string' && body.length === byteCount && !this.connection.observed) this.put(head + body);
      else {
        this.putHead(head);
        this.putContent(body!, byteCount);
      }
    }
    this.connection.exchanges.responseEnded(this);
  }

  /**
   * Sends a piece. False: the client is slower than the handler; wait for `drained()`. Always false once the connection is lost.
   */
  write(piece: string | Uint8Array): boolean {
    if (this.isLost) return false;
    if (this.phase === 'ended') throw new HoldfastError('response-already-ended');
    if (this.phase === 'open') this.begin();
    const byteCount = typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length;
    if (byteCount > 0) {
      const writer = this.writer!;
      const before = this.bodyWriting(() => writer.before(byteCount));
      if (this.request.method !== 'HEAD') {
        this.bodyByteCount += byteCount;
        if (typeof piece === 'string' && piece.length === byteCount) this.put(before + piece + writer.after);
        else {
          if (before !== '') this.put(before);
          this.putContent(piece, byteCount);
          if (before !== '') this.put(writer.after);
        }
      }
    }
    this.connection.touched();
    return this.hasRoom();
  }

  /** Adds a trailer field, sent after a chunked body (RFC 9110 §6.5); dropped where the body is not chunked. */
  trailer(name: string, value: string): this {
    writing(writeFieldLine, name, value);
    this.trailerLines ??= [];
    this.trailerLines.push([name, value]);
    return this;
  }

  /** Resolves when `write` would say true. Rejects with the `HoldfastError` when the connection is lost. */
  drained(): Promise<void> {
    if (this.isLost) {
      return Promise.reject(this.request.failure ?? new HoldfastError('response-already-ended'));
    }
    if (this.hasRoom()) return Promise.resolve();
    if (this.waiting === null) {
      const { promise, resolve, reject } = promiseWithResolvers();
      this.waiting = { promise, resolve, reject };
    }
    return this.waiting.promise;
  }

  /** Gives the response up: the connection is reset, so that nobody takes what was sent for whole. */
  abort(cause?: unknown): void {
    if (this.phase === 'ended' || this.phase === 'abandoned') return;
    this.connection.exchanges.handlerFailed(this, cause ?? new Error('the handler gave the response up'), true);
  }

  /** Whatever the handler says has no effect any more. */
  private get isLost(): boolean {
    return this.phase === 'abandoned' || this.answeredFor;
  }

  private get isItsTurn(): boolean {
    return this.connection.exchanges.oldest === this;
  }

  /** @internal There may be room again. */
  wakeWriter(): void {
    if (this.waiting === null || !this.hasRoom()) return;
    const { resolve } = this.waiting;
    this.waiting = null;
    resolve();
  }

  /** @internal */
  abandon(error: HoldfastError): void {
    if (this.phase !== 'ended') this.phase = 'abandoned';
    this.held = null;
    const { waiting } = this;
    this.waiting = null;
    waiting?.reject(error);
  }

  /** @internal Its turn has come. */
  release(): void {
    const { held } = this;
    this.held = null;
    this.heldByteCount = 0;
    if (this.untold !== null) for (const text of this.untold) this.connection.tellResponseHead(text);
    this.untold = null;
    if (held !== null) for (const part of held) this.connection.output.add(part);
    this.wakeWriter();
  }

  /** @internal A head that is written in place of the handler's. */
  put(part: string | Uint8Array): void {
    if (this.isItsTurn) this.connection.output.add(part);
    else {
      this.held ??= [];
      this.held.push(part);
      this.heldByteCount += part.length;
    }
  }

  /** @internal */
  putHead(text: string): void {
    if (this.connection.observed) {
      if (this.isItsTurn) this.connection.tellResponseHead(text);
      else {
        this.untold ??= [];
        this.untold.push(text);
      }
    }
    this.put(text);
  }

  private putContent(body: string | Uint8Array, byteCount: number): void {
    if (typeof body !== 'string') this.put(byteCount > smallByteCount ? body : latin1Of(body));
    else if (body.length === byteCount) this.put(body);
    else this.put(byteCount > smallByteCount ? Buffer.from(body) : latin1Of(Buffer.from(body)));
  }

  private hasRoom(): boolean {
    return this.isItsTurn ? this.connection.output.hasRoom : this.heldByteCount < heldByteLimit;
  }

  private begin(): void {
    let framing: 'none' | 'length' | 'chunked' | 'until-close';
    let line = '';
    if (hasNoBody(this.status)) framing = 'none';
    else if (this.declaredLength >= 0) {
      framing = 'length';
      line = `Content-Length: ${this.declaredLength}\r\n`;
    } else if (this.request.version === '1.0') {
      framing = 'until-close';
      this.wantsClose = true;
    } else {
      framing = 'chunked';
      line = 'Transfer-Encoding: chunked\r\n';
    }
    const head = this.head(`${line}\r\n`);
    this.writer = new BodyWriter(framing, this.declaredLength);
    this.phase = 'streaming';
    this.putHead(head);
  }

  private endStreaming(piece: string | Uint8Array | undefined): void {
    if (this.isLost) return;
    if (this.phase === 'ended') throw new HoldfastError('response-already-ended');
    if (piece !== undefined && piece.length > 0) this.write(piece);
    const writer = this.writer!;
    const trailers = writer.framing === 'chunked' && this.trailerLines !== null ? this.trailerLines : undefined;
    const isHead = this.request.method === 'HEAD';
    const text = isHead ? '' : this.bodyWriting(() => writer.end(trailers));
    this.phase = 'ended';
    if (text !== '') this.put(text);
    this.connection.exchanges.responseEnded(this);
  }

  private head(framingLines: string): string {
    const { status } = this;
    if (status < 200) throw new HoldfastError('invalid-message', { detail: 'A final response is 200 or above.' });
    const line =
      this.reason === undefined
        ? (statusLines[status] ?? writing(statusLine, status, undefined))
        : writing(statusLine, status, this.reason);
    const standing = this.connection.standingLines(this);
    this.sentStatus = status;
    return line + standing + this.lines + framingLines;
  }

  /** Handles a field that the engine owns; true when it must not be written as given. */
  private takeOwned(name: string, value: string): boolean {
    switch (name) {
      case 'content-length':
        if (!/^\d{1,15}$/.test(value)) throw new HoldfastError('invalid-message', { detail: 'The Content-Length is no number.' });
        this.declaredLength = Number(value);
        return true;
      case 'connection':
        if (/(?:^|,)\s*close\s*(?:,|$)/i.test(value)) this.wantsClose = true;
        return true;
      case 'keep-alive':
      case 'proxy-connection':
      case 'transfer-encoding':
      case 'upgrade':
      case 'date':
        return true;
      default:
        return false;
    }
  }

  /** Runs a step of the body's framing; a length that does not fit is the handler's mistake and cuts the response. */
  private bodyWriting(step: () => string): string {
    try {
      return step();
    } catch (cause) {
      const error = new HoldfastError('response-length-mismatch', { cause });
      this.connection.exchanges.handlerFailed(this, error, true);
      throw error;
    }
  }
}

/** By length: names that `takeOwned` may know. */
const isOwned: (boolean | undefined)[] = [];
for (const name of ['content-length', 'connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'date']) {
  isOwned[name.length] = true;
}

function writing<A, B>(write: (first: A, second: B) => string, first: A, second: B): string {
  try {
    return write(first, second);
  } catch (cause) {
    if (cause instanceof MessageWriteError) throw new HoldfastError('invalid-message', { cause, detail: cause.message });
    throw cause;
  }
}

function promiseWithResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: HoldfastError) => void } {
  let resolve!: () => void;
  let reject!: (error: HoldfastError) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
