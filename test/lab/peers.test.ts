/** Everybody who is installed can play a part, and without packets a relay shows what it can. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { clientPeers, serverPeers } from 'holdfast/lab';
import { lab, type Outcome, unmet } from './lab-run.js';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-lab-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function play(...args: readonly string[]): Promise<Outcome> {
  const { text, messages } = await lab(...args, '--json', '--out', folder);
  assert.notEqual(text, '', messages);
  return JSON.parse(text) as Outcome;
}

for (const { name, title, abilities } of serverPeers) {
  if (abilities.includes('literal')) continue;
  test(`${title} as a server with keep-alive off`, async (t) => {
    const outcome = await play('timeout-zero', '--server', name);
    if (outcome.passed === null) return t.skip(outcome.why);
    assert.equal(outcome.passed, true, unmet(outcome));
  });
}

for (const { name, title } of clientPeers) {
  test(`${title} as a client on one connection`, async (t) => {
    const outcome = await play('persistent', '--client', name);
    if (outcome.passed === null) return t.skip(outcome.why);
    assert.equal(outcome.passed, true, unmet(outcome));
  });
}

test('a relay shows what bytes can show, and names the rest', async () => {
  const outcome = await play('both-close', '--relay');
  assert.equal(outcome.passed, true, unmet(outcome));
  assert.equal(outcome.recordedBy, 'a relay in user space');
  assert.equal(outcome.file, null);
  assert.equal(outcome.skipped!.length, 3);
  assert.ok(outcome.skipped!.every(({ why }) => why !== ''));
});

test('what needs a link is skipped without one', async () => {
  const outcome = await play('silent-drop', '--relay');
  assert.equal(outcome.passed, null);
  assert.match(outcome.why!, /link/);
});

test('the same scenario is held against every server', async () => {
  const { text, messages, code } = await lab('timeout-zero', '--compare');
  assert.equal(code, 0, messages);
  for (const { title, abilities } of serverPeers) if (!abilities.includes('literal')) assert.ok(text.includes(title), text);
  assert.match(text, /holdfast +3 +200 +Connection: close +server, FIN/);
});

test('whoever cannot play a part is told who can', async () => {
  const { code, messages } = await lab('pipelined', '--server', 'nginx', '--out', folder);
  assert.equal(code, 2);
  assert.match(messages, /nginx cannot be the server here, it lacks: wait; .*holdfast/);
});

test('the page and the recording are written where they were asked for', async () => {
  const recording = join(folder, 'named.pcapng');
  const { code, text, messages } = await lab(
    'timeout-zero',
    '--write',
    recording,
    '--html',
    join(folder, 'zero.html'),
    '--out',
    folder,
  );
  assert.equal(code, 0, `${text}\n${messages}`);
  const files = readdirSync(folder);
  for (const name of ['named.pcapng', 'zero.html']) if (!/relay/.test(messages)) assert.ok(files.includes(name), files.join(' '));
});
