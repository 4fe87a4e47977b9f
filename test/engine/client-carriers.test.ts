/** The client beneath Node's fetch and undici, over TLS, through a proxy, pipelined, and as an observed party. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Client, type ClientOptions, HoldfastDispatcher } from 'holdfast';
import type { Observation } from 'holdfast/base';
import { type Dispatcher, fetch as undiciFetch, request as undiciRequest } from 'undici';
import { ok, scriptedServer, until } from './client-scripted-server.js';

function clientFor(context: TestContext, options: ClientOptions = {}): Client {
  const client = new Client(options);
  context.after(() => client.destroy());
  return client;
}

async function listen(context: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

/** Answers with what was sent; /redirect, /endless and /trailers are special. */
async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/redirect') {
    response.writeHead(302, { Location: '/there' }).end();
    return;
  }
  if (request.url === '/endless') {
    response.write('a');
    return;
  }
  let body = '';
  for await (const piece of request) body += piece;
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ method: request.method, url: request.url, body, type: request.headers['content-type'] ?? null }));
}

test('Node’s fetch over the client: GET, POST, redirect, stream both ways, abort', async (context) => {
  const port = await listen(context, createHttpServer(echo));
  const client = clientFor(context);
  const url = `http://127.0.0.1:${port}`;
  const get = await client.fetch(`${url}/a?b=1`, { headers: { 'X-One': '1' } });
  assert.equal(get.status, 200);
  assert.deepEqual(await get.json(), { method: 'GET', url: '/a?b=1', body: '', type: null });
  const post = await client.fetch(new Request(`${url}/p`, { method: 'POST', body: new URLSearchParams({ q: 'ü' }) }));
  assert.deepEqual(await post.json(), {
    method: 'POST',
    url: '/p',
    body: 'q=%C3%BC',
    type: 'application/x-www-form-urlencoded;charset=UTF-8',
  });
  const redirected = await client.fetch(`${url}/redirect`);
  assert.equal(redirected.redirected, true);
  assert.equal(((await redirected.json()) as { url: string }).url, '/there');

  const pieces = ['first ', 'second'];
  const stream = new ReadableStream({
    pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(Buffer.from(piece));
    },
  });
  const streamed = await client.fetch(`${url}/s`, { method: 'POST', body: stream, duplex: 'half' } as RequestInit);
  assert.equal(((await streamed.json()) as { body: string }).body, 'first second');

  const controller = new AbortController();
  const endless = await client.fetch(`${url}/endless`, { signal: controller.signal });
  const reader = endless.body!.getReader();
  assert.equal(Buffer.from((await reader.read()).value!).toString(), 'a');
  controller.abort();
  await assert.rejects(reader.read(), { name: 'AbortError' });
  await assert.rejects(client.fetch(`${url}/`, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  await assert.rejects(client.fetch(await refusingUrl()), (error: Error) => {
    assert.equal((error.cause as { code: string }).code, 'connect-refused');
    return true;
  });
});

/** A port where nobody listens any more. */
async function refusingUrl(): Promise<string> {
  const server = createHttpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}/`;
}

test('a large response crosses Node’s fetch with back-pressure, whole', async (context) => {
  const server = await scriptedServer(context, (socket) => socket.write(ok('x'.repeat(5_000_000))));
  const response = await clientFor(context).fetch(server.url);
  assert.equal((await response.text()).length, 5_000_000);
});

test('undici’s fetch and request over the client', async (context) => {
  const port = await listen(context, createHttpServer(echo));
  const dispatcher = new HoldfastDispatcher(clientFor(context)) as unknown as Dispatcher;
  const url = `http://127.0.0.1:${port}`;
  const fetched = await undiciFetch(`${url}/f`, { method: 'POST', body: 'one', dispatcher });
  assert.deepEqual(await fetched.json(), { method: 'POST', url: '/f', body: 'one', type: 'text/plain;charset=UTF-8' });
  const requested = await undiciRequest(`${url}/r`, {
    method: 'PUT',
    body: 'two',
    headers: { 'content-type': 'a/b' },
    dispatcher,
  });
  assert.equal(requested.statusCode, 200);
  assert.equal(requested.headers['content-type'], 'application/json');
  assert.deepEqual(await requested.body.json(), { method: 'PUT', url: '/r', body: 'two', type: 'a/b' });
});

