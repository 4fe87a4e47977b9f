/**
 * What the engine does not do, because a good server does not: ways to answer and to end that are given to the socket by hand. Each takes
 * its connection over from the engine, so it speaks for itself, and keeps a deadline of its own.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { DescribedRoute } from './site-pages.js';
import type { Parameters } from './site-routes.js';

/** How long a half-closed connection waits for the client's FIN, at most. */
const halfClosedLimitMs = 60_000;
/** Bytes of content that `/reset` may send first. */
const resetAfterLimit = 60_000;

export interface RawRoute extends DescribedRoute {
  /** Whole numbers from 0 on. Looked at before the connection is taken over, so that a wrong one is answered 400. */
  readonly parameters: readonly { readonly name: string; readonly most: number }[];
  /** Gives the status that it sent, 0 for none, and the bytes of content. */
  readonly take: (socket: Socket, parameters: Parameters) => Promise<{ status: number; byteCount: number }>;
}

const head = (lines: readonly string[]): string =>
  [...['HTTP/1.1 200 OK', `Date: ${new Date().toUTCString()}`, 'Content-Type: text/plain'], ...lines, '', ''].join('\r\n');

function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

const written = (socket: Socket, text: string): Promise<void> =>
  new Promise((resolve) => {
    socket.write(text, 'latin1', () => resolve());
  });

/** Sends the FIN and reads on until the client's, which may take its time. */
async function halfClose(socket: Socket, limitMs: number): Promise<void> {
  socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), limitMs);
  if (!socket.destroyed) await once(socket, 'close').catch(() => {});
  clearTimeout(timer);
}

export const rawRoutes: readonly RawRoute[] = [
  {
    path: '/half-close',
    example: '/half-close',
    text: 'Answers, says keep-alive, and then closes its sending side all the same; it waits up to a minute (ms=) for the client to close its own.',
    parameters: [{ name: 'ms', most: halfClosedLimitMs }],
    async take(socket, parameters) {
      const text = 'half closed\n';
      const limitMs = parameters.whole('ms', halfClosedLimitMs, halfClosedLimitMs);
      await written(socket, `${head(['Connection: keep-alive', `Content-Length: ${text.length}`])}${text}`);
      await halfClose(socket, limitMs);
      return { status: 200, byteCount: text.length };
    },
  },
  {
    path: '/reset',
    example: '/reset',
    text: 'Resets the connection in place of an answer; with after=100 in the middle of one, behind so many bytes of its body.',
    parameters: [{ name: 'after', most: resetAfterLimit }],
    async take(socket, parameters) {
      const after = parameters.whole('after', 0, resetAfterLimit);
      if (parameters.has('after')) await written(socket, head([`Content-Length: ${after + 1000}`]) + 'x'.repeat(after));
      reset(socket);
      return { status: parameters.has('after') ? 200 : 0, byteCount: after };
    },
  },
  {
    path: '/cut',
    example: '/cut',
    text: 'Closes the connection in the middle of its answer: 1,000 bytes promised, 500 sent.',
    parameters: [],
    async take(socket) {
      await written(socket, head(['Content-Length: 1000']) + 'x'.repeat(500));
      await halfClose(socket, halfClosedLimitMs);
      return { status: 200, byteCount: 500 };
    },
  },
  {
    path: '/no-length',
    example: '/no-length',
    text: 'An answer without a length, which ends with the connection, as servers of HTTP/1.0 do it.',
    parameters: [],
    async take(socket) {
      const text = 'this ends where the connection ends\n';
      await written(socket, `${head(['Connection: close'])}${text}`);
      await halfClose(socket, halfClosedLimitMs);
      return { status: 200, byteCount: text.length };
    },
  },
];
