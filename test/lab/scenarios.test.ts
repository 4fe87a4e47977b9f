/**
 * The lab as a regression suite: every scenario on real TCP, as root or where users may have network namespaces, and then each recording once
 * more, beside tshark.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { scenarios } from 'holdfast/lab';
import { lab, type Outcome, unmet } from './lab-run.js';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-lab-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const run = await lab('--all', '--json', '--out', folder);
const outcomes = (JSON.parse(run.text) as { scenarios: readonly Outcome[] }).scenarios;
const outcomeOf = (name: string): Outcome => outcomes.find(({ scenario }) => scenario === name)!;

test('every scenario has an outcome', () => {
  assert.deepEqual(
    outcomes.map(({ scenario }) => scenario),
    scenarios.map(({ name }) => name),
  );
  const failed = outcomes.filter(({ passed }) => passed === false);
  assert.equal(run.code, failed.length === 0 ? 0 : 1);
});

/** With more to do than processors to do it, times are those of the queue. */
const isBusy = (): boolean => loadavg()[0]! > availableParallelism();

for (const { name, measures } of scenarios) {
  test(`${name}: the packets show what they must`, (t) => {
    const outcome = outcomeOf(name);
    if (outcome.passed === null) return t.skip(outcome.why);
    if (outcome.passed === false && measures === true && isBusy())
      return t.skip(`the machine has too much to do to measure (load ${loadavg()[0]!.toFixed(1)}): ${unmet(outcome)}`);
    assert.equal(outcome.passed, true, unmet(outcome));
    for (const { words, why } of outcome.skipped ?? []) t.diagnostic(`skipped: ${words}: ${why}`);
  });
}

const hasTshark = spawnSync('tshark', ['-v']).status === 0;

/** tshark tells a response when its body is whole, unless it is told not to wait for bodies. */
const bodiesWithoutEnd = 'unread-body';

/** How often a field is set, and the largest number, in what tshark prints. */
function countWithTshark(file: string, bodiesEnd: boolean): { readonly said: string; readonly counts: Record<string, number> } {
  const fields = [
    'tcp.stream',
    'tcp.flags.fin',
    'tcp.flags.reset',
    'tcp.analysis.keep_alive',
    'tcp.analysis.keep_alive_ack',
    'http.request.method',
    'http.response.code',
  ];
  const ports = [8191, 8192, 8193, 8194].flatMap((port) => ['-d', `tcp.port==${port},http`]);
  const settings = ['-o', 'tcp.reassemble_out_of_order:TRUE', '-o', `http.desegment_body:${bodiesEnd ? 'TRUE' : 'FALSE'}`];
  const args = [
    '-r',
    file,
    ...settings,
    ...ports,
    '-T',
    'fields',
    '-E',
    'occurrence=a',
    ...fields.flatMap((field) => ['-e', field]),
  ];
  const { stdout, stderr, status } = spawnSync('tshark', args, { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
  const rows = stdout.split('\n').filter((line) => line !== '');
  const cells = rows.map((line) => line.split('\t'));
  // One packet may hold several messages.
  const count = (column: number, counts: (value: string) => number): number =>
    cells.reduce((sum, row) => sum + counts(row[column] ?? ''), 0);
  const isSet = (value: string): number => (/^(1|True)$/i.test(value) ? 1 : 0);
  const some = (value: string): number => (value === '' ? 0 : value.split(',').length);
  const complaints = stderr.split('\n').filter((line) => line !== '' && !/^Running as user "root"/.test(line));
  return {
    said: [...complaints, ...(status === 0 ? [] : [`exit code ${status}`])].join('\n'),
    counts: {
      packets: rows.length,
      connections: new Set(cells.map((row) => row[0])).size,
      fins: count(1, isSet),
      resets: count(2, isSet),
      keepAliveProbes: count(3, some),
      keepAliveAnswers: count(4, some),
      requests: count(5, some),
      responses: count(6, some),
    },
  };
}

for (const { name } of scenarios) {
  test(`${name}: tshark reads the recording without a complaint and counts the same`, (t) => {
    const outcome = outcomeOf(name);
    if (!hasTshark) return t.skip('tshark is not installed');
    if (outcome.passed === null || outcome.file == null) return t.skip('it was not recorded here');
    const { said, counts } = countWithTshark(outcome.file, name !== bodiesWithoutEnd);
    assert.equal(said, '');
    const ours: Record<string, number> = { ...outcome.totals, packets: outcome.packets! };
    for (const [what, count] of Object.entries(counts))
      assert.equal(count, ours[what], `${what}: tshark ${count}, Holdfast ${ours[what]}`);
  });
}
