/**
 * The servers of `engine-server.ts` that run on Node, one a process: `node engine-server-kinds.js KIND` prints its port and ends with its
 * standard input. Each says Hello on `/`, 64 KiB on `/large`, and reads and counts a body.
 */

import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createNetServer, type Server as NetServer } from 'node:net';

import fastify from 'fastify';
import { serve } from 'holdfast';

const large = Buffer.alloc(65_536, 'x');

/** Writes a constant for every read, without parsing: what node:net leaves to gain. */
const constant =
  'HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=94\r\n' +
  'Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nHello';

const portOf = (server: NetServer): number => (server.address() as AddressInfo).port;

const kinds: Readonly<Record<string, () => Promise<number>>> = {
  async holdfast() {
    const server = await serve({}, (request, response) => {
      response.field('Content-Type', 'text/plain');
      if (request.method !== 'POST') return response.end(request.target === '/large' ? large : 'Hello');
      let length = 0;
      const count = (piece: Uint8Array) => {
        length += piece.length;
      };
      return request.consume(count).then(() => response.end(String(length)));
    });
    return server.port;
  },
  /** A body is made whole, as in fastify. */
  async 'holdfast-bytes'() {
    const server = await serve({}, async (request, response) => {
      response.field('Content-Type', 'text/plain').end(String((await request.bytes()).length));
    });
    return server.port;
  },
  async 'holdfast-fetch'() {
    const server = await serve({
      async fetch(request) {
        const headers = { 'content-type': 'text/plain' };
        if (request.method === 'POST') return new Response(String((await request.arrayBuffer()).byteLength), { headers });
        return new Response(request.url.endsWith('/large') ? large : 'Hello', { headers });
      },
    });
    return server.port;
  },
  'node:http'() {
    const server = createHttpServer((request, response) => {
      response.setHeader('Content-Type', 'text/plain');
      if (request.method !== 'POST') response.end(request.url === '/large' ? large : 'Hello');
      else {
        let length = 0;
        request.on('data', (piece: Buffer) => {
          length += piece.length;
        });
        request.on('end', () => response.end(String(length)));
      }
    });
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(portOf(server))));
  },
  async fastify() {
    const app = fastify();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    app.get('/', (_request, reply) => reply.type('text/plain').send('Hello'));
    app.get('/large', (_request, reply) => reply.type('text/plain').send(large));
    app.post('/', (request, reply) => reply.type('text/plain').send(String((request.body as Buffer).length)));
    await app.listen({ port: 0, host: '127.0.0.1' });
    return portOf(app.server);
  },
  'raw net'() {
    const server = createNetServer({ noDelay: true }, (socket) => {
      socket.on('data', () => socket.write(constant, 'latin1'));
      socket.on('error', () => {});
    });
    return new Promise((resolve) => server.listen(0, '127.0.0.1', 1024, () => resolve(portOf(server))));
  },
};

process.stdin.resume().on('end', () => process.exit(0));
console.log(await kinds[process.argv[2]!]!());
