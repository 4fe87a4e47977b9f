/**
 * The client beside undici (request, stream, dispatch), node's http.Agent and Go, against the same server:
 *
 *     npm run bench:client [-- --turns 5 --ms 2000 --connections 64]
 *
 * The server is a constant on raw TCP, so that the client is what is measured; it has one core, the client the other. Each client runs
 * in a process of its own, in turns; the table has the median of the turns, and the client's own CPU time a request, which says more
 * than the rate when the server is the slower one. Writes docs/bench-client.md.
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { clientNames } from './engine-client-callers.js';

const { values } = parseArgs({
  options: {
    turns: { type: 'string', default: '5' },
    ms: { type: 'string', default: '2000' },
    connections: { type: 'string', default: '64' },
  },
});
const [turns, ms, connections] = [Number(values.turns), Number(values.ms), Number(values.connections)];
const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
const here = import.meta.dirname;

interface Run {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

/** Pins to a core where the system can. */
function pinned(core: number, program: string, parameters: readonly string[]): [string, string[]] {
  try {
    execFileSync('taskset', ['-c', String(core), 'true'], { stdio: 'ignore' });
    return ['taskset', ['-c', String(core), program, ...parameters]];
  } catch {
    return [program, [...parameters]];
  }
}

function buildGo(): string | null {
  const program = join(folder, 'bench-go');
  try {
    execFileSync('go', ['build', '-o', program, join('bench', 'engine-client-go', 'main.go')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return program;
  } catch {
    console.error('go is not there or cannot build: its row is left out');
    return null;
  }
}

async function run(name: string, port: number, goProgram: string | null): Promise<Run> {
  const parameters = [String(port), String(connections), String(ms)];
  const [program, all] =
    name === 'go'
      ? pinned(1, goProgram!, parameters)
      : pinned(1, process.execPath, [join(here, 'engine-client-callers.js'), name, ...parameters]);
  const child = spawn(program, all, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, GOMAXPROCS: '1' } });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
  return JSON.parse(text);
}

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

const goProgram = buildGo();
const names = [...clientNames, ...(goProgram === null ? [] : ['go'])];
const server = spawn(...pinned(0, process.execPath, [join(here, 'engine-client-callers.js'), 'server']), {
  stdio: ['pipe', 'pipe', 'inherit'],
});
try {
  const [line] = await once(createInterface({ input: server.stdout! }), 'line');
  const port = Number(line);
  const runs = new Map<string, Run[]>(names.map((name) => [name, []]));
  for (let turn = 0; turn < turns; turn++) {
    for (const name of names) {
      const result = await run(name, port, goProgram);
      runs.get(name)!.push(result);
      console.error(`turn ${turn + 1}: ${name} ${Math.round(result.perSecond)}/s`);
    }
  }
  const rows = names.map((name) => {
    const all = runs.get(name)!;
    const rates = all.map(({ perSecond }) => perSecond);
    const rate = Math.round(median(rates));
    const cpu = median(all.map(({ cpuMicroseconds }) => cpuMicroseconds)).toFixed(1);
    return `| ${name} | ${rate} | ${Math.round(Math.min(...rates))}–${Math.round(Math.max(...rates))} | ${cpu} |`;
  });
  const text = [
    '# The client beside others',
    '',
    `GET of five bytes over ${connections} connections, one request at a time on each, from a raw TCP server on the other core.`,
    `Written by \`npm run bench:client\`: medians of ${turns} turns of ${ms} ms in alternation. Node ${process.version}, ${cpus()[0]!.model}.`,
    '',
    '| client | requests/s | least–most | CPU µs a request |',
    '|---|--:|--:|--:|',
    ...rows,
    '',
  ].join('\n');
  console.log(text);
  mkdirSync('docs', { recursive: true });
  writeFileSync('docs/bench-client.md', text);
} finally {
  server.stdin!.end();
  rmSync(folder, { recursive: true, force: true });
}
