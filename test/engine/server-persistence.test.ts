/** When a connection of the server persists, what it says about it, and when it ends. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { type Server, type ServerOptions, serve } from 'holdfast';

import { eventually, ManualClock } from './manual-clock.js';
import { RawClient } from './raw-client.js';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const servers: Server[] = [];
after(() => Promise.all(servers.map((server) => server.stop({ idleGraceMs: 0, graceMs: 100 }))));

async function hello(options: ServerOptions = {}): Promise<{ server: Server; clock: ManualClock }> {
  const clock = new ManualClock();
  const server = await serve({ clock, ...options }, (_request, response) => response.end('Hello'));
  servers.push(server);
  return { server, clock };
}

const bodies = (count: number) => (received: string) => received.split('\r\n\r\nHello').length - 1 === count;

test('HTTP/1.1 persists, with a hint a second under the timeout', async () => {
  const { server } = await hello({ idleTimeoutMs: 60_000 });
  const client = await RawClient.open(server.port);
  for (let count = 1; count <= 3; count++) await client.send(get).until(bodies(count));
  assert.match(client.received, /\r\nConnection: keep-alive\r\nKeep-Alive: timeout=59\r\n/);
  assert.equal(server.counts.connections, 1);
  client.destroy();
});

test('Connection: close, in any case and among other options, ends it after the response', async () => {
  const { server } = await hello();
  for (const value of ['close', 'Close', 'foo, CLOSE']) {
    const client = await RawClient.open(server.port);
    client.send(`GET / HTTP/1.1\r\nHost: a\r\nConnection: ${value}\r\n\r\n`);
    assert.match(await client.untilEnd(), /\r\nConnection: close\r\n[\s\S]*Hello$/);
    assert.equal(client.ending, 'fin');
  }
});

test('HTTP/1.0 closes unless asked with the token; a later request without it ends the connection', async () => {
  const { server } = await hello();
  const plain = await RawClient.open(server.port);
  assert.match(await plain.send('GET / HTTP/1.0\r\n\r\n').untilEnd(), /Connection: close/);
  const kept = await RawClient.open(server.port);
  await kept.send('GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n').until(bodies(1));
  assert.match(kept.received, /\r\nConnection: keep-alive\r\n/);
  assert.match(await kept.send('GET / HTTP/1.0\r\n\r\n').untilEnd(), /Connection: close\r\n[\s\S]*Hello$/);
});

test('max counts down with each response, and the last says close', async () => {
  const { server } = await hello({ maxRequestsPerConnection: 3, idleTimeoutMs: 11_000 });
  const client = await RawClient.open(server.port);
  client.send(get + get + get + get);
  const received = await client.untilEnd();
  assert.deepEqual(
    [...received.matchAll(/Keep-Alive: (.*)\r\n/g)].map((match) => match[1]),
    ['timeout=10, max=2', 'timeout=10, max=1'],
  );
  assert.deepEqual(client.statuses, [200, 200, 200]);
  assert.equal(received.match(/Connection: close/g)?.length, 1);
  assert.equal(server.counts.requests, 3);
});

test('the idle timer starts at the end of each response, and its FIN comes to the millisecond', async () => {
  const { server, clock } = await hello({ idleTimeoutMs: 180_000 });
  const client = await RawClient.open(server.port);
  for (let count = 1; count <= 3; count++) {
    await client.send(get).until(bodies(count));
    clock.advance(count < 3 ? 120_000 : 179_999);
  }
  assert.equal(server.counts.idle, 1);
  clock.advance(1);
  await client.untilEnd();
  assert.equal(client.ending, 'fin');
  await eventually(() => server.counts.open === 0, 'the connection is gone');
});

test('a request that lies in the socket when the idle timeout comes is answered', async () => {
  const { server, clock } = await hello({ idleTimeoutMs: 1000 });
  for (let round = 0; round < 20; round++) {
    const client = await RawClient.open(server.port);
    await client.send(get).until(bodies(1));
    // Written within this turn: in the server's receive buffer, not yet read, when the clock strikes.
    client.send(get);
    clock.advance(1000);
    await client.until(bodies(2));
    client.destroy();
  }
});

test('an idle timeout of 0 closes after every response, and says so', async () => {
  const { server } = await hello({ idleTimeoutMs: 0 });
  const client = await RawClient.open(server.port);
  assert.match(await client.send(get).untilEnd(), /Connection: close/);
  assert.equal(server.keepAlives, false);
});

test('keep-alives can be switched off and on while the server runs', async () => {
  const { server } = await hello();
  const client = await RawClient.open(server.port);
  await client.send(get).until(bodies(1));
  server.setKeepAlivesEnabled(false);
  assert.match(await client.send(get).untilEnd(), /Hello[\s\S]*Connection: close\r\n[\s\S]*Hello$/);
  server.setKeepAlivesEnabled(true);
  const next = await RawClient.open(server.port);
  await next.send(get).until(bodies(1));
  await next.send(get).until(bodies(2));
  next.destroy();
});

test('past its maximum age, within the jitter, the next response is the last', async () => {
  const { server, clock } = await hello({ maxAgeMs: 100_000, maxAgeJitter: 0.2, idleTimeoutMs: 1e6, firstRequestTimeoutMs: 1e6 });
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(server.port)));
  await eventually(() => server.counts.open === 20, 'all are accepted');
  clock.advance(79_999);
  for (const client of clients) await client.send(get).until(bodies(1));
  assert.ok(clients.every((client) => !client.received.includes('Connection: close')));
  clock.advance(40_002);
  for (const client of clients) assert.match(await client.send(get).untilEnd(), /Connection: close\r\n[\s\S]*Hello$/);
});

test('the hint can be given to those who ask only, or to nobody', async () => {
  const asked = await hello({ keepAliveHint: 'asked' });
  const client = await RawClient.open(asked.server.port);
  await client.send(get).until(bodies(1));
  assert.doesNotMatch(client.received, /Keep-Alive/i);
  await client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n').until(bodies(2));
  assert.match(client.received, /\r\nKeep-Alive: timeout=94\r\n/);
  client.destroy();
  const never = await hello({ keepAliveHint: 'never', maxRequestsPerConnection: 9 });
  const other = await RawClient.open(never.server.port);
  await other.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').until(bodies(1));
  assert.match(other.received, /\r\nConnection: keep-alive\r\n/);
  assert.doesNotMatch(other.received, /Keep-Alive:/);
  other.destroy();
});

test("a handler's Connection: close closes; its fields of another connection are dropped", async () => {
  const server = await serve({}, (request, response) => {
    response.fields({
      'Keep-Alive': 'timeout=999',
      'Transfer-Encoding': 'chunked',
      'Proxy-Connection': 'keep-alive',
      Upgrade: 'h2c',
    });
    if (request.target === '/close') response.field('Connection', 'foo, Close');
    response.end('Hello');
  });
  servers.push(server);
  const client = await RawClient.open(server.port);
  await client.send(get).until(bodies(1));
  assert.doesNotMatch(client.received, /999|chunked|Proxy-|Upgrade/);
  assert.match(await client.send('GET /close HTTP/1.1\r\nHost: a\r\n\r\n').untilEnd(), /Connection: close\r\n[\s\S]*Hello$/);
});
