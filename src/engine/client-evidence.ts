/**
 * What the kernel says about one connection, for the two questions that decide over requests: may it be used again now, and did the
 * server ever have the request that was on it?
 */

import type { Socket } from 'node:net';
import { fileDescriptorOf, type SocketFacts, socketFacts } from './client-socket-facts.js';

/**
 * `quiet`: nothing to be read. `bytes`: something came, over TLS, where it may be a session ticket. `poisoned`: bytes that nobody
 * asked for. `dead`: FIN or error. `unknown`: the kernel's facts are not there.
 */
export type Quietness = 'quiet' | 'bytes' | 'poisoned' | 'dead' | 'unknown';

export class SocketEvidence {
  private readonly facts: SocketFacts = socketFacts();
  private readonly fd: number;

  constructor(
    socket: Socket,
    private readonly isTls: boolean,
  ) {
    this.fd = fileDescriptorOf(socket);
  }

  /** Asks the kernel at this moment. */
  quietness(): Quietness {
    switch (this.facts.waiting(this.fd)) {
      case 'nothing':
        return 'quiet';
      case 'unknown':
        return 'unknown';
      case 'bytes':
        if (!this.isTls) return 'poisoned';
        return this.facts.established(this.fd) ? 'bytes' : 'dead';
      default:
        return 'dead';
    }
  }

  /** Milliseconds since the server's last bytes reached this host, −1 when unknown. */
  receivedAgoMs(): number {
    return this.facts.receivedAgoMs(this.fd);
  }

  /** After the server's FIN on an idle connection: how long it had waited, in milliseconds; −1 when unknown. */
  waitedBeforeCloseMs(): number {
    return this.facts.lastSegmentAfterDataMs(this.fd);
  }

  /**
   * What Node called an end of stream was a reset: libuv takes the hang-up that comes together with the last bytes for an end. Where
   * it is not known, Node's word stands.
   */
  endWasReset(): boolean {
    return this.facts.waiting(this.fd) === 'failed';
  }

  /** Bytes wait that nobody will read: closing now sends a reset (RFC 9112 §9.6). */
  hasUnreadBytes(): boolean {
    return this.facts.waiting(this.fd) === 'bytes';
  }

  /**
   * Byte of the stream at which what is written next begins, −1 when unknown. `written`: bytes written by this end so far, which is
   * the place itself where nothing encrypts in between. `cheaply`: only where it costs nothing to know.
   */
  place(written: number, cheaply: boolean): number {
    if (!this.isTls) return written;
    if (cheaply) return -1;
    const acknowledged = this.facts.acknowledgedByteCount(this.fd);
    const unacknowledged = this.facts.unacknowledgedByteCount(this.fd);
    return acknowledged === -1 || unacknowledged === -1 ? -1 : acknowledged - 1 + unacknowledged;
  }

  /**
   * After the server's FIN: its kernel never acknowledged a byte from `place` on. A server that has closed its side cannot answer, and
   * its FIN carried the highest byte that it had. The SYN counts as one.
   */
  acknowledgedNothingFrom(place: number): boolean {
    if (place < 0) return false;
    const acknowledged = this.facts.acknowledgedByteCount(this.fd) - 1;
    return acknowledged >= 0 && acknowledged <= place;
  }
}
