/** Clients for the recorded examples: requests through a node:http agent, and raw bytes on a socket. */

import { once } from 'node:events';
import { type Agent, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect, type Socket } from 'node:net';

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** One request through the agent: the status, or the code of the error. The body is read to its end. */
export async function ask(agent: Agent, url: string, method = 'GET', body?: string, host?: string): Promise<number | string> {
  return new Promise((done) => {
    const outgoing = (url.startsWith('https:') ? secureRequest : request)(
      url,
      {
        agent,
        method,
        headers: {
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(host === undefined ? {} : { Host: host }),
        },
      },
      (response) => {
        response.resume();
        response.once('end', () => done(response.statusCode!));
        response.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
      },
    );
    outgoing.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    outgoing.end(body);
  });
}

/** An open connection whose incoming bytes are read and dropped. */
export async function openSocket(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.resume();
  return socket;
}

/** Resolves when the socket is gone, whether well or by an error. */
export const gone = (socket: Socket): Promise<void> => new Promise((done) => socket.once('close', () => done()));
