/** Every real capture through the command: nothing throws, nothing acts on the terminal, nothing is wider than it, and the counts agree. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import type { Report } from 'holdfast/view';
import { Output } from '#dist/cli/output.js';
import { run } from '#dist/cli/program.js';

const root = '../shared/captures';
const captures = existsSync(root)
  ? readdirSync(root, { recursive: true, encoding: 'utf8' })
      .map((path) => join(root, path))
      .filter((path) => /\.(pcap|pcapng|cap|gz|trace|dmp|snoop)$/i.test(path) && statSync(path).isFile())
  : [];

async function explain(path: string, ...options: string[]): Promise<{ code: number; out: string; errors: string }> {
  let out = '';
  let errors = '';
  const collect = (take: (text: string) => void): NodeJS.WriteStream =>
    new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, done) => {
        take(text);
        done();
      },
    }) as unknown as NodeJS.WriteStream;
  const screen = collect((text) => {
    out += text;
  });
  const messages = collect((text) => {
    errors += text;
  });
  const streams = { output: new Output(screen), screen, messages, environment: { LC_ALL: 'C.UTF-8' } };
  const code = await run(['explain', path, ...options], streams);
  return { code, out, errors };
}

const skip = captures.length === 0 ? `no captures in ${root}` : false;

test('every real capture fits the terminal, and no byte of it acts there', { skip }, async () => {
  for (const path of captures) {
    const { code, out, errors } = await explain(path, '--columns', '80', '--all');
    assert.ok(code === 0 || errors.startsWith('holdfast: '), path);
    assert.doesNotMatch((out + errors).replaceAll('\n', ''), /[\p{C}\p{Zl}\p{Zp}]/u, path);
    for (const line of out.split('\n'))
      assert.ok(line.length <= 80 || line.startsWith('One connection in full'), `${path}: ${line}`);
  }
});

test('a report of every real capture is JSON, and a filter that lets all through has the same totals', { skip }, async () => {
  for (const path of captures) {
    const { code, out } = await explain(path, '--json');
    if (code !== 0) continue;
    const report = JSON.parse(out) as Report;
    assert.equal(report.connections.length, report.totals.connections, path);
    const filtered = JSON.parse((await explain(path, '--json', '--filter', 'tcp')).out) as Report;
    assert.deepEqual(filtered.totals, report.totals, path);
  }
});

test('the first connection of every real capture has a ladder', { skip }, async () => {
  for (const path of captures) {
    const { code, out, errors } = await explain(path, '--connection', '0', '--columns', '80');
    if (code === 0) assert.match(out, /^Connection #0: /, path);
    else assert.match(errors, /has no connection 0|is empty|: /, path);
    assert.doesNotMatch((out + errors).replaceAll('\n', ''), /[\p{C}\p{Zl}\p{Zp}]/u, path);
    for (const line of out.split('\n')) assert.ok(line.length <= 80, `${path}: ${line}`);
  }
});
