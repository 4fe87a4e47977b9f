/** The client on real sockets: reuse, what it refuses to reuse, retries, and every failure by name. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Client, type ClientOptions, HoldfastError } from 'holdfast';
import { ok, reset, scriptedServer, until } from './client-scripted-server.js';

function clientFor(context: TestContext, options: ClientOptions = {}): Client {
  const client = new Client(options);
  context.after(() => client.destroy());
  return client;
}

const failsWith =
  (code: string, fault: string) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof HoldfastError, `not a HoldfastError: ${error}`);
    assert.deepEqual([error.code, error.fault], [code, fault]);
    return true;
  };

const getText = async (client: Client, url: string): Promise<string> => (await client.request({ url })).body.text();

test('requests in turn share one connection, and say so', async (context) => {
  const server = await scriptedServer(context, (socket, _, index) => socket.write(ok(`body ${index}`)));
  const client = clientFor(context);
  for (let index = 0; index < 5; index++) {
    const response = await client.request({ url: `${server.url}${index}` });
    assert.equal(response.status, 200);
    assert.equal(await response.body.text(), `body ${index}`);
    assert.equal(response.timings.reused, index > 0);
    assert.equal(response.connection.requestNumber, index + 1);
    assert.equal(response.timings.connectMs === null, index > 0);
    assert.ok(response.timings.lastByteMs! >= response.timings.firstByteMs!);
  }
  assert.equal(server.sockets.length, 1);
});

test('a body goes out as text, bytes, and stream, with its framing', async (context) => {
  const server = await scriptedServer(context, (socket) => socket.write(ok('')));
  const client = clientFor(context);
  async function* pieces() {
    yield 'one';
    yield Buffer.from('two');
  }
  const post = async (body: ConstructorParameters<typeof Object>[0], fields: Record<string, string> = {}) =>
    (await client.request({ url: server.url, method: 'POST', body, fields })).body.dump();
  await post('text: ü');
  await post(new Uint8Array([65, 66]));
  await post(pieces());
  await post(new Blob(['blob']).stream());
  await post(pieces(), { 'Content-Length': '6' });
  await post(null);
  const [first, second, third, fourth, fifth, sixth] = server.requests.flat();
  assert.match(first!, /Content-Length: 8\r\n\r\ntext: \u00c3\u00bc$/);
  assert.match(second!, /Content-Length: 2\r\n\r\nAB$/);
  assert.match(third!, /Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n$/);
  assert.match(fourth!, /\r\n\r\n4\r\nblob\r\n0\r\n\r\n$/);
  assert.match(fifth!, /Content-Length: 6\r\n\r\nonetwo$/);
  assert.match(sixth!, /Content-Length: 0\r\n\r\n$/);
});

test('a large body in memory arrives whole', async (context) => {
  let received = 0;
  const server = await scriptedServer(context, (socket, request) => {
    received = request.length;
    socket.write(ok('done'));
  });
  const client = clientFor(context);
  const response = await client.request({ url: server.url, method: 'PUT', body: Buffer.alloc(3_000_000, 'x') });
  assert.equal(await response.body.text(), 'done');
  assert.ok(received > 3_000_000);
});

test('what cannot be written is refused before a connection is made', async (context) => {
  const server = await scriptedServer(context, (socket) => socket.write(ok('')));
  const client = clientFor(context);
  const bad: [string, object][] = [
    ['line break in a value', { fields: { A: 'x\r\nB: y' } }],
    ['space in the target', { target: '/a b' }],
    ['Transfer-Encoding', { fields: { 'Transfer-Encoding': 'chunked' } }],
    ['wrong Content-Length', { method: 'POST', body: 'abc', fields: { 'Content-Length': '4' } }],
    ['method', { method: 'GE T' }],
    ['unknown Expect', { fields: { Expect: 'miracles' } }],
  ];
  for (const [name, request] of bad) {
    await assert.rejects(client.request({ url: server.url, ...request }), failsWith('invalid-message', 'caller'), name);
  }
  await assert.rejects(client.request({ url: 'ftp://127.0.0.1/' }), failsWith('invalid-option', 'caller'));
  await assert.rejects(client.request({ url: 'http://me:secret@127.0.0.1/' }), failsWith('invalid-option', 'caller'));
  assert.equal(server.sockets.length, 0);
});

test('a connection is not used again after the end was said, in any of its forms', async (context) => {
  const endings: [string, string, ClientOptions][] = [
    ['Connection: close', ok('a', 'Connection: close\r\n'), {}],
    ['HTTP/1.0 without keep-alive', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na', {}],
    ['Keep-Alive: max=0', ok('a', 'Keep-Alive: max=0\r\n'), {}],
    ['keepAlive: false', ok('a'), { keepAlive: false }],
    ['requestsPerConnection: 1', ok('a'), { requestsPerConnection: 1 }],
    ['ageMs: 0', ok('a'), { ageMs: 0 }],
  ];
  for (const [name, response, options] of endings) {
    const server = await scriptedServer(context, (socket) => socket.write(response));
    const client = clientFor(context, options);
    assert.equal(await getText(client, server.url), 'a', name);
    assert.equal(await getText(client, server.url), 'a', name);
    assert.equal(server.sockets.length, 2, name);
  }
});

test('HTTP/1.0 mode asks for keep-alive and gets it', async (context) => {
  const server = await scriptedServer(context, (socket) =>
    socket.write('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na'),
  );
  const client = clientFor(context, { version: '1.0' });
  await getText(client, server.url);
  await getText(client, server.url);
  assert.equal(server.sockets.length, 1);
  assert.match(server.requests[0]![0]!, /^GET \/ HTTP\/1\.0\r\n[\s\S]*Connection: keep-alive/);
});

test('a body that ends with the connection is whole', async (context) => {
  const server = await scriptedServer(context, (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end'));
  assert.equal(await getText(clientFor(context), server.url), 'until the end');
});

test('bytes behind a response, or on an idle connection, end the connection and answer nothing', async (context) => {
  const server = await scriptedServer(context, (socket, _, index) =>
    socket.write(index === 0 ? `${ok('first')}${ok('poison')}` : ok(`right ${index}`)),
  );
  const client = clientFor(context);
  assert.equal(await getText(client, server.url), 'first');
  assert.equal(await getText(client, server.url), 'right 1');
  assert.equal(server.sockets.length, 2);
  // Idle now. The poison is in the kernel's buffer before the event loop of the client can have read it.
  const [statistics] = client.statistics();
  assert.equal(statistics!.poisoned, 1);
  server.sockets[1]!.write(ok('more poison'));
  await until(() => client.statistics()[0]!.poisoned === 2);
  assert.equal(await getText(client, server.url), 'right 2');
});

test('a FIN that the event loop has not seen yet is seen at the moment of reuse', async (context) => {
  const server = await scriptedServer(context, (socket, _, index) => socket.write(ok(String(index))));
  const client = clientFor(context);
  if (!client.hasProofs) return context.skip('no kernel facts here');
  await getText(client, server.url);
  // The FIN leaves in this very turn, and the client's next request is made in it too.
  server.sockets[0]!.destroy();
  const response = await client.request({ url: server.url });
  assert.equal(await response.body.text(), '1');
  assert.equal(response.timings.reused, false);
  assert.equal(response.timings.retried, false);
  assert.equal(client.statistics()[0]!.staleAvoided, 1);
});

test('an idempotent request is sent once more when its reused connection dies without an answer', async (context) => {
  for (const die of [(socket: import('node:net').Socket) => socket.end(), reset]) {
    const server = await scriptedServer(context, (socket, _, index) => {
      if (index === 1) die(socket);
      else socket.write(ok(String(index)));
    });
    const client = clientFor(context);
    await getText(client, server.url);
    const response = await client.request({ url: server.url });
    assert.equal(await response.body.text(), '2');
    assert.equal(response.timings.retried, true);
    assert.equal(server.sockets.length, 2);
    assert.equal(client.statistics()[0]!.retries, 1);
  }
});

test('a retry is never retried, a fresh connection’s failure neither, and a byte of the response forbids both', async (context) => {
  const server = await scriptedServer(context, (socket, _, index) => {
    if (index === 0) socket.write(ok('0'));
    else reset(socket);
  });
  const client = clientFor(context);
  await getText(client, server.url);
  await assert.rejects(getText(client, server.url), failsWith('reset-before-response', 'server'));
  assert.equal(server.requests.flat().length, 3);
  await assert.rejects(getText(client, server.url), failsWith('reset-before-response', 'server'));
  assert.equal(server.requests.flat().length, 4);

  const begins = await scriptedServer(context, (socket, _, index) => {
    if (index === 0) socket.write(ok('0'));
    else socket.end('H');
  });
  await getText(client, begins.url);
  await assert.rejects(getText(client, begins.url), failsWith('response-cut', 'server'));
  assert.equal(begins.requests.flat().length, 2);
});

test('a POST whose connection dies is not sent twice, unless it has a key', async (context) => {
  const server = await scriptedServer(context, (socket, _, index) => {
    if (index % 2 === 1) reset(socket);
    else socket.write(ok(String(index), 'Keep-Alive: timeout=60\r\n'));
  });
  const client = clientFor(context);
  const post = async (fields: Record<string, string>) =>
    (await client.request({ url: server.url, method: 'POST', body: 'x', fields })).body.text();
  await post({});
  await assert.rejects(post({}), failsWith('reset-before-response', 'server'));
  assert.equal(server.requests.flat().length, 2);
  assert.equal(await post({}), '2');
  assert.equal(await post({ 'Idempotency-Key': 'k' }), '4');
  assert.equal(server.requests.flat().length, 5);
});

test('a POST is sent again when the server’s FIN acknowledges nothing of it', async (context) => {
  const server = await scriptedServer(context, (socket, _, index) =>
    socket.write(ok(String(index), 'Keep-Alive: timeout=60\r\n')),
  );
  const client = clientFor(context);
  if (!client.hasProofs) return context.skip('no kernel facts here');
  await getText(client, server.url);
  // The server closes; a request written in the same turn meets a closed socket, whose FIN was on its way before.
  const request = () => client.request({ url: server.url, method: 'POST', body: 'x' });
  const peek = client as unknown as { pools: Map<string, { idle: { quietness: () => string }[] }> };
  const [pool] = peek.pools.values();
  pool!.idle[0]!.quietness = () => 'quiet';
  server.sockets[0]!.destroy();
  await once(server.sockets[0]!, 'close');
  const response = await request();
  assert.equal(await response.body.text(), '1');
  assert.equal(server.requests.flat().length, 2);
});

test('a client with room for one connection opens no second one in its place', async (context) => {
  const server = await scriptedServer(context, (socket) => socket.write(ok('')));
  const client = clientFor(context, { connections: 1 });
  for (let index = 0; index < 5; index++) {
    await (await client.request({ url: server.url, method: 'POST', body: 'x' })).body.dump();
    assert.ok(client.statistics()[0]!.open <= 1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(
    server.requests.map((requests) => requests.length),
    [1, 1, 1, 1, 1],
    'nothing is known of the server, so each POST has a connection of its own',
  );
});

test('a server that was seen to close soon gets each request that must not be sent twice on a new connection', async (context) => {
  let closed = 0;
  const server = await scriptedServer(context, (socket, request, _, connection) => {
    socket.write(ok(''));
    if (request.startsWith('GET') && connection === 0) {
      setTimeout(() => {
        closed++;
        socket.end();
      }, 30);
    }
  });
  const client = clientFor(context);
  await getText(client, server.url);
  await until(() => closed === 1 && client.statistics()[0]!.open === 0);
  assert.equal(client.statistics()[0]!.idleCloses, 1);
  for (let index = 0; index < 3; index++) {
    await (await client.request({ url: server.url, method: 'POST', body: 'x' })).body.dump();
  }
  await getText(client, server.url);
  assert.deepEqual(
    server.requests.map((requests) => requests.length),
    [1, 1, 1, 2],
    'a stall of the server could end each of them; the GET may be sent again and so uses what is there',
  );
});
