/**
 * `holdfast capture` beside tcpdump and dumpcap: the same real load (wrk against nginx on loopback) at stepped rates, one tool after
 * another with ring buffers of the same size, each into a file of its own:
 *
 *     npm run bench:capture [-- --seconds 3 --rounds 1 --buffer 8 --only holdfast,tcpdump --step 64k]
 *
 * In a network namespace of its own, so that nobody else's packets are on the wire. wrk paces itself by a pause between the requests of each
 * connection. Each line says how many packets were on the wire until wrk ended (the interface's own count; a few FINs may follow), what the
 * tool kept (read from its file), what it says the kernel dropped (for tcpdump and dumpcap both copies of a packet of loopback count), its own CPU
 * seconds with all its threads, and the size of its file. The first line of a step is the load without any tool: on two cores a tool costs the load
 * something.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { enterOwnNetwork } from 'holdfast/capture';
import { CaptureReader } from 'holdfast/packets';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '1' },
    /** MiB. */
    buffer: { type: 'string', default: '8' },
    only: { type: 'string' },
    step: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
});

const code = await enterOwnNetwork();
if (code !== null) process.exit(code);

const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-capture-'));
const bufferMebibytes = Number(values.buffer);

interface Step {
  readonly name: string;
  readonly connections: number;
  /** Between the answer and the next request on a connection. */
  readonly pauseMs: number;
  /** Bytes of a response's body; segments of loopback are up to 64 KiB. */
  readonly body: 'small' | '64k' | '1m';
  /** Bytes kept of each packet; all without it. */
  readonly snapLength?: number;
}

const steps: readonly Step[] = [
  { name: '32 ms pause', connections: 64, pauseMs: 32, body: 'small' },
  { name: '8 ms pause', connections: 64, pauseMs: 8, body: 'small' },
  { name: '4 ms pause', connections: 64, pauseMs: 4, body: 'small' },
  { name: '2 ms pause', connections: 64, pauseMs: 2, body: 'small' },
  { name: 'no pause', connections: 64, pauseMs: 0, body: 'small' },
  { name: '64k, 32 ms pause', connections: 64, pauseMs: 32, body: '64k' },
  { name: '64k, 8 ms pause', connections: 64, pauseMs: 8, body: '64k' },
  { name: '1m, heads only', connections: 64, pauseMs: 0, body: '1m', snapLength: 200 },
];

const bodyByteCounts = { small: 200, '64k': 65_536, '1m': 1_048_576 };

interface Tool {
  readonly name: string;
  command(port: number, file: string, snapLength: number): readonly string[];
  /** What it writes to standard error when it listens. */
  readonly listening: RegExp;
  /** What it says of drops at its end. */
  readonly dropped: RegExp;
}

const tools: readonly Tool[] = [
  {
    name: 'holdfast',
    command: (port, file, snapLength) => [
      process.execPath,
      'bin/holdfast.js',
      ...['capture', '-i', 'lo', '-B', `${bufferMebibytes}M`, '-s', String(snapLength), '-w', file, 'tcp', 'port', String(port)],
    ],
    listening: /^Capturing/m,
    dropped: /dropped by the kernel ([\d,]+)/,
  },
  {
    name: 'tcpdump',
    command: (port, file, snapLength) => [
      ...['tcpdump', '-i', 'lo', '-n', '-B', String(bufferMebibytes * 1024), '-s', String(snapLength), '-Z', 'root', '-w', file],
      ...['tcp', 'port', String(port)],
    ],
    listening: /listening on/,
    dropped: /(\d+) packets? dropped by kernel/,
  },
  {
    name: 'dumpcap',
    command: (port, file, snapLength) => [
      ...[
        'dumpcap',
        '-q',
        '-i',
        'lo',
        '-B',
        String(bufferMebibytes),
        '-s',
        String(snapLength),
        '-w',
        file,
        '-f',
        `tcp port ${port}`,
      ],
    ],
    listening: /^File:/m,
    dropped: /received\/dropped on interface .*: \d+\/(\d+) \(/,
  },
];

interface Line {
  readonly step: string;
  readonly tool: string;
  readonly requestsPerSecond: number;
  readonly onWire: number;
  readonly kept: number;
  readonly dropped: number;
  readonly cpuSeconds: number;
  readonly megabytes: number;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function startNginx(port: number): Promise<ChildProcess> {
  mkdirSync(join(folder, 'html'));
  for (const [name, byteCount] of Object.entries(bodyByteCounts))
    writeFileSync(join(folder, 'html', name), 'x'.repeat(byteCount));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`);
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; user root; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}; root ${folder}/html; } }
`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' });
  for (let tries = 0; tries < 100; tries += 1) {
    const up = await fetch(`http://127.0.0.1:${port}/small`).then(
      (response) => response.ok,
      () => false,
    );
    if (up) return child;
    await pause(50);
  }
  throw new Error('nginx does not answer');
}

/** Requests a second. */
async function load(port: number, step: Step): Promise<number> {
  const script = join(folder, 'pause.lua');
  writeFileSync(script, step.pauseMs === 0 ? '' : `function delay() return ${step.pauseMs} end\n`);
  const args = [
    '-t',
    '1',
    '-c',
    String(step.connections),
    '-d',
    values.seconds,
    '-s',
    script,
    `http://127.0.0.1:${port}/${step.body}`,
  ];
  const wrk = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  wrk.stdout.on('data', (data) => {
    text += data;
  });
  await once(wrk, 'close');
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1] ?? 0);
}

