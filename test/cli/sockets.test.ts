/** `holdfast sockets` as a person runs it: beside real sockets on a loopback address of its own. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { connected, connecting, deafListener, listen, loopback, portOf, until } from '../capture/socket-states.js';
import { holdfast } from './run-command.js';

const skip = process.platform !== 'linux' && 'only Linux has these tables';

/** A server with two connections, one of which the other side has closed. */
async function conversation(): Promise<number> {
  let accepted = 0;
  const server = await listen(() => {
    accepted++;
  });
  await connected(portOf(server));
  const closing = await connected(portOf(server));
  await until(() => accepted === 2);
  closing.end();
  await once(closing, 'finish');
  await until(() => look(portOf(server)).sockets.some(({ state }) => state === 'CLOSE_WAIT'));
  return portOf(server);
}

interface Report {
  readonly schema: string;
  readonly source: string;
  readonly headline: string;
  readonly missing: readonly string[];
  readonly totals: { readonly sockets: number };
  readonly peers: readonly object[];
  readonly findings: readonly { readonly rule: string }[];
  readonly sockets: readonly {
    readonly state: string;
    readonly local: string;
    readonly owners: readonly { readonly pid: number }[] | null;
  }[];
}

const look = (port: number, ...more: string[]): Report =>
  JSON.parse(holdfast(['sockets', `${loopback}:${port}`, '--json', ...more]).out);

test('the first line answers', { skip }, async () => {
  const port = await conversation();
  const { code, out, errors } = holdfast(['sockets', `${loopback}:${port}`]);
  assert.equal(code, 0);
  assert.equal(errors, '');
  assert.match(out, /^4 sockets to 2 peers: 2 ESTABLISHED, 1 (CLOSE_WAIT, 1 FIN_WAIT2|FIN_WAIT2, 1 CLOSE_WAIT); 1 listener\.\n/);
  assert.match(out, /\npeer +open/);
  assert.match(out, new RegExp(`\nto ${loopback}:${port} `));
  assert.match(out, new RegExp(`\n${loopback}:${port} +0 +511 +node/${process.pid}\n`));
  assert.match(out, /\nCLOSE_WAIT +/);
  assert.ok(!out.includes('\x1b'), 'there is no colour off a terminal');
});

test('every width holds, and ASCII is ASCII', { skip }, async () => {
  const port = await conversation();
  for (const columns of [60, 80, 140]) {
    const { out } = holdfast(['sockets', `${loopback}:${port}`, '--columns', String(columns)]);
    for (const line of out.split('\n')) assert.ok(line.length <= columns, `${columns}: ${line}`);
  }
  assert.match(holdfast(['sockets', `:${port}`, '--ascii']).out, /^[\n -~]*$/);
});

test('JSON has everything, NDJSON one look a line', { skip }, async () => {
  const port = await conversation();
  const report = look(port);
  assert.equal(report.schema, 'holdfast.sockets.v1');
  assert.equal(report.totals.sockets, 5);
  assert.deepEqual(report.sockets.map(({ state }) => state).sort(), [
    'CLOSE_WAIT',
    'ESTABLISHED',
    'ESTABLISHED',
    'FIN_WAIT2',
    'LISTEN',
  ]);
  assert.ok(report.sockets.every(({ owners }) => owners?.[0]?.pid === process.pid));
  const { out } = holdfast(['sockets', `${loopback}:${port}`, '--ndjson', '--watch', '0.1', '--looks', '3']);
  const lines = out.trimEnd().split('\n');
  assert.equal(lines.length, 3);
  for (const line of lines) assert.equal(JSON.parse(line).totals.sockets, 5);
});

test('states and processes are chosen', { skip }, async () => {
  const port = await conversation();
  const states = (...more: string[]): string[] => look(port, ...more).sockets.map(({ state }) => state);
  assert.deepEqual(states('--state', 'close-wait'), ['CLOSE_WAIT']);
  assert.deepEqual(states('--state', 'FIN-WAIT-2,listening').sort(), ['FIN_WAIT2', 'LISTEN']);
  assert.equal(states('--process', String(process.pid)).length, 5);
  assert.equal(states('--process', 'no-such-program').length, 0);
  assert.match(holdfast(['sockets', `${loopback}:${port}`, '--process', 'no-such-program']).out, /^No sockets\.\n/);
  assert.equal(look(port, '--no-processes').sockets[0]!.owners, null);
});

test('looks follow each other where there is no terminal', { skip }, async () => {
  const port = await conversation();
  const { code, out } = holdfast(['sockets', `${loopback}:${port}`, '--watch', '0.1', '--looks', '2']);
  assert.equal(code, 0);
  assert.equal(out.match(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/gm)?.length, 2);
  assert.equal(out.match(/^4 sockets to 2 peers/gm)?.length, 2);
  const placeBehind = holdfast(['sockets', '--looks', '1', '--watch', `${loopback}:${port}`]);
  assert.match(placeBehind.out, /^4 sockets to 2 peers/m);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`a watch ends well by ${signal}`, { skip }, async () => {
    const port = await conversation();
    const child = spawn(process.execPath, ['bin/holdfast.js', 'sockets', `${loopback}:${port}`, '--watch', '60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill(signal);
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
  });
}

test('a reader that goes away ends the watch', { skip }, async () => {
  const child = spawn(process.execPath, ['bin/holdfast.js', 'sockets', '--watch', '0.1', '--no-processes'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});

test('bad usage is one sentence and exit code 2', { skip }, () => {
  for (const parameters of [
    ['example.com'],
    [':70000'],
    ['10.0.0.256'],
    ['--state', 'dead'],
    ['--watch', '0'],
    ['--json', '--ndjson'],
    ['--json', '--watch'],
  ]) {
    const { code, out, errors } = holdfast(['sockets', ...parameters]);
    assert.equal(code, 2, parameters.join(' '));
    assert.equal(out, '');
    assert.match(errors, /^holdfast: .*\n/);
  }
});

test('--fail-on asks for a level', { skip }, async () => {
  const server = await listen(() => {});
  await connected(portOf(server));
  assert.equal(holdfast(['sockets', `${loopback}:${portOf(server)}`, '--fail-on', 'warning']).code, 0);
  const port = await deafListener();
  connecting(port);
  connecting(port);
  await until(() => look(port).findings.some(({ rule }) => rule === 'accept-queue-full'));
  assert.equal(holdfast(['sockets', `${loopback}:${port}`, '--fail-on', 'bad']).code, 1);
  assert.equal(holdfast(['sockets', `${loopback}:${port}`]).code, 0);
});

test('without rights it works with less, and says so', { skip }, async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('this user cannot become another one: run as root');
    return;
  }
  const port = await conversation();
  const parameters = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, 'bin/holdfast.js'];
  // nobody may not write where coverage is gathered.
  const env = { ...process.env, NODE_V8_COVERAGE: '' };
  const run = spawnSync('setpriv', [...parameters, 'sockets', `${loopback}:${port}`, '--json'], { encoding: 'utf8', env });
  if (run.error !== undefined || /EACCES|Permission denied/.test(run.stderr)) {
    t.skip('nobody cannot start node here, or setpriv is missing');
    return;
  }
  const report: Report = JSON.parse(run.stdout);
  assert.equal(report.totals.sockets, 5);
  assert.ok(report.sockets.every(({ owners }) => owners === null));
  assert.ok(report.missing.some((text) => /^the processes of \d+ sockets? are not known.*sudo/.test(text)));
  assert.equal(report.source, 'sock_diag');
});
