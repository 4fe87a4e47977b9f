import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkReader, fuzzCaptures } from './fuzz-captures.js';
import { fuzzCorpus } from './fuzz-corpus.js';
import { readCapture } from './read-capture.js';

/** `FUZZ_MUTANTS=200000 FUZZ_SEED=7` for a long run. */
const count = Number(process.env.FUZZ_MUTANTS ?? 4000);
const seed = Number(process.env.FUZZ_SEED ?? 1);

test(`${count} damaged captures (seed ${seed}) keep the reader's invariants`, () => {
  fuzzCaptures({ count, seed, corpus: fuzzCorpus(), run: checkReader });
});

test('the corpus itself is read without a problem, and tells TCP', () => {
  for (const file of fuzzCorpus()) {
    const { summary, segments } = readCapture(file);
    assert.deepEqual(
      summary.problems.filter(({ code }) => code !== 'fragment-overlap'),
      [],
    );
    assert.ok(segments.length > 0);
    assert.equal(summary.packets, segments.length + Object.values(summary.otherPackets).reduce((sum, value) => sum + value, 0));
  }
});

test('the fuzzer names a find so that it can be repeated', () => {
  const run = (mutant: Uint8Array): void => assert.ok(mutant.length < 300);
  const failing = (): void => fuzzCaptures({ count: 100, seed: 3, corpus: fuzzCorpus(), run });
  assert.throws(failing, /^Error: seed 3, mutant \d+, \d+ bytes: /);
});
