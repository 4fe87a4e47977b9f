/** Waiting for the end of sockets, whichever way it comes. */

import type { Socket } from 'node:net';

/** The open sockets of one client. */
export class OpenSockets {
  readonly #sockets = new Set<Socket>();
  #waiting: (() => void) | null = null;

  add(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    const gone = (): void => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#waiting?.();
    };
    socket.once('end', gone);
    socket.once('close', gone);
  }

  /** Until the other side has closed all of them, or the time is over. */
  async allEnded(mostMs: number): Promise<void> {
    if (this.#sockets.size === 0) return;
    await new Promise<void>((done) => {
      const timer = setTimeout(done, mostMs);
      this.#waiting = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}
