/** Bodies in both directions: when they are asked for, how they are framed, and who waits for whom. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { HoldfastError, type NativeHandler, type Server, type ServerOptions, serve } from 'holdfast';

import { eventually } from './manual-clock.js';
import { exchange, RawClient } from './raw-client.js';

const servers: Server[] = [];
after(() => Promise.all(servers.map((server) => server.stop({ idleGraceMs: 0, graceMs: 100 }))));

async function run(handler: NativeHandler, options: ServerOptions = {}): Promise<Server> {
  const server = await serve(options, handler);
  servers.push(server);
  return server;
}

const close = 'Connection: close\r\n';
const bodyOf = (received: string) => received.slice(received.indexOf('\r\n\r\n') + 4);

test('a body arrives whole however it is cut, counted or in chunks with extensions', async () => {
  const server = await run(async (request, response) => response.end(await request.text()));
  const requests = [
    `POST / HTTP/1.1\r\nHost: a\r\n${close}Content-Length: 11\r\n\r\nhello world`,
    `POST / HTTP/1.1\r\nHost: a\r\n${close}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6;c="d e"\r\n world\r\n0\r\n\r\n`,
  ];
  for (const text of requests) {
    for (const size of [1, 2, 7, 1000]) {
      const client = await RawClient.open(server.port);
      for (let from = 0; from < text.length; from += size) {
        client.send(text.slice(from, from + size));
        if (size < 7) await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(bodyOf(await client.untilEnd()), 'hello world', `in pieces of ${size}`);
    }
  }
});

test('trailers of the request can be read when its body has ended', async () => {
  const server = await run(async (request, response) => {
    await request.bytes();
    response.end(`${request.trailers?.get('x-check')} of ${request.trailers?.count}`);
  });
  const { received } = await exchange(
    server.port,
    `POST / HTTP/1.1\r\nHost: a\r\n${close}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Check: 42\r\nY: z\r\n\r\n`,
  );
  assert.equal(bodyOf(received), '42 of 2');
});

test('pieces can be read one by one, and with for await', async () => {
  const server = await run(async (request, response) => {
    let text = '';
    for await (const piece of request) text += Buffer.from(piece).toString();
    assert.equal(await request.read(), null);
    response.end(text);
  });
  const client = await RawClient.open(server.port);
  client.send(`POST / HTTP/1.1\r\nHost: a\r\n${close}Content-Length: 6\r\n\r\nabc`);
  await eventually(() => server.counts.requests === 1, 'the head is there');
  client.send('def');
  assert.equal(bodyOf(await client.untilEnd()), 'abcdef');
});

test('a body can be read once', async () => {
  const codes: string[] = [];
  const server = await run(async (request, response) => {
    await request.text();
    await request.text().catch((error: HoldfastError) => codes.push(error.code));
    response.end();
  });
  await exchange(server.port, `POST / HTTP/1.1\r\nHost: a\r\n${close}Content-Length: 1\r\n\r\na`);
  assert.deepEqual(codes, ['body-already-used']);
});

test('100 Continue goes out when the handler reads, and not before', async () => {
  let read!: () => void;
  const gate = new Promise<void>((resolve) => {
    read = resolve;
  });
  const server = await run(async (request, response) => {
    await gate;
    response.end(await request.text());
  });
  const client = await RawClient.open(server.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
  await eventually(() => server.counts.requests === 1, 'the head is there');
  assert.equal(client.received, '');
  read();
  await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  client.send('abc');
  await client.until(/\r\n\r\nabc$/);
  assert.deepEqual(client.statuses, [100, 200]);
  client.destroy();
});

test('a handler that answers without reading sends no 100 Continue, and the connection ends', async () => {
  const server = await run((_request, response) => {
    response.status = 403;
    response.end('no');
  });
  const { statuses, received } = await exchange(
    server.port,
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n',
  );
  assert.deepEqual(statuses, [403]);
  assert.match(received, /Connection: close/);
});

test('HTTP/1.0 gets no 100 Continue, whatever it expects', async () => {
  const server = await run(async (request, response) => response.end(await request.text()));
  const { statuses } = await exchange(server.port, 'POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na');
  assert.deepEqual(statuses, [200]);
});

test('a body that nobody reads is drained up to the limit, and the connection goes on', async () => {
  const server = await run((_request, response) => response.end('fine'), { drainByteCount: 50_000 });
  const client = await RawClient.open(server.port);
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n${'x'.repeat(50_000)}`);
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7530\r\n${'y'.repeat(30_000)}\r\n0\r\n\r\n`);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until((received) => received.split('fine').length === 4);
  assert.doesNotMatch(client.received, /Connection: close/);
  assert.equal(server.counts.connections, 1);
  client.destroy();
});

test('above the limit the response says close, and reaches a client that goes on sending', async () => {
  const server = await run((_request, response) => response.end('fine'), { drainByteCount: 50_000 });
  const client = await RawClient.open(server.port);
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n`);
  for (let sent = 0; sent < 5_000_000; sent += 100_000) client.send('x'.repeat(100_000));
  assert.match(await client.untilEnd(), /Connection: close\r\n[\s\S]*fine$/);
  assert.equal(client.ending, 'fin');
});

test('a slow handler holds the client back; no more than the buffer is kept', async () => {
  let proceed!: () => void;
  const gate = new Promise<void>((resolve) => {
    proceed = resolve;
  });
  const server = await run(
    async (request, response) => {
      let length = (await request.read())!.length;
      await gate;
      for (let piece = await request.read(); piece !== null; piece = await request.read()) length += piece.length;
      response.end(`got ${length}`);
    },
    { bodyByteCount: 1e9 },
  );
  const client = await RawClient.open(server.port);
  const size = 64 * 1024 * 1024;
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
  client.socket.write(Buffer.alloc(size));
  await eventually(() => server.counts.requests === 1, 'the head is there');
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(client.socket.writableLength > size / 2, 'the client still has most of it');
  proceed();
  await client.until(/got 67108864$/);
  client.destroy();
});

test('write says when the client is slower, and drained() when it has caught up', async () => {
  let waits = 0;
  const piece = Buffer.alloc(100_000, 'z');
  const count = 300;
  const server = await run(async (_request, response) => {
    for (let index = 0; index < count; index++) {
      if (response.write(piece)) continue;
      waits += 1;
      await response.drained();
    }
    response.end();
  });
  const client = await RawClient.open(server.port, { paused: true });
  client.send(`GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
  await eventually(() => waits > 0, 'the handler waits');
  client.socket.resume();
  await client.untilEnd();
  assert.equal(client.received.match(/z/g)!.length, count * piece.length);
  assert.match(client.received, /\r\n0\r\n\r\n$/);
});

test('HEAD, 204 and 304 have no body, and the connection goes on', async () => {
  const server = await run((request, response) => {
    response.status = Number(request.target.slice(1));
    if (response.status === 200) response.end('hello');
    else response.end();
  });
  const client = await RawClient.open(server.port);
  client.send('HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\nGET /204 HTTP/1.1\r\nHost: a\r\n\r\n');
  client.send('GET /304 HTTP/1.1\r\nHost: a\r\n\r\nGET /200 HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until(/hello/);
  assert.deepEqual(client.statuses, [200, 204, 304, 200]);
  assert.equal(client.received.match(/hello/g)!.length, 1);
  assert.deepEqual(client.received.match(/Content-Length: \d+/g), ['Content-Length: 5', 'Content-Length: 5']);
  client.destroy();
});

test('pieces go out in chunks with trailers, in HTTP/1.0 until the close, or by the length that was said', async () => {
  const server = await run((request, response) => {
    if (request.target === '/length') response.field('content-length', '6');
    response.trailer('X-Sum', '7');
    response.write('abc');
    response.write('');
    response.end('def');
  });
  const get = (target: string, version: string, fields = '') => `GET ${target} HTTP/${version}\r\nHost: a\r\n${fields}\r\n`;
  const chunked = await exchange(server.port, get('/', '1.1', close));
  assert.equal(bodyOf(chunked.received), '3\r\nabc\r\n3\r\ndef\r\n0\r\nX-Sum: 7\r\n\r\n');
  const old = await exchange(server.port, get('/', '1.0', 'Connection: keep-alive\r\n'));
  assert.equal(bodyOf(old.received), 'abcdef');
  assert.match(old.received, /Connection: close/);
  const counted = await exchange(server.port, get('/length', '1.1', close));
  assert.match(counted.received, /Content-Length: 6\r\n\r\nabcdef$/);
});

test('text beyond ASCII is sent as UTF-8 and counted in bytes', async () => {
  const server = await run((_request, response) => response.end('Grüße, 世界'));
  const { received } = await exchange(server.port, `GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
  assert.match(received, /Content-Length: 15\r\n/);
  assert.equal(Buffer.from(bodyOf(received), 'latin1').toString(), 'Grüße, 世界');
});

test('interim responses come before the final one, and not to HTTP/1.0', async () => {
  const server = await run((_request, response) => {
    response.inform(103, { Link: '</a.css>; rel=preload' });
    response.end('x');
  });
  const { statuses } = await exchange(server.port, `GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
  assert.deepEqual(statuses, [103, 200]);
  assert.deepEqual((await exchange(server.port, 'GET / HTTP/1.0\r\n\r\n')).statuses, [200]);
});

test('what would inject a line is refused with a name, and the client gets 500', async () => {
  const attempts: ((response: Parameters<NativeHandler>[1]) => void)[] = [
    (response) => response.field('X', 'a\r\nSet-Cookie: b').end(),
    (response) => response.field('X\r\nY', 'a').end(),
    (response) => response.field('X', 'a\0b').end(),
    (response) => response.field('X', 'ā').end(),
    (response) => {
      response.reason = 'OK\r\nX: y';
      response.end();
    },
    (response) => {
      response.status = 99;
      response.end();
    },
    (response) => response.field('Content-Length', '+1').end('a'),
  ];
  const errors: HoldfastError[] = [];
  const server = await run((request, response) => attempts[Number(request.target.slice(1))]!(response), {
    onError: (error) => errors.push(error),
  });
  const client = await RawClient.open(server.port);
  for (const index of attempts.keys()) {
    client.send(`GET /${index} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.until(() => client.statuses.length === index + 1);
  }
  assert.deepEqual(new Set(client.statuses), new Set([500]));
  assert.doesNotMatch(client.received, /Set-Cookie/);
  assert.deepEqual(new Set(errors.map((error) => `${error.code} ${error.fault}`)), new Set(['invalid-message caller']));
  assert.equal(errors.length, attempts.length);
  client.destroy();
});

test('a body that is not as long as was said never passes for whole', async () => {
  const errors: string[] = [];
  const server = await run(
    (request, response) => {
      response.field('Content-Length', '5');
      response.write('abc');
      if (request.target === '/long') response.write('defgh');
      else response.end();
    },
    { onError: (error) => errors.push(error.code) },
  );
  for (const target of ['/long', '/short']) {
    const { received, ending } = await exchange(server.port, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.ok(bodyOf(received).length < 5);
    assert.equal(ending, 'reset');
  }
  assert.deepEqual(errors, ['response-length-mismatch', 'response-length-mismatch']);
  const whole = await run((_request, response) => response.field('Content-Length', '5').end('abc'), {
    onError: (error) => errors.push(error.code),
  });
  assert.deepEqual((await exchange(whole.port, `GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`)).statuses, [500]);
});

test('a response is ended once', async () => {
  const thrown: unknown[] = [];
  const server = await run((_request, response) => {
    response.end('a');
    for (const act of [() => response.end('b'), () => response.write('b'), () => response.field('X', 'y')]) {
      try {
        act();
      } catch (error) {
        thrown.push(error instanceof HoldfastError ? error.code : error);
      }
    }
  });
  assert.equal(bodyOf((await exchange(server.port, `GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`)).received), 'a');
  assert.deepEqual(thrown, ['response-already-ended', 'response-already-ended', 'response-already-begun']);
});

test('pieces that are consumed are all there, before and after the handler asks, and what the taker throws is the outcome', async () => {
  const thrown = new Error('enough');
  const outcomes: unknown[] = [];
  const server = await run(async (request, response) => {
    if (request.target === '/late') await new Promise((resolve) => setTimeout(resolve, 5));
    const pieces: Buffer[] = [];
    const outcome = await request
      .consume((piece) => {
        if (request.target === '/throws') throw thrown;
        pieces.push(Buffer.from(piece));
      })
      .then(
        () => 'ended',
        (error: unknown) => error,
      );
    outcomes.push(outcome);
    response.end(`<${Buffer.concat(pieces).toString('latin1').length}>`);
  });
  const client = await RawClient.open(server.port);
  const body = 'x'.repeat(300_000);
  for (const [target, length] of [
    ['/early', 300_000],
    ['/late', 300_000],
    ['/throws', 0],
    ['/empty', 0],
  ] as const) {
    const content = target === '/empty' ? '' : body;
    client.send(`POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${content.length}\r\n\r\n${content}`);
    await client.until((received) => received.endsWith(`<${length}>`));
    client.received = '';
  }
  assert.deepEqual(outcomes, ['ended', 'ended', thrown, 'ended']);
  client.destroy();
});

test('a body that is cut ends every way of reading it with the same error', async () => {
  const codes: string[] = [];
  const server = await run(async (request, response) => {
    const ways: Record<string, () => Promise<unknown>> = {
      '/consume': () => request.consume(() => {}),
      '/text': () => request.text(),
      '/json': () => request.json(),
      '/bytes': () => request.bytes(),
    };
    await ways[request.target]!().catch((error: HoldfastError) => codes.push(error.code));
    response.end();
  });
  for (const target of ['/consume', '/text', '/json', '/bytes']) {
    const client = await RawClient.open(server.port);
    client.send(`POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf`).finish();
    await client.untilEnd().catch(() => {});
  }
  await eventually(() => codes.length === 4, 'all have failed');
  assert.deepEqual(codes, ['request-cut', 'request-cut', 'request-cut', 'request-cut']);
});
