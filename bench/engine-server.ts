/**
 * Our server beside others, one after another on one core, with wrk or autocannon on the other:
 *
 *     npm run bench:server [-- --only small --tool autocannon --seconds 1 --rounds 3 --kinds holdfast,node:http]
 *
 * Each round goes through all servers, so that what else the machine does falls on all alike; the median of the rounds counts. Beside requests a
 * second stands the server's own CPU time for a request, which says the same on a busy machine. Then memory: 10,000 connections, one request on
 * each, what the server's resident memory grew by, and what is left of that when they have closed. Writes docs/bench-server.md; with `--only`
 * (a part of a case's name) the other sections stay as they are. A section takes about half a minute.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Load, type Measured, measure, type Tool, tools, writeLoadFiles } from './engine-server-load.js';
import { idleMemory } from './engine-server-memory.js';
import { isInstalled, type Running, serverNames, startServer, stopServer } from './engine-server-start.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    tool: { type: 'string', default: 'wrk' },
    kinds: { type: 'string' },
    'idle-connections': { type: 'string', default: '10000' },
  },
});

interface Case extends Load {
  readonly name: string;
  readonly text: string;
}

const groups: readonly (Omit<Load, 'connections'> & { readonly name: string; readonly text: string })[] = [
  { name: 'small', path: '/', kind: 'plain', text: 'GET of five bytes' },
  { name: 'pipelined', path: '/', kind: 'pipelined', text: 'GET of five bytes, sixteen at a time' },
  { name: 'large', path: '/large', kind: 'plain', text: 'GET of 64 KiB' },
  { name: 'upload', path: '/', kind: 'upload', text: 'POST of 64 KiB' },
];
const cases: readonly Case[] = groups.flatMap((group) =>
  [1, 64, 1000].map((connections) => ({ ...group, name: `${group.name}-${connections}`, connections })),
);

/** Which servers have something to show in a case. */
function takes(server: string, { kind, path }: Case): boolean {
  if (server === 'raw net') return kind === 'plain' && path === '/';
  return server !== 'holdfast-bytes' || kind === 'upload';
}

const document = join('docs', 'bench-server.md');
const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
const names = values.kinds?.split(',') ?? serverNames;
const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;

async function started(wanted: readonly string[]): Promise<Running[]> {
  const servers: Running[] = [];
  for (const name of wanted) {
    const server = await startServer(name, folder);
    if (server === null) console.error(`${name} is not installed`);
    else servers.push(server);
  }
  return servers;
}

async function runCase(tool: Tool, each: Case): Promise<string> {
  const servers = await started(names.filter((name) => takes(name, each)));
  const results = new Map<Running, Measured[]>(servers.map((server) => [server, []]));
  try {
    for (let round = 0; round <= Number(values.rounds); round++) {
      for (const server of servers) {
        const measured = measure(tool, server, each, values.seconds, folder);
        if (round > 0) results.get(server)!.push(measured);
      }
    }
  } finally {
    for (const server of servers) stopServer(server);
  }
  const figures = servers.map((server) => {
    const all = results.get(server)!;
    return { name: server.name, rate: median(all.map((one) => one.perSecond)), cpu: median(all.map((one) => one.cpuEach)) };
  });
  const reference = figures.find(({ name }) => name === 'node:http') ?? figures[0]!;
  const rows = figures.map(({ name, rate, cpu }) => {
    const cells = [name, rate.toFixed(0), cpu.toFixed(2), (rate / reference.rate).toFixed(2), (reference.cpu / cpu).toFixed(2)];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    `${each.text}, ${each.connections} ${each.connections === 1 ? 'connection' : 'connections'}; ${values.rounds} rounds of ${values.seconds} s by ${tool}.`,
    '',
    `| server | requests/s | CPU µs a request | × ${reference.name} in requests/s | × in CPU |`,
    '|---|--:|--:|--:|--:|',
    ...rows,
  ].join('\n');
}

async function runMemory(): Promise<string> {
  const count = Number(values['idle-connections']);
  const rows: string[] = [];
  for (const name of names.filter((each) => each !== 'holdfast-bytes')) {
    const [server] = await started([name]);
    if (server === undefined) continue;
    try {
      const { kibEach, kibLeft } = await idleMemory(server, count);
      rows.push(`| ${name} | ${kibEach.toFixed(1)} | ${(kibLeft / 1024).toFixed(1)} |`);
    } finally {
      stopServer(server);
    }
  }
  return [
    `${count} connections, idle after one request each; resident memory of the server's process (the kernel's for the sockets is not in it).`,
    '',
    '| server | KiB a connection | MiB above the start when all have closed |',
    '|---|--:|--:|',
    ...rows,
  ].join('\n');
}

/** Sections of the document by their headings. */
function readSections(): Map<string, string> {
  if (!existsSync(document)) return new Map();
  const [, ...parts] = readFileSync(document, 'utf8').split(/^## /m);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n')).trim()]));
}

function writeSections(sections: ReadonlyMap<string, string>): void {
  const order = [...tools.flatMap((tool) => cases.map(({ name }) => `${name}, ${tool}`)), 'memory'];
  const known = order.filter((name) => sections.has(name));
  const head = [
    '# The server beside others',
    '',
    `Written by \`npm run bench:server\`. Each server has one core, the load generator the other; medians. Node ${process.version}, ${cpus()[0]!.model}.`,
    '`holdfast-bytes` makes the body of a POST whole, as fastify does; the others count it piece by piece. `raw net` answers a constant without',
    'reading the request. autocannon is slower than most of these servers: with it the CPU time says more than the rate.',
    '',
  ];
  mkdirSync('docs', { recursive: true });
  writeFileSync(document, [...head, ...known.flatMap((name) => [`## ${name}`, '', sections.get(name)!, ''])].join('\n'));
}

async function main(): Promise<void> {
  const tool = tools.find((each) => each === values.tool);
  if (tool === undefined) throw new Error(`--tool is one of ${tools.join(', ')}`);
  if (tool === 'wrk' && !isInstalled('wrk')) throw new Error('this bench needs wrk, or --tool autocannon');
  writeLoadFiles(folder);
  const sections = readSections();
  const tell = (name: string, text: string): void => {
    console.log(`\n## ${name}\n\n${text}`);
    sections.set(name, text);
    writeSections(sections);
  };
  try {
    for (const each of cases) {
      if (each.name.includes(values.only)) tell(`${each.name}, ${tool}`, await runCase(tool, each));
    }
    if ('memory'.includes(values.only) && tool === 'wrk') tell('memory', await runMemory());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
