/**
 * A server on bare sockets, with the habits of no product: what it does is in the path of the request. It reads heads and counted or
 * chunked bodies, answers in order, and closes idle connections by FIN or reset.
 *
 *     node odd-server.js PORT IDLE_MS fin|rst
 */

import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';

export interface OddOptions {
  /** Closes a connection that has been idle for so long. Default: never. */
  readonly idleMs?: number;
  readonly closesBy?: 'fin' | 'rst';
  readonly host?: string;
  /** Field lines of every answer, each with its end of line. */
  readonly fields?: string;
  /** Closes, unannounced, behind so many answers of a connection. */
  readonly mostAnswers?: number;
  readonly version?: '1.0' | '1.1';
  /** Does not notice the other side’s end. */
  readonly staysOpen?: boolean;
  /** Bytes of an ordinary answer. */
  readonly bytes?: number;
}

const servers: Server[] = [];
const sockets = new Set<Socket>();

export async function oddServer(port: number, options: OddOptions = {}): Promise<void> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => attend(socket, options));
  servers.push(server);
  server.listen(port, options.host ?? '0.0.0.0');
  await once(server, 'listening');
}

/** To be ended with the others. */
export function keepServer(server: Server): void {
  servers.push(server);
}

export function keepSocket(socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
}

export async function endOddServers(): Promise<void> {
  for (const server of servers.splice(0)) server.close();
  for (const socket of sockets) socket.destroy();
}

function attend(socket: Socket, options: OddOptions): void {
  const { idleMs = 0, closesBy = 'fin', staysOpen = false } = options;
  let text = '';
  let answers = 0;
  let busy = false;
  let hasEnded = false;
  let patience: NodeJS.Timeout | undefined;
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => {
    clearTimeout(patience);
    sockets.delete(socket);
  });
  const leave = () => (closesBy === 'rst' ? socket.resetAndDestroy() : socket.end());
  const wait = () => {
    clearTimeout(patience);
    if (idleMs > 0) patience = setTimeout(leave, idleMs);
  };
  socket.on('end', () => {
    hasEnded = true;
    if (!staysOpen && !busy) socket.end();
  });
  socket.on('data', async (bytes) => {
    clearTimeout(patience);
    text += bytes.toString('latin1');
    if (busy) return;
    for (;;) {
      const headEnd = text.indexOf('\r\n\r\n');
      const path = text.slice(0, text.indexOf('\r\n')).split(' ')[1] ?? '/';
      if (headEnd < 0 && !text.includes('/at-once')) return;
      if (path.startsWith('/early')) return early(socket, path);
      const length = bodyLength(text, headEnd + 4);
      if (length < 0) return;
      text = text.slice(headEnd + 4 + length);
      answers += 1;
      busy = true;
      if (!(await answer(socket, path, options))) return;
      busy = false;
      if (hasEnded && !staysOpen && text === '') return void socket.end();
      if (options.mostAnswers === answers) {
        socket.end();
        return;
      }
      wait();
      if (text === '') return;
    }
  });
}

/** Of the body behind the head; −1 when it is not all there. */
function bodyLength(text: string, from: number): number {
  const head = text.slice(0, from);
  if (/transfer-encoding: *chunked/i.test(head)) {
    const end = text.indexOf('0\r\n\r\n', from);
    return end < 0 ? -1 : end + 5 - from;
  }
  const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  return text.length < from + length ? -1 : length;
}

/** An answer before the request is there in full, and the end of the socket with the rest unread. */
function early(socket: Socket, path: string): void {
  const status = path.includes('302') ? '302 Found\r\nLocation: /login' : '401 Unauthorized';
  socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 5\r\nConnection: close\r\n\r\ngone\n`);
  socket.pause();
  setTimeout(() => socket.destroy(), 12);
}

const soon = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** False: the connection has ended with it. */
async function answer(socket: Socket, path: string, options: OddOptions): Promise<boolean> {
  const { version = '1.1', fields = '', bytes = 6 } = options;
  const start = `HTTP/${version} 200 OK\r\n${fields}`;
  const [, what = '', value = '0'] = path.split('/');
  switch (what) {
    case 'fin':
      await soon(Number(value));
      socket.end();
      return false;
    case 'rst':
      await soon(Number(value));
      socket.resetAndDestroy();
      return false;
    case 'half-head':
      socket.end(`${start}Content-Ty`);
      return false;
    case 'cut-by-reset':
      socket.write(`${start}Content-Length: 400000\r\n\r\n${'x'.repeat(90_000)}`);
      await soon(40);
      socket.resetAndDestroy();
      return false;
    case 'cut-in-chunk':
      socket.write(`${start}Transfer-Encoding: chunked\r\n\r\n400\r\nonly a part`);
      await soon(10);
      socket.end();
      return false;
    case 'last':
      socket.end(`${start}Connection: close\r\nContent-Length: 6\r\n\r\nhello\n`);
      return false;
    case 'no-body-please':
      socket.write(`HTTP/${version} 204 No Content\r\n\r\nnot allowed here\n`);
      return true;
    case 'short-chunks':
      socket.write(`${start}Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n`);
      return true;
    case 'pieces':
      for (let piece = 0; piece < 3; piece += 1) {
        socket.write(piece === 0 ? `${start}Content-Length: 18\r\n\r\n` : 'another p\n'.slice(0, 9));
        await soon(Number(value));
      }
      return true;
    case 'wait':
      await soon(Number(value));
      break;
  }
  socket.write(`${start}Content-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`);
  return true;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [port, idleMs, closesBy] = process.argv.slice(2);
  await oddServer(Number(port), { idleMs: Number(idleMs), closesBy: closesBy === 'rst' ? 'rst' : 'fin' });
}
