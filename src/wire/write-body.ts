/**
 * The framing of a body that is being written (RFC 9112 §6, §7.1), as one small state machine:
 *
 *                piece()*                end()
 *     head ───► [writing] ──────────────────────► [ended]
 *
 *     none         no piece may come
 *     length       pieces, and neither more nor fewer bytes than promised
 *     chunked      each piece becomes `size CRLF data CRLF`; the end is `0 CRLF trailers CRLF`
 *     until-close  pieces as they are; the end is the connection's
 *
 * It never touches the data: it says what to write before and after each piece, as strings with one character a byte. An empty piece
 * is nothing (a chunk of size 0 would end the body).
 */

import { type FieldsToWrite, writeFields } from './write-head.js';
import { MessageWriteError } from './write-problem.js';

/** How the end of a written body is told. */
export type WrittenFraming = 'none' | 'length' | 'chunked' | 'until-close';

/** What stands after the data of each chunk. */
export const chunkEnd = '\r\n';
/** The last chunk without trailers. */
export const lastChunk = '0\r\n\r\n';

/** What stands before the data of a chunk of `byteCount` bytes, at least 1. */
export const writeChunkStart = (byteCount: number): string => `${byteCount.toString(16)}\r\n`;

/** The last chunk with its trailer section. Throws `MessageWriteError`. */
export const writeLastChunk = (trailers: FieldsToWrite): string => `0\r\n${writeFields(trailers)}\r\n`;

export class BodyWriter {
  /** Bytes of content so far. */
  byteCount = 0;
  private ended = false;

  /** `contentLength`: what the head promised, for `length`. */
  constructor(
    readonly framing: WrittenFraming,
    readonly contentLength = -1,
  ) {}

  /** Takes note of a piece of content and says what stands before it. What stands after it is `after`. */
  before(byteCount: number): string {
    if (this.ended) throw new MessageWriteError('message-ended');
    if (byteCount === 0) return '';
    if (this.framing === 'none') throw new MessageWriteError('body-not-allowed');
    if (this.framing === 'length' && this.byteCount + byteCount > this.contentLength)
      throw new MessageWriteError('length-exceeded');
    this.byteCount += byteCount;
    return this.framing === 'chunked' ? writeChunkStart(byteCount) : '';
  }

  /** What stands after a piece that is not empty. */
  get after(): string {
    return this.framing === 'chunked' ? chunkEnd : '';
  }

  /** What ends the body. With `length`, throws when bytes are missing. */
  end(trailers?: FieldsToWrite): string {
    if (this.ended) throw new MessageWriteError('message-ended');
    if (this.framing === 'length' && this.byteCount < this.contentLength) throw new MessageWriteError('length-not-reached');
    if (this.framing !== 'chunked') {
      if (trailers !== undefined) throw new MessageWriteError('trailers-not-allowed');
      this.ended = true;
      return '';
    }
    const text = trailers === undefined ? lastChunk : writeLastChunk(trailers);
    this.ended = true;
    return text;
  }
}
