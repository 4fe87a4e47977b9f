/**
 * The web-standard form of a handler, `(Request) => Response`, on the native one, so that what frameworks export as `fetch` runs unchanged.
 *
 * - The Request has the absolute URL of the target and Host, a streamed body when there is one, and aborts with the connection.
 * - A Response whose body is over after its first piece goes out with Content-Length, any other in chunks, as fast as the client takes it.
 *   When the client goes away the body is cancelled.
 * - Fields of the connection (RFC 9110 §7.6.1) in a Response are not passed on, except the wish to close.
 */

import { HoldfastError } from './errors.js';
import type { ConnectionInfo, FetchHandler, NativeHandler } from './server-options.js';
import type { ServerRequest } from './server-request.js';
import type { ServerResponse } from './server-response.js';

export function nativeHandlerOf(fetch: FetchHandler): NativeHandler {
  return (request, response) => answer(fetch, request, response);
}

async function answer(fetch: FetchHandler, request: ServerRequest, response: ServerResponse): Promise<void> {
  const info: ConnectionInfo = {
    clientAddress: request.clientAddress,
    clientPort: request.clientPort,
    connectionNumber: request.connectionNumber,
    requestNumber: request.number,
  };
  // The head is borrowed until this function first waits; the Request is built before.
  const webRequest = toRequest(request);
  if (webRequest === null) {
    response.status = 400;
    response.closeAfter().end('400 Bad Request: target-invalid\n');
    return;
  }
  await send(await fetch(webRequest, info), response);
}

function toRequest(request: ServerRequest): Request | null {
  const { method, target } = request;
  const scheme = request.secure ? 'https' : 'http';
  const url =
    target.startsWith('/') || target === '*'
      ? `${scheme}://${request.header('host') ?? 'localhost'}${target === '*' ? '/*' : target}`
      : target;
  const headers = new Headers();
  for (const [name, value] of request.fields) headers.append(name, value);
  const mayHaveBody = request.hasBody && method !== 'GET' && method !== 'HEAD';
  const init = { method, headers, signal: request.signal };
  try {
    return new Request(url, mayHaveBody ? { ...init, body: bodyStream(request), duplex: 'half' } : init);
  } catch {
    return null;
  }
}

function bodyStream(request: ServerRequest): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      type: 'bytes',
      async pull(controller: ReadableByteStreamController) {
        const piece = await request.read();
        if (piece === null) {
          controller.close();
          controller.byobRequest?.respond(0);
        } else controller.enqueue(new Uint8Array(piece));
      },
      cancel() {
        request.incoming().discard();
      },
    },
    { highWaterMark: 0 },
  );
}

/** How many turns the second piece of a body is waited for before the body counts as a stream. */
const turn = (): Promise<typeof notYet> => new Promise((resolve) => setImmediate(resolve, notYet));
const notYet = Symbol('not yet');

async function send(webResponse: Response, response: ServerResponse): Promise<void> {
  response.status = webResponse.status;
  if (webResponse.statusText !== '') response.reason = webResponse.statusText;
  let hasLength = false;
  webResponse.headers.forEach((value, name) => {
    if (name === 'content-length') hasLength = true;
    response.field(name, value);
  });
  const { body } = webResponse;
  if (body === null) {
    response.end();
    return;
  }
  const reader = body.getReader();
  try {
    await pump(reader, response, hasLength);
  } catch (error) {
    await reader.cancel(error).catch(() => {});
    throw error;
  }
}

async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  response: ServerResponse,
  hasLength: boolean,
): Promise<void> {
  const first = await reader.read();
  if (first.done) {
    response.end();
    return;
  }
  const nextRead = reader.read();
  if (!hasLength) {
    const second = await Promise.race([nextRead, turn()]);
    if (second !== notYet && second.done) {
      response.end(bytesOf(first.value));
      return;
    }
  }
  let piece = bytesOf(first.value);
  let next = nextRead;
  for (;;) {
    if (!response.write(piece)) await response.drained();
    const read = await next;
    if (read.done) break;
    piece = bytesOf(read.value);
    next = reader.read();
  }
  response.end();
}

function bytesOf(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  throw new HoldfastError('invalid-message', { detail: 'A body yields something other than bytes.' });
}
