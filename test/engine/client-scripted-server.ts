/**
 * A server whose every byte the test decides, on 127.0.0.1 and a free port: `onConnection` gets each socket with what came on it so
 * far. It counts connections and requests, and closes everything at the end of the test.
 */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface ScriptedServer {
  readonly url: string;
  readonly port: number;
  readonly sockets: Socket[];
  /** Whole requests so far, by connection (heads only, in order). */
  readonly requests: string[][];
  readonly server: Server;
}

/** `answer` is called for each whole request (head and counted body); `index` counts them over all connections, from 0. */
export async function scriptedServer(
  context: TestContext,
  answer: (socket: Socket, request: string, index: number, connection: number) => void,
  onConnection: (socket: Socket, connection: number) => void = () => {},
): Promise<ScriptedServer> {
  const sockets: Socket[] = [];
  const requests: string[][] = [];
  let count = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = sockets.push(socket) - 1;
    requests.push([]);
    let text = '';
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('data', (piece: string) => {
      text += piece;
      for (;;) {
        const end = requestEnd(text);
        if (end === -1) return;
        const request = text.slice(0, end);
        text = text.slice(end);
        requests[connection]!.push(request);
        answer(socket, request, count++, connection);
      }
    });
    onConnection(socket, connection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, port, sockets, requests, server };
}

/** Index behind the first whole request, or −1. Knows Content-Length and chunked bodies without trailers. */
function requestEnd(text: string): number {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return -1;
  const head = text.slice(0, headEnd);
  const length = /content-length: (\d+)/i.exec(head);
  if (length !== null) {
    const end = headEnd + 4 + Number(length[1]);
    return end <= text.length ? end : -1;
  }
  if (/transfer-encoding: chunked/i.test(head)) {
    const last = text.indexOf('0\r\n\r\n', headEnd + 4);
    return last === -1 ? -1 : last + 5;
  }
  return headEnd + 4;
}

/** A response with a counted body. */
export const ok = (body: string, fields = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${fields}\r\n${body}`;

/** Closes with RST. */
export const reset = (socket: Socket): void => void socket.resetAndDestroy();

/** Waits until `condition` holds, looking after every turn of the event loop. The test's own time limit bounds it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
