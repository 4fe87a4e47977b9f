/**
 * The writing half of a client's connection: a request's head and body, in one write where they fit, and the count of bytes written,
 * which is the place of each request in the stream.
 *
 * What is not here: deadlines and failing; the connection is asked for them.
 */

import type { Socket } from 'node:net';
import type { Exchange } from './client-exchange.js';
import { upload } from './client-upload.js';
import type { HoldfastError } from './errors.js';

/** What sending asks of its connection. */
export interface SendingHome {
  /** The peer's `100 Continue`, or the kernel's taking more, must come by then; Infinity for no such limit. */
  awaitSending(exchange: Exchange, untilMs: number): void;
  /** The request is wholly written, with so many bytes of content. */
  requestSent(exchange: Exchange, nowMs: number, contentByteCount: number): void;
  abandon(exchange: Exchange, error: HoldfastError): void;
}

/** Bodies up to this size go out in one write with their head. */
const joinedBodyByteCount = 16 * 1024;

export class RequestSending {
  /** The kernel has refused the first write of the present request: it has no byte of it. */
  refused = false;

  constructor(
    private readonly socket: Socket,
    private readonly home: SendingHome,
    /** Bytes written to the connection so far. */
    public writtenByteCount: number,
  ) {}

  /** `alone`: no other request is owed an answer. */
  send(exchange: Exchange, nowMs: number, alone: boolean): void {
    const { head, body, expectsContinue } = exchange.request;
    const { socket } = this;
    if (alone) this.refused = false;
    if (body === null) {
      socket.write(head, 'latin1');
      this.writtenByteCount += head.length;
      this.home.requestSent(exchange, nowMs, 0);
    } else if (body.bytes !== null && body.bytes.length <= joinedBodyByteCount && !expectsContinue) {
      const whole = Buffer.allocUnsafe(head.length + body.bytes.length);
      whole.write(head, 'latin1');
      whole.set(body.bytes, head.length);
      socket.write(whole);
      this.writtenByteCount += whole.length;
      this.home.requestSent(exchange, nowMs, body.bytes.length);
    } else {
      socket.write(head, 'latin1');
      this.writtenByteCount += head.length;
      if (expectsContinue) this.awaitContinue(exchange, nowMs);
      else this.sendBody(exchange);
    }
    if (alone && socket.errored !== null) this.refused = true;
  }

  private awaitContinue(exchange: Exchange, nowMs: number): void {
    exchange.onContinue = () => {
      exchange.onContinue = null;
      this.sendBody(exchange);
    };
    this.home.awaitSending(exchange, nowMs + exchange.request.timeouts.continueMs);
  }

  private sendBody(exchange: Exchange): void {
    const { home } = this;
    const { body, trailers, timeouts } = exchange.request;
    home.awaitSending(exchange, Number.POSITIVE_INFINITY);
    exchange.stopUpload = upload(this.socket, body!, trailers, {
      wrote: (byteCount) => {
        this.writtenByteCount += byteCount;
      },
      waits: () => home.awaitSending(exchange, performance.now() + timeouts.sendMs),
      moves: () => home.awaitSending(exchange, Number.POSITIVE_INFINITY),
      touched: () => {
        exchange.bodyTouched = true;
      },
      ended: (byteCount) => {
        exchange.stopUpload = null;
        home.requestSent(exchange, performance.now(), byteCount);
      },
      failed: (error) => home.abandon(exchange, error),
    });
  }
}
