/**
 * The web-standard form of a handler, `(Request) => Response`, on the native one, so that what frameworks export as `fetch` runs unchanged.
 *
 * - The Request has the absolute URL of the target and Host, a streamed body when there is one, and aborts with the connection
 *   (server-web-request.ts).
 * - A Response that was made of a text or of bytes goes out as such, in one write. Of others, one whose body is over after its first piece goes out with
 *   Content-Length, any other in chunks, as fast as the client takes it. When the client goes away the body is cancelled.
 * - Fields of the connection (RFC 9110 §7.6.1) in a Response are not passed on, except the wish to close.
 */

import { HoldfastError } from './errors.js';
import type { ConnectionInfo, FetchHandler, NativeHandler } from './server-options.js';
import type { ServerRequest } from './server-request.js';
import type { ServerResponse } from './server-response.js';
import { webRequestOf } from './server-web-request.js';

export function nativeHandlerOf(fetch: FetchHandler): NativeHandler {
  return (request, response) => answer(fetch, request, response);
}

function answer(fetch: FetchHandler, request: ServerRequest, response: ServerResponse): unknown {
  const webRequest = webRequestOf(request);
  if (webRequest === null) {
    response.status = 400;
    return response.closeAfter().end('400 Bad Request: target-invalid\n');
  }
  const answered = fetch(webRequest, new ServedConnection(request));
  // From here on the Request lives as long as the handler likes.
  request.head.keep();
  return answered instanceof Response ? send(answered, response) : sendLater(answered, response);
}

async function sendLater(answered: Response | Promise<Response>, response: ServerResponse): Promise<void> {
  await send(await answered, response);
}

/** Asked of the socket only when it is wanted. */
class ServedConnection implements ConnectionInfo {
  constructor(private readonly request: ServerRequest) {}

  get clientAddress(): string {
    return this.request.clientAddress;
  }

  get clientPort(): number {
    return this.request.clientPort;
  }

  get connectionNumber(): number {
    return this.request.connectionNumber;
  }

  get requestNumber(): number {
    return this.request.number;
  }
}

function send(webResponse: Response, response: ServerResponse): unknown {
  response.status = webResponse.status;
  if (webResponse.statusText !== '') response.reason = webResponse.statusText;
  let hasLength = false;
  webResponse.headers.forEach((value, name) => {
    if (name === 'content-length') hasLength = true;
    response.field(name, value);
  });
  const { body } = webResponse;
  if (body === null) return response.end();
  const source = sourceOf(webResponse, body);
  return source !== null ? response.end(source) : stream(body, response, hasLength);
}

/** Under which a Response keeps its state, where it is not private: undici up to its sixth major. */
const stateSymbol = Object.getOwnPropertySymbols(new Response('')).find(({ description }) => description === 'state');

/** What the body was made of, when nobody has touched it. */
function sourceOf(webResponse: Response, body: ReadableStream): string | Uint8Array | null {
  if (stateSymbol === undefined || webResponse.bodyUsed || body.locked) return null;
  const state = (webResponse as unknown as Record<symbol, { body?: { source?: unknown } | null } | undefined>)[stateSymbol];
  const source = state?.body?.source;
  return typeof source === 'string' || source instanceof Uint8Array ? source : null;
}

async function stream(body: ReadableStream<Uint8Array>, response: ServerResponse, hasLength: boolean): Promise<void> {
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
  if (!hasLength && (await endsSoon(nextRead))) {
    response.end(bytesOf(first.value));
    return;
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

/** A body that was made of one string or buffer ends within the same turn; a stream that waits for something does not. */
async function endsSoon(read: Promise<{ done: boolean }>): Promise<boolean> {
  let result: { done: boolean } | null = null;
  read.then(
    (each) => {
      result = each;
    },
    () => {},
  );
  for (let tick = 0; tick < 8 && result === null; tick++) await null;
  if (result === null) await new Promise((resolve) => setImmediate(resolve));
  return (result as { done: boolean } | null)?.done === true;
}

function bytesOf(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  throw new HoldfastError('invalid-message', { detail: 'A body yields something other than bytes.' });
}