/** A key and a certificate for localhost, made by openssl; null where there is none. */
function certificate(context: TestContext): { key: Buffer; cert: Buffer } | null {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-tls-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', [...make, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } catch {
    context.skip('openssl is not there');
    return null;
  }
}

test('TLS: the certificate is checked, ALPN says http/1.1, the session is resumed', async (context) => {
  const pair = certificate(context);
  if (pair === null) return;
  const protocols: unknown[] = [];
  const server = createHttpsServer({ ...pair, ALPNProtocols: ['h2', 'http/1.1'] }, echo);
  server.on('secureConnection', (socket) => protocols.push(socket.alpnProtocol));
  const url = `https://127.0.0.1:${await listen(context, server)}/`;
  await assert.rejects(clientFor(context).request({ url }), { code: 'tls-failed', fault: 'server' });
  const client = clientFor(context, { tls: { ca: pair.cert } });
  const first = await client.request({ url, keepAlive: false });
  await first.body.dump();
  assert.equal(first.connection.tls!.resumed, false);
  assert.ok(first.timings.tlsMs! > 0);
  const second = await client.request({ url });
  await second.body.dump();
  assert.equal(second.connection.tls!.resumed, true);
  const third = await client.request({ url, method: 'POST', body: 'x', idempotent: true });
  assert.equal(((await third.body.json()) as { body: string }).body, 'x');
  assert.equal(third.timings.reused, true);
  assert.deepEqual(protocols, ['http/1.1', 'http/1.1']);
});

test('a proxy is asked by CONNECT, for http and https alike, and its refusal has a name', async (context) => {
  const pair = certificate(context);
  if (pair === null) return;
  const asked: [string | undefined, string | undefined][] = [];
  const proxy = createHttpServer();
  proxy.on('connect', (request, socket) => {
    asked.push([request.url, request.headers['proxy-authorization']]);
    if (request.url!.startsWith('forbidden')) {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      return;
    }
    const [host, port] = request.url!.split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const each of [onward, socket]) each.on('error', () => {});
  });
  const proxyPort = await listen(context, proxy);
  const plainPort = await listen(context, createHttpServer(echo));
  const tlsPort = await listen(context, createHttpsServer(pair, echo));
  const client = clientFor(context, { proxy: { url: `http://me:secret@127.0.0.1:${proxyPort}` }, tls: { ca: pair.cert } });
  for (const url of [`http://127.0.0.1:${plainPort}/a`, `https://127.0.0.1:${tlsPort}/b`]) {
    for (const reused of [false, true]) {
      const response = await client.request({ url, method: 'PUT', body: 'x' });
      assert.equal(((await response.body.json()) as { body: string }).body, 'x');
      assert.equal(response.timings.reused, reused);
    }
  }
  const authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;
  assert.deepEqual(asked, [
    [`127.0.0.1:${plainPort}`, authorization],
    [`127.0.0.1:${tlsPort}`, authorization],
  ]);
  await assert.rejects(client.request({ url: 'http://forbidden/' }), { code: 'proxy-refused', fault: 'server' });
});

test('an upgrade hands the connection over, with what came behind the head', async (context) => {
  const server = await scriptedServer(context, (socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello');
    socket.on('data', (piece: string) => socket.write(piece.toUpperCase()));
  });
  const client = clientFor(context);
  const response = await client.request({ url: server.url, fields: { Connection: 'upgrade', Upgrade: 'echo' } });
  assert.equal(response.status, 101);
  const { socket, rest } = response.tunnel!;
  assert.equal(Buffer.from(rest).toString(), 'hello');
  socket.resume();
  socket.write('shout');
  const [answer] = await once(socket, 'data');
  assert.equal(String(answer), 'SHOUT');
  socket.destroy();
  await until(() => client.statistics()[0]!.open === 0);
});

