import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Report, ReportConnection } from 'holdfast/view';
import { captureOf, conversation, holdfast, temporaryFile, udpCapture } from './run-command.js';

const healthy = temporaryFile('healthy.pcap', captureOf(conversation()));
const mixed = temporaryFile(
  'mixed.pcap',
  captureOf(
    conversation({ clientPort: 40_001, target: '/ok' }),
    conversation({ clientPort: 40_002, target: '/broken', status: '503 Service Unavailable', startSeconds: 1 }),
    conversation({ clientPort: 40_003, target: '/lost', ending: 'reset', startSeconds: 2, serverPort: 9090 }),
  ),
);

test('the first lines say what is wrong, how much there was, and who closed', () => {
  const { code, out, errors } = holdfast(['explain', mixed]);
  const lines = out.split('\n');
  assert.equal(lines[0], 'The server closed instead of answering (10.0.0.2:9090).');
  assert.equal(lines[1], '3 connections, 3 requests, 2 responses. The server closed 3.');
  assert.match(out, /^#2 .*:40003 → 10\.0\.0\.2:9090 .*0\/1 .*server RST, request unanswered$/m);
  assert.equal(errors, '');
  assert.equal(code, 0);
});

test('one connection in full has its packets, numbered as in the file', () => {
  const { out, code } = holdfast(['explain', healthy, '--connection', '0']);
  assert.match(out, /^Ended by the server with FIN \(packet 8\): closed while idle, 5\.00 s after the last byte\.$/m);
  assert.match(out, /^ +4 +0\.021000 +1\.00 ms {2}├─ GET \/ HTTP\/1\.1 /m);
  assert.match(out, /^ +6 .*200 OK · body 5 B ─┤$/m);
  assert.match(out, /⋮ +idle 5\.00 s +⋮/);
  assert.equal(code, 0);
});

test('--json is one object after the schema', () => {
  const report = JSON.parse(holdfast(['explain', mixed, '--json']).out) as Report;
  assert.equal(report.schema, 'holdfast.report.v1');
  assert.deepEqual(
    report.connections.map(({ id, ending, exchanges }) => [id, ending.by, ending.how, exchanges[0]?.status]),
    [
      [0, 'server', 'fin', 200],
      [1, 'server', 'fin', 503],
      [2, 'server', 'rst', null],
    ],
  );
  const { connections, requests, responses, fins, resets } = report.totals;
  assert.deepEqual([connections, requests, responses, fins, resets], [3, 3, 2, 4, 1]);
  assert.equal(report.source.packets, 25);
  assert.equal(report.connections[0]?.exchanges[0]?.requestAt, '2023-11-14T22:13:20.021000Z');
});

test('--ndjson is a connection a line, and the same report last', () => {
  const lines = holdfast(['explain', mixed, '--ndjson']).out.trimEnd().split('\n');
  const whole = JSON.parse(holdfast(['explain', mixed, '--json']).out) as Report;
  const connections = lines.slice(0, -1).map((line) => JSON.parse(line) as ReportConnection);
  assert.deepEqual(
    connections.sort((a, b) => a.id - b.id),
    whole.connections,
  );
  const { connections: _, ...frame } = whole;
  assert.deepEqual(JSON.parse(lines.at(-1)!), frame);
});

test('--port, --host, --connection and --filter choose, and the totals are those of the chosen', () => {
  const ids = (...parameters: string[]): number[] => {
    const report = JSON.parse(holdfast(['explain', mixed, '--json', ...parameters]).out) as Report;
    assert.equal(report.totals.connections, report.connections.length);
    return report.connections.map(({ id }) => id);
  };
  assert.deepEqual(ids('--port', '9090'), [2]);
  assert.deepEqual(ids('--port', '9090', '--port', '40001'), [0, 2]);
  assert.deepEqual(ids('--host', '10.0.0.2', '--port', '40002'), [1]);
  assert.deepEqual(ids('--host', 'example.test'), [0, 1, 2]);
  assert.deepEqual(ids('--connection', '1'), [1]);
  assert.deepEqual(ids('--filter', 'http.response.code >= 500 or tcp.flags.reset == 1'), [1, 2]);
  assert.deepEqual(ids('--filter', 'tcp.port == 1'), []);
  assert.match(holdfast(['explain', mixed, '--port', '1']).out, /^No connection matches port 1\.\n/);
  assert.match(holdfast(['explain', mixed, '--port', '9090']).out, /\n1 connection \(port 9090\), 1 request, 0 responses\./);
});

test('standard input and gzip give the same report as the file', () => {
  const wanted = JSON.parse(holdfast(['explain', mixed, '--json']).out) as Report;
  const capture = captureOf(conversation({ clientPort: 40_001 }));
  const piped = JSON.parse(holdfast(['explain', '-', '--json'], { input: gzipSync(capture) }).out) as Report;
  assert.equal(piped.source.name, 'standard input');
  assert.deepEqual([piped.totals.requests, piped.totals.responses], [1, 1]);
  assert.equal(wanted.totals.requests, 3);
});

test('several files are explained one after the other, and one that cannot be read does not hide the others', () => {
  const { code, out, errors } = holdfast(['explain', healthy, 'no-such-file.pcap', mixed, '--ndjson']);
  const sources = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Partial<Report>)
    .flatMap(({ source }) => (source === undefined ? [] : [source.name]));
  assert.deepEqual(sources, [healthy, mixed]);
  assert.equal(errors, 'holdfast: cannot read no-such-file.pcap: there is no such file\n');
  assert.equal(code, 2);
});

