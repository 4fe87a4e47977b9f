/**
 * What a connection still has to write, and the way out: gathered during one turn of the event loop and written at once.
 *
 * Rules
 * - Heads and small bodies are strings with one character a byte; a head and its body leave in one write.
 * - At most `batchByteCount` is with the socket at a time, so that progress of a large body can be seen and timed. While the kernel
 *   takes no more, the rest waits here and `blocked` is true.
 */

import type { Socket } from 'node:net';

export const batchByteCount = 256 * 1024;

export class Output {
  /** Bytes that wait here (those that the socket holds are not counted). */
  queuedByteCount = 0;
  /** The kernel has not yet taken all of the last batch. */
  blocked = false;
  private text = '';
  private parts: (string | Uint8Array)[] | null = null;

  /** `unblocked` is called when the kernel has taken everything, after a time in which it had not. */
  constructor(
    private readonly socket: Socket,
    private readonly unblocked: () => void,
  ) {}

  addText(text: string): void {
    this.text += text;
    this.queuedByteCount += text.length;
  }

  addBytes(bytes: Uint8Array): void {
    this.parts ??= [];
    if (this.text !== '') {
      this.parts.push(this.text);
      this.text = '';
    }
    this.parts.push(bytes);
    this.queuedByteCount += bytes.length;
  }

  flush(): void {
    if (this.blocked || this.queuedByteCount === 0) return;
    const { socket } = this;
    if (this.parts === null && this.text.length <= batchByteCount) {
      const { text } = this;
      this.text = '';
      this.queuedByteCount = 0;
      socket.write(text, 'latin1', this.sent);
      this.blocked = socket.writableLength > 0;
      return;
    }
    do {
      this.writeBatch();
      this.blocked = socket.writableLength > 0;
    } while (!this.blocked && this.queuedByteCount > 0);
  }

  drop(): void {
    this.text = '';
    this.parts = null;
    this.queuedByteCount = 0;
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
    const { socket } = this;
    socket.cork();
    for (let index = 0; index < count; index++) {
      const part = parts[index]!;
      if (typeof part === 'string') socket.write(part, 'latin1', index === count - 1 ? this.sent : undefined);
      else socket.write(part, index === count - 1 ? this.sent : undefined);
    }
    socket.uncork();
    if (count === parts.length) this.parts = null;
    else {
      parts.splice(0, count);
      this.parts = parts;
    }
  }

  private readonly sent = (error?: Error | null): void => {
    if (error || !this.blocked || this.socket.writableLength > 0) return;
    this.blocked = false;
    this.flush();
    if (!this.blocked) this.unblocked();
  };
}
