/** `holdfast capture` as a person runs it, in a network namespace of its own. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { readWritten } from '../capture/own-pcapng.js';
import { startServer, talk, told, whyNoProgram, whyNoRing } from '../capture/own-traffic.js';

const noRing = await whyNoRing();
const noProgram = noRing ?? (await whyNoProgram());
const onRing = { skip: noRing ?? false };

const folder = mkdtempSync(join(tmpdir(), 'holdfast-capture-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const program = resolve('bin/holdfast.js');

interface Running {
  readonly child: ChildProcess;
  said(): string;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly output: Promise<Buffer>;
}

/** Begins a capture in the folder; resolves when it listens, or has ended. */
async function start(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Running> {
  const child = spawn(process.execPath, [program, 'capture', ...words], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let said = '';
  const output: Buffer[] = [];
  child.stdout!.on('data', (chunk: Buffer) => output.push(chunk));
  const closed = once(child, 'close');
  const ended = closed.then(() => child.exitCode ?? child.signalCode);
  await new Promise<void>((listening) => {
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('Ctrl-C ends it')) listening();
    });
    closed.then(() => listening());
  });
  return { child, said: () => said, ended, output: closed.then(() => Buffer.concat(output)) };
}

const read = (name: string): Buffer => readFileSync(join(folder, name));

for (const [signal, how] of [
  ['SIGINT', 'ring'],
  ['SIGTERM', 'ring'],
  ['SIGHUP', 'ring'],
  ['SIGINT', 'program'],
] as const) {
  test(`${signal} ends it with a complete file and the counts (${how})`, {
    skip: (how === 'ring' ? noRing : noProgram) ?? false,
  }, async () => {
    const server = await startServer();
    const name = `${signal}-${how}.pcapng`;
    const running = await start(['-i', 'lo', '-w', name, '--by', how, 'tcp', 'port', String(server.port)]);
    await talk(server.port, 3, 2);
    running.child.kill(signal);
    assert.equal(await running.ended, 0, running.said());
    await server.close();
    const { totals, packets, problems } = told(read(name));
    assert.deepEqual([totals.connections, totals.requests, totals.fins, problems], [3, 6, 6, 0]);
    assert.equal(readWritten(read(name)).types.at(-1), 5);
    assert.match(
      running.said(),
      new RegExp(`kept ${packets}, dropped by the kernel 0, dropped by holdfast 0\nNext: holdfast explain ${name}\n$`),
    );
  });
}

test('SIGKILL leaves a file that can be read', onRing, async () => {
  const server = await startServer();
  const running = await start(['-i', 'lo', '-w', 'killed.pcapng', 'port', String(server.port)]);
  await talk(server.port, 1, 1);
  while (readWritten(read('killed.pcapng')).packets.length === 0) await new Promise((done) => setTimeout(done, 5));
  running.child.kill('SIGKILL');
  assert.equal(await running.ended, 'SIGKILL');
  await server.close();
  assert.equal(told(read('killed.pcapng')).problems, 0);
});

test('without -w the file has a name of its own, and the next command is said', onRing, async () => {
  const server = await startServer();
  const running = await start(['-c', '5', 'port', String(server.port)]);
  await talk(server.port, 1, 1);
  assert.equal(await running.ended, 0);
  await server.close();
  const [, name] = /Next: holdfast explain (holdfast-any-\d{8}-\d{6}\.pcapng)\n/.exec(running.said()) ?? [];
  assert.ok(name !== undefined, running.said());
  assert.equal(readWritten(read(name)).packets.length, 5);
});

for (const how of ['ring', 'program'] as const) {
  test(`-w - writes pcapng to standard output (${how})`, { skip: (how === 'ring' ? noRing : noProgram) ?? false }, async () => {
    const server = await startServer();
    const running = await start(['-i', 'lo', '--by', how, '-w', '-', '-c', '8', 'port', String(server.port)]);
    await talk(server.port, 1, 2);
    assert.equal(await running.ended, 0, running.said());
    await server.close();
    assert.equal(readWritten(await running.output).packets.length, 8);
  });
}

test('files are rotated, and each is complete', onRing, async () => {
  const server = await startServer();
  const options = ['-i', 'lo', '-w', 'night.pcapng', '--rotate-size', '64k', '--files', '2', 'port', String(server.port)];
  const running = await start(options);
  await talk(server.port, 50, 20);
  running.child.kill('SIGTERM');
  assert.equal(await running.ended, 0);
  await server.close();
  const names = readdirSync(folder).filter((name) => name.startsWith('night_'));
  assert.equal(names.length, 2);
  for (const name of names) {
    assert.ok(read(name).length <= 64 * 1024);
    assert.equal(readWritten(read(name)).types.at(-1), 5);
  }
  assert.match(running.said(), /in \d+ files, the last of them night_\d{5}_\d{14}\.pcapng/);
});

test('it ends when its time is over', onRing, async () => {
  const running = await start(['-i', 'lo', '-w', 'short.pcapng', '--duration', '50ms', 'port', '9']);
  assert.equal(await running.ended, 0);
  assert.match(running.said(), /0 packets .*\n.*\n {2}Nothing came by; without -i lo all interfaces are listened to\.\n/);
});

