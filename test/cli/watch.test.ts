/** `holdfast watch` off a terminal: lines and NDJSON from a capture that is played again, and what it refuses. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { captureOf, conversation, holdfast, temporaryFile } from './run-command.js';

const fast = ['--speed', '100000'];
const capture = temporaryFile(
  'watched.pcap',
  captureOf(
    conversation({ clientPort: 40_001 }),
    conversation({ clientPort: 40_002, startSeconds: 3, ending: 'reset', target: '/\u001b]0;owned\u0007' }),
    conversation({ clientPort: 40_003, serverPort: 9090, startSeconds: 8 }),
  ),
);

test('off a terminal: a line for each ended connection, findings, then the summary', () => {
  const { code, out, errors } = holdfast(['watch', '--read', capture, ...fast]);
  assert.equal(errors, '');
  assert.equal(code, 0);
  const lines = out.split('\n');
  assert.match(lines[0]!, /opened s.*life.*ended/);
  assert.equal(lines.filter((line) => /^ *#\d/.test(line)).length, 3);
  assert.match(out, /^bad {6}/m);
  assert.match(out, /3 connections, 3 requests, 2 responses/);
  assert.doesNotMatch(out.replaceAll('\n', ''), /\p{Cc}/u);
});

test('--ndjson: connections, findings, and last the report', () => {
  const { out } = holdfast(['watch', '--read', capture, ...fast, '--ndjson']);
  const values = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(values.filter(({ id, ending }) => id !== undefined && ending !== undefined).length, 3);
  assert.ok(values.some(({ finding }) => finding?.level === 'bad'));
  assert.equal(values.at(-1).schema, 'holdfast.report.v1');
  assert.equal(values.at(-1).totals.connections, 3);
});

test('a capture that is watched gives the totals that explain gives', () => {
  const last = (out: string) => JSON.parse(out.trim().split('\n').at(-1)!);
  const watched = last(holdfast(['watch', '--read', capture, ...fast, '--ndjson']).out);
  const explained = last(holdfast(['explain', capture, '--ndjson']).out);
  assert.deepEqual(watched.totals, explained.totals);
  assert.deepEqual(watched.findings, explained.findings);
});

test('--port and --filter choose', () => {
  const { out } = holdfast(['watch', '--read', capture, ...fast, '--port', '9090']);
  assert.match(out, /1 connection \(port 9090\)/);
  const filtered = holdfast(['watch', '--read', capture, ...fast, '--filter', 'tcp.flags.reset == 1']);
  assert.match(filtered.out, /1 connection \(tcp\.flags\.reset == 1\)/);
});

test('standard input may be watched', () => {
  const { out, code } = holdfast(['watch', '--read', '-', ...fast], { input: captureOf(conversation()) });
  assert.equal(code, 0);
  assert.match(out, /1 connection, 1 request, 1 response/);
});

const refusals: readonly (readonly [name: string, parameters: readonly string[], says: RegExp])[] = [
  ['a file that is not there', ['--read', '/nowhere.pcap'], /nowhere\.pcap/],
  ['a filter that is none', ['--read', '/nowhere.pcap', '--filter', 'nonsense =='], /in the filter/],
  ['a speed for a wire', ['--speed', '2'], /--speed is for --read/],
  ["tcpdump's words for a file", ['--read', '/nowhere.pcap', 'port', '80'], /--filter/],
  ['a process for a file', ['--read', '/nowhere.pcap', '--pid', '1'], /knows no processes/],
  ['a process that is not there', ['--process', 'no-such-program-anywhere'], /no process named no-such-program-anywhere/],
  ['no speed at all', ['--read', '/nowhere.pcap', '--speed', '0'], /above 0/],
];
for (const [name, parameters, says] of refusals) {
  test(`${name} is refused in one sentence`, () => {
    const { code, errors, out } = holdfast(['watch', ...parameters]);
    assert.equal(code, 2);
    assert.match(errors, says);
    assert.equal(out, '');
  });
}

/** One slow capture: ten minutes of silence between two conversations. */
const long = temporaryFile(
  'long.pcap',
  captureOf(conversation({ clientPort: 40_001 }), conversation({ clientPort: 40_002, startSeconds: 600 })),
);

