/**
 * Sends files and pages: at once where they are small, else piece by piece as fast as the client takes them; coded on the way.
 *
 * Rules: whoever goes away ends the reading; a file that became shorter while it was sent ends in a reset, because nothing else tells the
 * client that it is not whole.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import type { ServerRequest, ServerResponse } from '../engine/index.js';
import type { Markup } from '../view/index.js';
import { answerFile, type FileAnswer, type FoundFile } from './site-files.js';

/** Bytes read at a time; smaller files go out in one write with their head. */
const pieceByteCount = 64 * 1024;

export async function sendFile(
  request: ServerRequest,
  response: ServerResponse,
  file: FoundFile,
  compress: boolean,
): Promise<void> {
  const answer = answerFile(request, file, compress);
  response.status = answer.status;
  response.fields(answer.fields);
  const withContent = answer.status === 200 || answer.status === 206;
  if (!withContent) response.end();
  else if (answer.coding !== 'identity') await sendCoded(request, response, file, answer);
  else await sendPlain(request, response, file, answer);
}

async function sendPlain(request: ServerRequest, response: ServerResponse, file: FoundFile, answer: FileAnswer): Promise<void> {
  const { start, end } = answer;
  response.field('Content-Length', String(end - start));
  if (request.method === 'HEAD' || start === end) {
    response.end();
    return;
  }
  const handle = await open(file.path);
  try {
    for (let at = start; at < end; ) {
      const piece = Buffer.allocUnsafe(Math.min(pieceByteCount, end - at));
      const { bytesRead } = await handle.read(piece, 0, piece.length, at);
      if (bytesRead === 0) {
        response.abort(new Error('The file became shorter while it was sent.'));
        return;
      }
      const isWhole = bytesRead === end - start;
      at += bytesRead;
      if (isWhole) {
        response.end(piece);
        return;
      }
      if (!response.write(piece.subarray(0, bytesRead))) await response.drained();
    }
    response.end();
  } finally {
    await handle.close();
  }
}

async function sendCoded(request: ServerRequest, response: ServerResponse, file: FoundFile, answer: FileAnswer): Promise<void> {
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const coder =
    answer.coding === 'gzip'
      ? createGzip()
      : createBrotliCompress({
          params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: file.byteCount },
        });
  await pipeline(createReadStream(file.path), coder, async (coded: AsyncIterable<Buffer>) => {
    for await (const piece of coded) if (!response.write(piece)) await response.drained();
  });
  response.end();
}

export function sendPage(response: ServerResponse, page: Markup): void {
  // The pages have no script and load nothing.
  response
    .field('Content-Type', 'text/html; charset=utf-8')
    .field('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'")
    .end(page.text);
}

export function sendText(response: ServerResponse, status: number, text: string): void {
  response.status = status;
  response.field('Content-Type', 'text/plain; charset=utf-8').end(`${text}\n`);
}

export const sendJson = (response: ServerResponse, value: unknown): void =>
  response.field('Content-Type', 'application/json').end(`${JSON.stringify(value)}\n`);
