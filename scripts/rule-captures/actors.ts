/**
 * Who plays in the captures for the rules, besides the peers of the examples: node:http servers in this process, Python's
 * http.client, undici, and raw requests. Everything that was started ends with `endActors`.
 */

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Client } from 'undici';
import { openSocket } from '../recording/clients.js';
import * as peers from '../recording/peers.js';

/** What is recorded: the server ports on a device. */
interface Stage {
  readonly ports: readonly number[];
  readonly device?: string;
}

/** Sets the scene, and records what happens in it. */
export type Play = (record: (stage: Stage, scenario: () => Promise<unknown>) => Promise<void>) => Promise<void>;

/** Rule and case → how it is made to happen. */
export type Plays = Readonly<Record<string, Play>>;

const servers: Server[] = [];
const clients: Client[] = [];

export interface ServeOptions {
  /** Node 20 waits a second longer. Default: 60,000. */
  readonly keepAliveTimeoutMs?: number;
  readonly onConnection?: (socket: Socket) => void;
  /** The listener reads request bodies, or does not. Default: they are read and dropped. */
  readonly bodiesUnread?: boolean;
}

/** A node:http server in this process; returns its port. */
export async function serve(
  port: number,
  listener: RequestListener,
  { keepAliveTimeoutMs = 60_000, onConnection, bodiesUnread = false }: ServeOptions = {},
): Promise<number> {
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs }, (request, response) => {
    if (!bodiesUnread) request.resume();
    listener(request, response);
  });
  if (onConnection !== undefined) server.on('connection', onConnection);
  servers.push(server);
  server.listen(port);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A client of undici with one connection. */
export function undici(origin: string, options: Client.Options = {}): Client {
  const client = new Client(origin, options);
  clients.push(client);
  return client;
}

/** One request through undici: the status, or the code of the error. */
export async function askUndici(client: Client, path: string, method: 'GET' | 'POST' = 'GET', body?: string) {
  try {
    const response = await client.request({ path, method, ...(body === undefined ? {} : { body }) });
    await response.body.dump();
    return response.statusCode;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/**
 * Python's http.client, which never looks at its connection before it sends. `c` is an HTTPConnection, `get(path)` asks and
 * reads, whatever comes.
 */
export const python = (origin: string, ...lines: string[]): Promise<void> =>
  runPython(`c = http.client.HTTPConnection('${origin}')`, lines);

/** The same through TLS, whoever the server is. */
export const encryptedPython = (origin: string, ...lines: string[]): Promise<void> =>
  runPython(`c = http.client.HTTPSConnection('${origin}', context=ssl._create_unverified_context())`, lines);

async function runPython(connect: string, lines: readonly string[]): Promise<void> {
  const start = [
    'import http.client, ssl, time',
    connect,
    'def get(path, method="GET", body=None):',
    '  try:',
    '    c.request(method, path, body)',
    '    c.getresponse().read()',
    '  except (OSError, http.client.HTTPException) as error:',
    '    print(repr(error))',
  ];
  await peers.run('python3', '-c', [...start, ...lines].join('\n'));
}

export const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;

/** A raw exchange on an open socket; resolves at the first bytes of the answer. */
export async function say(socket: Socket, text: string): Promise<void> {
  socket.write(text);
  await once(socket, 'data');
}

/** Closes from this side, and waits for the other. */
export async function leave(socket: Socket): Promise<void> {
  if (socket.closed) return;
  socket.end();
  await once(socket, 'close');
}

export { openSocket };

export async function endActors(): Promise<void> {
  for (const client of clients.splice(0)) await client.destroy();
  for (const server of servers.splice(0)) {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }
}
