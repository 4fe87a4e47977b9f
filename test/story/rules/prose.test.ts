/**
 * What a rule says is read by a tired person: these are the rules for the rules' words.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { rules } from 'holdfast/story';

/** Words that a text may use only when it explains them, and what counts as an explanation in the same text. */
const jargon: readonly (readonly [word: RegExp, explained: RegExp])[] = [
  [/TIME_WAIT/, /for a minute|TIME_WAIT\)/],
  [/CLOSE_WAIT/, /in state CLOSE_WAIT/],
  [/\bNagle/, /held .* back until/],
  [/\bMSS\b|\bRTO\b|\bcwnd\b|\bRTT\b|\bSACK\b/, /$^/],
  [/\bpipelin/i, /several requests without waiting|no pipelining/],
  [/time to live/, /lowers by one/],
  [/delayed acknowledgement/i, /held the acknowledgement back|Small writes/],
];

/** Where the file names can be seen: the compiled rules. */
const ruleFiles = readdirSync(new URL('../../../../dist/story/rules/', import.meta.url))
  .filter((name) => name.endsWith('.js') && name !== 'index.js')
  .map((name) => name.slice(0, -3));

describe('the rules', () => {
  it('are one file each, named as the rule is', () => {
    assert.deepEqual(rules.map(({ id }) => id).sort(), ruleFiles.sort());
  });

  it('have ids and titles of their own', () => {
    assert.equal(new Set(rules.map(({ id }) => id)).size, rules.length);
    assert.equal(new Set(rules.map(({ title }) => title)).size, rules.length);
  });
});

for (const { id, title, prose, notToConfuseWith, fixes, noFix } of rules) {
  describe(`the words of ${id}`, () => {
    it('has a title in plain words', () => {
      assert.match(id, /^[a-z]+(-[a-z]+)*$/);
      assert.ok(title.length >= 15 && title.length <= 80, `${title.length} characters`);
      assert.match(title, /^[A-Z].*[^.]$/);
      assert.doesNotMatch(title, /\b(FIN|RST|SYN|RTT|MSS)\b/);
    });

    it('explains itself in one paragraph', () => {
      assert.ok(prose.length >= 120 && prose.length <= 700, `${prose.length} characters`);
      assert.doesNotMatch(prose, /\n| {2}|\.\.\./);
      assert.match(prose, /^\S.*[.]$/);
      const sentences = prose.split(/[.:;?!]\s/);
      for (const sentence of sentences)
        assert.ok(sentence.length <= 240, `a sentence of ${sentence.length} characters: ${sentence}`);
      for (const [word, explained] of jargon) {
        if (word.test(prose)) assert.match(prose, explained, `${word} needs an explanation`);
      }
    });

    it('says what it is not, and names only rules that exist', () => {
      assert.ok(notToConfuseWith.length >= 20 && notToConfuseWith.length <= 400);
      assert.match(notToConfuseWith, /\.$/);
      const ids = new Set(rules.map((rule) => rule.id));
      for (const [, named] of `${prose} ${notToConfuseWith}`.matchAll(/\(([a-z]+(?:-[a-z]+)+)[,:)]/g)) {
        assert.ok(ids.has(named!), `there is no rule ${named}`);
      }
    });

    it('has settings to change, or says why there are none', () => {
      if (fixes.length === 0) assert.ok((noFix ?? '').length >= 15);
      else assert.equal(noFix, undefined);
      for (const fix of fixes) {
        assert.ok(fix.for.length >= 2 && fix.for.length <= 60, fix.for);
        assert.ok(fix.setting.length >= 4 && fix.setting.length <= 160, fix.setting);
        assert.ok(fix.why.length >= 10 && fix.why.length <= 160, fix.why);
        assert.doesNotMatch(fix.why, /\.$/);
      }
      assert.equal(new Set(fixes.map((fix) => `${fix.for} ${fix.setting}`)).size, fixes.length);
    });
  });
}
