/**
 * Records one example: starts tcpdump (or dumpcap, for pcapng), lets the scenario happen, and stops when the last packet is in
 * the file.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const largestExample = 60_000;
const quietMs = 400;

export interface Recording {
  /** File name in examples/; `.pcapng` is recorded by dumpcap (nanoseconds), `.gz` is compressed afterwards. */
  readonly file: string;
  readonly ports: readonly number[];
  readonly device?: string;
  readonly tcpdumpOptions?: readonly string[];
}

export async function record(
  { file, ports, device = 'lo', tcpdumpOptions = [] }: Recording,
  scenario: () => Promise<void>,
): Promise<void> {
  const path = `examples/${file.replace(/\.gz$/, '')}`;
  rmSync(path, { force: true });
  const filter = ports.map((port) => `tcp port ${port}`).join(' or ');
  const capture = path.endsWith('.pcapng')
    ? spawn('dumpcap', ['-q', '-i', device, '-s', '0', '-f', filter, '-w', path], { stdio: ['ignore', 'ignore', 'pipe'] })
    : spawn(
        'tcpdump',
        ['-i', device, '-U', '--immediate-mode', '-s', '0', '-n', '-Z', 'root', ...tcpdumpOptions, '-w', path, filter],
        {
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      );
  await untilCapturing(capture.stderr);
  try {
    await scenario();
    await untilQuiet(path);
  } finally {
    const ended = once(capture, 'exit');
    capture.kill('SIGINT');
    await ended;
  }
  if (file.endsWith('.gz')) {
    writeFileSync(`examples/${file}`, gzipSync(readFileSync(path), { level: 9 }));
    rmSync(path);
  }
  const { size } = statSync(`examples/${file}`);
  if (size > largestExample) throw new Error(`${file} has ${size} bytes; examples stay below ${largestExample}`);
  console.log(`${file}: ${size} bytes`);
}

async function untilCapturing(stderr: NodeJS.ReadableStream): Promise<void> {
  let text = '';
  stderr.setEncoding('utf8');
  await new Promise<void>((done, fail) => {
    stderr.on('data', (data: string) => {
      text += data;
      if (/listening on|^File: /m.test(text)) done();
    });
    stderr.once('end', () => fail(new Error(`the capture did not start: ${text}`)));
  });
}

async function untilQuiet(path: string): Promise<void> {
  for (let size = -1; ; ) {
    const now = statSync(path).size;
    if (now === size) return;
    size = now;
    await new Promise((done) => setTimeout(done, quietMs));
  }
}
