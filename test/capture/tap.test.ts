/** A relay between real sockets of this machine. Nothing here waits for a time to pass but where the time itself is what was asked for. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, test } from 'node:test';
import type { Observation } from 'holdfast/base';
import { openTap, type Tap, type TapConnection, type TapFault, type TapOptions } from 'holdfast/capture';
import { type Connection, Story } from 'holdfast/story';

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

interface Scene {
  readonly tap: Tap;
  readonly server: Server;
  /** What clients saw and what the server saw. */
  readonly clientSide: Observation[];
  readonly serverSide: Observation[];
  readonly faults: string[];
  /** The next pair that is over. */
  nextClosed(): Promise<TapConnection>;
  /** A client's socket and the server's beside it. */
  connected(): Promise<{ client: Socket; server: Socket }>;
}

async function scene(options: Partial<TapOptions> = {}): Promise<Scene> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const clientSide: Observation[] = [];
  const serverSide: Observation[] = [];
  const faults: string[] = [];
  const closed: TapConnection[] = [];
  const waiting: ((connection: TapConnection) => void)[] = [];
  const tap = await openTap({
    listen: { port: 0 },
    to: { host: '127.0.0.1', port },
    // Bytes are borrowed.
    observeClientSide: (one) => void clientSide.push(one.kind === 'bytes' ? { ...one, data: one.data.slice() } : one),
    observeServerSide: (one) => void serverSide.push(one.kind === 'bytes' ? { ...one, data: one.data.slice() } : one),
    onFault: ({ kind }) => faults.push(kind),
    onConnection: (connection) => {
      const next = waiting.shift();
      if (next === undefined) closed.push(connection);
      else next(connection);
    },
    ...options,
  });
  closers.push(
    () => void tap.close(),
    () => server.close(),
  );
  return {
    tap,
    server,
    clientSide,
    serverSide,
    faults,
    nextClosed: () => {
      const first = closed.shift();
      return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
    },
    connected: async () => {
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const client = connect({ port: tap.address.port, host: '127.0.0.1', allowHalfOpen: true });
      await once(client, 'connect');
      const [socket] = await accepted;
      for (const each of [client, socket]) {
        each.on('error', () => {});
        closers.push(() => each.destroy());
      }
      return { client, server: socket };
    },
  };
}

const textFrom = (side: 'client' | 'server', seen: readonly Observation[]): string =>
  seen.map((one) => (one.kind === 'bytes' && one.from === side ? Buffer.from(one.data).toString() : '')).join('');

/** ECONNRESET, or `end`: Node reports a RST so when data came just before it. */
const lastWordTo = (socket: Socket): Promise<string | undefined> =>
  new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)).once('end', () => resolve('end'));
    socket.resume();
  });

/** Without acknowledgements, and with neighbouring bytes of one side as one. */
const outline = (seen: readonly Observation[]): string[] =>
  seen
    .filter(({ kind }) => kind !== 'ack')
    .map((one) => ('from' in one ? `${one.kind} ${one.from}` : one.kind))
    .filter((text, place, all) => text !== all[place - 1]);

/** All that comes until the FIN. The socket stays open for the other way. */
async function read(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (part) => {
    text += part;
  });
  // Without bytes before it, the end does not wait for a listener.
  if (!socket.readableEnded) await once(socket, 'end');
  return text;
}

const errorOf = async (socket: Socket): Promise<string | undefined> =>
  ((await once(socket.resume(), 'error')) as [NodeJS.ErrnoException])[0].code;

