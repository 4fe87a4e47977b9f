/**
 * The server for people: files of a folder, and paths that do on request what connections suffer from. `holdfast serve` and the
 * scenarios run it; it is a handler on the engine's server, so all of the engine's settings are its own.
 *
 * Routes go before files of the same name. Every request is logged, those also whose connection was taken over.
 */
import { realpath } from 'node:fs/promises';
import type { Socket } from 'node:net';
import {
  type AccessEntry,
  type Server,
  type ServerOptions,
  type ServerRequest,
  type ServerResponse,
  serve,
  type TakeOver,
} from '../engine/index.js';
import { findFile } from './site-files.js';
import { indexPage, listingPage } from './site-pages.js';
import { type RawRoute, rawRoutes } from './site-raw-routes.js';
import { BadParameter, Parameters, pathOf, routes } from './site-routes.js';
import { sendFile, sendPage, sendText } from './site-send.js';

/** Where the routes are listed. */
const indexPath = '/routes';

export interface SiteOptions extends ServerOptions {
  /** Folder whose files are served, or null for none. */
  readonly folder?: string | null;
  /** Whether the routes are there. Default true. */
  readonly routes?: boolean;
  /** Whether text is compressed for clients that accept it. Default true. */
  readonly compress?: boolean;
  /** Whether names that begin with a dot are served. Default false. */
  readonly dotFiles?: boolean;
}

/** Rejects with what the folder's lookup or the engine's `serve` fails with. */
export async function openSite(options: SiteOptions): Promise<Server> {
  const site = new Site(options, options.folder == null ? null : await realpath(options.folder));
  return serve({ ...options, takeOver: site.takeOver }, site.handle);
}

class Site {
  private readonly withRoutes: boolean;
  private readonly routes = new Map(routes.map((route) => [route.path, route]));
  private readonly rawRoutes = new Map(rawRoutes.map((route) => [route.path, route]));

  constructor(
    private readonly options: SiteOptions,
    private readonly root: string | null,
  ) {
    this.withRoutes = options.routes ?? true;
  }

  readonly takeOver = (request: ServerRequest): TakeOver | null => {
    if (!this.withRoutes || request.method !== 'GET') return null;
    const route = this.rawRoutes.get(pathOf(request.target));
    if (route === undefined || this.badParameterOf(route, request) !== null) return null;
    return (taken, socket) => void this.takeRaw(route, taken, socket);
  };

  readonly handle = async (request: ServerRequest, response: ServerResponse): Promise<void> => {
    const path = pathOf(request.target);
    if (path === '') return sendText(response, request.target === '*' ? 200 : 400, 'no such target');
    if (this.withRoutes) {
      const route = this.routes.get(path.startsWith('/status/') ? '/status' : path);
      if (route !== undefined) {
        if (!route.methods.includes(request.method)) return notAllowed(response, route.methods);
        return this.guarded(response, () => route.handle(request, response, new Parameters(request.target)));
      }
      const raw = this.rawRoutes.get(path);
      if (raw !== undefined) {
        const bad = this.badParameterOf(raw, request);
        return bad === null ? notAllowed(response, ['GET']) : sendText(response, 400, bad);
      }
      if (path === indexPath || (path === '/' && this.root === null)) return this.sendIndex(request, response);
    }
    if (this.root === null)
      return sendText(response, 404, this.withRoutes ? `not found; ${indexPath} says what there is` : 'not found');
    if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed(response, ['GET', 'HEAD']);
    await this.sendFromFolder(request, response, path, this.root);
  };

  private sendIndex(request: ServerRequest, response: ServerResponse): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') notAllowed(response, ['GET', 'HEAD']);
    else sendPage(response, indexPage([...routes, ...rawRoutes], this.root !== null));
  }

  private async sendFromFolder(request: ServerRequest, response: ServerResponse, path: string, root: string): Promise<void> {
    const { compress = true, dotFiles = false } = this.options;
    let found = await findFile(path, { root, dotFiles });
    if (found.kind === 'folder') {
      const folder = found;
      if (!folder.endsWithSlash) {
        response.field('Location', folder.target);
        return sendText(response, 301, `moved to ${folder.target}`);
      }
      found = await findFile(`${folder.target}index.html`, { root, dotFiles });
      if (found.kind !== 'file') {
        return sendPage(response, await listingPage(folder.path, folder.target, dotFiles, this.withRoutes ? indexPath : null));
      }
    }
    if (found.kind === 'file') await sendFile(request, response, found, compress);
    else if (found.kind === 'malformed') sendText(response, 400, 'the path cannot be decoded');
    else sendText(response, 404, 'not found');
  }

  /** Runs a route; a parameter that cannot be is answered 400. */
  private async guarded(response: ServerResponse, run: () => unknown): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof BadParameter)) throw error;
      sendText(response, 400, error.message);
    }
  }

  /** What is wrong with the parameters of a route that cannot answer 400 itself any more. */
  private badParameterOf(route: RawRoute, request: ServerRequest): string | null {
    const parameters = new Parameters(request.target);
    try {
      for (const { name, most } of route.parameters) parameters.whole(name, 0, most);
      return null;
    } catch (error) {
      return (error as BadParameter).message;
    }
  }

  private async takeRaw(route: RawRoute, request: ServerRequest, socket: Socket): Promise<void> {
    const beganAtMs = performance.now();
    const { clientAddress, clientPort, connectionNumber, number: requestNumber, method, target, version } = request;
    const at = new Date();
    // Whatever the client does now ends the connection, and nothing else.
    socket.on('error', () => {});
    const { status, byteCount } = await route.take(socket, new Parameters(target));
    const entry: AccessEntry = {
      ...{ clientAddress, clientPort, connectionNumber, requestNumber, at, method, target, version, status },
      requestBodyByteCount: 0,
      responseBodyByteCount: byteCount,
      durationMs: performance.now() - beganAtMs,
      persists: false,
      error: null,
    };
    this.options.onAccess?.(entry);
  }
}

function notAllowed(response: ServerResponse, methods: readonly string[]): void {
  response.field('Allow', methods.join(', '));
  sendText(response, 405, `only ${methods.join(', ')}`);
}
