/**
 * The reading half of a client's connection: from bytes to the exchanges that the responses belong to, in order.
 *
 * Rules
 * - The response that ends last within one read is told last, when the read is over and the connection has been put back or closed:
 *   its taker may send the next request at once, and bytes behind it must not become that one's answer.
 * - What a taker throws ends its own exchange; the reader goes on to the end of the read and nothing more is handed out.
 * - An exchange may be given up within its own callbacks; then nothing more is told of this connection.
 *
 * What is not here: sockets, deadlines and closing; the connection is asked for them.
 */

import {
  type AnsweredRequest,
  type Fields,
  type Limits,
  type MessageOutcome,
  type MessageProblem,
  parseKeepAlive,
  type ResponseHandler,
  type ResponseHead,
  ResponseReader,
} from '../wire/index.js';
import type { Exchange } from './client-exchange.js';
import type { ConnectionObservations } from './observe.js';

/** What reading asks of its connection. */
export interface ReadingHome {
  readonly isClosed: boolean;
  /** Pieces may come at this pace from now on. */
  awaitBody(exchange: Exchange): void;
  awaitHead(exchange: Exchange): void;
  /** The taker wants no more for now. */
  hold(): void;
  hint(timeoutSeconds: number | null, max: number | null): void;
}

export class ResponseReading implements ResponseHandler {
  readonly reader: ResponseReader;
  /** When the present read began. */
  atMs = 0;
  /** Ended within the present read; to be told when it is over. */
  ended: Exchange | null = null;
  /** What a taker threw within the present read. */
  thrown: { readonly cause: unknown } | null = null;
  /** Head of the response that ends HTTP on this connection. */
  tunnelHead: ResponseHead | null = null;
  /** The response being read is for nobody; so many bytes of it are still worth reading. */
  draining = false;
  drainLeft = 0;
  /** The message being read is 1xx. */
  private interim = false;
  private lastHint: string | null = null;

  constructor(
    private readonly owed: Exchange[],
    private readonly home: ReadingHome,
    private readonly told: ConnectionObservations | null,
    limits: Partial<Limits>,
  ) {
    this.reader = new ResponseReader({ manner: 'strict', handler: this, limits });
    this.reader.pause();
  }

  answeredRequest(): AnsweredRequest | null {
    return this.owed[0] ?? null;
  }

  onMessageStart(): void {
    const exchange = this.owed[0];
    if (exchange !== undefined && exchange.firstByteAtMs === 0) exchange.firstByteAtMs = this.atMs;
  }

  onHead(head: ResponseHead): void {
    const exchange = this.owed[0];
    if (exchange === undefined) return;
    if (this.told !== null) {
      const { version, status, reason, fields } = head;
      this.told.responseHead({ version, status, reason, fields: fields.lines() });
    }
    if (head.isInterim) {
      this.interim = true;
      if (head.status === 100) exchange.onContinue?.();
      if (!this.draining && exchange.taker.onInterim !== undefined) this.guard(() => exchange.taker.onInterim!(head));
      return;
    }
    // A final response instead of `100 Continue`: the body stays here, and with it the connection's use (RFC 9110 §10.1.1).
    exchange.onContinue = null;
    if (head.hasKeepAliveField) this.takeHint(head.fields.get('keep-alive')!);
    if (head.framing === 'tunnel') {
      this.tunnelHead = head.keep();
      return;
    }
    if (this.draining) return;
    this.home.awaitBody(exchange);
    try {
      exchange.taker.onHead(head);
    } catch (cause) {
      this.thrown = { cause };
    }
  }

  onBody(data: Uint8Array, start: number, end: number): void {
    if (this.draining) {
      this.drainLeft -= end - start;
      return;
    }
    const exchange = this.owed[0];
    if (exchange === undefined || this.thrown !== null) return;
    try {
      if (exchange.taker.onBody(data, start, end) === false) this.home.hold();
    } catch (cause) {
      this.thrown = { cause };
    }
  }

  onTrailers(trailers: Fields): void {
    const exchange = this.owed[0];
    if (exchange === undefined || this.draining || exchange.taker.onTrailers === undefined) return;
    this.guard(() => exchange.taker.onTrailers!(trailers));
  }

  onMessageEnd(outcome: MessageOutcome, bodyByteCount: number): void {
    const exchange = this.owed[0];
    if (this.interim || exchange === undefined) {
      this.interim = false;
      return;
    }
    if (this.told !== null) this.told.messageEnd('server', outcome === 'complete', bodyByteCount);
    if (outcome !== 'complete' || this.tunnelHead !== null) return;
    this.owed.shift();
    this.draining = false;
    exchange.lastByteAtMs = this.atMs;
    const next = this.owed[0];
    if (next === undefined || this.reader.state !== 'between' || this.thrown !== null) {
      this.reader.pause();
      this.ended = exchange;
      return;
    }
    this.home.awaitHead(next);
    exchange.finish();
  }

  onProblem(problem: MessageProblem): void {
    if (this.told !== null && problem.code === 'cut-short') this.told.messageEnd('server', false, 0);
  }

  onSkipped(): void {}

  onTunnel(): void {}

  private guard(call: () => void): void {
    try {
      call();
    } catch (cause) {
      this.thrown = { cause };
    }
  }

  /** Servers say the same again and again: it is read once. `max` counts down, and is read each time that it changes. */
  private takeHint(value: string): void {
    if (value === this.lastHint) return;
    this.lastHint = value;
    const { timeoutSeconds, max } = parseKeepAlive(value);
    this.home.hint(timeoutSeconds, max);
  }
}