test('what cannot be explained is said in one sentence, with exit code 2', () => {
  const text = temporaryFile('notes.txt', 'no capture at all, but long enough to be looked at\n');
  const empty = temporaryFile('empty.pcap', '');
  const cases: readonly (readonly [parameters: string[], message: RegExp])[] = [
    [['explain', 'no-such-file.pcap'], /^holdfast: cannot read no-such-file\.pcap: there is no such file\n$/],
    [['explain', text], /^holdfast: .*notes\.txt: .*\n$/],
    [['explain', empty], /^holdfast: .*empty\.pcap.* empty.*\n$/],
    [['explain', 'src'], /^holdfast: src is a directory\n$/],
    [['explain', '-', '-'], /^holdfast: standard input \(-\) can be read only once\n$/],
    [['explain', healthy, '--connection', '7'], /has no connection 7: they are numbered 0 to 0\n$/],
    [['explain', healthy, '--json', '--ndjson'], /^holdfast: choose one of --json and --ndjson\n$/],
    [['explain', healthy, '--port', '70000'], /A port is a whole number from 0 to 65535\.\n/],
    [
      ['explain', healthy, '--filter', 'tcp.prot == 1'],
      /unknown field "tcp\.prot" at character 1\n {2}tcp\.prot == 1\n {2}\^\nknown: .*tcp\.port/,
    ],
    [['explain'], /missing required argument 'file'/],
    [['explain', healthy, '--colour'], /unknown option '--colour'/],
    [['explian', healthy], /unknown command 'explian'\n\(Did you mean explain\?\)/],
    [[healthy], /Did you mean: holdfast explain .*healthy\.pcap\n/],
  ];
  for (const [parameters, message] of cases) {
    const { code, out, errors } = holdfast(parameters);
    assert.equal(code, 2, parameters.join(' '));
    assert.equal(out, '', parameters.join(' '));
    assert.match(errors, message);
  }
});

test('a damaged capture is explained as far as it goes, and the damage is told after the summary', () => {
  const cut = temporaryFile('cut.pcap', captureOf(conversation()).subarray(0, -30));
  const { code, out } = holdfast(['explain', cut]);
  assert.match(out, /^The one request was answered, and no fault was found\.\n/);
  assert.match(out, /^ {2}Damage {5}\S/m);
  assert.equal(code, 0);
});

test('without TCP the command says what there was', () => {
  const { code, out } = holdfast(['explain', temporaryFile('udp.pcap', udpCapture())]);
  assert.match(out, /^No TCP in this capture: 3 packets \(3 UDP\)\.\n/);
  assert.equal(code, 0);
});

