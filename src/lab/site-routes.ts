/**
 * What the server for people does besides giving files: one entry a path, each for something to watch on a connection. What HTTP does not
 * allow to say or to do is in site-raw-routes.ts.
 */
import { createHash } from 'node:crypto';
import type { ServerRequest, ServerResponse } from '../engine/index.js';
import { markup } from '../view/index.js';
import type { DescribedRoute } from './site-pages.js';
import { sendJson, sendPage, sendText } from './site-send.js';

/** Longest that a request may ask to wait, in milliseconds. */
const waitLimitMs = 3_600_000;
/** Most bytes that `/bytes` gives. */
const bytesLimit = 1024 ** 3;
const pieceLimit = 1_000_000;

export interface Route extends DescribedRoute {
  readonly methods: readonly string[];
  readonly handle: (request: ServerRequest, response: ServerResponse, parameters: Parameters) => unknown;
}

/** A parameter that cannot be: answered 400. */
export class BadParameter extends Error {}

/** The query of a request. Throws `BadParameter`. */
export class Parameters {
  private readonly query: URLSearchParams;

  constructor(target: string) {
    const at = target.indexOf('?');
    this.query = new URLSearchParams(at === -1 ? '' : target.slice(at + 1));
  }

  has(name: string): boolean {
    return this.query.has(name);
  }

  /** A whole number from 0 to `most`. */
  whole(name: string, usual: number, most: number): number {
    const text = this.query.get(name);
    if (text === null) return usual;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value <= most) return value;
    throw new BadParameter(`${name} is a whole number from 0 to ${most}`);
  }
}

/** Ends early, and without an error, when the client has gone. False: it has. */
function pause(request: ServerRequest, ms: number): Promise<boolean> {
  const { signal } = request;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const gone = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', gone);
      resolve(true);
    }, ms);
    signal.addEventListener('abort', gone, { once: true });
  });
}

const reading = ['GET', 'HEAD'];

export const routes: readonly Route[] = [
  {
    path: '/wait',
    example: '/wait?ms=5000',
    text: 'Answers after so many milliseconds. Over --response-timeout it is answered 503.',
    methods: ['GET', 'HEAD', 'POST'],
    async handle(request, response, parameters) {
      const ms = parameters.whole('ms', 1_000, waitLimitMs);
      if (await pause(request, ms)) sendText(response, 200, `waited ${ms} ms`);
    },
  },
  {
    path: '/chunked',
    example: '/chunked?pieces=5&ms=200',
    text: 'So many pieces with a pause between them, chunked, with a trailer field. The connection stays.',
    methods: reading,
    async handle(request, response, parameters) {
      const pieces = parameters.whole('pieces', 5, pieceLimit);
      const ms = parameters.whole('ms', 100, waitLimitMs);
      response.field('Content-Type', 'text/plain').field('Trailer', 'Pieces').trailer('Pieces', String(pieces));
      for (let piece = 1; piece <= pieces; piece++) {
        if (piece > 1 && ms > 0 && !(await pause(request, ms))) return;
        if (!response.write(`piece ${piece} of ${pieces}\n`)) await response.drained();
      }
      response.end(pieces === 0 ? '' : undefined);
    },
  },
  {
    path: '/stream',
    example: '/stream?ms=1000',
    text: 'An event every so many milliseconds, until the client leaves or, with count=, that often.',
    methods: reading,
    async handle(request, response, parameters) {
      const ms = parameters.whole('ms', 1_000, waitLimitMs);
      const count = parameters.whole('count', pieceLimit, pieceLimit);
      response.field('Content-Type', 'text/event-stream').field('Cache-Control', 'no-store');
      for (let event = 1; event <= count; event++) {
        if (event > 1 && !(await pause(request, ms))) return;
        if (!response.write(`id: ${event}\ndata: ${new Date().toISOString()}\n\n`)) await response.drained();
      }
      response.end();
    },
  },
  {
    path: '/bytes',
    example: '/bytes?count=1000000',
    text: 'So many bytes, with Content-Length.',
    methods: reading,
    async handle(request, response, parameters) {
      const count = parameters.whole('count', 65_536, bytesLimit);
      response.field('Content-Type', 'application/octet-stream').field('Content-Length', String(count));
      if (request.method === 'HEAD') return response.end();
      if (count <= letters.length) return response.end(letters.subarray(0, count));
      for (let left = count; left > 0; left -= letters.length) {
        if (!response.write(left < letters.length ? letters.subarray(0, left) : letters)) await response.drained();
      }
      response.end();
    },
  },
  {
    path: '/upload',
    example: '/upload',
    text: 'Takes a body by POST or PUT and says how much came, how fast, and its SHA-256. With unread=1 it answers without reading it.',
    methods: ['GET', 'HEAD', 'POST', 'PUT'],
    handle: upload,
  },
  {
    path: '/status',
    example: '/status/404',
    text: 'Answers with that status, 200 to 599.',
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    handle(request, response) {
      const status = /^\/status\/([2-5]\d\d)$/.exec(pathOf(request.target))?.[1];
      if (status === undefined) throw new BadParameter('a status is a number from 200 to 599');
      sendText(response, Number(status), `status ${status}`);
    },
  },
  {
    path: '/connection',
    example: '/connection',
    text: 'Says which connection this is, and which request on it.',
    methods: reading,
    handle(request, response) {
      const { clientAddress, clientPort, connectionNumber, number, version, secure } = request;
      sendJson(response, { connection: connectionNumber, request: number, clientAddress, clientPort, version, secure });
    },
  },
  {
    path: '/close',
    example: '/close',
    text: 'Answers with Connection: close, then closes.',
    methods: ['GET', 'HEAD', 'POST'],
    handle(_request, response) {
      response.closeAfter();
      sendText(response, 200, 'this was the last response on this connection');
    },
  },
];

const letters = Buffer.alloc(64 * 1024, 'abcdefghijklmnopqrstuvwxyz0123456789\n');

async function upload(request: ServerRequest, response: ServerResponse, parameters: Parameters): Promise<void> {
  if (reading.includes(request.method)) {
    return sendPage(
      response,
      markup`<!doctype html><title>upload</title><form method="post" enctype="multipart/form-data"><input type="file" name="file"><button>Upload</button></form>`,
    );
  }
  if (parameters.has('unread')) return sendText(response, 200, 'the body was not read');
  const begunAtMs = performance.now();
  const hash = createHash('sha256');
  let byteCount = 0;
  for await (const piece of request) {
    byteCount += piece.length;
    hash.update(piece);
  }
  const seconds = (performance.now() - begunAtMs) / 1000;
  sendJson(response, {
    bytes: byteCount,
    seconds: Number(seconds.toFixed(6)),
    bytesPerSecond: seconds > 0 ? Math.round(byteCount / seconds) : null,
    sha256: hash.digest('hex'),
    connection: request.connectionNumber,
    request: request.number,
  });
}

/** The path of a request target in origin or absolute form; '' for other forms. */
export function pathOf(target: string): string {
  const path = target.startsWith('/') ? target : /^https?:\/\/[^/?#]*(\/[^#]*)?/i.exec(target)?.[1];
  return path === undefined ? '' : path.replace(/[?#].*$/s, '');
}