test('what one side says the other hears, and both sides are told', async () => {
  const { tap, connected, nextClosed, clientSide, serverSide } = await scene();
  const { client, server } = await connected();
  const { localPort } = client;
  client.write('question');
  assert.equal(String((await once(server, 'data'))[0]), 'question');
  server.write('answer');
  assert.equal(String((await once(client, 'data'))[0]), 'answer');
  server.resume().end();
  await once(client.resume(), 'end');
  client.end();
  const over = await nextClosed();
  assert.deepEqual(outline(clientSide), ['opened', 'bytes client', 'bytes server', 'fin server', 'fin client', 'closed']);
  assert.deepEqual(outline(serverSide), [
    'opened',
    'syn client',
    'syn server',
    'bytes client',
    'bytes server',
    'fin server',
    'fin client',
    'closed',
  ]);
  for (const seen of [clientSide, serverSide]) {
    assert.equal(textFrom('client', seen), 'question');
    assert.equal(textFrom('server', seen), 'answer');
    assert.ok(seen.every(({ packet, connection }) => packet === 0 && connection === 0));
  }
  assert.equal(over.client.port, localPort);
  assert.deepEqual([over.bytesFromClient, over.bytesFromServer], [8, 6]);
  assert.deepEqual([over.firstClose?.by, over.firstClose?.how], ['server', 'fin']);
  assert.ok(over.connectNs !== null && over.connectNs > 0 && over.closedAtNs > over.openedAtNs);
  const { open, connections, bytesFromClients, bytesFromServer } = tap.statistics();
  assert.deepEqual(
    { open, connections, bytesFromClients, bytesFromServer },
    { open: 0, connections: 1, bytesFromClients: 8, bytesFromServer: 6 },
  );
});

test('a half-closed client still gets its answer', async () => {
  const { connected, nextClosed } = await scene();
  const { client, server } = await connected();
  client.end('all I have');
  assert.equal(await read(server), 'all I have');
  server.end('still here');
  assert.equal(await read(client), 'still here');
  assert.deepEqual((await nextClosed()).firstClose?.by, 'client');
});

for (const side of ['client', 'server'] as const) {
  test(`a reset by the ${side} is passed on as a reset`, async () => {
    const { connected, nextClosed, clientSide, serverSide } = await scene();
    const sockets = await connected();
    const other = side === 'client' ? sockets.server : sockets.client;
    const failed = errorOf(other);
    sockets[side].resetAndDestroy();
    assert.equal(await failed, 'ECONNRESET');
    const { firstClose } = await nextClosed();
    assert.deepEqual([firstClose?.by, firstClose?.how], [side, 'rst']);
    for (const seen of [clientSide, serverSide]) assert.ok(outline(seen).includes(`reset ${side}`));
  });
}

test('a side that does not read holds the other back, and loses nothing', async () => {
  const { connected, tap } = await scene();
  const { client, server } = await connected();
  const size = 64 * 1024 * 1024;
  server.end(Buffer.alloc(size, 'x'));
  client.pause();
  // The relay and the kernels take what they have room for, and then no more.
  let taken = -1;
  for (let calm = 0; calm < 20; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const now = tap.statistics().bytesFromServer;
    calm = now === taken && now > 0 ? calm + 1 : 0;
    taken = now;
  }
  assert.ok(taken < size / 2, `${taken} bytes were read ahead`);
  let received = 0;
  client.on('data', (chunk) => {
    received += chunk.length;
  });
  await once(client.resume(), 'end');
  assert.equal(received, size);
  client.end();
});

async function withFault(fault: TapFault) {
  const made = await scene({ faults: [fault] });
  return { ...made, ...(await made.connected()) };
}

test('a delay is at least as long as asked, each way, and keeps order and FIN', async () => {
  const { client, server, nextClosed } = await withFault({ kind: 'delay', delayMs: 40 });
  const sentMs = performance.now();
  client.write('one');
  client.end('two');
  const heard = await read(server);
  const heardMs = performance.now();
  assert.equal(heard, 'onetwo');
  assert.ok(heardMs - sentMs >= 40);
  server.end('answer');
  assert.equal(await read(client), 'answer');
  assert.ok(performance.now() - sentMs >= 80);
  await nextClosed();
});

test('a rate takes its time', async () => {
  const { client, server } = await withFault({ kind: 'rate', bitsPerSecond: 800_000 });
  const sentMs = performance.now();
  // 100 bytes a millisecond.
  server.end(Buffer.alloc(5000));
  assert.equal((await read(client)).length, 5000);
  assert.ok(performance.now() - sentMs >= 49);
});

