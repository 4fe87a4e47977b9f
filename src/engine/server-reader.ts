/**
 * Request readers, shared by the connections of a server: a connection has one only while bytes of a request, or its answer, are under way. So an idle
 * connection costs less memory, and a busy server reads most requests with the same few readers, which stay in the processor's caches.
 */

import {
  type Fields,
  type Limits,
  type MessageOutcome,
  type MessageProblem,
  type RequestHandler,
  type RequestHead,
  RequestReader,
} from '../wire/index.js';

/** Readers kept for later. */
const keptLimit = 64;

/** Hands on what its reader tells to the connection that has it at the time. */
export class SharedReader implements RequestHandler {
  readonly reader: RequestReader;

  constructor(
    limits: Partial<Limits>,
    public taker: RequestHandler,
  ) {
    this.reader = new RequestReader({ manner: 'strict', handler: this, limits });
  }

  onMessageStart(offset: number): void {
    this.taker.onMessageStart(offset);
  }

  onHead(head: RequestHead): void {
    this.taker.onHead(head);
  }

  onBody(data: Uint8Array, start: number, end: number): void {
    this.taker.onBody(data, start, end);
  }

  onTrailers(trailers: Fields): void {
    this.taker.onTrailers(trailers);
  }

  onMessageEnd(outcome: MessageOutcome, bodyByteCount: number, missingByteCount: number): void {
    this.taker.onMessageEnd(outcome, bodyByteCount, missingByteCount);
  }

  onProblem(problem: MessageProblem): void {
    this.taker.onProblem(problem);
  }

  onSkipped(byteCount: number): void {
    this.taker.onSkipped(byteCount);
  }

  onTunnel(): void {
    this.taker.onTunnel();
  }
}

export class SharedReaders {
  private readonly kept: SharedReader[] = [];

  constructor(private readonly limits: Partial<Limits>) {}

  take(taker: RequestHandler): SharedReader {
    const shared = this.kept.pop();
    if (shared === undefined) return new SharedReader(this.limits, taker);
    shared.taker = taker;
    return shared;
  }

  /** Takes a reader back; the next stream begins anew with it. */
  giveBack(shared: SharedReader): void {
    if (this.kept.length >= keptLimit) return;
    shared.reader.restart();
    shared.taker = nobody;
    this.kept.push(shared);
  }
}

const nobody: RequestHandler = {
  onMessageStart() {},
  onHead() {},
  onBody() {},
  onTrailers() {},
  onMessageEnd() {},
  onProblem() {},
  onSkipped() {},
  onTunnel() {},
};
