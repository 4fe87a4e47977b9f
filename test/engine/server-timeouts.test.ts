/** The timeouts of a server, on a clock that only moves when told: each one comes exactly when it should, and is named. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { type HoldfastError, type NativeHandler, type Server, type ServerOptions, serve } from 'holdfast';

import { eventually, ManualClock } from './manual-clock.js';
import { RawClient } from './raw-client.js';

const servers: Server[] = [];
after(() => Promise.all(servers.map((server) => server.stop({ idleGraceMs: 0, graceMs: 100 }))));

interface Running {
  readonly server: Server;
  readonly clock: ManualClock;
  readonly errors: HoldfastError[];
}

async function run(options: ServerOptions, handler: NativeHandler): Promise<Running> {
  const clock = new ManualClock();
  const errors: HoldfastError[] = [];
  const server = await serve({ clock, onError: (error) => errors.push(error), ...options }, handler);
  servers.push(server);
  return { server, clock, errors };
}

const readAll: NativeHandler = async (request, response) => {
  const body = await request.bytes();
  response.end(`got ${body.length}`);
};

const codes = (running: Running) => running.errors.map((error) => `${error.code} ${error.fault}`);

test('a connection without a request is closed, without a word, when the first-request timeout comes', async () => {
  const running = await run({ firstRequestTimeoutMs: 5000 }, readAll);
  const client = await RawClient.open(running.server.port);
  await eventually(() => running.server.counts.open === 1, 'accepted');
  running.clock.advance(4999);
  assert.equal(running.server.counts.open, 1);
  running.clock.advance(1);
  assert.equal(await client.untilEnd(), '');
  assert.equal(client.ending, 'fin');
  assert.deepEqual(codes(running), ['first-request-timeout client']);
});

test('a head that trickles is answered 408, counted from its first byte', async () => {
  const running = await run({ headTimeoutMs: 2000 }, readAll);
  const client = await RawClient.open(running.server.port);
  client.send('GET / HT');
  await eventually(() => running.server.counts.open === 1 && running.server.counts.idle === 0, 'the first bytes are there');
  running.clock.advance(1500);
  client.send('TP/1.1\r\nHost: a\r\n');
  await new Promise((resolve) => setTimeout(resolve, 20));
  running.clock.advance(499);
  assert.equal(client.received, '');
  running.clock.advance(1);
  await client.untilEnd();
  assert.deepEqual(client.statuses, [408]);
  assert.deepEqual(codes(running), ['request-head-timeout client']);
});

test('a body that falls silent is answered 408, whether or not the handler waits for it', async () => {
  for (const handler of [readAll, () => {}] satisfies NativeHandler[]) {
    const running = await run({ bodyTimeoutMs: 3000, bodyMinimumRate: 0 }, handler);
    const client = await RawClient.open(running.server.port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    await eventually(() => running.server.counts.requests === 1, 'the head is there');
    running.clock.advance(2999);
    assert.equal(client.received, '');
    running.clock.advance(1);
    await client.untilEnd();
    assert.deepEqual(client.statuses, [408]);
    assert.deepEqual(codes(running), ['request-body-timeout client']);
  }
});

test('a body that trickles on without ever falling silent is answered 408 by its rate', async () => {
  const running = await run({ bodyTimeoutMs: 3000, bodyMinimumRate: 100 }, readAll);
  const client = await RawClient.open(running.server.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  await eventually(() => running.server.counts.requests === 1, 'the head is there');
  // 10 bytes a second: allowed 3 s and 0.1 s for each piece.
  for (let second = 1; second <= 3; second++) {
    running.clock.advance(1000);
    client.send('a\r\n0123456789\r\n');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(client.received, '');
  running.clock.advance(1000);
  await client.untilEnd();
  assert.deepEqual(client.statuses, [408]);
});

test('a fast body may take as long as it is large', async () => {
  const running = await run({ bodyTimeoutMs: 3000, bodyMinimumRate: 10 }, readAll);
  const client = await RawClient.open(running.server.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n');
  await eventually(() => running.server.counts.requests === 1, 'the head is there');
  for (let piece = 0; piece < 20; piece++) {
    running.clock.advance(2000);
    client.send('x'.repeat(100));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await client.until(/got 2000/);
  client.destroy();
});

test('a handler that does not answer is answered for with 503, and is told', async () => {
  let reason: unknown;
  const running = await run({ responseTimeoutMs: 7000 }, (request) => {
    request.signal.addEventListener('abort', () => {
      reason = request.signal.reason;
    });
  });
  const client = await RawClient.open(running.server.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => running.server.counts.requests === 1, 'the request is there');
  running.clock.advance(6999);
  assert.equal(client.received, '');
  running.clock.advance(1);
  await client.until(/: response-timeout/);
  assert.deepEqual(client.statuses, [503]);
  client.destroy();
  assert.deepEqual(codes(running), ['response-timeout caller']);
  assert.equal((reason as HoldfastError).code, 'response-timeout');
});

test('what a handler says after it was answered for is ignored', async () => {
  let late!: () => void;
  const running = await run({ responseTimeoutMs: 1000 }, (_request, response) => {
    late = () => response.field('X', 'y').end('late');
  });
  const client = await RawClient.open(running.server.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => running.server.counts.requests === 1, 'the request is there');
  running.clock.advance(1000);
  await client.until(/: response-timeout/);
  assert.doesNotThrow(late);
  client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await eventually(() => running.server.counts.requests === 2, 'the next request is there');
  late();
  await client.untilEnd();
  assert.deepEqual(client.statuses, [503, 200]);
  assert.equal(client.received.match(/late/g)?.length, 1);
});

test('a client that does not read is reset when the send timeout comes', async () => {
  const running = await run({ sendTimeoutMs: 4000 }, (_request, response) => response.end(Buffer.alloc(32 * 1024 * 1024)));
  const client = await RawClient.open(running.server.port, { paused: true });
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => running.server.counts.requests === 1, 'the request is there');
  await new Promise((resolve) => setTimeout(resolve, 100));
  running.clock.advance(3000);
  assert.equal(running.server.counts.open, 1);
  running.clock.advance(1001);
  await eventually(() => running.server.counts.open === 0, 'the connection is gone');
  assert.deepEqual(codes(running), ['client-reads-too-slowly client']);
  client.socket.resume();
  await client.untilEnd();
  assert.ok(client.received.length < 32 * 1024 * 1024);
  client.destroy();
});

test('after its FIN the server waits for the client’s, and no longer than the linger timeout', async () => {
  const running = await run({ lingerTimeoutMs: 2000 }, (_request, response) => response.closeAfter().end('bye'));
  const client = await RawClient.open(running.server.port, { closesBack: false });
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.untilEnd();
  assert.equal(client.ending, 'fin');
  await new Promise((resolve) => setTimeout(resolve, 20));
  running.clock.advance(1999);
  assert.equal(running.server.counts.open, 1);
  running.clock.advance(1);
  await eventually(() => running.server.counts.open === 0, 'the connection is gone');
  assert.deepEqual(codes(running), []);
  client.destroy();
});

test('a client that only keeps sending after the FIN is cut off by count', async () => {
  const running = await run({ lingerByteCount: 100_000 }, (_request, response) => response.closeAfter().end('bye'));
  const client = await RawClient.open(running.server.port, { closesBack: false });
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.untilEnd();
  client.send('x'.repeat(300_000));
  await eventually(() => running.server.counts.open === 0, 'the connection is gone');
  assert.deepEqual(codes(running), ['client-linger-exceeded client']);
  client.destroy();
});

test('while the handler holds the client back, the body’s time does not run', async () => {
  let proceed!: () => void;
  const gate = new Promise<void>((resolve) => {
    proceed = resolve;
  });
  const running = await run({ bodyTimeoutMs: 1000, bodyMinimumRate: 0, bodyBufferByteCount: 1000 }, async (request, response) => {
    await gate;
    response.end(`got ${(await request.bytes()).length}`);
  });
  const client = await RawClient.open(running.server.port);
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`);
  await eventually(() => running.server.counts.requests === 1, 'the head is there');
  await new Promise((resolve) => setTimeout(resolve, 50));
  running.clock.advance(100_000);
  proceed();
  await client.until(/got 300000/);
  assert.deepEqual(codes(running), []);
  client.destroy();
});

test('a body that begins after its client was held back has all its time', async () => {
  let finish!: () => void;
  const running = await run({ bodyTimeoutMs: 5000 }, async (request, response) => {
    if (request.method === 'DELETE') {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    }
    response.end(`got ${(await request.bytes()).length}`);
  });
  const client = await RawClient.open(running.server.port);
  client.send('DELETE / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na');
  await eventually(() => finish !== undefined, 'the first has begun');
  running.clock.advance(1);
  finish();
  await client.until(/got 0/);
  running.clock.advance(4999);
  client.send('b');
  await client.until(/got 2/);
  assert.deepEqual(codes(running), []);
  client.destroy();
});
