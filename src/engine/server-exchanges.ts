/**
 * The exchanges of one connection that are not over, oldest first: beginning them, ending them, and failing them.
 *
 * Rules
 * - Answers leave in the order of the requests (RFC 9112 §9.3.2); only the oldest response writes, the others hold what they have.
 * - An exchange is over when its response has ended and its request has been read, or need not be read because the connection closes.
 * - A failure before the response has begun is answered with a status; one within the response cuts the connection, because nothing else
 *   tells the client that the body is not whole.
 * - After a response that said close, nothing more is answered. What waits behind it was never unsafe and begun.
 */

import type { Clock } from './deadlines.js';
import { HoldfastError } from './errors.js';
import type { ServerConnection } from './server-connection.js';
import { writeRefusal } from './server-head.js';
import type { ServerResponse } from './server-response.js';

/** The last response, when the request that it answers could not be read. */
interface Refusal {
  readonly status: number;
  /** What the body of the response says. */
  readonly code: string;
  readonly error: HoldfastError;
}

const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

export class Exchanges {
  oldest: ServerResponse | null = null;
  newest: ServerResponse | null = null;
  count = 0;
  /** Said when the exchanges before it are over. */
  refusal: Refusal | null = null;

  constructor(private readonly connection: ServerConnection) {}

  /** Whether a further request may be taken behind the present ones. */
  mayGrow(depth: number): boolean {
    const { newest, refusal } = this;
    if (refusal !== null) return false;
    return newest === null || (this.count < depth && newest.started && isSafe(newest.request.method));
  }

  add(response: ServerResponse): void {
    const before = this.newest;
    this.count += 1;
    this.newest = response;
    if (before === null) {
      this.oldest = response;
      this.start(response);
    } else {
      before.next = response;
      if (before.started && isSafe(response.request.method)) this.start(response);
    }
  }

  /** The request has been read to its end. */
  requestEnded(): void {
    const response = this.newest;
    if (response === null) return;
    const { request } = response;
    request.complete = true;
    request.body?.end();
    if (response.phase === 'ended') this.advance();
  }

  responseEnded(response: ServerResponse): void {
    const { request } = response;
    if (!request.complete && request.body?.use === 'unclaimed') request.body.discard();
    if (request.complete || response.saysClose) this.advance();
    this.connection.touched();
  }

  /** The handler threw, or gave up. With `isCut` nothing more is said on the connection. */
  handlerFailed(response: ServerResponse, cause: unknown, isCut = false): void {
    const { connection } = this;
    const { request, phase } = response;
    if (!connection.isOpen || phase === 'abandoned' || response.answeredFor || cause === request.failure) return;
    const isCallers = cause instanceof HoldfastError && cause.fault === 'caller';
    const error = isCallers ? cause : new HoldfastError('handler-failed', { cause });
    if (phase === 'ended') connection.report(error, request.number);
    else if (isCut) {
      connection.report(error, request.number);
      this.lose(error);
      connection.cut();
    } else {
      this.fail(response, error, 500);
      connection.touched();
    }
  }

  /** Ends an exchange that failed: with `status` when the response has not begun, else by cutting the connection. */
  fail(response: ServerResponse, error: HoldfastError, status: number, code: string = error.code): void {
    const { connection } = this;
    const { request, phase } = response;
    connection.report(error, request.number);
    request.failure = error;
    // A handler that failed spoils nothing else; after the other failures the stream or the client is not to be trusted.
    if (phase === 'open') this.answer(response, status, code, '', error.fault !== 'caller' || !request.complete);
    else if (phase === 'streaming') {
      this.lose(error);
      connection.cut();
    } else connection.close();
    request.tellFailure();
  }

  /** The stream cannot be read any further: the last thing said, after the responses still due, is `status`. */
  refuse(status: number, code: string, error: HoldfastError): void {
    if (this.refusal !== null) return;
    this.refusal = { status, code, error };
    this.connection.report(error, this.connection.requestCount + 1);
    if (this.oldest === null) this.sayRefusal(this.refusal);
  }

  /** All that is not over fails, and nothing of it is answered. */
  lose(error: HoldfastError): void {
    let response = this.oldest;
    this.forget();
    for (; response !== null; response = response.next) {
      response.request.failure ??= error;
      response.abandon(error);
      this.connection.exchangeOver(response);
      response.request.tellFailure();
    }
  }

  forget(): void {
    this.oldest = null;
    this.newest = null;
    this.count = 0;
  }

  /** When the first of the responses that handlers have not begun is late. */
  dueAtMs(clock: Clock, responseTimeoutMs: number): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (let response = this.oldest; response !== null; response = response.next) {
      if (!response.started || response.phase !== 'open') continue;
      if (response.startedAtMs === 0) response.startedAtMs = clock.now();
      earliest = Math.min(earliest, response.startedAtMs + responseTimeoutMs);
    }
    return earliest;
  }

  /** The oldest response that is late. */
  late(nowMs: number, responseTimeoutMs: number): ServerResponse | null {
    for (let response = this.oldest; response !== null; response = response.next) {
      const waitedFor = response.phase === 'open' && response.startedAtMs !== 0;
      if (waitedFor && response.startedAtMs + responseTimeoutMs <= nowMs) return response;
    }
    return null;
  }

  private start(response: ServerResponse): void {
    response.started = true;
    const { server } = this.connection;
    const { request } = response;
    const refusal = server.refusalOf(request);
    if (refusal !== null) {
      this.answer(response, refusal.status, refusal.code, refusal.lines, true);
      return;
    }
    if (server.takesOver(request)) {
      this.connection.takeOver(request);
      return;
    }
    try {
      const result = server.handler(request, response) as PromiseLike<unknown> | null | undefined;
      if (typeof result?.then === 'function') result.then(undefined, (cause: unknown) => this.handlerFailed(response, cause));
    } catch (cause) {
      this.handlerFailed(response, cause);
    }
  }

  /** Answers in place of the handler. */
  private answer(response: ServerResponse, status: number, code: string, lines: string, last: boolean): void {
    if (last) response.wantsClose = true;
    const standing = this.connection.standingLines(response);
    response.sentStatus = status;
    response.phase = 'ended';
    response.answeredFor = true;
    response.putHead(writeRefusal(status, code, standing, lines, response.request.method === 'HEAD'));
    this.responseEnded(response);
  }

  /** The oldest exchange may be over: moves on to the next. */
  private advance(): void {
    const { connection } = this;
    for (let done = this.oldest; done !== null && done.phase === 'ended'; done = this.oldest) {
      const { request } = done;
      const bodyMatters = request.failure === null && (!done.saysClose || request.body?.use === 'claimed');
      if (!request.complete && bodyMatters) return;
      const { next } = done;
      this.oldest = next;
      this.count -= 1;
      if (next === null) this.newest = null;
      connection.exchangeOver(done);
      if (done.saysClose) {
        this.lose(new HoldfastError('connection-ends', { detail: 'An earlier response was the last one.' }));
        connection.close();
        return;
      }
      if (next === null) {
        if (this.refusal !== null) this.sayRefusal(this.refusal);
        else connection.becomeIdle();
        return;
      }
      done.next = null;
      next.release();
      if (!next.started) this.start(next);
    }
  }

  private sayRefusal({ status, code, error }: Refusal): void {
    const { connection } = this;
    const { standingLines } = connection.server;
    standingLines.refresh();
    connection.refused(writeRefusal(status, code, standingLines.last, '', false), status, error.code);
  }
}
