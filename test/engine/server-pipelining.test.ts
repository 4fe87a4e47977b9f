import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { type HoldfastError, type NativeHandler, type Server, type ServerOptions, type ServerResponse, serve } from 'holdfast';

import { eventually } from './manual-clock.js';
import { RawClient } from './raw-client.js';

const servers: Server[] = [];
after(() => Promise.all(servers.map((server) => server.stop({ idleGraceMs: 0, graceMs: 100 }))));

async function run(options: ServerOptions, handler: NativeHandler): Promise<Server> {
  const server = await serve(options, handler);
  servers.push(server);
  return server;
}

/** A server whose handlers wait until the test answers, by target. */
async function held(
  options: ServerOptions = {},
): Promise<{ server: Server; begun: string[]; responses: Map<string, ServerResponse> }> {
  const begun: string[] = [];
  const responses = new Map<string, ServerResponse>();
  const server = await run(options, (request, response) => {
    begun.push(request.target);
    responses.set(request.target, response);
  });
  return { server, begun, responses };
}

const request = (method: string, target: string, body = '') =>
  `${method} ${target} HTTP/1.1\r\nHost: a\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`;
const bodiesOf = (received: string) => [...received.matchAll(/\r\n\r\n<(.*?)>/g)].map((match) => match[1]);

test('safe requests run side by side, and the answers come in the order of the requests', async () => {
  const { server, begun, responses } = await held();
  const client = await RawClient.open(server.port);
  client.send(request('GET', '/1') + request('GET', '/2') + request('HEAD', '/h') + request('GET', '/3'));
  await eventually(() => begun.length === 4, 'all have begun');
  responses.get('/3')!.end('<three>');
  responses.get('/2')!.write('<two>');
  responses.get('/2')!.end();
  responses.get('/h')!.end('nothing of this');
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(client.received, '');
  responses.get('/1')!.end('<one>');
  await client.until(/three/);
  assert.deepEqual(client.statuses, [200, 200, 200, 200]);
  assert.doesNotMatch(client.received, /nothing/);
  assert.ok(client.received.indexOf('<one>') < client.received.indexOf('<two>'));
  assert.ok(client.received.indexOf('<two>') < client.received.indexOf('<three>'));
  client.destroy();
});

test('an unsafe request waits for its turn, and nothing behind it is taken before it is answered', async () => {
  const { server, begun, responses } = await held();
  const client = await RawClient.open(server.port);
  client.send(request('GET', '/1') + request('POST', '/2', 'abc') + request('GET', '/3'));
  await eventually(() => server.counts.requests === 2, 'two heads are read');
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(begun, ['/1']);
  responses.get('/1')!.end('<1>');
  await eventually(() => begun.length === 2, 'the second has begun');
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(begun, ['/1', '/2']);
  responses.get('/2')!.end('<2>');
  await eventually(() => begun.length === 3, 'the third has begun');
  responses.get('/3')!.end('<3>');
  await client.until(/<3>/);
  assert.deepEqual(bodiesOf(client.received), ['1', '2', '3']);
  client.destroy();
});

test('no more requests are taken ahead than the depth, and the rest is not lost', async () => {
  const { server, begun, responses } = await held({ pipelineDepth: 3 });
  const client = await RawClient.open(server.port);
  client.send(Array.from({ length: 10 }, (_, index) => request('GET', `/${index}`)).join(''));
  await eventually(() => begun.length === 3, 'three have begun');
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(begun.length, 3);
  for (let index = 0; index < 10; index++) {
    await eventually(() => begun.length > index, `${index} has begun`);
    responses.get(`/${index}`)!.end(`<${index}>`);
  }
  await client.until(/<9>/);
  assert.deepEqual(bodiesOf(client.received), [...'0123456789']);
  client.destroy();
});