test('a 101 that nobody asked for is refused', async (context) => {
  const server = await scriptedServer(context, (socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n'),
  );
  await assert.rejects(clientFor(context).request({ url: server.url }), { code: 'response-refused' });
});

test('interim responses are told, and 100 Continue lets the body go', async (context) => {
  const server = await scriptedServer(
    context,
    (socket) => socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok('done')}`),
    (socket) => socket.once('data', () => socket.write('HTTP/1.1 100 Continue\r\n\r\n')),
  );
  const client = clientFor(context, { timeouts: { continueMs: 60_000 } });
  const interim: number[] = [];
  const request = { url: server.url, method: 'POST', body: 'x', expectContinue: true };
  const response = await client.request(request, (head) => interim.push(head.status));
  assert.equal(await response.body.text(), 'done');
  assert.deepEqual(interim, [100, 103]);
  assert.match(server.requests[0]![0]!, /Expect: 100-continue/);
});

test('trailers arrive behind the body', async (context) => {
  const server = await scriptedServer(context, (socket) =>
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n'),
  );
  const response = await clientFor(context).request({ url: server.url });
  assert.equal(await response.body.text(), 'a');
  assert.deepEqual(response.body.trailers, [['X-Sum', '1']]);
});

test('pipelining: several requests on one connection, answers in order, and a POST waits', async (context) => {
  const held: (() => void)[] = [];
  const server = await scriptedServer(context, (socket, request, index) => {
    // The hint lets the POST use the connection even when this host is slow.
    held.push(() => socket.write(ok(`${index} ${request.slice(0, request.indexOf(' HTTP'))}`, 'Keep-Alive: timeout=60\r\n')));
    if (held.length === 4) for (const answer of held.splice(0)) answer();
    else if (index >= 4) held.pop()!();
  });
  const client = clientFor(context, { connections: 1, pipelining: 4 });
  const get = async (path: string, method = 'GET') => (await client.request({ url: server.url + path, method })).body.text();
  const answers = await Promise.all([get('a'), get('b'), get('c'), get('d'), get('e', 'POST'), get('f')]);
  assert.deepEqual(answers, ['0 GET /a', '1 GET /b', '2 GET /c', '3 GET /d', '4 POST /e', '5 GET /f']);
  assert.equal(server.sockets.length, 1);
});

test('a pipeline that breaks is made good on a new connection, which is not pipelined at once', async (context) => {
  const depths: number[] = [];
  const waiting: number[] = [0, 0, 0];
  const server = await scriptedServer(context, (socket, request, _, connection) => {
    waiting[connection]!++;
    if (connection === 0) {
      if (request.includes('/a')) socket.write(ok('a'));
      if (waiting[0] === 3) socket.end();
      return;
    }
    depths.push(waiting[connection]!);
    setImmediate(() => {
      waiting[connection]!--;
      socket.write(ok(request.slice(5, 6)));
    });
  });
  const client = clientFor(context, { connections: 1, pipelining: 4 });
  const get = async (path: string) => (await client.request({ url: server.url + path })).body.text();
  assert.deepEqual(await Promise.all([get('a'), get('b'), get('c')]), ['a', 'b', 'c']);
  assert.equal(depths[0], 1);
});

test('what the client does is told as observations, and nothing when nobody listens', async (context) => {
  const server = await scriptedServer(context, (socket, _, index) => {
    socket.write(ok('abc', 'X-One: 1\r\n'));
    if (index === 1) socket.end();
  });
  const seen: Observation[] = [];
  const client = clientFor(context, { observer: (observation) => seen.push(observation) });
  for (let index = 0; index < 2; index++) {
    await (await client.request({ url: server.url, method: 'PUT', body: 'xy' })).body.dump();
  }
  await until(() => seen.some(({ kind }) => kind === 'closed'));
  const said = seen.map((each) => ('from' in each ? `${each.kind} ${each.from}` : each.kind));
  const exchange = ['request-head', 'message-end client', 'response-head', 'message-end server'];
  assert.deepEqual(said, ['opened', ...exchange, ...exchange, 'fin server', 'fin client', 'closed']);
  const head = seen.find((each) => each.kind === 'request-head')!;
  assert.equal(head.method, 'PUT');
  assert.deepEqual(head.fields, [
    ['Host', `127.0.0.1:${server.port}`],
    ['Content-Length', '2'],
  ]);
});
