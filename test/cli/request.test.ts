/** `holdfast request` against `holdfast serve`, and beside curl: the same words, the reuse story, failures with whose fault they are. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryFile } from './run-command.js';
import { runLive, startCommand, startServe } from './run-live.js';

const { url } = await startServe('--quiet', '--keep-alive-timeout', '30s');

const request = (parameters: readonly string[], input?: string) => runLive(['request', ...parameters], input);

/** Without what differs by nature: numbers of bytes, dates, our name, who is told of pools and caches. */
const comparable = (talk: string): string[] =>
  talk
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => /^[*<>]/.test(line))
    .filter(
      (line) =>
        !/^\* (Found bundle|Can not multiplex|Hostname .* DNS cache|Host .* was resolved|Request completely|processing)/.test(
          line,
        ),
    )
    .map((line) => line.replace(/^(> User-Agent:|< Date:|< Content-Length:).*/, '$1').replace(/\s+/g, ' '));

test('the talk is that of curl -v', async (t) => {
  const version = /^curl (\d+)\.(\d+)/.exec(spawnSync('curl', ['--version'], { encoding: 'utf8' }).stdout ?? '');
  if (version === null) return t.skip('curl is not installed');
  if (version[1] !== '7') return t.skip('the words of curl 8 differ; compared with curl 7 only');
  const targets = ['/connection', '/close', '/connection'].map((target) => url + target);
  for (const parameters of [targets, ['-d', 'a=1', `${url}/upload`], ['-H', 'X-Mine: 1', `${url}/connection`]]) {
    const isUpload = parameters.includes('-d');
    const ours = await request(parameters);
    const theirs = await runLive(['-v', '-s', ...parameters], '', ['curl']);
    // curl says the length of a body before its type.
    const order = (lines: string[]): string[] => (isUpload ? lines.sort() : lines);
    const their = comparable(theirs.errors).map((line) =>
      isUpload ? line.replace(/^> Content-Length:.*/, '> Content-Length: 3') : line,
    );
    assert.deepEqual(order(comparable(ours.errors)), order(their), parameters.join(' '));
  }
});

