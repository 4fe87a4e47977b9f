/**
 * Our server beside others, one after another on one core, with wrk on the other:
 *
 *     npm run bench:server [-- --seconds 3 --rounds 5 --only small-64 --kinds holdfast,node:http]
 *
 * Each round goes through all servers, so that what else the machine does falls on all alike; the median of the rounds counts. Beside requests a
 * second stands the server's own CPU time for a request, which says the same on a busy machine. Then memory: 10,000 connections, one request on
 * each, and what the server's resident memory grew by.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    kinds: { type: 'string' },
    'idle-connections': { type: 'string', default: '10000' },
  },
});

interface Running {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
}

interface Case {
  readonly name: string;
  readonly connections: number;
  readonly path: string;
  readonly script?: 'pipelined' | 'upload';
  /** The raw floor answers Hello to everything. */
  readonly withoutFloor?: boolean;
}

const cases: readonly Case[] = [
  { name: 'small-1', connections: 1, path: '/' },
  { name: 'small-64', connections: 64, path: '/' },
  { name: 'small-1000', connections: 1000, path: '/' },
  { name: 'pipelined16-64', connections: 64, path: '/', script: 'pipelined', withoutFloor: true },
  { name: 'large-64', connections: 64, path: '/large', withoutFloor: true },
  { name: 'upload-64', connections: 64, path: '/', script: 'upload', withoutFloor: true },
];

/** Sixteen requests at a time, and bodies of 64 KiB, in wrk's language. */
const scripts = {
  pipelined:
    'local requests\nfunction init()\n  local one = wrk.format()\n  requests = string.rep(one, 16)\nend\nfunction request() return requests end\n',
  upload: 'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/octet-stream"\nwrk.body = string.rep("x", 65536)\n',
};

const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
const hasTaskset = spawnSync('taskset', ['-V']).status === 0;
const pinned = (core: number, command: string, parameters: readonly string[]): [string, string[]] =>
  hasTaskset ? ['taskset', ['-c', String(core), command, ...parameters]] : [command, [...parameters]];
const installed = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

async function startPrinting(name: string, command: string, parameters: readonly string[], env = {}): Promise<Running> {
  const [program, all] = pinned(0, command, parameters);
  const child = spawn(program, all, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { name, port: Number(line), child };
}

async function startGo(): Promise<Running | null> {
  if (!installed('go')) return null;
  const binary = join(folder, 'go-server');
  if (spawnSync('go', ['build', '-o', binary, 'bench/go-server/main.go'], { stdio: 'inherit' }).status !== 0) return null;
  return startPrinting('Go', binary, [], { GOMAXPROCS: '1' });
}

async function startNginx(): Promise<Running | null> {
  if (!installed('nginx')) return null;
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

const kindsProgram = join(import.meta.dirname, 'engine-server-kinds.js');
const starters: Readonly<Record<string, () => Promise<Running | null>>> = {
  holdfast: () => startPrinting('holdfast', process.execPath, [kindsProgram, 'holdfast']),
  'holdfast-fetch': () => startPrinting('holdfast-fetch', process.execPath, [kindsProgram, 'holdfast-fetch']),
  'node:http': () => startPrinting('node:http', process.execPath, [kindsProgram, 'node:http']),
  fastify: () => startPrinting('fastify', process.execPath, [kindsProgram, 'fastify']),
  Go: startGo,
  nginx: startNginx,
  'raw net': () => startPrinting('raw net', process.execPath, [kindsProgram, 'raw net']),
};

/** User and system time of a process so far, in µs; the kernel counts in hundredths of a second. */
function cpuMicroseconds({ child }: Running): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

interface Measured {
  readonly perSecond: number;
  readonly cpuEach: number;
}

function measure(server: Running, each: Case): Measured {
  const parameters = ['-t1', `-c${each.connections}`, `-d${values.seconds}`];
  if (each.script !== undefined) parameters.push('-s', join(folder, `${each.script}.lua`));
  const [program, all] = pinned(1, 'wrk', [...parameters, `http://127.0.0.1:${server.port}${each.path}`]);
  const before = cpuMicroseconds(server);
  const { stdout } = spawnSync(program, all, { encoding: 'utf8' });
  const count = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  if (!(perSecond > 0) || /Non-2xx/.test(stdout)) throw new Error(`${server.name}, ${each.name}: ${stdout}`);
  return { perSecond, cpuEach: (cpuMicroseconds(server) - before) / count };
}

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;
const residentKiB = ({ child }: Running): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]);

/** Bytes of resident memory for each idle connection that has had one request. */
async function memoryPerConnection(server: Running, count: number): Promise<number> {
  const open = async (): Promise<Socket> => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    return socket;
  };
  (await Promise.all(Array.from({ length: 50 }, open))).map((socket) => socket.destroy());
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = residentKiB(server);
  const sockets: Socket[] = [];
  while (sockets.length < count) sockets.push(...(await Promise.all(Array.from({ length: 100 }, open))));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const after = residentKiB(server);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 500));
  return ((after - before) * 1024) / count;
}

async function main(): Promise<void> {
  if (!installed('wrk')) throw new Error('this bench needs wrk');
  for (const [name, text] of Object.entries(scripts)) writeFileSync(join(folder, `${name}.lua`), text);
  const wanted = values.kinds?.split(',') ?? Object.keys(starters);
  const servers: Running[] = [];
  try {
    for (const name of wanted) {
      const server = await starters[name]!();
      if (server === null) console.error(`${name} is not installed`);
      else servers.push(server);
    }
    for (const each of cases) {
      if (values.only !== undefined && !each.name.includes(values.only)) continue;
      const taking = servers.filter((server) => !(each.withoutFloor === true && server.name === 'raw net'));
      const results = new Map<Running, Measured[]>(taking.map((server) => [server, []]));
      for (let round = 0; round <= Number(values.rounds); round++) {
        for (const server of taking) {
          const measured = measure(server, each);
          if (round > 0) results.get(server)!.push(measured);
        }
      }
      console.log(
        `\n${each.name}: ${each.connections} connections, ${each.path}${each.script === undefined ? '' : `, ${each.script}`}`,
      );
      const reference = results.get(taking.find((server) => server.name === 'holdfast') ?? taking[0]!)!;
      for (const [server, all] of results) {
        const perSecond = median(all.map((one) => one.perSecond));
        const cpuEach = median(all.map((one) => one.cpuEach));
        const ratio = cpuEach / median(reference.map((one) => one.cpuEach));
        console.log(
          `  ${server.name.padEnd(15)} ${perSecond.toFixed(0).padStart(8)} /s  ${cpuEach.toFixed(2).padStart(8)} µs CPU each  ${ratio.toFixed(2)} × the first's`,
        );
      }
    }
    const count = Number(values['idle-connections']);
    if (values.only === undefined || values.only.includes('memory')) {
      console.log(`\nmemory: ${count} idle connections after one request each`);
      for (const server of servers)
        console.log(
          `  ${server.name.padEnd(15)} ${((await memoryPerConnection(server, count)) / 1024).toFixed(1).padStart(8)} KiB each`,
        );
    }
  } finally {
    for (const { child } of servers) {
      child.stdin?.end();
      child.kill('SIGTERM');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
