/** The servers that run in a process of ours: the engine's, node:http, Express, and the one that says bytes as told. */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StartedProcess } from '../started-process.js';
import type { ServerPart } from './server-part.js';
import type { ServerAbility, ServerPeer } from './server-peer.js';

const program = fileURLToPath(new URL('server-main.js', import.meta.url));

interface OurServer {
  readonly name: string;
  readonly title: string;
  readonly abilities: readonly ServerAbility[];
  readonly closesLateByMs?: number;
  readonly version?: () => string | null;
  readonly howToGet?: string;
}

const ourServer = ({ name, title, abilities, closesLateByMs = 0, version = () => '', howToGet = '' }: OurServer): ServerPeer => ({
  name,
  title,
  abilities,
  closesLateByMs,
  version: async () => version(),
  howToGet,
  start: async ({ address, port }, settings) => {
    const part: ServerPart = {
      kind: name,
      address,
      port,
      settings: {
        ...settings,
        idleTimeoutMs: settings.idleTimeoutMs === Number.POSITIVE_INFINITY ? null : settings.idleTimeoutMs,
      },
    };
    const server = new StartedProcess(process.execPath, [program, JSON.stringify(part)]);
    await server.line();
    return server;
  },
});

/** Since Node 18.20, 20.16 and 22. */
const nodeAddsMs = 1000;

function expressVersion(): string | null {
  try {
    return (createRequire(join(process.cwd(), 'here.js'))('express/package.json') as { version: string }).version;
  } catch {
    return null;
  }
}

export const holdfast = ourServer({
  name: 'holdfast',
  title: 'holdfast',
  abilities: ['wait', 'probe-timing', 'counted-hint', 'orderly-close', 'hint'],
});

export const node = ourServer({
  name: 'node',
  title: 'node:http',
  abilities: ['wait', 'hint'],
  closesLateByMs: nodeAddsMs,
  version: () => process.versions.node,
});

export const express = ourServer({
  name: 'express',
  title: 'Express',
  abilities: ['wait', 'hint'],
  closesLateByMs: nodeAddsMs,
  version: expressVersion,
  howToGet: 'npm install express, in the folder where the lab is called',
});

export const plain = ourServer({ name: 'plain', title: 'bytes as told', abilities: ['literal'] });
