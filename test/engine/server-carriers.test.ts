/** What carries or leaves HTTP: TLS, upgrades, CONNECT, the web-standard handler with a real framework. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type HoldfastError, type NativeHandler, type Server, type ServerOptions, serve } from 'holdfast';
import { Hono } from 'hono';
import { streamText } from 'hono/streaming';

import { canSetProbes, probesOf } from '#dist/engine/tcp-probes.js';

import { eventually } from './manual-clock.js';
import { exchange, RawClient } from './raw-client.js';

const servers: Server[] = [];
after(() => Promise.all(servers.map((server) => server.stop({ idleGraceMs: 0, graceMs: 100 }))));

async function run(options: ServerOptions, handler?: NativeHandler): Promise<Server> {
  const server = await serve(options, handler);
  servers.push(server);
  return server;
}

const close = 'Connection: close\r\n';

function identity(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-tls-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const what = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
    ];
    execFileSync('openssl', [...what, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

test('TLS: requests, large bodies both ways, and sessions that are resumed', {
  skip: hasOpenssl ? false : 'openssl is not here',
}, async () => {
  const server = await run({ tls: identity() }, async (request, response) => {
    assert.equal(request.secure, true);
    response.end(Buffer.alloc(1_000_000 + (await request.bytes()).length, 'x'));
  });
  assert.match(server.url, /^https:/);
  let session: Buffer | undefined;
  for (const resumed of [false, true]) {
    const options = { port: server.port, host: '127.0.0.1', rejectUnauthorized: false };
    const socket: TLSSocket = connectTls(session === undefined ? options : { ...options, session });
    socket.on('session', (each: Buffer) => {
      session = each;
    });
    await once(socket, 'secureConnect');
    assert.equal(socket.isSessionReused(), resumed);
    let length = 0;
    socket.on('data', (data: Buffer) => {
      length += data.length;
    });
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n`);
    socket.write(Buffer.alloc(500_000));
    await eventually(() => length > 1_500_000, 'the whole response');
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
    await once(socket, 'close');
    assert.ok(length > 2_500_000);
  }
  await eventually(() => server.counts.open === 0, 'no connection is left');
});

test('TLS: what is no handshake is named', { skip: hasOpenssl ? false : 'openssl is not here' }, async () => {
  const errors: HoldfastError[] = [];
  const server = await run({ tls: identity(), onError: (error) => errors.push(error) }, (_request, response) => response.end());
  await exchange(server.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.deepEqual(
    errors.map((error) => `${error.code} ${error.fault}`),
    ['tls-handshake-failed client'],
  );
});

test('an upgrade hands over the socket with what was sent already, after the answers before it', async () => {
  const server = await run(
    {
      onUpgrade(request, socket: Socket, head) {
        socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n${request.target}:`);
        socket.write(head);
        socket.pipe(socket);
      },
    },
    async (_request, response) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      response.end('first');
    },
  );
  const client = await RawClient.open(server.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  client.send('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly ');
  await client.until(/first[\s\S]*\/ws:early $/);
  client.send('and ');
  client.send('late');
  await client.until(/early and late$/);
  assert.deepEqual(client.statuses, [200, 101]);
  client.finish();
  await client.untilEnd();
  await eventually(() => server.counts.open === 0, 'the connection is gone');
});

test('an upgrade to something else is no upgrade', async () => {
  const server = await run({ onUpgrade: () => assert.fail('taken over') }, (_request, response) => response.end('plain'));
  const { received } = await exchange(
    server.port,
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n',
  );
  assert.match(received, /plain$/);
});

test('TCP keep-alive is set as asked, on every connection', {
  skip: canSetProbes() ? false : 'koffi or Linux is not here',
}, async () => {
  const probes: unknown[] = [];
  const onUpgrade = (_request: unknown, socket: Socket) => {
    probes.push(probesOf(socket));
    socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  };
  for (const tcpKeepAlive of [{ idleMs: 7000, intervalMs: 3000, count: 4 }, { idleMs: 9000 }]) {
    const server = await run({ tcpKeepAlive, onUpgrade }, (_request, response) => response.end());
    await exchange(server.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
  }
  assert.deepEqual(probes[0], { idleMs: 7000, intervalMs: 3000, count: 4 });
  assert.equal((probes[1] as { idleMs: number }).idleMs, 9000);
});

test('CONNECT is handed over when someone takes it, and not allowed otherwise', async () => {
  const connect = 'CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n';
  const plain = await run({}, (_request, response) => response.end());
  assert.deepEqual((await exchange(plain.port, connect)).statuses, [405]);
  const proxy = await run(
    { onConnect: (request, socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\nto ${request.target}`) },
    (_request, response) => response.end(),
  );
  assert.match((await exchange(proxy.port, connect)).received, /to b:443$/);
});

function honoApp(): Hono {
  const app = new Hono();
  app.get('/', (context) => context.text('Hello Hono'));
  app.get('/json/:name', (context) => context.json({ name: context.req.param('name'), query: context.req.query('q') }));
  app.post('/echo', async (context) =>
    context.body(await context.req.arrayBuffer(), 201, { 'x-type': context.req.header('content-type') ?? '' }),
  );
  app.get('/stream', (context) =>
    streamText(context, async (stream) => {
      for (let index = 0; index < 3; index++) {
        await stream.write(`piece ${index};`);
        await stream.sleep(5);
      }
    }),
  );
  app.get('/cookies', (context) => {
    context.header('Set-Cookie', 'a=1', { append: true });
    context.header('Set-Cookie', 'b=2', { append: true });
    return context.body(null, 204);
  });
  app.get('/throws', () => {
    throw new Error('not handled by me');
  });
  return app;
}

test('a Hono app runs unchanged', async () => {
  const server = await run({ fetch: honoApp().fetch });
  const plain = await fetch(`${server.url}/`);
  assert.equal(await plain.text(), 'Hello Hono');
  assert.equal(plain.headers.get('content-length'), '10');
  assert.deepEqual(await (await fetch(`${server.url}/json/ab%20c?q=1`)).json(), { name: 'ab c', query: '1' });
  const body = new Uint8Array(300_000).map((_, index) => index);
  const echoed = await fetch(`${server.url}/echo`, { method: 'POST', body, headers: { 'content-type': 'x/y' } });
  assert.equal(echoed.status, 201);
  assert.equal(echoed.headers.get('x-type'), 'x/y');
  assert.deepEqual(new Uint8Array(await echoed.arrayBuffer()), body);
  const streamed = await fetch(`${server.url}/stream`);
  assert.equal(streamed.headers.get('content-length'), null);
  assert.equal(await streamed.text(), 'piece 0;piece 1;piece 2;');
  const cookies = await fetch(`${server.url}/cookies`);
  assert.equal(cookies.status, 204);
  assert.deepEqual(cookies.headers.getSetCookie(), ['a=1', 'b=2']);
  assert.equal((await fetch(`${server.url}/missing`)).status, 404);
  assert.equal((await fetch(`${server.url}/throws`)).status, 500);
  const head = await fetch(`${server.url}/`, { method: 'HEAD' });
  assert.equal(await head.text(), '');
  assert.equal(server.counts.errors['handler-failed'], undefined);
});

test('the web-standard form is told who asks, streams requests, and cancels bodies nobody takes', async () => {
  let cancelled: unknown;
  const server = await run({
    async fetch(request, info) {
      const { pathname } = new URL(request.url);
      if (pathname === '/who')
        return new Response(`${info.clientAddress}:${info.clientPort} #${info.connectionNumber}/${info.requestNumber}`);
      if (pathname === '/count') {
        let length = 0;
        for await (const piece of request.body!) length += piece.length;
        return new Response(String(length));
      }
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
        cancel(reason) {
          cancelled = reason;
        },
      });
      return new Response(body);
    },
  });
  const client = await RawClient.open(server.port);
  await client.send('GET /who HTTP/1.1\r\nHost: a\r\n\r\n').until(new RegExp(`127\\.0\\.0\\.1:${client.socket.localPort} #1/1$`));
  client.destroy();
  const upload = `POST /count HTTP/1.1\r\nHost: a\r\n${close}Content-Length: 500000\r\n\r\n${'x'.repeat(500_000)}`;
  assert.match((await exchange(server.port, upload)).received, /\r\n\r\n500000$/);
  const endless = await RawClient.open(server.port);
  await endless.send('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n').until((received) => received.length > 300_000);
  endless.reset();
  await eventually(() => cancelled !== undefined, 'the body was cancelled');
  assert.match((cancelled as HoldfastError).code, /^client-reset|handler-failed$/);
});

test('a throwing or rejecting fetch is a 500; a Response that is none too', async () => {
  const errors: string[] = [];
  const server = await run({
    onError: (error) => errors.push(error.code),
    fetch(request) {
      if (request.url.endsWith('/throws')) throw new Error('x');
      if (request.url.endsWith('/none')) return undefined as unknown as Response;
      return Promise.reject(new Error('x'));
    },
  });
  for (const target of ['/throws', '/none', '/rejects']) {
    const { statuses } = await exchange(server.port, `GET ${target} HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
    assert.deepEqual(statuses, [500]);
  }
  assert.deepEqual(errors, Array(3).fill('handler-failed'));
});
