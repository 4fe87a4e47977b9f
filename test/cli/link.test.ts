/** `holdfast link` as a person runs it. Skipped with the reason where there can be no link. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { holdfast, temporaryFile } from './run-command.js';

const probe = holdfast(['link', '--', 'true']);
const skip = probe.code === 0 ? false : `no link here: ${probe.errors.split('\n')[0]}`;

/** A server and one request over the link, in one process. */
const talk = temporaryFile(
  'talk.mjs',
  `import http from 'node:http';
   const server = http.createServer((request, response) => response.end('hello')).listen(8000, () => {
     http.get({ host: process.env.HOLDFAST_LINK_SERVER, port: 8000, agent: false }, (response) => {
       response.on('data', (text) => process.stdout.write(text)).on('end', () => server.close());
     });
   });`,
);

test('a command runs on the link, and what passed is said at the end', { skip }, () => {
  const file = temporaryFile('near.pcapng', '');
  const far = temporaryFile('far.pcapng', '');
  const { code, out, errors } = holdfast([
    'link',
    '--rtt',
    '10ms',
    '-w',
    file,
    '--write-server',
    far,
    '--',
    process.execPath,
    talk,
  ]);
  assert.equal(out, 'hello');
  assert.equal(code, 0);
  assert.match(errors, /^The link was up for .*\n +to server +to client\npackets sent +\d+ +\d+$/m);
  assert.match(errors, /near\.pcapng: \d+ packets, as the client sees them/);
  const report = JSON.parse(holdfast(['explain', file, '--json']).out);
  assert.deepEqual([report.totals.connections, report.totals.requests, report.totals.responses], [1, 1, 1]);
  const [connection] = report.connections;
  assert.ok(connection.handshakeMs >= 10);
  assert.match(connection.client, /^198\.18\.0\.1:/);
  assert.equal(connection.server, '198.18.0.2:8000');
  assert.match(holdfast(['explain', file, far]).out, /near\.pcapng is nearer to the clients/);
});

test('the exit code is that of the command', { skip }, () => {
  assert.equal(holdfast(['link', '--', 'sh', '-c', 'exit 7']).code, 7);
  assert.equal(holdfast(['link', '--', 'sh', '-c', 'kill -KILL $$']).code, 128 + 9);
  const missing = holdfast(['link', '--', 'no-such-program-anywhere']);
  assert.equal(missing.code, 2);
  assert.match(missing.errors, /cannot run no-such-program-anywhere: there is no such program/);
});

test('without a command there is a shell', { skip }, () => {
  const { code, out, errors } = holdfast(['link'], {
    input: 'echo $HOLDFAST_LINK_CLIENT; exit 3\n',
    environment: { SHELL: '/bin/sh' },
  });
  assert.equal(code, 3);
  assert.equal(out, '198.18.0.1\n');
  assert.match(errors, /A shell on the link/);
});

test('a signal ends the command, and the link with it', { skip }, async () => {
  const child = spawn(process.execPath, ['bin/holdfast.js', 'link', '--', 'sh', '-c', 'echo up; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  child.stdout.destroy();
  assert.equal(code, 128 + 15);
});

test('--measure holds what is measured beside what was asked', { skip }, () => {
  const { code, out } = holdfast(['link', '--rtt', '4ms', '--loss', '20%/0', '--measure', '--datagrams', '500', '--json']);
  assert.equal(code, 0);
  const { schema, asked, measured, counted } = JSON.parse(out);
  assert.equal(schema, 'holdfast.link.v1');
  assert.equal(asked.toServer.lossRate, 0.2);
  assert.ok(measured.roundTripsMs.every((took: number) => took >= 4));
  assert.equal(measured.toServer.sent, 500);
  assert.ok(counted.toServer.dropped.lost > 0);
  assert.equal(counted.toClient.dropped.lost, 0);
  const text = holdfast(['link', '--measure', '--datagrams', '100']).out;
  assert.match(text, /^ +asked +measured\nround trip /);
  assert.match(text, /^lost, to client +0\.00 % /m);
});

test('what makes no sense is bad usage', () => {
  const refused: [string[], RegExp][] = [
    [['--rtt', '40'], /A duration is a number with ms, s, m or h/],
    [['--loss', '2'], /A chance is from 0% to 100%/],
    [['--loss', '1%/2%/3%'], /TO-SERVER\/TO-CLIENT/],
    [['--rate', '10'], /A rate is a number with bit, kbit, mbit or gbit/],
    [['--rtt', '24h', '--', 'true'], /delayMs of a link is from 0 to/],
    [['--measure', '--', 'true'], /--measure runs no command/],
    [['--json', '--', 'true'], /belong to --measure/],
  ];
  for (const [parameters, message] of refused) {
    const { code, errors } = holdfast(['link', ...parameters]);
    // Where there can be no link at all, that is said of what could only be found out on it.
    if (skip !== false && parameters.includes('24h')) continue;
    assert.equal(code, 2, errors);
    assert.match(errors, message);
  }
});
