/**
 * What a connection still has to write, and the way out: gathered during one turn of the event loop and written at once.
 *
 * Rules
 * - Heads and small bodies are strings with one character a byte; a head and its body leave in one write.
 * - At most `batchByteCount` is with the socket at a time, so that the progress of a large body can be seen and timed. While the kernel takes no
 *   more, the rest waits here, `blocked` is true and `dueAtMs` runs.
 */

import type { Socket } from 'node:net';

import type { Clock } from './deadlines.js';
import { type DirectWriter, writerOf } from './direct-write.js';

const batchByteCount = 256 * 1024;
/** Output beyond which writers wait and no further request is read. */
const roomByteCount = 128 * 1024;

export class Output {
  /** Bytes that wait here (those that the socket holds are not counted). */
  queuedByteCount = 0;
  /** The kernel has not yet taken all of the last batch. */
  blocked = false;
  /** When the client must have taken what is with the kernel. */
  dueAtMs = Number.POSITIVE_INFINITY;
  private text = '';
  private parts: (string | Uint8Array)[] | null = null;
  private readonly direct: DirectWriter | null;

  /** `unblocked` is called when the kernel has taken everything, after a time in which it had not. */
  constructor(
    private readonly socket: Socket,
    private readonly clock: Clock,
    private readonly sendTimeoutMs: number,
    private readonly unblocked: () => void,
  ) {
    this.direct = writerOf(socket, () => this.sent());
  }

  get hasRoom(): boolean {
    return this.queuedByteCount < roomByteCount && !(this.blocked && this.untakenByteCount >= roomByteCount);
  }

  /** Bytes that were written and are not with the kernel. */
  private get untakenByteCount(): number {
    return this.socket.writableLength + (this.direct === null ? 0 : this.direct.pendingByteCount);
  }

  add(part: string | Uint8Array): void {
    this.queuedByteCount += part.length;
    if (typeof part === 'string') {
      this.text += part;
      return;
    }
    this.parts ??= [];
    if (this.text !== '') {
      this.parts.push(this.text);
      this.text = '';
    }
    this.parts.push(part);
  }

  flush(): void {
    if (this.queuedByteCount === 0 || this.blocked) return;
    const { socket, direct } = this;
    if (this.parts === null && this.text.length <= batchByteCount) {
      const { text } = this;
      this.text = '';
      this.queuedByteCount = 0;
      if (direct?.isReady === true) direct.write(text);
      else socket.write(text, 'latin1', this.sent);
    } else {
      this.writeBatch();
      while (socket.writableLength === 0 && this.queuedByteCount > 0) this.writeBatch();
    }
    if (this.untakenByteCount > 0) {
      this.blocked = true;
      this.dueAtMs = this.clock.now() + this.sendTimeoutMs;
    }
  }

  drop(): void {
    this.text = '';
    this.parts = null;
    this.queuedByteCount = 0;
    this.dueAtMs = Number.POSITIVE_INFINITY;
  }

  private writeBatch(): void {
    const parts = this.parts ?? [];
    if (this.text !== '') parts.push(this.text);
    this.text = '';
    let count = 0;
    let byteCount = 0;
    while (count < parts.length && byteCount < batchByteCount) {
      const part = parts[count]!;
      const room = batchByteCount - byteCount;
      if (part.length > room) {
        const bytes = typeof part === 'string' ? Buffer.from(part, 'latin1') : part;
        parts.splice(count, 1, bytes.subarray(0, room), bytes.subarray(room));
      }
      byteCount += parts[count]!.length;
      count += 1;
    }
    this.queuedByteCount -= byteCount;
    this.parts = count === parts.length ? null : parts;
    const batch = count === parts.length ? parts : parts.splice(0, count);
    const { socket } = this;
    socket.cork();
    for (let index = 0; index < count; index++) {
      const part = batch[index]!;
      const sent = index === count - 1 ? this.sent : undefined;
      if (typeof part === 'string') socket.write(part, 'latin1', sent);
      else socket.write(part, sent);
    }
    socket.uncork();
  }

  private readonly sent = (error?: Error | null): void => {
    if (error || !this.blocked || this.untakenByteCount > 0) return;
    this.blocked = false;
    this.dueAtMs = Number.POSITIVE_INFINITY;
    this.flush();
    if (!this.blocked) this.unblocked();
  };
}
