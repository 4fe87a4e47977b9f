/**
 * A server that says exactly the bytes it is told, for what no server's interface lets out: chunk extensions, trailers, a body that
 * ends with the connection. It reads a request up to its empty line and takes no bodies.
 */

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { ServerKind } from './server-main.js';

const text = 'The same resource, framed in one of three ways.\n';
const half = text.length / 2;
const chunk = (part: string, extension: string): string => `${part.length.toString(16)}${extension}\r\n${part}\r\n`;

interface Said {
  readonly bytes: string;
  readonly thenClose: boolean;
}

/** Path → what is said. */
const answers: Readonly<Record<string, Said>> = {
  '/length': {
    bytes: `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    thenClose: false,
  },
  '/chunked': {
    bytes: [
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: Digest\r\n\r\n',
      chunk(text.slice(0, half), ';part=1;of="two"'),
      chunk(text.slice(half), ';part=2'),
      '0;end\r\nDigest: sha-256=an-example\r\n\r\n',
    ].join(''),
    thenClose: false,
  },
  '/until-close': { bytes: `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n${text}`, thenClose: true },
};

const missing: Said = { bytes: 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', thenClose: false };

function converse(socket: Socket): void {
  let unread = '';
  socket.setEncoding('latin1');
  socket.on('error', () => {});
  socket.on('data', (data: string) => {
    unread += data;
    for (let end = unread.indexOf('\r\n\r\n'); end >= 0; end = unread.indexOf('\r\n\r\n')) {
      const path = unread.split(' ', 2)[1] ?? '';
      unread = unread.slice(end + 4);
      const { bytes, thenClose } = answers[path] ?? missing;
      socket.write(bytes, 'latin1');
      if (thenClose) socket.end();
    }
  });
}

export const plainServer: ServerKind = {
  start: async ({ address, port }) => {
    const server = createServer({ noDelay: true }, converse);
    server.listen(port, address);
    await once(server, 'listening');
  },
};
