/** Go's net/http as a server and as a client. Its program is compiled once and kept in the user's cache. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StartedProcess } from '../started-process.js';
import type { ClientPeer } from './client-peer.js';
import { goSource } from './go-source.js';
import { versionOf } from './installed.js';
import { SteppingClient } from './our-clients.js';
import type { ServerPeer } from './server-peer.js';
import { site } from './site.js';

const run = promisify(execFile);

const goVersion = (): Promise<string | null> => versionOf('go', ['version']);
const howToGet = 'apt install golang-go, or go.dev/dl';

/** Where the program is: in the user's cache, or beside the scenario's files where there is none. */
async function goProgram(folder: string): Promise<string> {
  const version = (await goVersion()) ?? '';
  const name = `go-peer-${createHash('sha256').update(goSource).update(version).digest('hex').slice(0, 16)}`;
  const cache = await cacheFolder();
  const program = join(cache ?? folder, name);
  if (existsSync(program)) return program;
  const workplace = await mkdtemp(join(cache ?? folder, 'build-'));
  try {
    await writeFile(join(workplace, 'main.go'), goSource);
    // Go wants a cache of its own; without a home it has none.
    const goCache = cache === null ? { GOCACHE: join(folder, 'go-cache') } : {};
    await run('go', ['build', '-o', 'go-peer', 'main.go'], {
      cwd: workplace,
      env: { ...process.env, ...goCache, GO111MODULE: 'off', CGO_ENABLED: '0' },
    });
    await rename(join(workplace, 'go-peer'), program);
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
  return program;
}

/** A folder that is this user's alone, or null. */
async function cacheFolder(): Promise<string | null> {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'holdfast');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { uid } = await stat(folder);
    return process.getuid === undefined || uid === process.getuid() ? folder : null;
  } catch {
    return null;
  }
}

export const goServer: ServerPeer = {
  name: 'go',
  title: 'Go net/http',
  abilities: ['wait'],
  closesLateByMs: 0,
  version: goVersion,
  howToGet,
  start: async ({ address, port, folder }, settings) => {
    const idleTimeoutMs = settings.idleTimeoutMs === Number.POSITIVE_INFINITY ? null : settings.idleTimeoutMs;
    // An argument may have 128 KiB at the most.
    const siteFile = join(folder, 'site.json');
    await writeFile(siteFile, JSON.stringify(site));
    const part = { address, port, siteFile, settings: { ...settings, idleTimeoutMs } };
    const server = new StartedProcess(await goProgram(folder), ['server', JSON.stringify(part)]);
    await server.line();
    return server;
  },
};

export const goClient: ClientPeer = {
  name: 'go',
  title: 'Go net/http',
  abilities: ['hold', 'unread', 'probes', 'many-lists', 'post'],
  version: goVersion,
  howToGet,
  start: async ({ address, port, folder }, settings) => {
    const client = new StartedProcess(await goProgram(folder), ['client', JSON.stringify({ address, port, settings })]);
    await client.line();
    return new SteppingClient(client);
  },
};
