/**
 * The web-standard Request of a request.
 *
 * A real `Request` costs several times what all the rest of a small exchange does: headers, a parsed URL, an AbortController. Most handlers look at
 * the method, the URL and perhaps one field. So the Request handed out is a light one: an instance of `Request` (by its prototype) that answers the
 * usual questions itself, and becomes a real one when anything else is asked of it.
 *
 * The real one's state is found under symbols of its own properties, as undici up to its sixth major has it; where `Request` keeps its state in private
 * fields, there is no light form, and a real Request with a lazy signal is handed out.
 *
 * What it is told later: fields and body stay the request's own, so the head must be kept (`RequestHead.keep`) once the handler has returned.
 */

import type { ServerRequest } from './server-request.js';

/** Null when the target and the Host make no URL. */
export function webRequestOf(request: ServerRequest): Request | null {
  const url = urlOf(request);
  if (url === null) return null;
  return hasSymbols ? (new LightRequest(request, url) as unknown as Request) : new ServedRequest(url, request);
}

const mayHaveBody = ({ hasBody, method }: ServerRequest): boolean => hasBody && method !== 'GET' && method !== 'HEAD';

function headersOf(request: ServerRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of request.fields) headers.append(name, value);
  return headers;
}

function initOf(request: ServerRequest, headers: Headers): RequestInit {
  const init: RequestInit = { method: request.method, headers };
  return mayHaveBody(request) ? { ...init, body: bodyStream(request), duplex: 'half' } : init;
}

class LightRequest {
  private madeHeaders: Headers | null = null;
  private made: Request | null = null;
  private isUsed = false;

  constructor(
    private readonly served: ServerRequest,
    private readonly servedUrl: string,
  ) {}

  get url(): string {
    return this.servedUrl;
  }

  /** @internal What it becomes when it must. */
  get real(): Request {
    if (this.made === null) {
      const init = initOf(this.served, this.headers);
      this.made = new Request(this.url, { ...init, signal: this.signal });
      this.madeHeaders = this.made.headers;
    }
    return this.made;
  }

  get method(): string {
    return this.served.method;
  }

  get headers(): Headers {
    this.madeHeaders ??= headersOf(this.served);
    return this.madeHeaders;
  }

  get signal(): AbortSignal {
    return this.served.signal;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return mayHaveBody(this.served) ? this.real.body : null;
  }

  get bodyUsed(): boolean {
    return this.isUsed || (this.made?.bodyUsed ?? false);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    if (this.made !== null) return this.made.arrayBuffer();
    const bytes = (await this.whole((served) => served.bytes())) ?? new Uint8Array(0);
    const { buffer, byteOffset, byteLength } = bytes;
    const isAlone = byteOffset === 0 && byteLength === buffer.byteLength;
    return (isAlone ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer;
  }

  async text(): Promise<string> {
    if (this.made !== null) return this.made.text();
    return (await this.whole((served) => served.text())) ?? '';
  }

  async json(): Promise<unknown> {
    if (this.made !== null) return this.made.json();
    return mayHaveBody(this.served) ? this.whole((served) => served.json()) : JSON.parse('');
  }

  private whole<Body>(read: (served: ServerRequest) => Promise<Body>): Promise<Body> | null {
    if (!mayHaveBody(this.served)) return null;
    if (this.isUsed) return Promise.reject(new TypeError('The body has been used already.'));
    this.isUsed = true;
    return read(this.served);
  }
}

/** Symbols under which a real Request keeps its state. */
const symbols = Object.getOwnPropertySymbols(new Request('http://localhost/'));
const hasSymbols = symbols.some(({ description }) => description === 'state');

Object.setPrototypeOf(LightRequest.prototype, Request.prototype);
for (const symbol of symbols) {
  Object.defineProperty(LightRequest.prototype, symbol, {
    get(this: LightRequest) {
      return (this.real as unknown as Record<symbol, unknown>)[symbol];
    },
    set(this: LightRequest, value: unknown) {
      (this.real as unknown as Record<symbol, unknown>)[symbol] = value;
    },
  });
}

/** A real Request whose signal is made when it is asked for. A clone has a signal of its own that never aborts. */
class ServedRequest extends Request {
  /** @internal */
  readonly served: ServerRequest;

  constructor(url: string, served: ServerRequest) {
    super(url, initOf(served, headersOf(served)));
    this.served = served;
  }
}

// The types have `signal` as a property, which a class may not override by an accessor.
Object.defineProperty(ServedRequest.prototype, 'signal', {
  get(this: ServedRequest) {
    return this.served.signal;
  },
});

/** Targets that a URL parser leaves as they are: no dot segments, nothing that it would encode. */
const plainTarget = /^\/[\w\-.~!$&()*+,;=:@/%?]*$/;
const dotSegment = /\/(?:\.|%2e)/i;

function urlOf(request: ServerRequest): string | null {
  const { target } = request;
  const isOrigin = target.startsWith('/');
  const origin = isOrigin || target === '*' ? originOf(request) : '';
  if (origin === null) return null;
  if (isOrigin && plainTarget.test(target) && !dotSegment.test(target)) return origin + target;
  try {
    return new URL(target === '*' ? `${origin}/` : origin + target).href;
  } catch {
    return null;
  }
}

/** Origins by what clients say in Host: few on a server, but any number of them may be sent. */
const origins = new Map<string, string>();
const originsLimit = 256;

function originOf(request: ServerRequest): string | null {
  const said = `${request.secure ? 'https' : 'http'}://${request.header('host') || 'localhost'}`;
  const known = origins.get(said);
  if (known !== undefined) return known;
  try {
    const { origin } = new URL(said);
    if (origins.size >= originsLimit) origins.clear();
    origins.set(said, origin);
    return origin;
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
