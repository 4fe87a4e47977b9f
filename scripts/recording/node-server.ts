/**
 * A node:http server for the recorded examples, in a process of its own so that it can be killed.
 *
 *     node node-server.js PORT KEEP_ALIVE_TIMEOUT_MS
 *
 * Node waits one second longer than its keepAliveTimeout before it closes an idle connection.
 *
 * Like many a framework it sets `Connection: keep-alive` itself; Node then leaves its `Keep-Alive: timeout=…` hint out, and
 * clients cannot know when the server will close.
 */

import { createServer, type ServerResponse } from 'node:http';

const [port, keepAliveTimeoutMs] = process.argv.slice(2).map(Number);

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const ms = Number(url.searchParams.get('ms') ?? 0);
  request.resume();
  request.on('end', () => answer(url.pathname, ms, response));
});

function answer(path: string, ms: number, response: ServerResponse): void {
  response.setHeader('Connection', 'keep-alive');
  switch (path) {
    case '/slow':
      setTimeout(() => response.end('sorry for the wait\n'), ms);
      return;
    case '/trickle': {
      // The head at once, then five pieces of the body, `ms` apart.
      response.flushHeaders();
      let pieces = 0;
      const timer = setInterval(() => {
        pieces += 1;
        response.write(`piece ${pieces}\n`);
        if (pieces === 5) {
          clearInterval(timer);
          response.end();
        }
      }, ms);
      return;
    }
    case '/cut':
      response.setHeader('Content-Length', 1000);
      response.write('a third of what was promised '.repeat(11), () => response.socket?.end());
      return;
    case '/never':
      return;
    default:
      response.end('hello from node\n');
  }
}

server.on('upgrade', (_request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  // One text frame of five bytes, then the close frame (RFC 6455 §5.5.1).
  socket.write(Buffer.from([0x81, 5, ...Buffer.from('hello'), 0x88, 2, 3, 0xe8]));
  socket.on('data', () => socket.end());
});

server.keepAliveTimeout = keepAliveTimeoutMs!;
server.listen(port);
