/**
 * The closing packets of one connection: FINs, the first reset, who knew what when, and what was sent into the void. Kept as
 * facts; what they mean is decided in ending.ts and by the rules.
 *
 * "Knew": a side that has acknowledged a FIN has it in its kernel (RFC 9293 §3.6), so bytes it sends from then on were sent
 * into a connection that it could know to be closing. Bytes it sent before may merely have crossed the FIN. That order is the same
 * wherever the capture was made; the order of the packets is not.
 */
import { type AckObservation, type FinObservation, otherSide, type ResetObservation, type Side } from '../base/index.js';
import type { Closing, FirstClose, Moment, Reset, Unanswered } from './model.js';

export class ClosingAccount implements Closing {
  first: FirstClose | null = null;
  clientFin: Moment | null = null;
  serverFin: Moment | null = null;
  unacknowledgedByServer = 0;
  reset: Reset | null = null;
  finAcknowledged: Moment | null = null;
  sentAfterFin: Moment | null = null;
  sentKnowing: Moment | null = null;
  unanswered: Unanswered | null = null;
  /** Bytes of the client up to the segment that ended the head of its newest request. */
  private headBytes = 0;

  /** The head of a request was read; `clientBytes`: of the client so far, in all. */
  requestBegan(clientBytes: number): void {
    this.headBytes = clientBytes;
  }

  /** A FIN that is not a repetition. */
  fin(from: Side, { unacknowledgedByteCount }: FinObservation, at: Moment, clientBytes: number): void {
    if (from === 'client') this.clientFin = at;
    else {
      this.serverFin = at;
      this.unacknowledgedByServer = unacknowledgedByteCount;
    }
    const hadHead = unacknowledgedByteCount <= clientBytes - this.headBytes;
    this.first ??= { from, how: 'fin', at, unacknowledgedBytes: unacknowledgedByteCount, hadHead };
  }

  /** A reset that is not a repetition. */
  takeReset(from: Side, observation: ResetObservation, at: Moment): void {
    this.first ??= { from, how: 'rst', at, unacknowledgedBytes: observation.unacknowledgedByteCount ?? 0, hadHead: false };
    const { acknowledges = true, timeToLive, usualTimeToLive, identification, lastIdentification } = observation;
    this.reset ??= { from, at, acknowledges, timeToLive, usualTimeToLive, identification, lastIdentification };
  }

  /** Something of `from` was captured: what the other side sent was not in vain. */
  heardFrom(from: Side): void {
    if (this.unanswered !== null && this.unanswered.from !== from) this.unanswered = null;
  }

  /** What `from` sent was sent again, and is unanswered. */
  isSentAgain(from: Side): boolean {
    return this.unanswered !== null && this.unanswered.from === from && this.unanswered.retransmissions > 0;
  }

  noteUnanswered(from: Side, what: 'probes' | 'retransmissions', at: Moment): void {
    if (this.unanswered === null || this.unanswered.from !== from) {
      this.unanswered = { from, probes: 0, retransmissions: 0, since: at, last: at };
    }
    this.unanswered[what]++;
    this.unanswered.last = at;
  }

  /** Call for each acknowledgement once there is a first close. */
  ack(from: Side, observation: AckObservation, at: Moment): void {
    const { first } = this;
    if (first === null || first.how !== 'fin' || first.from === from || !observation.coversAll) return;
    this.finAcknowledged ??= at;
  }

  /** Call for new bytes once there is a first close. */
  bytes(from: Side, at: Moment): void {
    const { first } = this;
    if (first === null || first.how !== 'fin' || first.from === from || at.atNs < first.at.atNs) return;
    this.sentAfterFin ??= at;
    if (this.finAcknowledged !== null) this.sentKnowing ??= at;
  }

  /** A SYN went on behind a reset: the reset ended nothing. */
  forgetReset(): void {
    this.first = null;
    this.reset = null;
  }

  /** The sides were guessed wrong. */
  swap(): void {
    [this.clientFin, this.serverFin] = [this.serverFin, this.clientFin];
    if (this.first !== null) this.first = { ...this.first, from: otherSide(this.first.from) };
    if (this.reset !== null) this.reset = { ...this.reset, from: otherSide(this.reset.from) };
    this.unanswered = null;
  }
}
