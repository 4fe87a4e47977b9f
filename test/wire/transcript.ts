/** Reads bytes with a reader and writes down what it tells, one line a callback, body pieces joined. For tests. */

import { type Manner, type ProblemCode, type RequestHead, RequestReader, type ResponseHead, ResponseReader } from 'holdfast/wire';

export type Kind = 'request' | 'response';

export interface ReadOptions {
  readonly kind: Kind;
  readonly manner: Manner;
  readonly limits?: ConstructorParameters<typeof RequestReader>[0]['limits'];
  /** Methods (with '/0.9' for a request without version) of the requests that the responses answer, in order. */
  readonly answers?: readonly string[];
  /** How the stream ends behind the input. Default: not at all. */
  readonly end?: 'orderly' | 'reset';
  readonly onEvent?: (reader: RequestReader | ResponseReader, line: string) => void;
}

/** Bytes, or so many of them missing. */
export type Piece = Uint8Array | { readonly gap: number };

export interface Transcript {
  readonly lines: string[];
  /** Bytes taken, all pieces together. */
  taken: number;
  readonly state: string;
  /** What breaks the promises of `MessageHandler`, whatever the input. */
  readonly broken: string[];
}

export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const textOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

/** Feeds the pieces, one call each, out of a larger array that is overwritten behind each call. */
export function transcribe(pieces: readonly Piece[], options: ReadOptions): Transcript {
  const lines: string[] = [];
  const broken: string[] = [];
  const answers = [...(options.answers ?? [])];
  let body = '';
  let bodyByteCount = 0;
  let open = false;
  let refused = false;
  const say = (line: string): void => {
    if (refused) broken.push(`after a refusal: ${line}`);
    if (body !== '') {
      lines.push(`body ${body}`);
      body = '';
    }
    lines.push(line);
    options.onEvent?.(reader, line);
  };
  const head = (it: RequestHead | ResponseHead): void => {
    if (!open) broken.push('head without start');
    for (const [name, value] of it.fields) lines.push(`  ${name}: ${value}`);
    const length = it.contentLength === -1 ? '' : ` ${it.contentLength}`;
    say(`  ${it.framing}${length}, ${it.persistence.outcome} (${it.persistence.reason})`);
  };
  const handler = {
    onMessageStart(offset: number): void {
      if (open) broken.push('start within a message');
      open = true;
      bodyByteCount = 0;
      say(`start ${offset}`);
    },
    onHead(it: RequestHead | ResponseHead): void {
      if ('method' in it) say(`${it.method} ${it.target} ${it.version}`);
      else {
        say(`${it.status} ${it.reason} ${it.version}`);
        if (!it.isInterim) answers.shift();
      }
      head(it);
    },
    onBody(data: Uint8Array, start: number, end: number): void {
      if (!open) broken.push('body without start');
      if (start >= end || end > data.length) broken.push('bad body piece');
      bodyByteCount += end - start;
      body += textOf(data.subarray(start, end));
    },
    onTrailers(trailers: Iterable<readonly [string, string]>): void {
      if (!open) broken.push('trailers without start');
      for (const [name, value] of trailers) say(`trailer ${name}: ${value}`);
    },
    onMessageEnd(outcome: string, bytes: number, missing: number): void {
      if (!open) broken.push('end without start');
      open = false;
      if (bytes - missing !== bodyByteCount)
        broken.push(`${bytes} bytes of body told, ${bodyByteCount} given, ${missing} missing`);
      say(missing > 0 ? `${outcome} ${bytes}, ${missing} missing` : `${outcome} ${bytes}`);
    },
    onProblem(problem: { code: ProblemCode; status: number; offset: number }): void {
      say(`problem ${problem.code} ${problem.status} @${problem.offset}`);
      if (options.manner === 'strict') refused = true;
    },
    onSkipped(byteCount: number): void {
      if (open) broken.push('skipped within a message');
      say(`skipped ${byteCount}`);
    },
    onTunnel(): void {
      say('tunnel');
    },
    answeredRequest(): { method: string; version: string } | null {
      const [method, version] = (answers[0] ?? '').split('/');
      return method === undefined || method === '' ? null : { method, version: version ?? '1.1' };
    },
  };
  const limits = options.limits === undefined ? {} : { limits: options.limits };
  const reader: RequestReader | ResponseReader =
    options.kind === 'request'
      ? new RequestReader({ manner: options.manner, handler, ...limits })
      : new ResponseReader({ manner: options.manner, handler, ...limits });
  let taken = 0;
  for (const piece of pieces) {
    if ('gap' in piece) {
      reader.gap(piece.gap);
      taken += piece.gap;
      continue;
    }
    // Bytes around the piece that look like a message: reading one of them would show.
    const around = bytesOf('HTTP/1.1 599 Outside\r\n');
    const data = new Uint8Array(piece.length + 2 * around.length);
    data.set(around);
    data.set(piece, around.length);
    data.set(around, around.length + piece.length);
    const end = around.length + piece.length;
    const reached = reader.receive(data, around.length, end);
    if (reached < around.length || reached > end) broken.push(`took ${reached - around.length} of ${piece.length} bytes`);
    taken += reached - around.length;
    if (reader.offset !== taken) broken.push(`offset ${reader.offset} after ${taken} bytes`);
    data.fill(0x58);
    if (reached < end) break;
  }
  if (options.end !== undefined) {
    reader.end(options.end === 'orderly');
    if (options.manner === 'observing' && open) broken.push('a start without end');
  }
  if (body !== '') lines.push(`body ${body}`);
  return { lines, taken, state: reader.state, broken };
}
