/**
 * The closing of a connection from our side: what is left to send, the FIN, and then reading on until the client's FIN, within limits of time and
 * bytes (RFC 9112 §9.6). A close with bytes unread would be answered by the kernel with a reset, which can destroy a response that is on its way.
 *
 * And the opposite: `cut`, for when nobody may take what was sent for whole.
 */

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import type { Clock } from './deadlines.js';
import type { ServerSettings } from './server-options.js';
import type { Output } from './server-output.js';

export class Farewell {
  /** When the client must have closed. */
  dueAtMs = Number.POSITIVE_INFINITY;
  private finAsked = false;
  private discardedByteCount = 0;

  constructor(
    private readonly socket: Socket,
    private readonly clock: Clock,
    private readonly settings: ServerSettings,
  ) {}

  /** Sends what can be sent, and the FIN when that was all. `finSent` is called when the kernel has everything. */
  proceed(output: Output, finSent: () => void): void {
    if (this.finAsked) return;
    output.flush();
    if (output.queuedByteCount > 0) return;
    this.finAsked = true;
    this.socket.end(() => {
      output.dueAtMs = Number.POSITIVE_INFINITY;
      this.dueAtMs = this.clock.now() + this.settings.lingerTimeoutMs;
      finSent();
    });
  }

  /** Counts bytes that nobody wants any more; true when they are too many. */
  discard(byteCount: number): boolean {
    this.discardedByteCount += byteCount;
    return this.discardedByteCount > this.settings.lingerByteCount;
  }
}

/** Ends the connection with a reset (TLS: without its closing alert). */
export function cut(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
