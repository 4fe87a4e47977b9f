/** Load on a server from the second core, by wrk or autocannon, and what it cost the server in processor time. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pinned, type Running } from './engine-server-start.js';

export const tools = ['wrk', 'autocannon'] as const;
export type Tool = (typeof tools)[number];

export interface Load {
  readonly connections: number;
  readonly path: string;
  readonly kind: 'plain' | 'pipelined' | 'upload';
}

export interface Measured {
  readonly perSecond: number;
  /** User and system time of the server's process a request, in µs. */
  readonly cpuEach: number;
}

const uploadByteCount = 65_536;
const pipelineDepth = 16;

/** In wrk's language. */
const scripts = {
  pipelined: `local requests\nfunction init()\n  local one = wrk.format()\n  requests = string.rep(one, ${pipelineDepth})\nend\nfunction request() return requests end\n`,
  upload: `wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/octet-stream"\nwrk.body = string.rep("x", ${uploadByteCount})\n`,
};

export function writeLoadFiles(folder: string): void {
  for (const [name, text] of Object.entries(scripts)) writeFileSync(join(folder, `${name}.lua`), text);
  writeFileSync(join(folder, 'upload.body'), 'x'.repeat(uploadByteCount));
}

/** User and system time of a process so far, in µs; the kernel counts in hundredths of a second. */
function cpuMicroseconds({ child }: Running): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

export function measure(tool: Tool, server: Running, load: Load, seconds: string, folder: string): Measured {
  const before = cpuMicroseconds(server);
  const { count, perSecond } = (tool === 'wrk' ? runWrk : runAutocannon)(server, load, seconds, folder);
  return { perSecond, cpuEach: (cpuMicroseconds(server) - before) / count };
}

interface Counted {
  readonly count: number;
  readonly perSecond: number;
}

const urlOf = (server: Running, load: Load): string => `http://127.0.0.1:${server.port}${load.path}`;

function runWrk(server: Running, load: Load, seconds: string, folder: string): Counted {
  const parameters = ['-t1', `-c${load.connections}`, `-d${seconds}`];
  if (load.kind !== 'plain') parameters.push('-s', join(folder, `${load.kind}.lua`));
  const [program, all] = pinned(1, 'wrk', [...parameters, urlOf(server, load)]);
  const { stdout } = spawnSync(program, all, { encoding: 'utf8' });
  const count = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  if (!(perSecond > 0) || /Non-2xx/.test(stdout)) throw new Error(`${server.name}: ${stdout}`);
  return { count, perSecond };
}

function runAutocannon(server: Running, load: Load, seconds: string, folder: string): Counted {
  const parameters = ['--json', '--no-progress', '-c', String(load.connections), '-d', seconds];
  if (load.kind === 'pipelined') parameters.push('-p', String(pipelineDepth));
  if (load.kind === 'upload')
    parameters.push('-m', 'POST', '-H', 'Content-Type=application/octet-stream', '-i', join(folder, 'upload.body'));
  const script = createRequire(import.meta.url).resolve('autocannon');
  const [program, all] = pinned(1, process.execPath, [script, ...parameters, urlOf(server, load)]);
  const { stdout, stderr } = spawnSync(program, all, { encoding: 'utf8' });
  const result = JSON.parse(stdout || '{}') as { '2xx'?: number; non2xx?: number; errors?: number; duration?: number };
  const count = result['2xx'] ?? 0;
  if (count === 0 || result.non2xx !== 0 || result.errors !== 0) throw new Error(`${server.name}: ${stdout}${stderr}`);
  return { count, perSecond: count / result.duration! };
}
