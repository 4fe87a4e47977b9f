/**
 * node:http as a server of the lab, bare and under Express (from the folder where the lab is called; it is no dependency).
 *
 * Node adds a second to its `keepAliveTimeout` before it closes (so that a client that keeps to the hint is never late); its hint
 * is the timeout itself, in whole seconds. Who sets `Connection: keep-alive` himself gets no hint: so it is left out here.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ServerKind } from './server-main.js';
import type { ServerPart } from './server-part.js';
import { resourceAt, waitOf } from './site.js';

function answer(request: IncomingMessage, response: ServerResponse, settings: ServerPart['settings']): void {
  if (settings.idleTimeoutMs === 0) response.shouldKeepAlive = false;
  else if (!settings.hint) response.setHeader('Connection', 'keep-alive');
  const target = request.url ?? '/';
  const ms = waitOf(target);
  const resource = resourceAt(target);
  request.resume().once('end', () => {
    if (ms !== null) setTimeout(() => response.end('thank you for waiting\n'), ms);
    else if (resource === undefined) response.writeHead(404).end();
    else {
      response.setHeader('Content-Type', resource.type);
      // Said, so that an answer to HTTP/1.0 need not end with the connection.
      response.setHeader('Content-Length', Buffer.byteLength(resource.body));
      response.end(resource.body);
    }
  });
}

async function listen({ address, port, settings }: ServerPart, listener: RequestListener): Promise<void> {
  const probes = settings.probes;
  const server = createServer(probes === null ? {} : { keepAlive: true, keepAliveInitialDelay: probes.idleMs }, listener);
  // 0 is "never" here; a timeout of nothing is said with every response.
  server.keepAliveTimeout = settings.idleTimeoutMs ?? 0;
  server.maxRequestsPerSocket = settings.maxRequests ?? 0;
  server.listen(port, address);
  await once(server, 'listening');
}

export const nodeServer: ServerKind = {
  start: (part) => listen(part, (request, response) => answer(request, response, part.settings)),
};

type ExpressLike = () => RequestListener & { use(handler: RequestListener): void };

export const expressServer: ServerKind = {
  start: async (part) => {
    const express = createRequire(join(process.cwd(), 'here.js'))('express') as ExpressLike;
    const application = express();
    application.use((request, response) => answer(request, response, part.settings));
    await listen(part, application);
  },
};
