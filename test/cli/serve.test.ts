/** `holdfast serve` as a person runs it: what it says, its log, its switches, its end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Client } from 'holdfast';
import { holdfast } from './run-command.js';
import { startServe } from './run-live.js';

test('it logs port, connection and request, switches keep-alive by SIGHUP, and stops by SIGTERM with code 0', async () => {
  const { url, command } = await startServe();
  const client = new Client();
  const ask = async () => {
    const response = await client.request({ url: `${url}/connection` });
    return { said: response.fields.get('connection'), port: response.connection.localPort, body: await response.body.json() };
  };
  const first = await ask();
  await ask();
  await command.until(new RegExp(` 127\\.0\\.0\\.1:${first.port} #1/2 "GET /connection HTTP/1\\.1" 200 \\d+ [\\d.]+ms keep\n`));
  command.child.kill('SIGHUP');
  await command.until(/Keep-alive is off/);
  assert.equal((await ask()).said, 'close');
  command.child.kill('SIGHUP');
  await command.until(/on again/);
  assert.equal((await ask()).said, 'keep-alive');
  await client.close();
  command.child.kill('SIGTERM');
  assert.equal(await command.ended(), 0);
  assert.match(command.errors(), /Stopped after 4 requests on 2 connections\.\n$/);
});

test('a request in work is answered before it stops', async () => {
  const { url, command } = await startServe('--json');
  const client = new Client();
  await (await client.request({ url: `${url}/connection` })).body.dump();
  const waiting = client.request({ url: `${url}/wait?ms=300` });
  // Its bytes were with the server's kernel before this connection was made, so they are read no later than this request.
  const other = new Client();
  await (await other.request({ url: `${url}/connection` })).body.dump();
  command.child.kill('SIGINT');
  const response = await waiting;
  assert.deepEqual([response.status, response.fields.get('connection')], [200, 'close']);
  assert.equal(await command.ended(), 0);
  await Promise.all([client.close(), other.close()]);
  const entries = command
    .out()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(entries.at(-1).target, '/wait?ms=300');
});

test('settings reach the engine', async () => {
  const { url } = await startServe(
    '--max-requests',
    '2',
    '--keep-alive-timeout',
    '7s',
    '--hint-margin',
    '2s',
    '--server-name',
    'test',
  );
  const client = new Client();
  const fields = [];
  for (let request = 0; request < 2; request++) {
    const response = await client.request({ url: `${url}/connection` });
    await response.body.dump();
    fields.push(['keep-alive', 'connection', 'server'].map((name) => response.fields.get(name)));
  }
  await client.close();
  assert.deepEqual(fields, [
    ['timeout=5, max=1', 'keep-alive', 'test'],
    [null, 'close', 'test'],
  ]);
});

test('what cannot be is said in one sentence, with code 2', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const cases: [parameters: string[], text: RegExp][] = [
    [['--port', String(port)], /^holdfast: port \d+ of 127\.0\.0\.1 is taken by another program/],
    [['/no/such/folder', '--port', '0'], /^holdfast: there is no folder \/no\/such\/folder$/m],
    [['--host', '192.0.2.1', '--port', '0'], /^holdfast: this machine has no address 192\.0\.2\.1$/m],
    [['--tls-cert', 'x.pem', '--port', '0'], /both --tls-cert and --tls-key/],
    [['--files-only', '--port', '0'], /--files-only needs a folder/],
    [['--keep-alive-timeout', 'soon'], /A duration is/],
  ];
  for (const [parameters, text] of cases) {
    const { code, out, errors } = holdfast(['serve', ...parameters]);
    assert.deepEqual([code, out], [2, ''], parameters.join(' '));
    assert.match(errors, text);
  }
  taken.close();
});

test('the help begins with examples', () => {
  const { code, out } = holdfast(['serve', '--help']);
  assert.equal(code, 0);
  assert.match(out, /^Examples:\n {2}holdfast serve/);
});