test('bodies go to standard output, as they are, and the reuse story to standard error', async () => {
  const { code, out, errors } = await request(['--count', '3', `${url}/bytes?count=5`]);
  assert.deepEqual([code, out], [0, 'abcdeabcdeabcde']);
  assert.match(errors, /^\* Re-using existing connection #0 with host 127\.0\.0\.1$/m);
  assert.match(errors, /^3 requests on 1 connection: 2 reuses, each saved the /m);
});

test('why a connection was not used again is said', async () => {
  const closing = await request(['--no-keepalive', '-n', '2', `${url}/connection`]);
  assert.match(closing.errors, /^> Connection: close$/m);
  assert.match(closing.errors, /#0, #1 could not be used again: the request said Connection: close\./);
  const unending = await request([`${url}/no-length`, `${url}/connection`]);
  assert.match(unending.errors, /#0 could not be used again: the response said Connection: close\./);
  const short = await startServe('--quiet', '--keep-alive-timeout', '100ms');
  const idle = await request(['-n', '2', '--sleep', '2s', `${short.url}/connection`]);
  assert.match(idle.errors, /^\* Connection 0 was closed by the server after [\d.]+ m?s idle$/m);
  assert.match(idle.errors, /^2 requests on 2 connections: none was reused\.$/m);
});

test('HTTP/1.0 keeps its connection by asking', async () => {
  const { errors } = await request(['--http1.0', '-n', '2', `${url}/connection`]);
  assert.match(errors, /^> GET \/connection HTTP\/1\.0$/m);
  assert.match(errors, /^2 requests on 1 connection/m);
});

test('pipelined requests share one connection; parallel ones have their own, and lines say which', async () => {
  const pipelined = await request(['--pipeline', '4', '-n', '4', `${url}/wait?ms=20`]);
  assert.match(pipelined.errors, /^4 requests on 1 connection/m);
  assert.equal(pipelined.out, 'waited 20 ms\n'.repeat(4));
  const heads = pipelined.errors
    .split('\n')
    .filter((line) => /^[<>] (GET|HTTP)/.test(line))
    .map((line) => line[0])
    .join('');
  assert.match(heads, /^>>>?/, 'a second request went before the first answer');
  const parallel = await request(['--parallel', '3', '-n', '6', `${url}/wait?ms=20`]);
  assert.match(parallel.errors, /^6 requests on 3 connections/m);
  assert.match(parallel.errors, /^#2 > GET /m);
});

test('a failure has its name, whose fault it is, and what to look at next', async () => {
  const reset = await request([`${url}/connection`, `${url}/reset`]);
  assert.equal(reset.code, 1);
  assert.match(reset.errors, /^\* Recv failure: Connection reset by peer$/m);
  assert.match(reset.errors, /^reset-before-response: .*\n {2}Fault: the server's\.\n {2}It was request \d on connection #\d/m);
  assert.match(reset.errors, /Next: holdfast capture /);
  const cut = await request([`${url}/cut`]);
  assert.deepEqual([cut.code, cut.out.length], [1, 500]);
  assert.match(cut.errors, /^\* transfer closed with outstanding read data remaining$/m);
  const nobody = await request(['http://127.0.0.1:1/']);
  assert.equal(nobody.code, 2);
  assert.match(nobody.errors, /^\* connect to 127\.0\.0\.1 port 1 failed: Connection refused$/m);
  const late = await request(['--max-time', '200ms', `${url}/wait?ms=60000`]);
  assert.equal(late.code, 1);
  assert.match(late.errors, /^request-total-timeout: /m);
});

test('--retry sends again what may be sent twice, and nothing else', async () => {
  const again = await request(['--retry', '1', '--sleep', '10ms', `${url}/reset`]);
  assert.equal(again.errors.match(/^> GET /gm)?.length, 2);
  const once = await request(['--retry', '1', '--sleep', '10ms', '-X', 'POST', `${url}/cut`, '-d', 'x']);
  assert.equal(once.errors.match(/^> POST /gm)?.length, 1);
});

test('--dump prints the bytes as they went, and nothing that acts', async () => {
  const odd = await request(['--raw', '--exact', '--dump', url], 'GET /\u001b[31m HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match(odd.errors, /^>> GET \/\\x1b\[31m HTTP\/1\.1\\r\\n$/m);
  assert.ok(!odd.errors.includes('\u001b'));
  const plain = await request(['--dump', `${url}/connection`]);
  assert.match(plain.errors, /^>> \d\d:\d\d:\d\d\.\d{3} #0 \d+ bytes\n>> GET \/connection HTTP\/1\.1\\r\\n$/m);
  assert.match(plain.errors, /^<< HTTP\/1\.1 200 OK\\r\\n$/m);
});

test('--raw sends standard input with CRLF, and ends when all is answered', async () => {
  const { code, out, errors } = await request(
    ['--raw', url],
    'GET /bytes?count=3 HTTP/1.1\nHost: x\n\nGET /bytes?count=2 HTTP/1.1\r\nHost: x\r\n\r\n',
  );
  assert.equal(code, 0);
  assert.match(out, /\r\n\r\nabcHTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nab$/);
  assert.match(errors, /2 requests are answered/);
  const exact = await request(['--raw', '--exact', url], 'GET / HTTP/1.1\nHost: x\nContent-Length: x\n\n');
  assert.match(exact.out, /^HTTP\/1\.1 400 /);
});

test('--unread is the bad client: a connection for each request', async () => {
  const { errors } = await request(['--unread', '-n', '3', `${url}/connection`]);
  assert.match(errors, /^\* 3 requests on 3 connections: /m);
});

test('--json says what became of each request, in place of its body', async () => {
  const { code, out } = await request(['--silent', '--json', `${url}/connection`, `${url}/connection`, `${url}/reset`]);
  assert.equal(code, 1);
  const report = JSON.parse(out);
  assert.equal(report.schema, 'holdfast.request.v1');
  assert.deepEqual(
    report.requests
      .map(({ status, timings, error }: { status: number; timings: { reused: boolean }; error: { code: string } | null }) => [
        status,
        timings.reused,
        error?.code ?? null,
      ])
      .slice(0, 2),
    [
      [200, false, null],
      [200, true, null],
    ],
  );
  assert.equal(report.requests[2].error.fault, 'server');
});

test('-o, -I, -i, -T, --fail and fields of one’s own', async () => {
  const file = temporaryFile('body', '');
  assert.equal((await request(['-s', '-o', file, `${url}/bytes?count=100000`])).out, '');
  assert.equal(readFileSync(file).length, 100_000);
  assert.match((await request(['-s', '-I', `${url}/connection`])).out, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match((await request(['-s', '-i', `${url}/bytes?count=2`])).out, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nab$/);
  assert.equal(JSON.parse((await request(['-s', '-T', file, `${url}/upload`])).out).bytes, 100_000);
  assert.equal(JSON.parse((await request(['-s', '-T', '-', `${url}/upload`], 'abc')).out).bytes, 3);
  assert.equal((await request(['-s', '--fail', `${url}/status/500`])).code, 1);
  assert.equal((await request(['-s', `${url}/status/500`])).code, 0);
  assert.doesNotMatch((await request(['-H', 'Accept:', `${url}/connection`])).errors, /^> Accept/m);
});

test('bad usage is said in one sentence, with code 2', async () => {
  for (const [parameters, text] of [
    [['ftp://x/'], /ftp:\/\/x\/ is not a URL of http or https/],
    [['-H', 'no colon', url], /a field is "Name: value"/],
    [['-d', '@/no/such', url], /cannot read \/no\/such/],
    [['--exact', url], /--exact goes with --raw/],
  ] as [string[], RegExp][]) {
    const { code, errors } = await request(parameters);
    assert.equal(code, 2);
    assert.match(errors, text);
  }
});

test('a reader that goes away ends it, without a word and with code 0', async () => {
  const command = startCommand(['request', '--silent', `${url}/bytes?count=100000000`]);
  await command.until(/./);
  command.child.stdout?.destroy();
  assert.deepEqual([await command.ended(), command.errors()], [0, '']);
});
