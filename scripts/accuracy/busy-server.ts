/**
 * A node:http server that is now and then too busy to read.
 *
 *     node busy-server.js PORT KEEP_ALIVE_TIMEOUT_MS AFTER_MS BUSY_MS
 *
 * AFTER_MS behind each answer to /busy… it computes for BUSY_MS without looking at its sockets.
 */

import { createServer } from 'node:http';

const [port, keepAliveTimeoutMs, afterMs, busyMs] = process.argv.slice(2).map(Number);

const server = createServer((request, response) => {
  response.setHeader('Connection', 'keep-alive');
  response.end('hello\n');
  if (!request.url?.startsWith('/busy')) return;
  setTimeout(() => {
    for (const end = performance.now() + busyMs!; performance.now() < end; );
  }, afterMs);
});
server.keepAliveTimeout = keepAliveTimeoutMs!;
server.listen(port);
