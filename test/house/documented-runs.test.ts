/** What the documentation shows is what the command prints, and every example is told of. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { documents, withRealOutput } from '../../scripts/documented-runs.js';

for (const path of documents) {
  test(`the runs shown in ${path} are real (npm run documented-runs writes them anew)`, () => {
    const text = readFileSync(path, 'utf8');
    assert.equal(text, withRealOutput(text));
  });
}

test('every example is told of, and every example told of is there', () => {
  const told = [...readFileSync('examples/README.md', 'utf8').matchAll(/^## `(.+)`$/gm)].map((match) => match[1]!);
  const files = readdirSync('examples').filter((name) => name.includes('.pcap'));
  assert.deepEqual(told.sort(), files.sort());
});
