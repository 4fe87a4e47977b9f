/**
 * The race for the idle timeout: clients that send a request just when the server closes. Who loses requests, who sends them twice, and
 * what does it cost? Runs every client against every server, one after another in turns, and writes docs/race.md.
 *
 *     npm run race [-- --turns 1] [--only 'nginx'] [--busy 2]
 *
 * What counts is what the server has executed, by request id. "Always a fresh connection" is no answer: the table says how many
 * connections each client opened and how long its requests took, and some workloads have gaps well below the timeout.
 * Needs `go` and `nginx` for their rows; rows that cannot be run are left out and said to be. With `--only` or `--busy` (so many
 * processes that do nothing but compute, beside every race) the document is left as it is.
 */

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type RacingServer, startNginx, startServer } from './race-servers.js';
import type { CallerReport, Workload } from './race-workload.js';

interface Row {
  readonly client: string;
  readonly sent: number;
  readonly failed: number;
  /** Executed by the server more than once. */
  readonly twice: number;
  /** Failed for the caller, and yet executed. */
  readonly failedButExecuted: number;
  readonly connections: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly note: string;
}

interface Race {
  readonly title: string;
  readonly workload: Omit<Workload, 'port'>;
  readonly server: () => Promise<RacingServer>;
  /** All four when not said. */
  readonly clients?: readonly string[];
  /** Processes beside it that do nothing but compute. */
  readonly busy?: number;
}

const { values } = parseArgs({
  options: { turns: { type: 'string', default: '1' }, only: { type: 'string' }, busy: { type: 'string', default: '0' } },
});
const turns = Number(values.turns);
const folder = mkdtempSync(join(tmpdir(), 'holdfast-race-'));
const here = import.meta.dirname;
const goProgram = buildGo();
const isThere = (client: string): boolean => goProgram !== null || !client.startsWith('go');
const usualClients = ['holdfast', 'node', 'undici', 'go'];

const crossing = { workers: 40, rounds: 60, gapsMs: [[18, 22]], pools: 'own' } as const;
const races: Race[] = [
  { title: 'node:http server, 20 ms', workload: crossing, server: () => nodeServer('node', 20) },
  { title: 'Holdfast server, 20 ms', workload: crossing, server: () => nodeServer('holdfast', 20) },
  ...(goProgram === null
    ? []
    : [{ title: 'Go server, 20 ms', workload: crossing, server: () => startServer(goProgram, ['server', '20']) }]),
  {
    title: 'node:http server, 20 ms; one pool shared by all',
    workload: { ...crossing, pools: 'shared' },
    server: () => nodeServer('node', 20),
  },
  {
    title: 'node:http server, 20 ms; one pool shared by all, and more to compute than there are cores',
    workload: { ...crossing, pools: 'shared' },
    server: () => nodeServer('node', 20),
    busy: 2,
  },
  {
    title: 'node:http server, 20 ms; gaps well below the timeout',
    workload: { ...crossing, gapsMs: [[4, 8]] },
    server: () => nodeServer('node', 20),
  },
  {
    title: 'node:http server, 20 ms; requests that may be sent twice',
    workload: { ...crossing, pools: 'shared', method: 'GET' },
    server: () => nodeServer('node', 20),
  },
  {
    title: 'nginx, keepalive_timeout 1s',
    workload: { workers: 400, rounds: 8, gapsMs: [[994, 1004]], pools: 'own' },
    server: () => startNginx(folder, '1s'),
  },
  {
    title: 'nginx, keepalive_timeout 1s; gaps below the timeout',
    workload: { workers: 400, rounds: 8, gapsMs: [[500, 800]], pools: 'shared' },
    server: () => startNginx(folder, '1s'),
  },
  {
    title: 'Holdfast server that says timeout=2 and closes after 3 s',
    workload: {
      workers: 200,
      rounds: 4,
      gapsMs: [
        [1994, 2006],
        [2994, 3006],
      ],
      pools: 'own',
    },
    server: () => nodeServer('holdfast', 3000, 1000),
    clients: ['holdfast', 'node-global', 'undici', 'go-2000', 'node', 'go'],
  },
];

const nodeServer = (kind: string, ...times: number[]): Promise<RacingServer> =>
  startServer(process.execPath, [join(here, 'race-server.js'), kind, ...times.map(String)]);

function buildGo(): string | null {
  const program = join(folder, 'race-go');
  try {
    execFileSync('go', ['build', '-o', program, join('scripts', 'race-go', 'main.go')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return program;
  } catch {
    console.error('go is not there or cannot build: the rows of Go are left out');
    return null;
  }
}

function call(client: string, workload: Workload): Promise<CallerReport> {
  const json = JSON.stringify(workload);
  const [program, parameters] =
    client.split('-')[0] === 'go'
      ? [goProgram!, ['client', json, ...client.split('-').slice(1)]]
      : [process.execPath, [join(here, 'race-caller.js'), client, json]];
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(text));
      else reject(new Error(`the client ${client} ended with ${code}`));
    });
  });
}

