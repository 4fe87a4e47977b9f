/** What an idle connection costs a server in resident memory, and what is left of it when all have closed. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from './engine-server-start.js';

export interface IdleMemory {
  /** For each idle connection that has had one request. */
  readonly kibEach: number;
  /** Above the start, in all, after everything has closed. */
  readonly kibLeft: number;
}

const residentKiB = ({ child }: Running): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]);

export async function idleMemory(server: Running, count: number): Promise<IdleMemory> {
  const open = async (): Promise<Socket> => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    return socket;
  };
  for (const socket of await Promise.all(Array.from({ length: 200 }, open))) socket.destroy();
  await sleep(500);
  const before = residentKiB(server);
  const sockets: Socket[] = [];
  while (sockets.length < count) sockets.push(...(await Promise.all(Array.from({ length: 100 }, open))));
  await sleep(1000);
  const during = residentKiB(server);
  for (const socket of sockets) socket.destroy();
  await sleep(2000);
  return { kibEach: (during - before) / count, kibLeft: residentKiB(server) - before };
}
