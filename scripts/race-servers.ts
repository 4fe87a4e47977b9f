/** Starts and stops the servers of the race: our own kinds and Go's as child processes that report, nginx by its access log. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ServerReport } from './race-workload.js';

export interface RacingServer {
  readonly port: number;
  report(): Promise<ServerReport>;
  stop(): Promise<void>;
}

/** A program that prints its port, and a report for every line that it is given. */
export async function startServer(program: string, parameters: readonly string[]): Promise<RacingServer> {
  const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const line = async (): Promise<string> => String((await once(lines, 'line'))[0]);
  const port = Number(await Promise.race([line(), failed(child)]));
  return {
    port,
    async report() {
      const answer = line();
      child.stdin.write('report\n');
      return JSON.parse(await answer);
    },
    stop: () => end(child, () => child.stdin.end()),
  };
}

/** nginx in the foreground, one worker. What it executed is what its access log says. */
export async function startNginx(parent: string, keepAliveTimeout: string): Promise<RacingServer> {
  const folder = mkdtempSync(join(parent, 'nginx-'));
  const port = await freePort();
  const configuration = `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  log_format race '$http_x_request_id $connection'; access_log ${folder}/access.log race;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  keepalive_timeout ${keepAliveTimeout};
  server { listen 127.0.0.1:${port} backlog=1024; location / { return 200 ok; } }
}`;
  writeFileSync(join(folder, 'nginx.conf'), configuration);
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  await Promise.race([listening(port), failed(child)]);
  return {
    port,
    async report() {
      const executed: Record<string, number> = {};
      const connections = new Set<string>();
      for (const entry of readFileSync(join(folder, 'access.log'), 'latin1').trim().split('\n')) {
        const [id, connection] = entry.split(' ');
        executed[id!] = (executed[id!] ?? 0) + 1;
        connections.add(connection!);
      }
      return { executed, connections: connections.size };
    },
    stop: () => end(child, () => child.kill('SIGTERM')),
  };
}

async function failed(child: ChildProcess): Promise<never> {
  const [error] = await Promise.race([once(child, 'error'), once(child, 'exit')]);
  throw error instanceof Error ? error : new Error(`the server ended with ${error}`);
}

async function end(child: ChildProcess, ask: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  ask();
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await exited;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