test('help begins with examples and goes to standard output', () => {
  for (const parameters of [['--help'], ['explain', '--help']]) {
    const { code, out, errors } = holdfast(parameters);
    assert.match(out, /^Examples:\n {2}holdfast explain /);
    assert.deepEqual([code, errors], [0, '']);
  }
  assert.match(holdfast(['--version']).out, /^\d+\.\d+\.\d+\n$/);
});

test('off a terminal there is no colour; FORCE_COLOR brings it and NO_COLOR forbids it', () => {
  const escapeSequence = '\u001b[';
  assert.equal(holdfast(['explain', mixed]).out.includes(escapeSequence), false);
  assert.equal(holdfast(['explain', mixed], { environment: { FORCE_COLOR: '1' } }).out.includes(escapeSequence), true);
  assert.equal(
    holdfast(['explain', mixed], { environment: { FORCE_COLOR: '1', NO_COLOR: '1' } }).out.includes(escapeSequence),
    false,
  );
  assert.equal(holdfast(['explain', mixed], { environment: { CI: '1' } }).out.includes(escapeSequence), false);
});

test('without a UTF-8 locale, or with --ascii, only ASCII is drawn', () => {
  for (const { out } of [
    holdfast(['explain', mixed], { environment: { LC_ALL: 'C' } }),
    holdfast(['explain', mixed, '--ascii']),
  ]) {
    assert.match(out, /^[\n\x20-\x7e]+$/);
  }
});

test('--columns decides the width, --limit and --all how many lines, --utc how times are told', () => {
  const listed = (out: string): number => out.split('\n').filter((line) => /^ *#\d/.test(line)).length;
  for (const line of holdfast(['explain', mixed, '--columns', '72']).out.split('\n')) {
    if (!line.includes('.pcap')) assert.ok(line.length <= 72, line);
  }
  const one = holdfast(['explain', mixed, '--limit', '1']).out;
  assert.equal(listed(one), 1);
  assert.match(one, /^#2 /m);
  assert.match(one, /^… and 2 more /m);
  assert.equal(listed(holdfast(['explain', mixed, '--all']).out), 3);
  assert.match(holdfast(['explain', mixed, '--utc']).out, /^#1 {2}22:13:21\.000 /m);
});

test('of more connections than can be held, --all prints each while reading and the summary last', () => {
  const count = 2500;
  const file = temporaryFile(
    'many.pcap',
    captureOf(...Array.from({ length: count }, (_, index) => conversation({ clientPort: 10_000 + index, startSeconds: index }))),
  );
  const lines = holdfast(['explain', file, '--all']).out.split('\n');
  const ids = lines.flatMap((line) => /^ {0,9}#(\d+) /.exec(line)?.[1] ?? []).map(Number);
  assert.deepEqual(
    ids,
    Array.from({ length: count }, (_, index) => index),
  );
  assert.ok(
    lines.findIndex((line) => line.startsWith('2,500 connections, 2,500 requests')) >
      lines.findIndex((line) => line.includes(`#${count - 1} `)),
  );
});

test('hostile bytes on the wire and in a file name never act on the terminal', () => {
  const name = temporaryFile(
    'evil\u001b[31m.pcap',
    captureOf(conversation({ target: '/\u001b]0;owned\u0007\u009b2J', status: '200 \u001b[2J' })),
  );
  for (const parameters of [['explain', name], ['explain', name, '--connection', '0'], ['explain', name, '--json'], [name]]) {
    const { out, errors } = holdfast(parameters);
    assert.ok(out.length + errors.length > 0);
    for (const text of [out, errors]) assert.doesNotMatch(text.replaceAll('\n', ''), /\p{C}/u);
  }
});

test('a reader that goes away ends the command quietly', async () => {
  const file = temporaryFile(
    'long.pcap',
    captureOf(...Array.from({ length: 2000 }, (_, index) => conversation({ clientPort: 10_000 + index, startSeconds: index }))),
  );
  const child = spawn(process.execPath, ['bin/holdfast.js', 'explain', file, '--ndjson'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'close');
  assert.equal(errors, '');
  assert.equal(code, 0);
});
