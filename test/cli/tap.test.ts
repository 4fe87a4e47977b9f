/** `holdfast tap` as a person runs it, between a server and clients of this test. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { after, test } from 'node:test';
import { holdfast, temporaryFile } from './run-command.js';

const server = createHttpServer((_, response) => response.end(Buffer.alloc(1000, 'x'))).listen(0, '127.0.0.1');
after(() => server.close());
await once(server, 'listening');
const serverPort = (server.address() as AddressInfo).port;

interface Running {
  readonly port: number;
  readonly child: ChildProcess;
  /** What it has written when it has ended. */
  readonly ended: Promise<{ code: number | null; out: string; errors: string }>;
}

async function startTap(parameters: readonly string[], to = `127.0.0.1:${serverPort}`): Promise<Running> {
  const child = spawn(process.execPath, ['bin/holdfast.js', 'tap', '--listen', '0', '--to', to, ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' },
  });
  after(() => child.kill('SIGKILL'));
  let out = '';
  let errors = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  const listening = new Promise<number>((resolve) => {
    child.stderr.on('data', (text) => {
      errors += text;
      const port = /^127\.0\.0\.1:(\d+) is relayed/m.exec(errors)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, errors }));
  return { port: await listening, child, ended };
}

/** Status, or the error's code. */
const ask = (port: number, path = '/'): Promise<number | string> =>
  new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
      response.on('end', () => resolve(response.statusCode ?? 0)).resume();
    }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });

test('a line for each connection as it ends, and the summary at the end', async () => {
  const { port, ended } = await startTap(['--count', '2']);
  assert.deepEqual([await ask(port, '/one'), await ask(port, '/two')], [200, 200]);
  const { code, out, errors } = await ended;
  assert.equal(code, 0);
  assert.equal(errors, `127.0.0.1:${port} is relayed to 127.0.0.1:${serverPort}. Ctrl-C ends it.\n`);
  assert.match(out, /^ +# +opened s +client → server +req +life +ended$/m);
  assert.match(out, new RegExp(`^ +#0 .* → .*:${serverPort} +1 .*(client|server) FIN, announced$`, 'm'));
  assert.match(out, /^Both requests were answered, and no fault was found\.$/m);
  assert.match(out, /^2 connections, 2 requests, 2 responses\./m);
  assert.doesNotMatch(out, /packet/);
});

test('an injected fault is told where it happens, and again at the end', async () => {
  const { port, ended } = await startTap(['--reset-after', '600@2', '--count', '2']);
  assert.equal(await ask(port), 200);
  assert.equal(await ask(port), 'ECONNRESET');
  const { out, errors } = await ended;
  assert.match(errors, /^#1 reset: a RST to both sides$/m);
  assert.match(out, /^ +#1 .*server RST, (response )?cut$/m);
  assert.match(out, /^ {2}Injected +reset #1$/m);
  assert.doesNotMatch(out, /packet 0/);
});

test('a signal ends it with the summary', async () => {
  const { port, child, ended } = await startTap([]);
  assert.equal(await ask(port), 200);
  child.kill('SIGINT');
  const { code, out } = await ended;
  assert.equal(code, 0);
  assert.match(out, /1 connection, 1 request, 1 response\./);
  const idle = await startTap([]);
  idle.child.kill('SIGTERM');
  assert.match((await idle.ended).out, /^No client connected\. Point it at 127\.0\.0\.1:\d+ instead of 127\.0\.0\.1:\d+\.\n$/);
});

test('--ndjson is a connection a line, --json one object', async () => {
  const lines = await startTap(['--ndjson', '--count', '1']);
  await ask(lines.port, '/path');
  const [connection, report, ...more] = (await lines.ended).out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(more, []);
  assert.deepEqual([connection.id, connection.exchanges[0].target, connection.exchanges[0].status], [0, '/path', 200]);
  assert.deepEqual([report.source.format, report.totals.connections], ['tap', 1]);
  const whole = await startTap(['--json', '--count', '1', '--side', 'server']);
  await ask(whole.port);
  const told = JSON.parse((await whole.ended).out);
  assert.equal(told.schema, 'holdfast.report.v1');
  assert.match(told.source.name, /as the server sees it$/);
  assert.ok(told.connections[0].handshakeMs > 0, 'the relay has opened that connection itself');
});

test('--html writes a page', async () => {
  const file = temporaryFile('tap.html', '');
  const { port, ended } = await startTap(['--html', file, '--count', '1']);
  await ask(port, '/on-the-page');
  assert.match((await ended).errors, /tap\.html written/);
  const page = readFileSync(file, 'utf8');
  assert.match(page, /on-the-page/);
  assert.match(page, /<\/html>\s*$/);
});

test('a server that cannot be reached is named with whose matter it is', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port: nobody } = free.address() as AddressInfo;
  free.close();
  await once(free, 'close');
  const { port, ended } = await startTap(['--count', '1'], `127.0.0.1:${nobody}`);
  assert.equal(await ask(port), 'ECONNRESET');
  const { out } = await ended;
  assert.match(out, new RegExp(`^ +127\\.0\\.0\\.1:${nobody} refuses connections: nothing listens there `, 'm'));
  assert.match(out, /^ +#0 .* refused$/m);
  assert.doesNotMatch(out, /nothing is wrong/);
});

test('a port that is taken, and what makes no sense', () => {
  const taken = holdfast(['tap', '--listen', String(serverPort), '--to', '127.0.0.1:9']);
  assert.equal(taken.code, 2);
  assert.match(
    taken.errors,
    new RegExp(`^holdfast: port ${serverPort} of 127\\.0\\.0\\.1 is taken\\n {2}holdfast sockets :${serverPort} `),
  );
  const refused: [string[], RegExp][] = [
    [['--listen', 'x'], /It is HOST:PORT, or \[IPv6\]:PORT/],
    [['--cut-after', '5q'], /A moment is a time \(5s, 2min\), bytes/],
    [['--cut-after', '5s@0'], /A connection is a whole number/],
    [['--cut-after', '5s@200%'], /A chance is from/],
    [['--cut-after', '5s@1@2'], /one @ at the most/],
    [['--json', '--ndjson'], /choose one of/],
  ];
  for (const [parameters, message] of refused) {
    const { code, errors } = holdfast(['tap', '--listen', '0', '--to', '127.0.0.1:9', ...parameters]);
    assert.equal(code, 2);
    assert.match(errors, message);
  }
});
