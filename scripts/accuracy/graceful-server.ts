/**
 * A node:http server that is stopped as its documentation says: no new connections, idle ones closed, the others answered.
 *
 *     node graceful-server.js PORT
 */

import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const ms = Number(new URL(request.url ?? '/', 'http://localhost').searchParams.get('ms') ?? 0);
  setTimeout(() => response.end('hello\n'), ms);
});
server.keepAliveTimeout = 60_000;
server.listen(Number(process.argv[2]));
process.once('SIGTERM', () => server.close(() => process.exit(0)));
