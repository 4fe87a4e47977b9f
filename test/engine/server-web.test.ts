/** The web-standard form of a handler: what its Request is, and how Responses go out. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';

import { Client, type FetchHandler, serve } from 'holdfast';

import { eventually } from './manual-clock.js';
import { RawClient } from './raw-client.js';

async function run(context: TestContext, fetch: FetchHandler): Promise<{ url: string; port: number; client: Client }> {
  const server = await serve({ fetch });
  const client = new Client();
  context.after(async () => {
    client.destroy();
    await server.stop({ idleGraceMs: 0, graceMs: 100 });
  });
  return { url: server.url, port: server.port, client };
}

test('the Request is one, whatever is asked of it and in whatever order', async (context) => {
  const seen: unknown[] = [];
  const { url, client } = await run(context, async (request) => {
    const clone = request.clone();
    // Takes the body over.
    const again = new Request(request, { headers: { x: 'new' } });
    seen.push(
      request instanceof Request,
      request.method,
      request.headers.get('x'),
      request.redirect,
      request.bodyUsed,
      await clone.text(),
      again.headers.get('x'),
      await again.text(),
      request.bodyUsed,
    );
    return new Response('ok');
  });
  const response = await client.request({ url: `${url}/a`, method: 'POST', fields: { X: 'old' }, body: 'content' });
  assert.equal(await response.body.text(), 'ok');
  assert.deepEqual(seen, [true, 'POST', 'old', 'follow', true, 'content', 'new', 'content', true]);
});

test('a body is read in each form, once', async (context) => {
  const { url, client } = await run(context, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/text') return new Response(await request.text());
    if (pathname === '/json') return Response.json(await request.json());
    if (pathname === '/buffer') return new Response(await request.arrayBuffer());
    if (pathname === '/blob') return new Response(await request.blob());
    if (pathname === '/stream') return new Response(request.body);
    await request.text();
    assert.equal(request.bodyUsed, true);
    await assert.rejects(request.text(), TypeError);
    return new Response('once');
  });
  for (const size of [2, 100, 200_000]) {
    const body = JSON.stringify('ü'.repeat(size));
    for (const path of ['/text', '/json', '/buffer', '/blob', '/stream']) {
      const response = await client.request({ url: url + path, method: 'POST', body });
      assert.equal(await response.body.text(), body, `${path} ${size}`);
    }
  }
  const response = await client.request({ url: `${url}/twice`, method: 'POST', body: 'x' });
  assert.equal(await response.body.text(), 'once');
});

test('the URL is as a URL parser has it, and a Host that makes none is refused', async (context) => {
  const { port } = await run(context, (request) => new Response(`<${request.url}>`));
  const client = await RawClient.open(port);
  const cases: [target: string, host: string, url: string][] = [
    ['/a?b=c', 'h', 'http://h/a?b=c'],
    ['/a/../b', 'h:80', 'http://h/b'],
    ['/%2E/x', 'H', 'http://h/x'],
    ['/a"b', 'h:81', 'http://h:81/a%22b'],
    ['http://other/x', 'h', 'http://other/x'],
    ['/', '', 'http://localhost/'],
  ];
  for (const [target, host, url] of cases) {
    client.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await client.until((received) => received.endsWith(`<${url}>`));
  }
  client.send('GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n');
  await client.until(/ 400 [\s\S]*target-invalid/);
});

test('what is kept of a Request is still its own after other requests have come', async (context) => {
  const kept: Request[] = [];
  const { url, client } = await run(context, (request) => {
    kept.push(request);
    return new Response(null);
  });
  for (const name of ['first', 'second', 'third']) {
    await (await client.request({ url: `${url}/${name}`, fields: { 'X-Name': name } })).body.dump();
  }
  assert.deepEqual(
    kept.map((request) => [new URL(request.url).pathname, request.headers.get('x-name')]),
    [
      ['/first', 'first'],
      ['/second', 'second'],
      ['/third', 'third'],
    ],
  );
});

test('a Response of text, bytes, nothing, a stream; and one that was read already is a failure', async (context) => {
  const answers: Record<string, () => Response> = {
    '/text': () => new Response('ü', { status: 201, statusText: 'Made', headers: { 'content-type': 'x/y' } }),
    '/bytes': () => new Response(new Uint8Array([65, 66])),
    '/nothing': () => new Response(null, { status: 204 }),
    '/stream': () => new Response(new Blob(['abc']).stream()),
    '/locked': () => {
      const response = new Response('x');
      response.body!.getReader();
      return response;
    },
  };
  const { url, client } = await run(context, (request) => answers[new URL(request.url).pathname]!());
  const get = async (path: string) => {
    const response = await client.request({ url: url + path });
    return [response.status, response.fields.get('content-type'), await response.body.text()];
  };
  assert.deepEqual(await get('/text'), [201, 'x/y', 'ü']);
  assert.deepEqual(await get('/bytes'), [200, null, 'AB']);
  assert.deepEqual(await get('/nothing'), [204, null, '']);
  assert.deepEqual(await get('/stream'), [200, null, 'abc']);
  assert.equal((await get('/locked'))[0], 500);
});

test('the signal aborts with the connection, also on the light Request', async (context) => {
  let aborted = false;
  let waiting = false;
  const { port } = await run(context, async (request) => {
    await new Promise<void>((resolve) => {
      request.signal.addEventListener('abort', () => {
        aborted = true;
        resolve();
      });
      waiting = true;
    });
    return new Response('late');
  });
  const client = await RawClient.open(port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => waiting, 'the handler waits');
  client.reset();
  await eventually(() => aborted, 'the signal has aborted');
});
