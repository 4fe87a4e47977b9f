/** Peers that vanish, halve or reset at every byte, and handlers that throw: nothing hangs, nothing stays, every failure has a name. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { type HoldfastError, type NativeHandler, type Server, type ServerOptions, serve } from 'holdfast';

import { eventually } from './manual-clock.js';
import { exchange, RawClient } from './raw-client.js';

const servers: Server[] = [];
after(() => Promise.all(servers.map((server) => server.stop({ idleGraceMs: 0, graceMs: 100 }))));

async function run(handler: NativeHandler, options: ServerOptions = {}): Promise<{ server: Server; errors: HoldfastError[] }> {
  const errors: HoldfastError[] = [];
  const server = await serve({ lingerTimeoutMs: 500, ...options, onError: (error) => errors.push(error) }, handler);
  servers.push(server);
  return { server, errors };
}

const gone = (server: Server) => eventually(() => server.counts.open === 0, 'no connection is left');
const name = (error: HoldfastError) => `${error.code} ${error.fault}`;
const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = 'POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';

test('a client that half-closes after its request is answered', async () => {
  const { server, errors } = await run(async (request, response) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    response.end(`for ${request.target}`);
  });
  const client = await RawClient.open(server.port);
  client.send(`GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n`).finish();
  await client.untilEnd();
  assert.deepEqual(client.received.match(/for \/\d/g), ['for /1', 'for /2']);
  await gone(server);
  assert.deepEqual(errors, []);
});

test('half-close at each byte: whole requests are answered, cut ones are named', async () => {
  const text = get + post;
  const { server, errors } = await run(async (request, response) => response.end(`got ${await request.text()}`));
  for (let length = 0; length <= text.length; length++) {
    errors.length = 0;
    const client = await RawClient.open(server.port);
    client.send(text.slice(0, length)).finish();
    await client.untilEnd();
    const expected =
      length < get.length
        ? length === 0
          ? []
          : [400]
        : length === get.length
          ? [200]
          : length < text.length
            ? [200, 400]
            : [200, 200];
    assert.deepEqual(client.statuses, expected, `after ${length} bytes: ${JSON.stringify(client.received)}`);
    assert.deepEqual(errors.map(name), expected.includes(400) ? ['request-cut client'] : [], `after ${length} bytes`);
  }
  await gone(server);
});

test('reset at each byte: nothing stays, and what was cut is named', async () => {
  const text = get + post;
  const { server, errors } = await run(async (request, response) => response.end(`got ${await request.text()}`));
  for (let length = 0; length <= text.length; length++) {
    const client = await RawClient.open(server.port);
    client.send(text.slice(0, length));
    const wholeCount = length >= text.length ? 2 : length >= get.length ? 1 : 0;
    await client.until(() => client.statuses.length === wholeCount);
    client.reset();
  }
  await gone(server);
  // libuv tells a reset that it finds together with data as the end of the stream.
  for (const error of errors) assert.match(name(error), /^(client-reset|request-cut) client$/);
  assert.ok(errors.length > 0);
});

test('a client that vanishes while the handler works: the handler is told, and what it says goes nowhere', async () => {
  let finish!: () => void;
  const reasons: string[] = [];
  let outcome: unknown;
  const { server, errors } = await run(async (request, response) => {
    request.signal.addEventListener('abort', () => reasons.push((request.signal.reason as HoldfastError).code));
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    response.field('X', 'y');
    assert.equal(response.write('late'), false);
    outcome = await response.drained().catch((error: HoldfastError) => error.code);
    response.end();
  });
  const client = await RawClient.open(server.port);
  client.send(get);
  await eventually(() => server.counts.requests === 1, 'the request is there');
  client.reset();
  await gone(server);
  assert.deepEqual(reasons, ['client-reset']);
  finish();
  await eventually(() => outcome !== undefined, 'the handler has gone on');
  assert.equal(outcome, 'client-reset');
  assert.deepEqual(errors.map(name), ['client-reset client']);
});

test('a client that vanishes while it uploads: reading its body rejects with the name', async () => {
  const outcomes: string[] = [];
  const { server } = await run(async (request) => {
    await request.bytes().catch((error: HoldfastError) => outcomes.push(name(error)));
  });
  const client = await RawClient.open(server.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
  await eventually(() => server.counts.requests === 1, 'the head is there');
  client.reset();
  await gone(server);
  assert.deepEqual(outcomes, ['client-reset client']);
});

test('a handler that throws, at once or later, is a 500 that spoils nothing else', async () => {
  const { server, errors } = await run((request, response) => {
    if (request.target === '/sync') throw new Error('secret');
    if (request.target === '/async') return Promise.reject(new Error('secret'));
    if (request.target === '/odd') return Promise.reject('a string');
    response.end('fine');
    return undefined;
  });
  const client = await RawClient.open(server.port);
  for (const target of ['/sync', '/async', '/odd', '/fine']) {
    const before = client.statuses.length;
    client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.until(() => client.statuses.length > before);
  }
  await client.until(/fine$/);
  assert.deepEqual(client.statuses, [500, 500, 500, 200]);
  assert.doesNotMatch(client.received, /secret/);
  assert.deepEqual(errors.map(name), Array(3).fill('handler-failed caller'));
  assert.equal((errors[0]!.cause as Error).message, 'secret');
  assert.equal(server.counts.connections, 1);
  client.destroy();
});

test('a handler that throws within its response resets the connection, so that nobody takes it for whole', async () => {
  const { server, errors } = await run((_request, response) => {
    response.write('half');
    throw new Error('no more');
  });
  for (const version of ['1.1', '1.0']) {
    const { received, ending } = await exchange(server.port, `GET / HTTP/${version}\r\nHost: a\r\n\r\n`);
    assert.equal(ending, 'reset');
    assert.doesNotMatch(received, /\r\n0\r\n/);
  }
  await gone(server);
  assert.deepEqual(errors.map(name), Array(2).fill('handler-failed caller'));
});

test('a handler that throws after its response is reported, and the client does not notice', async () => {
  const { server, errors } = await run((_request, response) => {
    response.end('fine');
    throw new Error('afterwards');
  });
  const client = await RawClient.open(server.port);
  await client.send(get).until(/fine$/);
  await client.send(get).until(/fine[\s\S]*fine$/);
  assert.deepEqual(errors.map(name), Array(2).fill('handler-failed caller'));
  client.destroy();
});

test('a thousand connections that come, ask and vanish in every way leave nothing behind', async () => {
  const { server } = await run(async (request, response) => {
    if (request.hasBody) await request.bytes();
    response.end('x'.repeat(1000));
  });
  const acts: ((client: RawClient) => void)[] = [
    (client) => client.destroy(),
    (client) => client.reset(),
    (client) => client.send(get).destroy(),
    (client) => client.send(get).reset(),
    (client) => client.send(get).finish(),
    (client) => client.send(post.slice(0, 70)).reset(),
    (client) => client.send('garbage\r\n\r\n').reset(),
    (client) => client.send(get.repeat(50)).finish(),
  ];
  for (let round = 0; round < 125; round++) {
    const clients = await Promise.all(acts.map(() => RawClient.open(server.port)));
    for (const [index, client] of clients.entries()) acts[index]!(client);
    await Promise.all(clients.map((client) => client.untilEnd()));
  }
  await gone(server);
  assert.equal(server.counts.connections, 1000);
  assert.equal(server.counts.waiting, 0);
});