/** And one of half a minute. */
const two = temporaryFile(
  'two.pcap',
  captureOf(conversation({ clientPort: 40_001 }), conversation({ clientPort: 40_002, startSeconds: 30 })),
);

function begin(parameters: readonly string[]) {
  const child = spawn(process.execPath, ['bin/holdfast.js', 'watch', ...parameters], {
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  return {
    child,
    out: () => out,
    errors: () => errors,
    /** Waits until the output matches. */
    async says(pattern: RegExp): Promise<void> {
      while (!pattern.test(out)) {
        assert.equal(child.exitCode, null, `ended too early: ${out}${errors}`);
        await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
      }
    },
  };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends it with the summary of what was seen`, async () => {
    const run = begin(['--read', long, '--speed', '20']);
    await run.says(/^ *#0 /m);
    run.child.kill(signal);
    const [code] = await once(run.child, 'close');
    assert.equal(code, 0, run.errors());
    assert.match(run.out(), /1 request, 1 response/);
  });
}

test('a reader that has gone ends it', async () => {
  const run = begin(['--read', two, '--speed', '20', '--ndjson']);
  await run.says(/"id":0/);
  run.child.stdout.destroy();
  // The next line meets the closed pipe; a signal would end it otherwise, so that it has to be the line.
  const [code, signal] = await once(run.child, 'exit');
  assert.equal(signal, null);
  assert.equal(code, 0);
});

test('the connections of a process, on a live wire', async (t) => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return t.skip('capturing needs root on Linux');
  const server = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
  const other = createServer((_request, response) => response.end('other')).listen(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(other, 'listening')]);
  const [port, otherPort] = [server, other].map((one) => (one.address() as AddressInfo).port) as [number, number];
  const run = begin(['-i', 'lo', '--pid', String(process.pid), '--port', String(port), '--ndjson']);
  const get = (port: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      request({ port, host: '127.0.0.1', agent: false }, (response) => response.resume().on('end', resolve))
        .on('error', reject)
        .end();
    });
  let ended = false;
  const told = run.says(/"ending"/).finally(() => {
    ended = true;
  });
  // Until the capture has begun nothing is seen, and nothing says when it has.
  while (!ended) await Promise.all([get(port), get(otherPort), new Promise((resolve) => setTimeout(resolve, 100))]);
  await told;
  run.child.kill('SIGINT');
  const [code] = await once(run.child, 'close');
  server.close();
  other.close();
  assert.equal(code, 0, run.errors());
  const connections = run
    .out()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ id }) => id !== undefined);
  assert.ok(connections.length > 0);
  for (const { server: end } of connections) assert.equal(end, `127.0.0.1:${port}`);
});

test('an interface that is not there is named', (t) => {
  if (process.getuid?.() !== 0) return t.skip('capturing needs root');
  const { code, errors } = holdfast(['watch', '-i', 'no-such-interface-0']);
  assert.equal(code, 2);
  assert.match(errors, /no-such-interface-0/);
});

test('who may not capture is told the way out, which names this command', (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can become somebody else');
  const nobody = 65_534;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/holdfast.js', 'watch', '-i', 'lo'], {
    uid: nobody,
    gid: nobody,
    env: { PATH: process.env.PATH ?? '', NODE_V8_COVERAGE: '' },
  });
  if (/EACCES|MODULE_NOT_FOUND/.test(stderr.toString())) return t.skip('nobody may not read this folder');
  assert.equal(status, 2);
  assert.equal(stdout.toString(), '');
  assert.match(stderr.toString(), /may not capture[\s\S]*sudo holdfast watch/);
});
