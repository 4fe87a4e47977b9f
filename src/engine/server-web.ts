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

/**
 * A Request whose signal is made when it is asked for. (Handed to the constructor, a signal costs ten times what all the rest does.) A clone has a
 * signal of its own that never aborts.
 */
class ServedRequest extends Request {
  /** @internal */
  readonly served: ServerRequest;

  constructor(url: string, init: RequestInit, served: ServerRequest) {
    super(url, init);
    this.served = served;
  }
}

// The types have `signal` as a property, which a class may not override by an accessor.
Object.defineProperty(ServedRequest.prototype, 'signal', {
  get(this: ServedRequest) {
    return this.served.signal;
  },
});

function toRequest(request: ServerRequest): Request | null {
  const { method } = request;
  const headers = new Headers();
  for (const [name, value] of request.fields) headers.append(name, value);
  const mayHaveBody = request.hasBody && method !== 'GET' && method !== 'HEAD';
  const init: RequestInit = { method, headers };
  try {
    return new ServedRequest(
      urlOf(request),
      mayHaveBody ? { ...init, body: bodyStream(request), duplex: 'half' } : init,
      request,
    );
  } catch {
    return null;
  }
}

function urlOf(request: ServerRequest): string {
  const { target } = request;
  if (!target.startsWith('/') && target !== '*') return target;
  const origin = `${request.secure ? 'https' : 'http'}://${request.header('host') || 'localhost'}`;
  return target === '*' ? `${origin}/` : origin + target;
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