test('a reset after bytes lets exactly so many through', async () => {
  const { client, server, nextClosed, faults, clientSide } = await withFault({ kind: 'reset', afterBytes: 10 });
  let received = '';
  client.on('data', (chunk) => {
    received += chunk;
  });
  const [atClient, atServer] = [lastWordTo(client), errorOf(server)];
  server.write('0123456789abcdef');
  assert.equal(await atServer, 'ECONNRESET');
  // What has arrived and was not read when the reset came is lost to the client.
  assert.ok((await atClient) === 'ECONNRESET' || received === '0123456789');
  assert.ok('0123456789'.startsWith(received));
  assert.equal(textFrom('server', clientSide), '0123456789');
  assert.ok(outline(clientSide).includes('reset server'));
  assert.deepEqual(faults, ['reset']);
  const { firstClose } = await nextClosed();
  assert.deepEqual([firstClose?.by, firstClose?.how], ['relay', 'rst']);
});

test('a reset right behind data is told as a reset', async () => {
  const { connected, nextClosed, clientSide } = await scene();
  for (let number = 0; number < 5; number++) {
    const { client, server } = await connected();
    client.resume();
    server.write('the last words', () => server.resetAndDestroy());
    const { firstClose } = await nextClosed();
    assert.deepEqual([firstClose?.by, firstClose?.how], ['server', 'rst']);
  }
  assert.equal(clientSide.filter((one) => one.kind === 'reset' && one.from === 'server').length, 5);
});

test('a cut after bytes of the request gives both sides a FIN', async () => {
  const { client, server, nextClosed } = await withFault({ kind: 'cut', afterBytes: 4, bytesFrom: 'client' });
  client.write('GET /');
  assert.equal(await read(server), 'GET ');
  assert.equal(await read(client), '');
  server.end();
  client.end();
  const { firstClose } = await nextClosed();
  assert.deepEqual([firstClose?.by, firstClose?.how], ['relay', 'fin']);
});

test('a moment of no bytes is at once', async () => {
  const { client } = await withFault({ kind: 'reset', afterBytes: 0 });
  assert.equal(await errorOf(client), 'ECONNRESET');
});

test('a moment in time comes when it has come', async () => {
  const { client, server, nextClosed } = await withFault({ kind: 'cut', afterMs: 30 });
  assert.equal(await read(client), '');
  client.end();
  server.end();
  const { firstClose, openedAtNs } = await nextClosed();
  assert.equal(firstClose?.by, 'relay');
  assert.ok(firstClose.atNs - openedAtNs >= 29e6);
});

test('a stall relays nothing more and closes nothing', async () => {
  const { client, server, faults } = await withFault({ kind: 'stall', afterBytes: 3 });
  server.write('abcdef');
  assert.equal(String((await once(client, 'data'))[0]), 'abc');
  let more = 0;
  server.on('data', () => more++);
  client.on('data', () => more++);
  client.write('nobody hears');
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(more, 0);
  assert.deepEqual([client.closed, server.closed, client.readableEnded], [false, false, false]);
  assert.deepEqual(faults, ['stall']);
});

test('a half-close ends the answer, and the client may go on', async () => {
  const { client, server, clientSide } = await withFault({ kind: 'half-close', afterBytes: 5 });
  server.write('half of it');
  assert.equal(await read(client), 'half ');
  client.write('still');
  assert.equal(String((await once(server, 'data'))[0]), 'still');
  assert.ok(outline(clientSide).includes('fin server'));
  server.end();
  client.end();
});

test('an idle connection is forgotten, and nobody is told', async () => {
  const { client, server, faults, tap } = await withFault({ kind: 'drop-idle', idleMs: 40 });
  while (faults.length === 0) await new Promise((resolve) => setImmediate(resolve));
  let heard = 0;
  for (const socket of [client, server]) socket.on('data', () => heard++).on('end', () => heard++);
  client.end('lost');
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(heard, 0);
  assert.equal(tap.statistics().open, 1);
});

test('faults concern the connections that were chosen', async () => {
  const { connected } = await scene({ faults: [{ kind: 'reset', afterBytes: 1, numbers: [2] }] });
  const outcomes: string[] = [];
  for (let number = 1; number <= 3; number++) {
    const { client, server } = await connected();
    server.write('ok');
    outcomes.push(await Promise.race([once(client, 'data').then(([data]) => String(data)), errorOf(client).then(String)]));
  }
  assert.equal(outcomes[0], 'ok');
  // One byte, or the reset that comes behind it.
  assert.match(outcomes[1]!, /^(o|ECONNRESET)$/);
  assert.equal(outcomes[2], 'ok');
});

