/** The answers to bad input: each row is bytes, the status that must come, and that the connection then ends by a FIN. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { type HoldfastError, type Server, serve } from 'holdfast';

import { exchange, RawClient } from './raw-client.js';

const errors: HoldfastError[] = [];
let handled = 0;
let server: Server;

before(async () => {
  const options = { onError: (error: HoldfastError) => errors.push(error), bodyByteCount: 1000, lingerTimeoutMs: 1000 };
  server = await serve(options, async (request, response) => {
    handled += 1;
    await request.bytes();
    response.end('taken');
  });
});

after(() => server.stop({ idleGraceMs: 0, graceMs: 2000 }));

const rows: readonly (readonly [name: string, request: string, status: number])[] = [
  [
    'Content-Length with Transfer-Encoding',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['two different Content-Length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
  ['empty Content-Length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n', 400],
  ['signed Content-Length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na', 400],
  ['list of different lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\nab', 400],
  [
    'Transfer-Encoding that does not end in chunked',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n',
    400,
  ],
  ['chunked twice', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n', 400],
  ['Transfer-Encoding in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['unknown transfer coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['two Host', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['bare CR', 'GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n', 400],
  ['bare LF', 'GET / HTTP/1.1\nHost: a\n\n', 400],
  ['folded line', 'GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n', 400],
  ['space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400],
  ['control byte in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n', 400],
  ['NUL', 'GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n', 400],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['head too large', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
  ['target too long', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  ['body over the limit, announced', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n${'x'.repeat(1001)}`, 413],
  [
    'body over the limit, in chunks',
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n${'x'.repeat(1001)}\r\n0\r\n\r\n`,
    413,
  ],
  ['unknown method', 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n', 501],
  ['known method that is not allowed', 'PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n', 405],
  ['unknown expectation', 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\na', 417],
  ['chunk size of 17 digits', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n', 400],
  ['no CRLF behind a chunk', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n', 400],
];

for (const [name, request, status] of rows) {
  test(`${name}: ${status}, then the end`, async () => {
    const before = errors.length;
    const { received, statuses, ending } = await exchange(server.port, request);
    assert.deepEqual(statuses, [status], received);
    assert.match(received, /\r\nConnection: close\r\n/);
    assert.equal(ending, 'fin');
    if (status === 405) assert.match(received, /\r\nAllow: GET, HEAD, POST, /);
    else if (status !== 501 || name.includes('coding')) {
      assert.ok(errors.length > before, 'the error was reported');
      assert.equal(errors.at(-1)!.fault, 'client');
    }
  });
}

test('a bad request after a good one is answered in its turn, and nothing behind it is read', async () => {
  const good = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const before = handled;
  const { statuses, ending } = await exchange(server.port, `${good}GET / HTTP/1.1\r\n\r\n${good}`);
  assert.deepEqual(statuses, [200, 400]);
  assert.equal(ending, 'fin');
  assert.equal(handled - before, 1);
});

test('empty lines before a request line are passed over', async () => {
  const { statuses } = await exchange(server.port, '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.deepEqual(statuses, [200]);
});

test('413 reaches a client that goes on uploading', async () => {
  const client = await RawClient.open(server.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n');
  for (let sent = 0; sent < 8_000_000; sent += 100_000) client.send('x'.repeat(100_000));
  await client.untilEnd();
  assert.deepEqual(client.statuses, [413]);
  assert.equal(client.ending, 'fin');
  client.destroy();
});

test('bytes behind a message with Connection: close are ignored, and its response comes', async () => {
  const { statuses, ending } = await exchange(
    server.port,
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\n garbage',
  );
  assert.deepEqual(statuses, [200]);
  assert.equal(ending, 'fin');
});
