/** Peers broken on purpose: each scenario must notice by the packets. One that still passes looks at nothing. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { lab, type Outcome } from './lab-run.js';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-lab-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Scenario, what is done to a peer, and an expectation that must not be met. */
const cases: readonly (readonly [scenario: string, sabotage: string, unmet: RegExp])[] = [
  ['timeout-idle', 'wrong-timeout', /server's FIN comes .* after the last response/],
  ['timeout-restarts', 'never-closes', /the server ends it first/],
  ['slow-response', 'no-probe', /client's keep-alive probe comes/],
  ['counted', 'no-hint', /Keep-Alive: timeout=…, max=4/],
  ['persistent', 'closes-at-once', /^1 connection$/],
  ['time-wait', 'no-reuse', /TIME_WAIT of the client/],
];

for (const [scenario, sabotage, expected] of cases) {
  test(`${scenario} fails when ${sabotage}`, async (t) => {
    const { code, text, messages } = await lab(scenario, '--json', '--sabotage', sabotage, '--out', folder);
    const outcome = JSON.parse(text) as Outcome;
    if (outcome.passed === null) return t.skip(outcome.why);
    assert.equal(outcome.passed, false, messages);
    assert.equal(code, 1);
    const failed = outcome.expectations!.filter(({ met }) => !met).map(({ words }) => words);
    // Where only a relay watched, what needs packets is skipped and not judged.
    const skipped = outcome.skipped!.some(({ words }) => expected.test(words));
    assert.ok(skipped || failed.some((words) => expected.test(words)), failed.join('\n'));
  });
}
