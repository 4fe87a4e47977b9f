/**
 * One direction of a talk: what it is known to carry, its reader, and how what the reader tells comes to the talk.
 */
import type { Side } from '../base/index.js';
import type {
  AnsweredRequest,
  Fields,
  MessageOutcome,
  MessageProblem,
  RequestHandler,
  RequestHead,
  RequestReader,
  ResponseHandler,
  ResponseHead,
  ResponseReader,
} from '../wire/index.js';
import type { Moment } from './model.js';

export type Reading = 'undecided' | 'request' | 'response' | 'tunnel' | 'turns';

export class Direction {
  reading: Reading = 'undecided';
  requests: RequestReader | null = null;
  responses: ResponseReader | null = null;
  /** First bytes that were too few to tell. */
  heldBytes: Uint8Array | null = null;
  heldSince: Moment | null = null;
  messageStart: Moment | null = null;
  /** A FIN of this side ended its stream, here. */
  ended = false;
  inMessage = false;

  /** The readers stay: they are started anew when this direction is recognised. */
  restart(): void {
    this.reading = 'undecided';
    this.heldBytes = null;
    this.heldSince = null;
    this.messageStart = null;
    this.ended = false;
    this.inMessage = false;
  }
}

/** The talk, as its readers see it. */
interface MessageTaker {
  messageStarted(direction: Direction): void;
  requestHead(direction: Direction, from: Side, head: RequestHead): void;
  requestEnded(direction: Direction, outcome: MessageOutcome, bodyByteCount: number, from: Side): void;
  responseHead(direction: Direction, from: Side, head: ResponseHead): void;
  responseEnded(direction: Direction, outcome: MessageOutcome, bodyByteCount: number, from: Side): void;
  note(direction: Direction, problem: MessageProblem): void;
  skip(from: Side, byteCount: number): void;
  tunnel(direction: Direction, from: Side): void;
  /** The oldest request without a final response. */
  answered(): AnsweredRequest | null;
}

/** Feeds what the request reader tells to the talk. */
export class RequestSide implements RequestHandler {
  constructor(
    private readonly talk: MessageTaker,
    private readonly direction: Direction,
    private readonly from: Side,
  ) {}
  onMessageStart(): void {
    this.talk.messageStarted(this.direction);
  }
  onHead(head: RequestHead): void {
    this.talk.requestHead(this.direction, this.from, head);
  }
  onBody(_data: Uint8Array, _start: number, _end: number): void {}
  onTrailers(_trailers: Fields): void {}
  onMessageEnd(outcome: MessageOutcome, bodyByteCount: number): void {
    this.talk.requestEnded(this.direction, outcome, bodyByteCount, this.from);
  }
  onProblem(problem: MessageProblem): void {
    this.talk.note(this.direction, problem);
  }
  onSkipped(byteCount: number): void {
    this.talk.skip(this.from, byteCount);
  }
  onTunnel(): void {}
}

/** Feeds what the response reader tells to the talk. */
export class ResponseSide implements ResponseHandler {
  constructor(
    private readonly talk: MessageTaker,
    private readonly direction: Direction,
    private readonly from: Side,
  ) {}
  onMessageStart(): void {
    this.talk.messageStarted(this.direction);
  }
  onHead(head: ResponseHead): void {
    this.talk.responseHead(this.direction, this.from, head);
  }
  onBody(_data: Uint8Array, _start: number, _end: number): void {}
  onTrailers(_trailers: Fields): void {}
  onMessageEnd(outcome: MessageOutcome, bodyByteCount: number): void {
    this.talk.responseEnded(this.direction, outcome, bodyByteCount, this.from);
  }
  onProblem(problem: MessageProblem): void {
    this.talk.note(this.direction, problem);
  }
  onSkipped(byteCount: number): void {
    this.talk.skip(this.from, byteCount);
  }
  onTunnel(): void {
    this.talk.tunnel(this.direction, this.from);
  }
  answeredRequest(): AnsweredRequest | null {
    return this.talk.answered();
  }
}

export function joined(held: Uint8Array, data: Uint8Array, start: number, end: number): Uint8Array {
  const bytes = new Uint8Array(held.length + end - start);
  bytes.set(held);
  bytes.set(data.subarray(start, end), held.length);
  return bytes;
}

/** Whether missing bytes make it unknowable where the messages of this direction begin and end. */
export function losesFraming(direction: Direction): boolean {
  if (direction.reading === 'tunnel') return false;
  const reader =
    direction.reading === 'request' ? direction.requests : direction.reading === 'response' ? direction.responses : null;
  return reader === null || (reader.state !== 'counted' && reader.state !== 'until-close');
}
