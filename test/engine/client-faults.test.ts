/**
 * Servers and callers that fail at every point: each request ends, with an error that has a name and says whose fault it is, and
 * nothing stays behind: no socket, no waiting request.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Client, type ClientOptions, HoldfastError } from 'holdfast';
import { ok, reset, scriptedServer, until } from './client-scripted-server.js';

function clientFor(context: TestContext, options: ClientOptions = {}): Client {
  const client = new Client(options);
  context.after(() => client.destroy());
  return client;
}

/** Runs one GET; what became of it. */
async function outcomeOf(client: Client, url: string): Promise<string> {
  try {
    const response = await client.request({ url });
    return `ok ${await response.body.text()}`;
  } catch (error) {
    assert.ok(error instanceof HoldfastError, `not a HoldfastError: ${error}`);
    assert.ok(error.fault, 'no fault');
    return error.code;
  }
}

const nothingOpen = (client: Client): boolean =>
  client.statistics().every(({ open, opening, waiting }) => open + opening + waiting === 0);

const counted = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello';
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\n';

for (const [name, response] of [
  ['counted', counted],
  ['chunked', chunked],
] as const) {
  for (const [how, close] of [
    ['closes', (socket: Socket) => socket.end()],
    ['resets', reset],
  ] as const) {
    test(`a server that ${how} behind each byte of a ${name} response`, async (context) => {
      let length = 0;
      const server = await scriptedServer(context, (socket) => {
        // A reset overtakes what is not read yet: it is sent when the bytes have been handed to the kernel.
        if (length === 0) close(socket);
        else socket.write(response.slice(0, length), () => close(socket));
      });
      const client = clientFor(context);
      // Without the kernel's facts Node's word stands, which takes a reset behind bytes for an end.
      const asEnd = client.hasProofs ? [] : ['closed-before-response', 'response-cut'];
      if (!client.hasProofs) context.diagnostic('no kernel facts here: a reset may be named an end');
      for (length = 0; length <= response.length; length++) {
        const outcome = await outcomeOf(client, server.url);
        const expected =
          length === response.length
            ? ['ok Hello']
            : how === 'closes'
              ? [length === 0 ? 'closed-before-response' : 'response-cut']
              : ['reset-before-response', 'response-reset', ...asEnd];
        assert.ok(expected.includes(outcome), `${length} bytes: ${outcome}`);
      }
      await until(() => nothingOpen(client));
    });
  }
}

test('a reset behind the last bytes of a body that ends with the connection is no end', async (context) => {
  const server = await scriptedServer(context, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\nhalf of it', () => reset(socket));
  });
  const client = clientFor(context);
  if (!client.hasProofs) return context.skip('no kernel facts here');
  const outcome = await outcomeOf(client, server.url);
  assert.ok(outcome === 'response-reset' || outcome === 'reset-before-response', outcome);
});

test('an exchange may be aborted, and the next one begun, within its own callbacks', async (context) => {
  const server = await scriptedServer(context, (socket) => socket.write(ok('abc')));
  const client = clientFor(context, { connections: 1 });
  const codes = await new Promise<string[]>((resolve) => {
    const told: string[] = [];
    const run = (abortIn: 'onHead' | 'onBody' | 'never'): void => {
      const exchange = client.exchange(
        { url: server.url },
        {
          onHead: () => abortIn === 'onHead' && exchange.abort(new HoldfastError('aborted')),
          onBody: () => abortIn === 'onBody' && exchange.abort(new HoldfastError('aborted')),
          onEnd() {
            told.push('end');
            resolve(told);
          },
          onError(error) {
            told.push(`${abortIn} ${error.code}`);
            run(abortIn === 'onHead' ? 'onBody' : 'never');
          },
        },
      );
    };
    run('onHead');
  });
  assert.deepEqual(codes, ['onHead aborted', 'onBody aborted', 'end']);
});

test('a response that must not be read is refused by name', async (context) => {
  const bad = [
    'garbage\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA : b\r\n\r\n',
  ];
  const server = await scriptedServer(context, (socket, _, index) => socket.write(bad[index]!));
  const client = clientFor(context);
  for (const each of bad) assert.equal(await outcomeOf(client, server.url), 'response-refused', each);
  await until(() => nothingOpen(client));
});