/** Packets that the loopback interface has received. */
function loopbackPackets(): number {
  const line = readFileSync('/proc/net/dev', 'utf8')
    .split('\n')
    .find((each) => each.trim().startsWith('lo:'))!;
  return Number(line.trim().split(/[:\s]+/)[2]);
}

/** User and system time of a process and its threads, in seconds. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function packetsIn(file: string): Promise<number> {
  const reader = new CaptureReader({ onSegment: () => {} });
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) reader.push(chunk);
  reader.end();
  return reader.packets;
}

async function measure(tool: Tool, step: Step, port: number): Promise<Line> {
  const file = join(folder, `${tool.name}.capture`);
  const [program, ...args] = tool.command(port, file, step.snapLength ?? 262_144);
  const child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (tool.listening.test(said)) resolve();
    });
    child.once('exit', () => reject(new Error(`${tool.name}: ${said}`)));
    child.once('error', reject);
  });
  const before = { cpu: cpuSeconds(child.pid!), packets: loopbackPackets() };
  const requestsPerSecond = await load(port, step);
  const onWire = loopbackPackets() - before.packets;
  // tcpdump hands out what it has once a second, and loses the rest when it is told to end.
  await pause(1500);
  const cpu = cpuSeconds(child.pid!) - before.cpu;
  child.kill('SIGINT');
  await once(child, 'close');
  const line: Line = {
    step: step.name,
    tool: tool.name,
    requestsPerSecond,
    onWire,
    kept: await packetsIn(file),
    dropped: Number((tool.dropped.exec(said)?.[1] ?? 'NaN').replaceAll(',', '')),
    cpuSeconds: cpu,
    megabytes: statSync(file).size / 1e6,
  };
  rmSync(file);
  return line;
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US');

function show(line: Line): void {
  const { step, tool, requestsPerSecond, onWire, kept, dropped, cpuSeconds: cpu, megabytes } = line;
  if (values.json) console.log(JSON.stringify(line));
  else
    console.log(
      [
        step.padEnd(16),
        tool.padEnd(9),
        count(requestsPerSecond).padStart(8),
        count(onWire).padStart(10),
        count(kept).padStart(10),
        count(dropped).padStart(9),
        cpu.toFixed(2).padStart(7),
        megabytes.toFixed(1).padStart(8),
      ].join(' '),
    );
}

async function main(): Promise<void> {
  const chosen = tools.filter(({ name }) => values.only === undefined || values.only.split(',').includes(name));
  const port = await freePort();
  const nginx = await startNginx(port);
  try {
    if (!values.json)
      console.log(
        `Buffers of ${bufferMebibytes} MiB, ${values.seconds} s of 64 connections\n` +
          'step             tool        req/s    on wire       kept   dropped   CPU s       MB',
      );
    for (const step of steps.filter(({ name }) => name.includes(values.step)))
      for (let round = 0; round < Number(values.rounds); round += 1) {
        const before = loopbackPackets();
        const requestsPerSecond = await load(port, step);
        const alone = { kept: 0, dropped: 0, cpuSeconds: 0, megabytes: 0, onWire: loopbackPackets() - before };
        show({ step: step.name, tool: '(none)', requestsPerSecond, ...alone });
        for (const tool of chosen) show(await measure(tool, step, port));
      }
  } finally {
    const ended = once(nginx, 'close');
    nginx.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
