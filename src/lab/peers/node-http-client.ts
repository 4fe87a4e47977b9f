/** node:http with its Agent as a client of the lab. */

import { Agent, request } from 'node:http';
import type { Socket } from 'node:net';
import type { StepPlayer } from './client-main.js';
import type { Answer, Ask, ClientPart } from './step.js';
import { OpenSockets } from './watched-socket.js';

export function nodeClient({ address, port, settings }: ClientPart): StepPlayer {
  const sockets = new OpenSockets();
  const agent = new Agent({
    keepAlive: settings.keepAlive,
    // An Agent with a limit keeps its connections, whatever `keepAlive` says.
    ...(settings.keepAlive ? { maxSockets: settings.connections } : {}),
    maxFreeSockets: settings.connections,
    ...(settings.idleMs === null ? {} : { timeout: settings.idleMs }),
  });
  const watch = (socket: Socket): void => {
    // The agent sets its own idea of TCP keep-alive when a socket comes back; the setting is made anew with each request.
    if (settings.probes !== null) socket.setKeepAlive(true, settings.probes.idleMs);
    sockets.add(socket);
  };
  const ask = ({ path, method = 'GET', body, unread, last }: Ask): Promise<Answer> =>
    new Promise((done) => {
      const end = (status: number | null, error: NodeJS.ErrnoException | null): void =>
        done({ path, status, error: error === null ? null : (error.code ?? error.message) });
      const fields = {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(last === true ? { Connection: 'close' } : {}),
      };
      const outgoing = request({ host: address, port, agent, method, path, headers: fields }, (response) => {
        const status = response.statusCode!;
        if (unread === true) {
          end(status, null);
          return;
        }
        response.resume();
        response.once('end', () => end(status, null));
        response.once('error', (error) => end(status, error));
      });
      outgoing.once('socket', watch);
      outgoing.on('error', (error) => end(null, error));
      outgoing.end(body);
    });
  return {
    ask,
    pipelined: null,
    bytes: null,
    untilClosed: (mostMs) => sockets.allEnded(mostMs),
    leave: async () => agent.destroy(),
  };
}
