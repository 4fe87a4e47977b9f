/**
 * Records one capture: starts tcpdump (or dumpcap, for pcapng), lets the scenario happen, and stops when the last packet is in
 * the file.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const quietMs = 400;

export interface Recording {
  /** File name in the folder; `.pcapng` is recorded by dumpcap (nanoseconds), `.gz` is compressed afterwards. */
  readonly file: string;
  /** Default: examples. */
  readonly folder?: string;
  /** A larger file is a mistake. Default: 60,000. */
  readonly mostBytes?: number;
  readonly ports: readonly number[];
  readonly device?: string;
  readonly tcpdumpOptions?: readonly string[];
}

export async function record(
  { file, folder = 'examples', mostBytes = 60_000, ports, device = 'lo', tcpdumpOptions = [] }: Recording,
  scenario: () => Promise<void>,
): Promise<void> {
  const path = `${folder}/${file.replace(/\.gz$/, '')}`;
  rmSync(path, { force: true });
  const filter = ports.map((port) => `tcp port ${port}`).join(' or ');
  const capture = path.endsWith('.pcapng')
    ? spawn('dumpcap', ['-q', '-i', device, '-s', '0', '-f', filter, '-w', path], { stdio: ['ignore', 'ignore', 'pipe'] })
    : spawn(
        'tcpdump',
        [
          '-i',
          device,
          '-U',
          '--immediate-mode',
          '-s',
          '0',
          '-n',
          '-Z',
          'root',
          '-B',
          '16384',
          ...tcpdumpOptions,
          '-w',
          path,
          filter,
        ],
        {
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      );
  let said = '';
  capture.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await untilCapturing(capture, () => said);
  try {
    await scenario();
    await untilQuiet(path);
  } finally {
    const ended = once(capture, 'exit');
    capture.kill('SIGINT');
    await ended;
  }
  // tcpdump: "3 packets dropped by kernel"; dumpcap: "Packets received/dropped on interface 'lo': 40/3 (…)".
  if (/[1-9]\d* packets? dropped by kernel|: \d+\/[1-9]/.test(said)) throw new Error(`${file}: packets were lost: ${said}`);
  if (file.endsWith('.gz')) {
    writeFileSync(`${folder}/${file}`, gzipSync(readFileSync(path), { level: 9 }));
    rmSync(path);
  }
  const { size } = statSync(`${folder}/${file}`);
  if (size > mostBytes) throw new Error(`${file} has ${size} bytes; it has to stay below ${mostBytes}`);
  console.log(`${file}: ${size} bytes`);
}

async function untilCapturing(capture: ChildProcess, said: () => string): Promise<void> {
  while (!/listening on|^File: /m.test(said())) {
    if (capture.exitCode !== null) throw new Error(`the capture did not start: ${said()}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

async function untilQuiet(path: string): Promise<void> {
  for (let size = -1; ; ) {
    const now = statSync(path).size;
    if (now === size) return;
    size = now;
    await new Promise((done) => setTimeout(done, quietMs));
  }
}