test('each phase has its own timeout', async (context) => {
  const sendsNothing = await scriptedServer(context, () => {});
  const stops = await scriptedServer(context, (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHel'));
  const halfHead = await scriptedServer(context, (socket) => socket.write('HTTP/1.1 200'));
  const cases: [string, Partial<ClientOptions>, string][] = [
    [sendsNothing.url, { timeouts: { headMs: 30 } }, 'response-head-timeout'],
    [halfHead.url, { timeouts: { headMs: 30 } }, 'response-head-timeout'],
    [stops.url, { timeouts: { bodyMs: 30 } }, 'response-body-timeout'],
    [stops.url, { timeouts: { totalMs: 30 } }, 'request-total-timeout'],
    [sendsNothing.url.replace('http:', 'https:'), { timeouts: { tlsMs: 30 } }, 'tls-timeout'],
  ];
  for (const [url, options, code] of cases) {
    const client = clientFor(context, options);
    assert.equal(await outcomeOf(client, url), code);
    await until(() => nothingOpen(client));
  }
});

test('a request waits for a connection no longer than it may, and no more wait than may', async (context) => {
  const server = await scriptedServer(context, () => {});
  const client = clientFor(context, { connections: 1, pending: 1, timeouts: { queueMs: 30 } });
  const first = outcomeOf(client, server.url);
  await until(() => server.requests.flat().length === 1);
  const second = outcomeOf(client, server.url);
  assert.equal(await outcomeOf(client, server.url), 'pending-limit');
  assert.equal(await second, 'queue-timeout');
  client.destroy();
  assert.equal(await first, 'client-closed');
});

test('nobody there, nobody known, nobody speaking TLS', async (context) => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as { port: number };
  closed.close();
  await once(closed, 'close');
  const client = clientFor(context);
  assert.equal(await outcomeOf(client, `http://127.0.0.1:${port}/`), 'connect-refused');
  assert.equal(await outcomeOf(client, 'http://name.invalid/'), 'name-not-found');
  const plain = await scriptedServer(
    context,
    () => {},
    (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
  );
  assert.equal(await outcomeOf(client, plain.url.replace('http:', 'https:')), 'tls-failed');
});

test('an abort ends the request in every phase, and tells the reason', async (context) => {
  const server = await scriptedServer(context, (socket, request) => {
    if (request.includes('/body')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHel');
    if (request.includes('/ok')) socket.write(ok('fine'));
  });
  const client = clientFor(context, { connections: 1 });
  const reason = new Error('no longer wanted');
  const abortOf = async (run: (signal: AbortSignal, abort: () => void) => Promise<unknown>): Promise<void> => {
    const controller = new AbortController();
    await assert.rejects(
      run(controller.signal, () => controller.abort(reason)),
      (error: HoldfastError) => error.code === 'aborted' && error.cause === reason,
    );
  };
  await abortOf(async (signal, abort) => {
    abort();
    await client.request({ url: server.url, signal });
  });
  // While connecting.
  await abortOf((signal, abort) => {
    const request = client.request({ url: server.url, signal });
    abort();
    return request;
  });
  // While the head is awaited; another one waits behind it, is aborted too, and a third is served.
  await abortOf(async (signal, abort) => {
    const count = server.requests.flat().length;
    const request = client.request({ url: `${server.url}head`, signal });
    await until(() => server.requests.flat().length > count);
    const waiting = abortOf((second, abortSecond) => {
      const behind = client.request({ url: `${server.url}never`, signal: second });
      abortSecond();
      return behind;
    });
    await waiting;
    abort();
    return request;
  });
  // In the middle of the body.
  await abortOf(async (signal, abort) => {
    const response = await client.request({ url: `${server.url}body`, signal });
    const text = response.body.text();
    abort();
    return text;
  });
  assert.equal(await outcomeOf(client, `${server.url}ok`), 'ok fine');
  assert.equal(server.requests.flat().filter((request) => request.includes('/never')).length, 0);
});

test('an abort or a failing source in the middle of an upload', async (context) => {
  const server = await scriptedServer(context, (socket) => socket.write(ok('')));
  const client = clientFor(context);
  const controller = new AbortController();
  let returned = false;
  async function* endless() {
    try {
      for (;;) {
        yield Buffer.alloc(1000);
        if (server.sockets.length > 0) controller.abort();
        await new Promise(setImmediate);
      }
    } finally {
      returned = true;
    }
  }
  await assert.rejects(client.request({ url: server.url, method: 'POST', body: endless(), signal: controller.signal }), {
    code: 'aborted',
  });
  await until(() => returned);
  async function* failing() {
    yield 'a';
    throw new Error('the disk is gone');
  }
  await assert.rejects(client.request({ url: server.url, method: 'POST', body: failing() }), {
    code: 'request-body-failed',
    fault: 'caller',
  });
  async function* short() {
    yield 'a';
  }
  await assert.rejects(client.request({ url: server.url, method: 'POST', body: short(), fields: { 'Content-Length': '2' } }), {
    code: 'invalid-message',
  });
  await until(() => nothingOpen(client));
});

test('five unread large bodies do not block a pool of two', async (context) => {
  const large = 'x'.repeat(1_000_000);
  const server = await scriptedServer(context, (socket) => socket.write(ok(large)));
  const client = clientFor(context, { connections: 2, unreadMs: 20 });
  const responses = await Promise.all(Array.from({ length: 5 }, () => client.request({ url: server.url })));
  assert.equal(responses.length, 5);
  await assert.rejects(responses[0]!.body.text(), { code: 'response-not-read', fault: 'caller' });
});

test('what is left of a body is drained when it is short, and costs the connection when it is long', async (context) => {
  const server = await scriptedServer(context, (socket, request) => {
    socket.write(ok('x'.repeat(request.includes('/long') ? 3_000_000 : 100_000)));
  });
  const client = clientFor(context, { drain: { ms: 10_000 } });
  const short = await client.request({ url: server.url });
  for await (const piece of short.body) {
    assert.ok(piece.length > 0);
    break;
  }
  await until(() => client.statistics()[0]!.idle === 1);
  const long = await client.request({ url: `${server.url}long` });
  assert.equal(long.timings.reused, true);
  await long.body.dump();
  await until(() => nothingOpen(client));
  const limited = await client.request({ url: `${server.url}long` });
  await assert.rejects(limited.body.bytes({ limit: 1000 }), { code: 'response-too-large' });
  await until(() => nothingOpen(client));
});

test('an early answer to an upload is delivered, and the rest is not sent', async (context) => {
  const server = await scriptedServer(
    context,
    () => assert.fail('the whole body came'),
    (socket) => socket.once('data', () => socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno')),
  );
  const client = clientFor(context);
  async function* endless() {
    for (;;) {
      yield Buffer.alloc(1000);
      await new Promise(setImmediate);
    }
  }
  const response = await client.request({ url: server.url, method: 'POST', body: endless() });
  assert.equal(response.status, 413);
  assert.equal(await response.body.text(), 'no');
  await until(() => nothingOpen(client));
});

test('a handler that throws ends its own exchange only', async (context) => {
  const server = await scriptedServer(context, (socket) => socket.write(ok('a')));
  const client = clientFor(context);
  const error = await new Promise<HoldfastError>((resolve) => {
    client.exchange(
      { url: server.url },
      {
        onHead() {
          throw new Error('mine');
        },
        onBody() {},
        onEnd() {},
        onError: resolve,
      },
    );
  });
  assert.equal(error.code, 'response-handler-failed');
  assert.equal(error.fault, 'caller');
  assert.equal(await outcomeOf(client, server.url), 'ok a');
});

test('close waits for what is under way, and nothing is left', async (context) => {
  const server = await scriptedServer(context, (socket) => setImmediate(() => socket.write(ok('a'))));
  const client = new Client();
  const requests = Promise.all(Array.from({ length: 4 }, () => outcomeOf(client, server.url)));
  await until(() => server.requests.flat().length === 4);
  await client.close();
  assert.deepEqual(await requests, ['ok a', 'ok a', 'ok a', 'ok a']);
  assert.equal(await outcomeOf(client, server.url), 'client-closed');
  await until(() => server.sockets.every((socket) => socket.destroyed));
});