test('a thousand pipelined requests in one piece are answered in order', async () => {
  const server = await run({}, (each, response) => response.end(`<${each.target}>`));
  const client = await RawClient.open(server.port);
  const count = 1000;
  client.send(Array.from({ length: count }, (_, index) => request('GET', `/${index}`)).join(''));
  await client.until(/<\/999>/);
  assert.deepEqual(
    bodiesOf(client.received),
    Array.from({ length: count }, (_, index) => `/${index}`),
  );
  client.destroy();
});

test('large answers to many pipelined requests wait for the reader, not in memory', async () => {
  const body = Buffer.alloc(256 * 1024, 'x');
  let answered = 0;
  const server = await run({}, (_each, response) => {
    answered += 1;
    response.end(body);
  });
  const client = await RawClient.open(server.port, { paused: true });
  const count = 200;
  client.send(request('GET', '/').repeat(count));
  await eventually(() => answered > 3, 'some are answered');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(answered < count, `${answered} of ${count} were answered into nowhere`);
  client.socket.resume();
  let length = 0;
  client.socket.on('data', (data) => {
    length += data.length;
    client.received = '';
  });
  await eventually(() => answered === count && length > count * body.length, 'all came');
  client.destroy();
});

test('a response that says close drops the safe requests behind it, and they are told', async () => {
  const failures: string[] = [];
  const { server, begun, responses } = await held();
  const client = await RawClient.open(server.port);
  client.send(request('GET', '/1') + request('GET', '/2'));
  await eventually(() => begun.length === 2, 'both have begun');
  responses.get('/2')!.request.signal.addEventListener('abort', () => {
    failures.push((responses.get('/2')!.request.signal.reason as HoldfastError).code);
  });
  responses.get('/1')!.closeAfter().end('<1>');
  await client.untilEnd();
  assert.deepEqual(bodiesOf(client.received), ['1']);
  assert.deepEqual(failures, ['connection-ends']);
  responses.get('/2')!.end('<2>');
});

test('when the server stops, all requests taken are answered and only the last says close', async () => {
  const { server, begun, responses } = await held();
  const client = await RawClient.open(server.port);
  client.send(request('GET', '/1') + request('GET', '/2'));
  await eventually(() => begun.length === 2, 'both have begun');
  const stopped = server.stop({ idleGraceMs: 0 });
  responses.get('/1')!.end('<1>');
  responses.get('/2')!.end('<2>');
  await client.untilEnd();
  assert.deepEqual(bodiesOf(client.received), ['1', '2']);
  assert.ok(client.received.indexOf('Connection: close') > client.received.indexOf('<1>'));
  await stopped;
});

test('an unsafe request with an empty chunked body, read while it waited for its turn, has an empty body', async () => {
  const server = await run({}, async (each, response) => response.end(`<${(await each.bytes()).length}>`));
  const client = await RawClient.open(server.port);
  client.send(`${request('GET', '/')}POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`);
  await client.until(/<0>[\s\S]*<0>/);
  assert.deepEqual(client.statuses, [200, 200]);
  client.destroy();
});

test('texts of all sizes to a client that reads late arrive whole and in order', async () => {
  const text = 'x'.repeat(90_000);
  const server = await run({ pipelineDepth: 4 }, ({ target }, response) => {
    response.end(target.length % 2 === 0 ? `<${target}>` : `<${target}${text}>`);
  });
  const client = await RawClient.open(server.port, { paused: true });
  const targets = Array.from({ length: 200 }, (_, index) => `/${'a'.repeat(index % 7)}${index}`);
  for (const target of targets) client.send(request('GET', target));
  await eventually(() => server.counts.requests > 8, 'some are answered');
  client.socket.resume();
  await client.until((received) => received.endsWith(`${targets.at(-1)}>`) || received.endsWith('x>'));
  await client.until((received) => bodiesOf(received).length === targets.length);
  const expected = targets.map((target) => (target.length % 2 === 0 ? target : target + text));
  assert.deepEqual(bodiesOf(client.received), expected);
  client.destroy();
});
