/**
 * The race for the idle timeout: clients that POST just when the server closes. Who loses requests, who sends them twice, and what
 * does it cost? Runs every client against every server, one after another in turns, and writes docs/race.md.
 *
 *     npm run race [-- --turns 3]
 *
 * What counts is what the server has executed, by request id. "Always a fresh connection" is no answer: the table says how many
 * connections each client opened and how long its POSTs took, and one workload has gaps well below the timeout.
 * Needs `go` and `nginx` for their rows; rows that cannot be run are left out and said to be.
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
}

const { values } = parseArgs({ options: { turns: { type: 'string', default: '3' } } });
const turns = Number(values.turns);
const folder = mkdtempSync(join(tmpdir(), 'holdfast-race-'));
const here = import.meta.dirname;
const goProgram = buildGo();
const clients = ['holdfast', 'node', 'undici', ...(goProgram === null ? [] : ['go'])];

const crossing = { workers: 40, rounds: 60, gapMs: [18, 22], pools: 'own' } as const;
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
    title: 'node:http server, 20 ms; gaps well below the timeout',
    workload: { ...crossing, gapMs: [4, 8] },
    server: () => nodeServer('node', 20),
  },
  {
    title: 'nginx, keepalive_timeout 1s',
    workload: { workers: 400, rounds: 8, gapMs: [994, 1004], pools: 'own' },
    server: () => startNginx(folder, '1s'),
  },
  {
    title: 'nginx, keepalive_timeout 1s; gaps below the timeout',
    workload: { workers: 400, rounds: 8, gapMs: [500, 800], pools: 'shared' },
    server: () => startNginx(folder, '1s'),
  },
];

const nodeServer = (kind: string, idleTimeoutMs: number): Promise<RacingServer> =>
  startServer(process.execPath, [join(here, 'race-server.js'), kind, String(idleTimeoutMs)]);

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
    client === 'go' ? [goProgram!, ['client', json]] : [process.execPath, [join(here, 'race-caller.js'), client, json]];
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
  const { workers, rounds, gapMs, pools } = race.workload;
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
    `${workers} workers ${who}, ${rounds} POSTs each, gaps ${gapMs[0]}–${gapMs[1]} ms.`,
    '',
    '| client | POSTs | lost | of these executed | executed twice | connections opened | median ms | 99 % ms | errors |',
    '|---|--:|--:|--:|--:|--:|--:|--:|---|',
    ...lines,
    '',
  ].join('\n');
}

const sections: string[] = [];
try {
  for (const race of races) {
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
mkdirSync('docs', { recursive: true });
writeFileSync(
  'docs/race.md',
  [
    '# The race for the idle timeout',
    '',
    'Clients that POST just when the server closes an idle connection. The servers give no hint of their timeout. A POST must not be',
    'sent twice, so a client that is caught has lost it; what was executed is counted by the server, by request id.',
    '',
    'One loss no reusing client can exclude: a server process that is held up for its whole timeout finds the timer expired before it',
    'looks at the request that waits, however short the gap was. On a machine that is overloaded the row of the shared pool shows it from',
    'time to time for every client; after the first stall that it sees, Holdfast takes fresh connections until the origin is quick again.',
    '',
    `Written by \`npm run race\`: ${turns} turns of every client in alternation, counts added up, times of the middle turn. ${versions}.`,
    '',
    ...sections,
  ].join('\n'),
);
