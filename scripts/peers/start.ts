/**
 * Servers to compare with: ours and node:http in this process; Go, nginx and Apache as child processes on free ports of 127.0.0.1, each with
 * a configuration of its own in a temporary folder. Each says in `X-Seen` how it read a request: method, target and, where it can, the bytes
 * of its body. What is not installed is left out, and said to be.
 */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { serve } from 'holdfast';

export interface Peer {
  readonly name: string;
  /** With its version. */
  readonly title: string;
  readonly port: number;
  stop(): Promise<void>;
}

export type PeerName = 'holdfast' | 'node:http' | 'Go' | 'nginx' | 'Apache';

const program = (name: string): boolean => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

/** Starts what can be had of `names`; `missing` are the others. */
export async function startPeers(
  names: readonly PeerName[],
): Promise<{ peers: Peer[]; missing: PeerName[]; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-peers-'));
  const peers: Peer[] = [];
  const missing: PeerName[] = [];
  const stop = async () => {
    await Promise.all(peers.map((peer) => peer.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const name of names) {
      const peer = await starters[name](folder);
      if (peer === null) missing.push(name);
      else peers.push(peer);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { peers, missing, stop };
}

const starters: Readonly<Record<PeerName, (folder: string) => Promise<Peer | null>>> = {
  holdfast: startHoldfast,
  'node:http': startNode,
  Go: startGo,
  nginx: startNginx,
  Apache: startApache,
};

async function startHoldfast(): Promise<Peer> {
  const server = await serve({ lingerTimeoutMs: 500, bodyByteCount: 1024 * 1024 }, async (request, response) => {
    const body = await request.bytes();
    response.field('X-Seen', `${request.method} ${request.target} ${body.length}`).end('ok\n');
  });
  const stop = () => server.stop({ idleGraceMs: 0, graceMs: 200 });
  return { name: 'holdfast', title: 'Holdfast', port: server.port, stop };
}

async function startNode(): Promise<Peer> {
  const server = createServer(async (request, response) => {
    let length = 0;
    try {
      for await (const piece of request) length += piece.length;
    } catch {
      return;
    }
    response.setHeader('X-Seen', `${request.method} ${request.url} ${length}`);
    response.end('ok\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    name: 'node:http',
    title: `node:http ${process.version}`,
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function startGo(folder: string): Promise<Peer | null> {
  if (!program('go')) return null;
  const binary = join(folder, 'go-peer');
  const built = spawnSync('go', ['build', '-o', binary, 'scripts/peers/go-peer/main.go'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (built.status !== 0) throw new Error('the Go server cannot be built');
  const child = spawn(binary, { stdio: ['pipe', 'pipe', 'ignore'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const title = execFileSync('go', ['version'], { encoding: 'utf8' }).split(' ')[2]!.replace('go', 'Go ');
  return { name: 'Go', title, port: Number(line), stop: () => end(child, () => child.stdin.end()) };
}

async function startNginx(parent: string): Promise<Peer | null> {
  if (!program('nginx')) return null;
  const folder = mkdtempSync(join(parent, 'nginx-'));
  const port = await freePort();
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log crit;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} backlog=1024;
    client_max_body_size 1m;
    location / { add_header X-Seen "$request_method $request_uri -" always; return 200 "ok\\n"; }
  }
}`,
  );
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', join(folder, 'error.log')], {
    stdio: 'ignore',
  });
  await listening(port, child);
  const version = spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr.trim().split('/')[1]!;
  return { name: 'nginx', title: `nginx ${version}`, port, stop: () => end(child, () => child.kill('SIGTERM')) };
}

async function startApache(parent: string): Promise<Peer | null> {
  if (!program('apache2')) return null;
  const folder = mkdtempSync(join(parent, 'apache-'));
  const port = await freePort();
  const modules = '/usr/lib/apache2/modules';
  mkdirSync(join(folder, 'htdocs'));
  writeFileSync(join(folder, 'htdocs', 'index.txt'), 'ok\n');
  writeFileSync(
    join(folder, 'httpd.conf'),
    `ServerRoot ${folder}
ServerName localhost
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
Listen 127.0.0.1:${port}
${['mpm_event', 'authz_core', 'headers', 'rewrite'].map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}
DocumentRoot ${folder}/htdocs
LimitRequestBody 1048576
KeepAliveTimeout 30
RewriteEngine On
RewriteRule . ${folder}/htdocs/index.txt [L]
Header always set X-Seen "expr=%{REQUEST_METHOD} %{REQUEST_URI} -"
<Directory />
  Require all granted
</Directory>
`,
  );
  const child = spawn('apache2', ['-X', '-f', join(folder, 'httpd.conf')], { stdio: 'ignore' });
  await listening(port, child);
  const version = execFileSync('apache2', ['-v'], { encoding: 'utf8' }).split('/')[1]!.split(' ')[0]!;
  return { name: 'Apache', title: `Apache ${version}`, port, stop: () => end(child, () => child.kill('SIGTERM')) };
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
  const server = createNetServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGKILL');
  throw new Error(`${child.spawnfile} does not listen`);
}
