/**
 * How exactly the server keeps its timeouts on the real clock: 50 connections for each, opened at random moments, and how late the answer or the FIN
 * came at the client. The promise is 1 % or 20 ms, whichever is more.
 *
 *     node .test-out/scripts/timer-accuracy.js
 */

import { once } from 'node:events';
import { connect } from 'node:net';

import { type ServerOptions, serve } from 'holdfast';

const connections = 50;

interface Timed {
  readonly name: string;
  readonly timeoutMs: number;
  readonly options: ServerOptions;
  /** Sent at once; the time runs from the answer where `fromAnswer`, else from here. */
  readonly sent: string;
  readonly fromAnswer?: boolean;
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const upload = 'POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc';

const all: readonly Timed[] = [
  ...[200, 1000, 5000].map((ms) => ({
    name: 'idle',
    timeoutMs: ms,
    options: { idleTimeoutMs: ms },
    sent: get,
    fromAnswer: true,
  })),
  { name: 'first request', timeoutMs: 1000, options: { firstRequestTimeoutMs: 1000 }, sent: '' },
  { name: 'head', timeoutMs: 2000, options: { headTimeoutMs: 2000 }, sent: 'GET / HT' },
  { name: 'body', timeoutMs: 1500, options: { bodyTimeoutMs: 1500 }, sent: upload },
  { name: 'response', timeoutMs: 1200, options: { responseTimeoutMs: 1200 }, sent: 'GET /never HTTP/1.1\r\nHost: a\r\n\r\n' },
];

async function one(port: number, timed: Timed): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 1000));
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (timed.sent !== '') socket.write(timed.sent);
  let sinceMs = performance.now();
  if (timed.fromAnswer === true) {
    await once(socket, 'data');
    sinceMs = performance.now();
  }
  socket.resume();
  await Promise.race([once(socket, 'data'), once(socket, 'end')]);
  const errorMs = performance.now() - sinceMs - timed.timeoutMs;
  socket.destroy();
  return errorMs;
}

for (const timed of all) {
  const server = await serve(timed.options, async (request, response) => {
    if (request.target === '/never') return;
    await request.bytes();
    response.end('x');
  });
  const errors = (await Promise.all(Array.from({ length: connections }, () => one(server.port, timed)))).sort((a, b) => a - b);
  await server.stop({ idleGraceMs: 0, graceMs: 100 });
  const [least, middle, most] = [errors[0]!, errors[connections >> 1]!, errors.at(-1)!];
  const allowedMs = Math.max(20, timed.timeoutMs / 100);
  const verdict = Math.max(-least, most) <= allowedMs ? 'kept' : 'NOT KEPT';
  console.log(
    `${timed.name.padEnd(14)} ${String(timed.timeoutMs).padStart(5)} ms: off by ${least.toFixed(1)} to ${most.toFixed(1)} ms, median ${middle.toFixed(1)} ms: ${verdict}`,
  );
}
