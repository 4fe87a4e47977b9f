/** Starts the servers of engine-server.ts, each a process on the first core: those on Node by engine-server-kinds.ts, Go, nginx with one worker. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Running {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
}

const hasTaskset = spawnSync('taskset', ['-V']).status === 0;

/** A command on one core, where cores can be chosen. */
export const pinned = (core: number, command: string, parameters: readonly string[]): [string, string[]] =>
  hasTaskset ? ['taskset', ['-c', String(core), command, ...parameters]] : [command, [...parameters]];

export const isInstalled = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

const nodeKinds = ['holdfast', 'holdfast-bytes', 'holdfast-fetch', 'node:http', 'fastify', 'raw net'];

/** In the order of the tables. */
export const serverNames: readonly string[] = [...nodeKinds.slice(0, -1), 'Go', 'nginx', 'raw net'];

/** Null when it is not installed. `folder` is for its files. */
export async function startServer(name: string, folder: string): Promise<Running | null> {
  if (name === 'Go') return startGo(folder);
  if (name === 'nginx') return startNginx(folder);
  if (!nodeKinds.includes(name)) throw new Error(`there is no server ${name}`);
  return startPrinting(name, process.execPath, [join(import.meta.dirname, 'engine-server-kinds.js'), name]);
}

export function stopServer({ child }: Running): void {
  child.stdin?.end();
  child.kill('SIGTERM');
}

async function startPrinting(name: string, command: string, parameters: readonly string[], env = {}): Promise<Running> {
  const [program, all] = pinned(0, command, parameters);
  const child = spawn(program, all, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { name, port: Number(line), child };
}

async function startGo(folder: string): Promise<Running | null> {
  if (!isInstalled('go')) return null;
  const binary = join(folder, 'go-server');
  if (spawnSync('go', ['build', '-o', binary, 'bench/go-server/main.go'], { stdio: 'inherit' }).status !== 0) return null;
  return startPrinting('Go', binary, [], { GOMAXPROCS: '1' });
}

async function startNginx(folder: string): Promise<Running | null> {
  if (!isInstalled('nginx')) return null;
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  writeFileSync(join(folder, 'large'), 'x'.repeat(65_536));
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log crit;
worker_rlimit_nofile 20000;
events { worker_connections 12000; }
http {
  access_log off; keepalive_requests 100000000; client_max_body_size 1m; client_body_buffer_size 128k; sendfile on;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  default_type text/plain;
  server {
    listen 127.0.0.1:${port} backlog=2048;
    location / { return 200 Hello; }
    location /large { root ${folder}; }
  }
}`,
  );
  const [program, all] = pinned(0, 'nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', join(folder, 'error.log')]);
  const child = spawn(program, all, { stdio: ['pipe', 'ignore', 'inherit'] });
  await new Promise((resolve) => setTimeout(resolve, 500));
  return { name: 'nginx', port, child };
}
