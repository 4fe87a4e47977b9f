/**
 * The text of the synthetic messages: heads of the size that browsers, services and servers really send, bodies of filler, plain
 * or chunked. Bodies are sequences of views into one filler, so a body of gigabytes costs no memory.
 */

import type { Random } from './random.js';

/** Payload of a full segment on Ethernet with timestamps. */
const segmentBytes = 1448;
const chunkBytes = 8192;

const filler = Buffer.from(
  Array.from(
    { length: 700 },
    (_, line) => `{"id":${line},"name":"record ${line}","state":"done","score":${(line * 7919) % 1000}},\n`,
  ).join(''),
  'latin1',
);

const paths = [
  '/',
  '/index.html',
  '/api/v1/items',
  '/api/v1/items/4711?expand=all',
  '/static/app.3f9c2.js',
  '/img/logo.svg',
  '/health',
];
const hosts = ['www.example.com', 'api.example.com', 'static.example.net', 'orders.internal:8080'];
const agents = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Go-http-client/1.1',
  'okhttp/4.12.0',
  'python-requests/2.32.3',
];

export function requestHead(random: Random, bodyBytes: number, closing: boolean): Buffer {
  const cookie = random.chance(0.4) ? `Cookie: session=${random.between(1e8, 9e8)}; theme=dark; consent=1\r\n` : '';
  const body = bodyBytes > 0 ? `Content-Type: application/json\r\nContent-Length: ${bodyBytes}\r\n` : '';
  return Buffer.from(
    `${bodyBytes > 0 ? 'POST' : 'GET'} ${random.pick(paths)} HTTP/1.1\r\nHost: ${random.pick(hosts)}\r\nUser-Agent: ${random.pick(agents)}\r\n` +
      `Accept: text/html,application/json;q=0.9,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-US,en;q=0.9\r\n${cookie}${body}` +
      `Connection: ${closing ? 'close' : 'keep-alive'}\r\n\r\n`,
    'latin1',
  );
}

/** With `bodyBytes` null the body is chunked. */
export function responseHead(random: Random, bodyBytes: number | null, closing: boolean): Buffer {
  const status = random.chance(0.95) ? '200 OK' : random.pick(['404 Not Found', '500 Internal Server Error', '201 Created']);
  return Buffer.from(
    `HTTP/1.1 ${status}\r\nServer: nginx/1.22.1\r\nDate: Mon, 02 Jun 2025 10:00:00 GMT\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `${bodyBytes === null ? 'Transfer-Encoding: chunked' : `Content-Length: ${bodyBytes}`}\r\nCache-Control: no-cache\r\nVary: Accept-Encoding\r\n` +
      `X-Request-Id: ${random.between(1e8, 9e8).toString(16)}\r\n${closing ? 'Connection: close' : 'Connection: keep-alive\r\nKeep-Alive: timeout=5'}\r\n\r\n`,
    'latin1',
  );
}

export function* plainBody(byteCount: number): Generator<Uint8Array, void> {
  for (let left = byteCount; left > 0; left -= filler.length) yield left < filler.length ? filler.subarray(0, left) : filler;
}

export function* chunkedBody(byteCount: number): Generator<Uint8Array, void> {
  for (let left = byteCount; left > 0; left -= chunkBytes) {
    const size = Math.min(left, chunkBytes);
    yield Buffer.from(`${size.toString(16)}\r\n`, 'latin1');
    yield filler.subarray(0, size);
    yield Buffer.from('\r\n', 'latin1');
  }
  yield Buffer.from('0\r\n\r\n', 'latin1');
}

/** Cuts a message into segments. Each is a view that the next one overwrites. */
export function* segmentsOf(pieces: Iterable<Uint8Array>): Generator<Uint8Array, void> {
  const segment = Buffer.allocUnsafe(segmentBytes);
  let used = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const taken = Math.min(piece.length - at, segmentBytes - used);
      segment.set(piece.subarray(at, at + taken), used);
      at += taken;
      used += taken;
      if (used === segmentBytes) {
        yield segment;
        used = 0;
      }
    }
  }
  if (used > 0) yield segment.subarray(0, used);
}
