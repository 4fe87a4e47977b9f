/**
 * Sends a body piece by piece: from a stream, or from bytes too many for one write. One at a time on a connection; it reads its
 * source only as fast as the kernel takes the bytes (back-pressure), and stops when told, whatever the source is doing.
 *
 * What is not here: the deadline for a kernel that takes nothing; the connection has it, told by `waits` and `moves`.
 */

import type { Socket } from 'node:net';
import { BodyWriter, type FieldsToWrite, MessageWriteError } from '../wire/index.js';
import type { PreparedBody } from './client-request.js';
import { HoldfastError } from './errors.js';

/** Bytes of one write of a body that is in memory. */
const pieceByteCount = 256 * 1024;

export interface UploadEvents {
  /** Bytes went to the socket, so many with their framing. */
  wrote(byteCount: number): void;
  /** The kernel takes no more for now. */
  waits(): void;
  /** The kernel has taken what it was given. */
  moves(): void;
  /** The first piece of a stream has been asked for: the body cannot be sent again. */
  touched(): void;
  /** Wholly written. */
  ended(contentByteCount: number): void;
  failed(error: HoldfastError): void;
}

/** Begins, and returns what stops it. */
export function upload(
  socket: Socket,
  body: PreparedBody,
  trailers: (() => FieldsToWrite) | null,
  events: UploadEvents,
): () => void {
  const run = new Upload(socket, body, trailers, events);
  void run.run();
  return () => run.stop();
}

class Upload {
  private stopped = false;
  private wake: (() => void) | null = null;
  private readonly writer: BodyWriter;

  constructor(
    private readonly socket: Socket,
    private readonly body: PreparedBody,
    private readonly trailers: (() => FieldsToWrite) | null,
    private readonly events: UploadEvents,
  ) {
    this.writer = new BodyWriter(body.byteCount === -1 ? 'chunked' : 'length', body.byteCount);
  }

  stop(): void {
    this.stopped = true;
    this.wake?.();
  }

  async run(): Promise<void> {
    try {
      const { bytes } = this.body;
      if (bytes === null) await this.sendStream();
      else await this.sendBytes(bytes);
      if (this.stopped) return;
      const last = this.writer.end(this.trailers?.());
      if (last !== '') this.write(last);
      this.events.ended(this.writer.byteCount);
    } catch (error) {
      if (this.stopped) return;
      const wrong = error instanceof MessageWriteError;
      this.events.failed(
        new HoldfastError(wrong ? 'invalid-message' : 'request-body-failed', {
          cause: error,
          ...(wrong && { detail: error.message }),
        }),
      );
    }
  }

  private async sendBytes(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.stopped; at += pieceByteCount) {
      await this.send(bytes.subarray(at, at + pieceByteCount));
    }
  }

  private async sendStream(): Promise<void> {
    const pieces = this.body.pieces!;
    this.events.touched();
    const iterator =
      Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : (pieces as Iterable<Uint8Array>)[Symbol.iterator]();
    let ended = false;
    try {
      while (!this.stopped) {
        const next = await iterator.next();
        if (next.done === true) {
          ended = true;
          return;
        }
        if (this.stopped) return;
        await this.send(bytesOf(next.value));
      }
    } finally {
      // A source that is left early is told so; nobody waits for its answer.
      if (!ended) void Promise.resolve(iterator.return?.()).catch(() => {});
    }
  }

  private async send(piece: Uint8Array): Promise<void> {
    if (piece.length === 0) return;
    const { socket, writer } = this;
    const before = writer.before(piece.length);
    let free: boolean;
    if (before === '') free = socket.write(piece);
    else {
      socket.cork();
      socket.write(before, 'latin1');
      socket.write(piece);
      free = socket.write(writer.after, 'latin1');
      socket.uncork();
      // Uncorking may have handed everything to the kernel.
      if (!free) free = socket.writableLength === 0;
    }
    this.events.wrote(before.length + piece.length + writer.after.length);
    if (!free && socket.writableNeedDrain) await this.drained();
  }

  private write(text: string): void {
    this.socket.write(text, 'latin1');
    this.events.wrote(text.length);
  }

  private async drained(): Promise<void> {
    const { socket } = this;
    this.events.waits();
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      socket.once('drain', resolve);
      socket.once('close', resolve);
    });
    if (this.wake !== null) {
      socket.removeListener('drain', this.wake);
      socket.removeListener('close', this.wake);
      this.wake = null;
    }
    if (socket.destroyed) this.stopped = true;
    else this.events.moves();
  }
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  throw new TypeError('a piece of the request body is neither bytes nor text');
}
