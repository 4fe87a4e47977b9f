/** Thousands of connections: what they cost is given back when they go, whichever way. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { serve } from 'holdfast';

import { eventually, ManualClock } from './manual-clock.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function heapBytes(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return process.memoryUsage().heapUsed;
}

const count = 2000;

async function openAll(port: number, text: string, answer: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: 100 }, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      let received = 0;
      socket.on('data', (data) => {
        received += data.length;
      });
      socket.write(text);
      while (received < answer) await once(socket, 'data');
      return socket;
    });
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

test('two thousand idle connections close when their timeout comes, and leave neither sockets, deadlines nor memory', async () => {
  const clock = new ManualClock();
  const server = await serve({ clock, idleTimeoutMs: 60_000 }, (_request, response) => response.end('Hello'));
  const heaps: number[] = [];
  for (let round = 0; round < 4; round++) {
    const sockets = await openAll(server.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 1);
    await eventually(() => server.counts.idle === count, 'all are idle');
    clock.advance(59_000);
    assert.equal(server.counts.open, count);
    const ends = sockets.map((socket) => once(socket, 'close'));
    clock.advance(1_001);
    await Promise.all(ends);
    await eventually(() => server.counts.open === 0, 'all are gone');
    assert.equal(server.deadlines.count, 0);
    heaps.push(await heapBytes());
  }
  const grown = (heaps.at(-1)! - heaps[1]!) / (2 * count);
  assert.ok(grown < 200, `${grown.toFixed(0)} bytes of heap stay for each connection`);
  await server.stop({ idleGraceMs: 0 });
});

test('two thousand connections cut within a request leave nothing either', async () => {
  const server = await serve({}, async (request, response) => {
    await request.bytes();
    response.end();
  });
  const heaps: number[] = [];
  for (let round = 0; round < 4; round++) {
    const begun = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n';
    const sockets = await openAll(server.port, begun, 1);
    for (const [index, socket] of sockets.entries()) {
      if (index % 2 === 0) socket.resetAndDestroy();
      else socket.end('x'.repeat(index));
    }
    await eventually(() => server.counts.open === 0, 'all are gone', 60_000);
    heaps.push(await heapBytes());
  }
  const grown = (heaps.at(-1)! - heaps[1]!) / (2 * count);
  assert.ok(grown < 200, `${grown.toFixed(0)} bytes of heap stay for each connection`);
  await server.stop({ idleGraceMs: 0 });
});