test('a server that refuses is named, and the client is reset', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as { port: number };
  free.close();
  await once(free, 'close');
  const { tap, nextClosed, serverSide } = await scene({ to: { host: '127.0.0.1', port } });
  const client = connect(tap.address.port, '127.0.0.1');
  assert.equal(await errorOf(client), 'ECONNRESET');
  const { failure, server, connectNs } = await nextClosed();
  assert.deepEqual([failure?.code, failure?.fault], ['refused', 'server']);
  assert.match(failure!.text, /refuses connections: nothing listens there/);
  assert.deepEqual([server, connectNs], [null, null]);
  assert.deepEqual(outline(serverSide), ['opened', 'syn client', 'reset server', 'closed']);
  assert.equal(tap.statistics().failed, 1);
});

test('a name that does not resolve is the fault of whoever gave it', async () => {
  const { tap, nextClosed } = await scene({ to: { host: 'no-such-host.invalid', port: 80 } });
  const client = connect(tap.address.port, '127.0.0.1');
  assert.equal(await errorOf(client), 'ECONNRESET');
  const { failure } = await nextClosed();
  assert.deepEqual([failure?.code, failure?.fault], ['no-such-host', 'caller']);
});

test('no more connections than allowed', async () => {
  const { tap, connected } = await scene({ connectionLimit: 1 });
  await connected();
  const second = connect(tap.address.port, '127.0.0.1');
  second.on('error', () => {});
  await once(second, 'close');
  assert.equal(tap.statistics().overLimit, 1);
  assert.equal(tap.statistics().connections, 1);
});

test('a fault may be injected into what is open', async () => {
  const { tap, connected } = await scene();
  const [first, second] = [await connected(), await connected()];
  const failed = errorOf(second.client);
  tap.inject('reset', 1);
  assert.equal(await failed, 'ECONNRESET');
  first.client.write('alive');
  await once(first.server, 'data');
  tap.inject('cut');
  await Promise.all([once(first.client.resume(), 'end'), once(first.server.resume(), 'end')]);
});

test('the end of the relay is no part of a story', async () => {
  const { tap, connected, clientSide } = await scene();
  const { client } = await connected();
  const failed = errorOf(client);
  await tap.close();
  assert.equal(await failed, 'ECONNRESET');
  assert.deepEqual(outline(clientSide), ['opened', 'closed']);
  assert.ok(clientSide.some((one) => one.kind === 'closed' && one.why === 'source-ended'));
});

test('a story can be told of it', async () => {
  const stories: Connection[] = [];
  const story = new Story({ onConnection: (connection) => stories.push(connection) });
  const { connected, nextClosed } = await scene({ observeClientSide: story.observe });
  const { client, server } = await connected();
  client.write('GET /a HTTP/1.1\r\nHost: example.test\r\n\r\n');
  await once(server, 'data');
  server.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
  server.resume();
  await once(client.resume(), 'end');
  client.end();
  await nextClosed();
  const [told] = stories;
  assert.deepEqual(
    told?.exchanges.map(({ method, target, status, complete }) => [method, target, status, complete]),
    [['GET', '/a', 200, true]],
  );
  assert.deepEqual([told?.ending.by, told?.ending.how], ['server', 'fin']);
});

test('what cannot be is refused by name', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const refused: [Partial<TapOptions>, string, RegExp][] = [
    [{ listen: { port } }, 'address-in-use', /is taken/],
    [{ listen: { port, host: 'localhost' }, to: { host: '127.0.0.1', port } }, 'bad-request', /round in circles/],
    [{ listen: { port: 0, host: '192.0.2.1' } }, 'no-such-host', /no address of this machine/],
    [{ faults: [{ kind: 'cut' }] }, 'bad-request', /either a time or a number of bytes/],
    [{ faults: [{ kind: 'cut', afterBytes: 1, chance: 2 }] }, 'bad-request', /chance/],
    [{ faults: [{ kind: 'reset', afterMs: 1, numbers: [0] }] }, 'bad-request', /numbers/],
  ];
  for (const [options, code, message] of refused) {
    const all: TapOptions = { listen: { port: 0 }, to: { host: '127.0.0.1', port: 9 }, ...options };
    await assert.rejects(openTap(all), { name: 'CaptureError', code, message });
  }
  taken.close();
});
