/**
 * Every rule against conversations: at least one where it fires and one near miss where it must not.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rules } from 'holdfast/story';
import { tell } from '../conversation.js';
import { cases } from './cases.js';

for (const { id } of rules) {
  describe(id, () => {
    const own = cases.filter(({ rule }) => rule === id);
    for (const { name, story, roundTrip, finding } of own) {
      it(`${finding === null ? 'is silent' : 'fires'}: ${name}`, () => {
        const { findings } = tell(story, roundTrip === undefined ? {} : { roundTrip });
        const found = findings.filter((one) => one.rule === id);
        if (finding === null) {
          assert.deepEqual(
            found.map(({ detail }) => detail),
            [],
          );
          return;
        }
        const { says = /(?:)/, ...expected } = finding;
        assert.equal(found.length, 1, `found: ${findings.map(({ rule, detail }) => `${rule} (${detail})`).join('; ')}`);
        const [only] = found;
        assert.deepEqual(
          Object.fromEntries(Object.keys(expected).map((key) => [key, only?.[key as keyof typeof only]])),
          expected,
        );
        assert.match(only?.detail ?? '', says);
      });
    }
    it('has a case that fires and a near miss', () => {
      assert.ok(own.some(({ finding }) => finding !== null));
      assert.ok(own.some(({ finding }) => finding === null));
    });
  });
}

it('names no rule that does not exist', () => {
  const ids = new Set(rules.map(({ id }) => id));
  assert.deepEqual(
    cases.filter(({ rule }) => !ids.has(rule)),
    [],
  );
});
