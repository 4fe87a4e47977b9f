/**
 * A server of the lab in a process of its own, so that it can be killed and its sockets are its own:
 *
 *     node server-main.js '{"kind":"node","address":"127.0.0.1","port":8191,"settings":{…}}'
 *
 * Prints `listening` when it does, and ends with its standard input, so that it never outlives the lab.
 */

import type { ServerPart } from './server-part.js';

export interface ServerKind {
  /** Resolves when it listens. */
  start(part: ServerPart): Promise<void>;
}

const kinds: Readonly<Record<string, () => Promise<ServerKind>>> = {
  node: async () => (await import('./node-http-server.js')).nodeServer,
  express: async () => (await import('./node-http-server.js')).expressServer,
  holdfast: async () => (await import('./holdfast-server.js')).holdfastServer,
  plain: async () => (await import('./plain-server.js')).plainServer,
};

const part = JSON.parse(process.argv[2] ?? '{}') as ServerPart;
const kind = kinds[part.kind];
if (kind === undefined) throw new Error(`there is no server ${part.kind}`);
await (await kind()).start(part);
process.stdin.resume().once('end', () => process.exit(0));
process.stdout.write('listening\n');
