/**
 * Records the pairs of captures that the comparison is tested with: curl and nginx, with the same traffic captured by tcpdump where the
 * client is and where the server is, and between them a way that loses packets, translates addresses and forges a reset. What the way did
 * is written beside the captures.
 *
 * Needs root, a network namespace of its own, /dev/net/tun, go, tcpdump, curl and nginx.
 *
 *     node .test-out/scripts/record-two-points.js
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { gzipSync } from 'node:zlib';

interface Play {
  readonly name: string;
  readonly oneWayMs: number;
  readonly lostOf1000: number;
  readonly translate: boolean;
  readonly requests: number;
  readonly pathOf: (index: number) => string;
  /** The client is sent a forged reset while a response is under way. */
  readonly forgeReset: boolean;
}

const plays: readonly Play[] = [
  { name: 'lossy', oneWayMs: 10, lostOf1000: 80, translate: false, requests: 12, pathOf: () => '/large', forgeReset: false },
  { name: 'translated', oneWayMs: 5, lostOf1000: 30, translate: true, requests: 6, pathOf: () => '/large', forgeReset: false },
  { name: 'forged', oneWayMs: 20, lostOf1000: 0, translate: false, requests: 2, pathOf: () => '/slow', forgeReset: true },
];

const outFolder = 'test/packets/two-points';
const mostBytes = 90_000;

async function play({ name, oneWayMs, lostOf1000, translate, requests, pathOf, forgeReset }: Play): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-two-points-'));
  const started: ChildProcess[] = [];
  const start = (command: string, ...options: string[]): ChildProcess => {
    const child = spawn(command, options, { stdio: ['pipe', 'pipe', 'pipe'] });
    started.push(child);
    return child;
  };
  try {
    const farSide = start('unshare', '-n', 'sleep', '120');
    const inFar = ['-t', String(farSide.pid), '-n'];
    await untilTrue(() => namespaceOf(farSide.pid!) !== namespaceOf(process.pid));
    execFileSync('go', ['build', '-o', join(folder, 'way'), 'scripts/recording/way/way.go'], { stdio: 'inherit' });
    const options = [oneWayMs, farSide.pid!, lostOf1000, translate ? 'nat' : 'plain'].map(String);
    const way = start(join(folder, 'way'), ...options);
    const wayLines = createInterface(way.stdout!);
    await line(wayLines);
    writeFileSync(join(folder, 'nginx.conf'), nginxConfiguration(folder));
    writeFileSync(join(folder, 'large'), 'holdfast '.repeat(2000));
    start('nsenter', ...inFar, 'nginx', '-c', join(folder, 'nginx.conf'), '-e', 'stderr');
    const captures = [
      start(
        'tcpdump',
        '-i',
        'holdfast0',
        '-s',
        '96',
        '-U',
        '--immediate-mode',
        '-Z',
        'root',
        '-w',
        join(folder, 'client.pcap'),
        'tcp',
      ),
      start(
        'nsenter',
        ...inFar,
        'tcpdump',
        '-i',
        'holdfast1',
        '-s',
        '96',
        '-U',
        '-Z',
        'root',
        '-w',
        join(folder, 'server.pcap'),
        'tcp',
      ),
    ];
    const said = await Promise.all(captures.map(untilCapturing));
    for (let index = 0; index < requests; index++) {
      const client = start('curl', '-s', '-o', join(folder, 'got'), '--retry', '0', `http://10.9.0.2${pathOf(index)}`);
      const ended = once(client, 'exit');
      if (forgeReset && index === 1) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        way.stdin!.write('reset\n');
        await line(wayLines);
      }
      await ended;
    }
    await new Promise((resolve) => setTimeout(resolve, 3000));
    for (const capture of captures) await stop(capture, 'SIGINT');
    for (const words of said) {
      const [, captured, received] = /(\d+) packets? captured\s+(\d+) packets? received/.exec(words()) ?? [];
      if (captured === undefined || captured !== received) throw new Error(`${name}: a capture is not whole: ${words()}`);
    }
    way.stdin!.write('end\n');
    const truth = JSON.parse(await line(wayLines)) as unknown;
    mkdirSync(outFolder, { recursive: true });
    for (const side of ['client', 'server']) {
      const packed = gzipSync(readFileSync(join(folder, `${side}.pcap`)), { level: 9 });
      if (packed.length > mostBytes) throw new Error(`${name}-${side}: ${packed.length} bytes`);
      writeFileSync(`${outFolder}/${name}-${side}.pcap.gz`, packed);
      console.log(`${name}-${side}.pcap.gz: ${packed.length} bytes`);
    }
    writeFileSync(`${outFolder}/${name}.json`, `${JSON.stringify(truth)}\n`);
  } finally {
    for (const child of started.reverse()) await stop(child, 'SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
}

const nginxConfiguration = (folder: string): string => `
daemon off; pid ${folder}/nginx.pid; error_log stderr; events {}
http {
  access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server {
    listen 10.9.0.2:80;
    location / { root ${folder}; }
    location = /slow { alias ${folder}/large; limit_rate 8k; }
  }
}`;

const namespaceOf = (pid: number): string => execFileSync('readlink', [`/proc/${pid}/ns/net`], { encoding: 'utf8' });

async function line(lines: Interface): Promise<string> {
  const [text] = (await once(lines, 'line')) as [string];
  return text;
}

/** Gathers what a capture says; gives a function that tells it. */
async function untilCapturing(child: ChildProcess): Promise<() => string> {
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await untilTrue(() => said.includes('listening on'));
  return () => said;
}

async function untilTrue(test: () => boolean): Promise<void> {
  while (!test()) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

if (process.argv[2] === '--here') {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  await play(plays.find(({ name }) => name === process.argv[3])!);
} else {
  for (const { name } of plays) {
    execFileSync('unshare', ['-n', process.execPath, process.argv[1]!, '--here', name], { stdio: 'inherit', timeout: 120_000 });
  }
}
