/**
 * Zeek's words for a connection: `conn_state` and `history`, for people who compare with Zeek's conn.log or have queries
 * written for it. The decision order is that of Zeek's `base/protocols/conn/main.zeek`; the originator is the client.
 *
 * Letters: s SYN, h SYN-ACK, a pure ACK, d data, f FIN, r RST, g content gap, t retransmitted payload, w zero window,
 * ^ sides swapped; capitals for the originator. a and d once a direction; g, t, w at the 1st, 10th, 100th … time.
 * Not told here: c (checksums are not verified), i and q (odd flag combinations).
 */
import type { Side } from '../base/index.js';

type EndpointState = 'inactive' | 'partial' | 'syn-sent' | 'syn-ack-sent' | 'established' | 'closed' | 'reset';

/** The history string stops growing here. */
const historyLimit = 256;

export class ZeekView {
  private client: EndpointState = 'inactive';
  private server: EndpointState = 'inactive';
  private letters = '';
  /** Which of A, a, D, d are written: bits 1, 2, 4, 8. */
  private written = 0;
  private counts: Map<string, number> | null = null;
  private bytesSeen = false;

  /** Forgets everything, for the next connection. */
  restart(): void {
    this.client = 'inactive';
    this.server = 'inactive';
    this.letters = '';
    this.written = 0;
    this.counts = null;
    this.bytesSeen = false;
  }

  syn(from: Side, acknowledges: boolean): void {
    this.add(from, acknowledges ? 'h' : 's');
    if (!acknowledges) {
      if (this.state(from) === 'inactive') this.set(from, 'syn-sent');
      return;
    }
    const other = from === 'client' ? this.server : this.client;
    if (this.state(from) !== 'inactive') return;
    if (other === 'syn-sent') {
      this.set(from, 'established');
      this.set(from === 'client' ? 'server' : 'client', 'established');
    } else {
      this.set(from, 'syn-ack-sent');
    }
  }

  pureAck(from: Side): void {
    const bit = from === 'client' ? 1 : 2;
    if ((this.written & bit) === 0) {
      this.written |= bit;
      this.add(from, 'a');
    }
    this.active(from);
  }

  data(from: Side): void {
    const bit = from === 'client' ? 4 : 8;
    if ((this.written & bit) !== 0) return;
    this.written |= bit;
    this.bytesSeen = true;
    this.add(from, 'd');
    if (this.state(from) === 'inactive') this.active(from);
  }

  gap(from: Side): void {
    this.scaled(from, 'g');
  }

  retransmission(from: Side): void {
    this.scaled(from, 't');
  }

  zeroWindow(from: Side): void {
    this.scaled(from, 'w');
  }

  fin(from: Side): void {
    this.add(from, 'f');
    if (this.state(from) !== 'reset') this.set(from, 'closed');
  }

  reset(from: Side): void {
    this.add(from, 'r');
    if (this.client === 'closed' && this.server === 'closed') return;
    this.set(from, 'reset');
  }

  /** The opening begins again after a reset. */
  reopen(): void {
    this.client = 'syn-sent';
    this.server = 'inactive';
  }

  swap(): void {
    [this.client, this.server] = [this.server, this.client];
    this.written = ((this.written & 5) << 1) | ((this.written & 10) >> 1);
    this.letters = `^${[...this.letters].map((letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase())).join('')}`;
  }

  history(): string {
    return this.letters;
  }

  connState(): string {
    const clientUnseen = this.client === 'inactive' || this.client === 'partial';
    const serverUnseen = this.server === 'inactive' || this.server === 'partial';
    if (this.server === 'reset') {
      if (this.client === 'syn-sent' || this.client === 'syn-ack-sent') return 'REJ';
      if (this.client === 'reset' && !this.bytesSeen) return 'REJ';
      return clientUnseen ? 'RSTRH' : 'RSTR';
    }
    if (this.client === 'reset') {
      if (!serverUnseen) return 'RSTO';
      return /^\^?S[^HAFGIQ]*R/.test(this.letters) ? 'RSTOS0' : 'OTH';
    }
    if (this.client === 'closed' && this.server === 'closed') return 'SF';
    if (this.client === 'closed') return serverUnseen ? 'SH' : 'S2';
    if (this.server === 'closed') return clientUnseen ? 'SHR' : 'S3';
    if (this.client === 'syn-sent' && this.server === 'inactive') return 'S0';
    if (this.client === 'established' && this.server === 'established') return 'S1';
    return 'OTH';
  }

  private state(side: Side): EndpointState {
    return side === 'client' ? this.client : this.server;
  }

  private set(side: Side, state: EndpointState): void {
    if (side === 'client') this.client = state;
    else this.server = state;
  }

  private active(from: Side): void {
    const state = this.state(from);
    if (state === 'inactive') this.set(from, 'partial');
    else if (state === 'syn-ack-sent') this.set(from, 'established');
    const other = from === 'client' ? 'server' : 'client';
    if (this.state(other) === 'syn-ack-sent' && this.state(from) === 'partial') {
      // The SYN was not captured, its SYN-ACK was, and this is the answer to it.
      this.set(from, 'established');
      this.set(other, 'established');
    }
  }

  private add(from: Side, letter: string): void {
    if (this.letters.length < historyLimit) this.letters += from === 'client' ? letter.toUpperCase() : letter;
  }

  private scaled(from: Side, letter: string): void {
    const own = from === 'client' ? letter.toUpperCase() : letter;
    this.counts ??= new Map();
    const count = (this.counts.get(own) ?? 0) + 1;
    this.counts.set(own, count);
    if (/^10*$/.test(String(count))) this.add(from, letter);
  }
}