async function runOnce(client: string, race: Race): Promise<Row> {
  const busy = Array.from({ length: (race.busy ?? 0) + Number(values.busy) }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );
  const server = await race.server();
  try {
    const report = await call(client, { ...race.workload, port: server.port });
    const { executed, connections } = await server.report();
    const latencies = report.latenciesMs.toSorted((a, b) => a - b);
    return {
      client,
      sent: report.sent,
      failed: report.failed,
      twice: Object.values(executed).filter((count) => count > 1).length,
      failedButExecuted: report.failedIds.filter((id) => (executed[id] ?? 0) > 0).length,
      connections,
      medianMs: latencies[latencies.length >> 1] ?? Number.NaN,
      p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
      errors: report.errors,
      note: report.note,
    };
  } finally {
    for (const child of busy) child.kill();
    await server.stop();
  }
}

/** Counts added up, times of the middle turn. */
function addUp(rows: Row[]): Row {
  const sum = (pick: (row: Row) => number): number => rows.reduce((total, row) => total + pick(row), 0);
  const middle = (pick: (row: Row) => number): number => rows.map(pick).sort((a, b) => a - b)[rows.length >> 1]!;
  const errors: Record<string, number> = {};
  for (const row of rows) for (const [code, count] of Object.entries(row.errors)) errors[code] = (errors[code] ?? 0) + count;
  return {
    client: rows[0]!.client,
    sent: sum((row) => row.sent),
    failed: sum((row) => row.failed),
    twice: sum((row) => row.twice),
    failedButExecuted: sum((row) => row.failedButExecuted),
    connections: sum((row) => row.connections),
    medianMs: middle((row) => row.medianMs),
    p99Ms: middle((row) => row.p99Ms),
    errors,
    note: rows.at(-1)!.note,
  };
}

function tableOf(race: Race, rows: Row[]): string {
  const { workers, rounds, gapsMs, pools, method = 'POST' } = race.workload;
  const gaps = gapsMs.map(([least, most]) => `${least}–${most}`).join(' and ');
  const beside = race.busy === undefined ? '' : ` Beside it ${race.busy} processes that only compute.`;
  const who = pools === 'own' ? 'each with a pool of its own' : 'on one pool';
  const lines = rows.map((row) => {
    const errors = Object.entries(row.errors).map(([code, count]) => `${code} ${count}`);
    const cells = [
      row.client,
      row.sent,
      row.failed,
      row.failedButExecuted,
      row.twice,
      row.connections,
      row.medianMs.toFixed(2),
      row.p99Ms.toFixed(2),
      errors.join(', '),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    `## ${race.title}`,
    '',
    `${workers} workers ${who}, ${rounds} ${method}s each, gaps ${gaps} ms.${beside}`,
    '',
    '| client | requests | lost | of these executed | executed twice | connections opened | median ms | 99 % ms | errors |',
    '|---|--:|--:|--:|--:|--:|--:|--:|---|',
    ...lines,
    '',
  ].join('\n');
}

const sections: string[] = [];
try {
  for (const race of races) {
    if (values.only !== undefined && !race.title.includes(values.only)) continue;
    const clients = (race.clients ?? usualClients).filter(isThere);
    const rows = new Map<string, Row[]>(clients.map((client) => [client, []]));
    try {
      for (let turn = 0; turn < turns; turn++) {
        for (const client of clients) rows.get(client)!.push(await runOnce(client, race));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      console.error(`${race.title}: left out, ${(error as Error).message}`);
      continue;
    }
    const table = tableOf(
      race,
      clients.map((client) => addUp(rows.get(client)!)),
    );
    console.log(table);
    const { note } = rows.get('holdfast')!.at(-1)!;
    if (note !== '') console.error(`holdfast: ${note}\n`);
    sections.push(table);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const versions = `Node ${process.version}, ${cpus().length} cores`;
const text = [
  '# The race for the idle timeout',
  '',
  'Clients that send a request just when the server closes an idle connection. The servers give no hint of their timeout, unless it is',
  'said. A POST must not be sent twice, so a client that is caught has lost it; what was executed is counted by the server, by request id.',
  '',
  'How a request can be lost though its gap was short: the server process is held up for the rest of its timeout, finds the timer',
  'expired before it looks at the request that waits in its kernel, and closes. The client sees a reset, which proves nothing, and no',
  'look at the socket could have foreseen it. So Holdfast reuses a connection for a POST only where what it knows of the timeout leaves',
  'a quarter of a second for such a stall, or as long as the server has lately needed to answer. A timeout of 20 ms never does, and each',
  'POST has a connection of its own. Requests that may be sent twice go on reusing (the race of GETs).',
  '',
  'The last race is what a server can do for the clients of others: announce less than it keeps. `node-global` is an Agent with the',
  'options of `http.globalAgent`, `go-2000` is Go with an IdleConnTimeout of 2 s. An Agent without `timeout` heeds no hint in this Node,',
  'and Go none at all: they are safe only from a server that keeps connections longer than they do (Go: 90 s; the default of ours is 95 s).',
  '',
  `Written by \`npm run race\`: ${turns} ${turns === 1 ? 'turn' : 'turns'} of every client in alternation, counts added up, times of the middle turn. ${versions}.`,
  '',
  ...sections,
].join('\n');
if (values.only === undefined && values.busy === '0') {
  mkdirSync('docs', { recursive: true });
  writeFileSync('docs/race.md', text);
}
