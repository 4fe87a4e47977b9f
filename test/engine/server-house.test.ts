/** What a server does around its connections: admission, stopping, the access log, observations, options. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import {
  type AccessEntry,
  accessLogLine,
  type HoldfastError,
  type NativeHandler,
  type Server,
  type ServerOptions,
  serve,
} from 'holdfast';
import type { Observation } from 'holdfast/base';

import { eventually } from './manual-clock.js';
import { exchange, RawClient } from './raw-client.js';

const servers: Server[] = [];
after(() => Promise.all(servers.map((server) => server.stop({ idleGraceMs: 0, graceMs: 100 }))));

async function run(
  options: ServerOptions,
  handler: NativeHandler = (_request, response) => response.end('Hello'),
): Promise<Server> {
  const server = await serve(options, handler);
  servers.push(server);
  return server;
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const last = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

test('connections above the maximum wait unread, and are served as others go', async () => {
  const server = await run({ maxConnections: 2 });
  const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.open(server.port)));
  await eventually(() => server.counts.waiting === 2, 'two wait');
  for (const client of clients) client.send(get);
  await eventually(() => server.counts.requests === 2, 'two are served');
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(clients.map((client) => client.statuses.length).sort(), [0, 0, 1, 1]);
  for (const client of clients.filter((each) => each.statuses.length === 1)) client.destroy();
  for (const client of clients.filter((each) => each.statuses.length === 0)) await client.until(/Hello/);
  for (const client of clients) client.destroy();
});

test('or are answered 503', async () => {
  const errors: string[] = [];
  const server = await run({ maxConnections: 1, whenFull: 'refuse', onError: (error) => errors.push(error.code) });
  const first = await RawClient.open(server.port);
  await first.send(get).until(/Hello/);
  const { statuses, received, ending } = await exchange(server.port, get);
  assert.deepEqual(statuses, [503]);
  assert.match(received, /Retry-After: 1\r\n/);
  assert.equal(ending, 'fin');
  assert.deepEqual(errors, ['too-many-connections']);
  first.destroy();
});

test('a waiting connection that gives up is forgotten', async () => {
  const server = await run({ maxConnections: 1, waitingConnections: 1 });
  const first = await RawClient.open(server.port);
  await first.send(get).until(/Hello/);
  const waiting = await RawClient.open(server.port);
  await eventually(() => server.counts.waiting === 1, 'one waits');
  assert.deepEqual((await exchange(server.port, get)).statuses, [503], 'no more than one may wait');
  waiting.reset();
  await waiting.untilEnd();
  first.destroy();
  await eventually(() => server.counts.open === 0, 'the first is gone');
  assert.deepEqual((await exchange(server.port, last)).statuses, [200]);
});

test('stop: takes no more, finishes what is in work with close, and closes what is idle', async () => {
  let finish!: () => void;
  const server = await serve({}, async (request, response) => {
    if (request.target === '/slow') await new Promise<void>((resolve) => (finish = resolve));
    response.end('done');
  });
  const { port } = server;
  const idle = await RawClient.open(port);
  await idle.send(get).until(/done/);
  const unused = await RawClient.open(port);
  const busy = await RawClient.open(port);
  busy.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => server.counts.requests === 2 && server.counts.open === 3, 'the slow one is there');
  const stopped = server.stop({ idleGraceMs: 10 });
  await assert.rejects(RawClient.open(port), { code: 'ECONNREFUSED' });
  await Promise.all([idle.untilEnd(), unused.untilEnd()]);
  await eventually(() => server.counts.open === 1, 'the idle ones are gone');
  finish();
  assert.match(await busy.untilEnd(), /Connection: close\r\n[\s\S]*done$/);
  await stopped;
  assert.equal(server.counts.open, 0);
});

test('stop: a request that comes in the grace for idle connections is answered, with close', async () => {
  const server = await serve({}, (_request, response) => response.end('done'));
  const client = await RawClient.open(server.port);
  await client.send(get).until(/done/);
  const stopped = server.stop({ idleGraceMs: 60_000 });
  client.send(get);
  assert.match(await client.untilEnd(), /done[\s\S]*Connection: close\r\n[\s\S]*done$/);
  await stopped;
});

test('stop: what is not finished in the grace is destroyed, and its handlers are told', async () => {
  const reasons: string[] = [];
  const server = await serve({}, (request) => {
    request.signal.addEventListener('abort', () => reasons.push((request.signal.reason as HoldfastError).code));
  });
  const client = await RawClient.open(server.port);
  client.send(get);
  await eventually(() => server.counts.requests === 1, 'the request is there');
  await server.stop({ graceMs: 10 });
  assert.deepEqual(reasons, ['server-stopped']);
  await client.untilEnd();
});

test('the access log has the client’s port and the number of the request on its connection', async () => {
  const entries: AccessEntry[] = [];
  const server = await run({ onAccess: (entry) => entries.push(entry) }, async (request, response) => {
    await request.bytes();
    if (request.target === '/fails') throw new Error('x');
    response.end('Hello');
  });
  const client = await RawClient.open(server.port);
  const port = client.socket.localPort!;
  await client.send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc').until(/Hello/);
  await client.send('GET /fails HTTP/1.1\r\nHost: a\r\n\r\n').until(/handler-failed/);
  await client.send('GET /\x01 HTTP/1.1\r\n\r\n').untilEnd();
  await eventually(() => entries.length === 3, 'three entries');
  const brief = (entry: AccessEntry) => [
    entry.clientPort,
    entry.connectionNumber,
    entry.requestNumber,
    entry.method,
    entry.target,
    entry.status,
    entry.requestBodyByteCount,
    entry.responseBodyByteCount,
    entry.persists,
    entry.error,
  ];
  assert.deepEqual(entries.map(brief), [
    [port, 1, 1, 'POST', '/a', 200, 3, 5, true, null],
    [port, 1, 2, 'GET', '/fails', 500, 0, 0, true, 'handler-failed'],
    [port, 1, 3, '', '', 400, 0, 0, false, 'request-refused'],
  ]);
  assert.match(
    accessLogLine(entries[0]!),
    new RegExp(`^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z 127\\.0\\.0\\.1:${port} #1/1 "POST /a HTTP/1\\.1" 200 5 \\d+\\.\\dms keep$`),
  );
  assert.match(accessLogLine(entries[2]!), /"-" 400 0 0\.0ms close request-refused$/);
});

test('a line of the access log holds no control bytes and no quotes of the client’s', () => {
  const entry: AccessEntry = {
    clientAddress: '::1',
    clientPort: 5,
    connectionNumber: 1,
    requestNumber: 1,
    at: new Date(0),
    method: 'GET',
    target: '/"\x1b[2J\\é',
    version: '1.1',
    status: 200,
    requestBodyByteCount: 0,
    responseBodyByteCount: 0,
    durationMs: 1,
    persists: false,
    error: null,
  };
  assert.equal(
    accessLogLine(entry),
    '1970-01-01T00:00:00.000Z [::1]:5 #1/1 "GET /\\x22\\x1b[2J\\x5c\\xe9 HTTP/1.1" 200 0 1.0ms close',
  );
});

test('observations tell the whole life of a connection, in order', async () => {
  const told: Observation[] = [];
  const server = await run({ observer: (observation) => told.push(structuredClone(observation)) });
  const client = await RawClient.open(server.port);
  const port = client.socket.localPort;
  await client.send('GET /1 HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n').until(/Hello/);
  client.send(last);
  await client.untilEnd();
  await eventually(() => told.at(-1)?.kind === 'closed', 'the connection is over');
  assert.deepEqual(
    told.map((each) => each.kind + ('from' in each ? ` ${each.from}` : '')),
    [
      'opened',
      ...['request-head', 'message-end client', 'response-head', 'message-end server'],
      ...['request-head', 'message-end client', 'response-head', 'message-end server'],
      ...['fin server', 'fin client', 'closed'],
    ],
  );
  const head = told.find((each) => each.kind === 'request-head')!;
  assert.deepEqual(head.fields, [
    ['Host', 'a'],
    ['X-Y', 'z'],
  ]);
  const answer = told.find((each) => each.kind === 'response-head')!;
  assert.equal(answer.status, 200);
  assert.ok(answer.fields.some(([name, value]) => name === 'Content-Length' && value === '5'));
  const opened = told[0]!;
  assert.ok(opened.kind === 'opened' && opened.client.port === port && opened.server.port === server.port);
  assert.ok(told.every((each, index) => index === 0 || each.atNs >= told[index - 1]!.atNs));
});

test('options that cannot be are refused by name', async () => {
  const wrong: ServerOptions[] = [
    { idleTimeoutMs: -1 },
    { headTimeoutMs: 0 },
    { maxConnections: Number.NaN },
    { limits: { headByteCount: 0 / 0 } },
    { limits: { nothing: 1 } as never },
    { serverName: 'a\r\nb' },
  ];
  for (const options of wrong) {
    await assert.rejects(
      serve(options, () => {}),
      { code: 'invalid-option', fault: 'caller' },
    );
  }
  await assert.rejects(serve({}), { code: 'invalid-option' });
  await assert.rejects(
    serve({ fetch: () => new Response() }, () => {}),
    { code: 'invalid-option' },
  );
  const first = await run({});
  await assert.rejects(
    serve({ port: first.port }, () => {}),
    { code: 'listen-failed', fault: 'caller' },
  );
});