test('a disk that is full ends it by name, and the file is complete', onRing, async (context) => {
  const small = join(folder, 'small');
  spawnSync('mkdir', [small]);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small], { encoding: 'utf8' });
  if (mounted.status !== 0) return context.skip(`no file system of our own: ${mounted.stderr}`);
  try {
    const server = await startServer();
    const running = await start(['-i', 'lo', '-w', 'small/full.pcapng', '--leave-free', '0', 'port', String(server.port)]);
    const talking = talk(server.port, 200, 5);
    assert.equal(await running.ended, 2);
    await talking;
    await server.close();
    assert.match(running.said(), /holdfast: no room is left for small\/full\.pcapng\n {2}./);
    const { packets } = readWritten(read('small/full.pcapng'));
    assert.ok(packets.length > 0);
    assert.match(running.said(), new RegExp(`kept ${packets.length.toLocaleString('en-US')}, `));
  } finally {
    spawnSync('umount', [small]);
  }
});

test('it ends while the disk has something left', onRing, async () => {
  const server = await startServer();
  const running = await start(['-i', 'lo', '-w', 'left.pcapng', '--leave-free', '1000000G', 'port', String(server.port)]);
  const talking = talk(server.port, 1, 1);
  assert.equal(await running.ended, 2);
  await talking;
  await server.close();
  assert.match(running.said(), /holdfast: left\.pcapng: the disk has less than \d+ MB left, so the capture ends\n {2}./);
  assert.equal(readWritten(read('left.pcapng')).types.at(-1), 5);
});

test('what cannot be is refused in one sentence, with exit code 2', onRing, async () => {
  for (const [words, text] of [
    [['-i', 'nothing0'], /^holdfast: there is no interface nothing0\n$/],
    [['-w', 'no/where.pcapng'], /^holdfast: cannot write no\/where\.pcapng: no such folder\n$/],
    [['port'], /^holdfast: in the filter, .* at character 5\n {2}port\n {6}\^\n$/],
    [['-w', '-', '--rotate-size', '1M'], /standard output has no files/],
    [['--files', '3'], /--files belongs to/],
    [['--buffer', '1k'], /--buffer is from 1M to 1G/],
    [['--ssh', '-oProxyCommand=x'], /-oProxyCommand=x is no host/],
  ] as const) {
    const running = await start(words);
    assert.equal(await running.ended, 2, words.join(' '));
    assert.match(running.said(), text);
  }
});

test('without the right one message says the ways out', async (context) => {
  if (process.geteuid?.() !== 0) return context.skip('only root can become nobody');
  const words = ['--reuid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all', process.execPath, program];
  // nobody may not write where coverage is gathered.
  const env = { ...process.env, NODE_V8_COVERAGE: '' };
  const run = spawnSync('setpriv', [...words, 'capture', 'port', '80'], { cwd: '/', encoding: 'utf8', env });
  const { status, stderr, error } = run;
  if (error !== undefined) return context.skip(`no setpriv: ${error.message}`);
  assert.equal(status, 2);
  assert.match(stderr, /^holdfast: (the user nobody may not capture packets|nothing here can capture)/);
  assert.match(stderr, /\n {2}sudo holdfast capture/);
});

test('over ssh it is the tcpdump of there, without the ssh connection itself', { skip: noProgram ?? false }, async () => {
  const fake = join(folder, 'ssh');
  // As sshd would run it: a shell with the connection's ends in its environment.
  writeFileSync(fake, '#!/bin/sh\nshift 3\nSSH_CONNECTION="127.0.0.1 $OWN_PORT 127.0.0.1 $OWN_PEER" exec sh -c "$*"\n');
  chmodSync(fake, 0o755);
  const [server, sshServer] = [await startServer(), await startServer()];
  const ssh = connect(sshServer.port, '127.0.0.1');
  await once(ssh, 'connect');
  const environment = {
    PATH: `${folder}:${process.env.PATH}`,
    OWN_PORT: String(ssh.localPort),
    OWN_PEER: String(sshServer.port),
  };
  const running = await start(['--ssh', "web1's", '-i', 'lo', '-w', 'far.pcapng', 'tcp'], environment);
  ssh.write('GET /keystroke HTTP/1.1\r\n\r\n');
  await once(ssh, 'data');
  await talk(server.port, 2, 2);
  running.child.kill('SIGTERM');
  assert.equal(await running.ended, 0, running.said());
  ssh.destroy();
  assert.equal(told(read('far.pcapng')).totals.requests, 4);
  assert.match(running.said(), /^Capturing \(lo of web1's, tcpdump over ssh\)/);
  const failed = await start(['--ssh', 'web1', '-i', 'nothing0', '-w', 'none.pcapng'], environment);
  assert.equal(await failed.ended, 2);
  assert.match(failed.said(), /^holdfast: web1: there is no such interface/);
  await Promise.all([server.close(), sshServer.close()]);
});
