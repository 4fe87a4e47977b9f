/** What the documents name is there: files, limits, numbers, and the ends of their links. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { flowLimits } from 'holdfast/packets';
import { storyLimits } from 'holdfast/story';

const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'examples/README.md',
  ...readdirSync('docs').map((name) => join('docs', name)),
];
const ours = ['src', 'test', 'scripts', 'bench', 'bin', 'examples'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
);
const names = new Set([...ours.map((path) => basename(path)), ...readdirSync('.')]);
const sources = ours.filter((path) => path.endsWith('.ts')).map((path) => readFileSync(path, 'utf8'));

const withoutBlocks = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, '');
const codeIn = (text: string): string[] => [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);

for (const path of documents) {
  const text = readFileSync(path, 'utf8');

  test(`${path}: every link to a file leads to one`, () => {
    const targets = [...withoutBlocks(text).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
    const files = targets.filter((target) => !/^[a-z]+:/.test(target));
    assert.deepEqual(
      files.filter((target) => !existsSync(join(dirname(path), target))),
      [],
    );
  });

  test(`${path}: every source file that is named exists`, () => {
    const named = codeIn(text).filter((code) => /^[\w./-]+\.(ts|js|go|json)$/.test(code));
    const missing = named.filter(
      (code) => !(code.includes('/') ? existsSync(code) || existsSync(join('src', code)) : names.has(code)),
    );
    assert.deepEqual(missing, []);
  });

  test(`${path}: every npm script that is named exists`, () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map((match) => match[1]!);
    assert.deepEqual(
      named.filter((name) => scripts[name] === undefined),
      [],
    );
  });
}

test('every limit that ARCHITECTURE.md names is declared', () => {
  const limits = codeIn(readFileSync('ARCHITECTURE.md', 'utf8')).filter((code) => /^\w+Limits?$/.test(code));
  assert.ok(limits.length > 5);
  assert.deepEqual(
    limits.filter((name) => !sources.some((source) => source.includes(`const ${name}`))),
    [],
  );
});

test('every layer is told of in ARCHITECTURE.md', () => {
  const told = [...readFileSync('ARCHITECTURE.md', 'utf8').matchAll(/^### `(.+)`$/gm)].map((match) => match[1]!);
  const layers = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(told.sort(), layers.map((entry) => entry.name).sort());
});

test('the README is short', () => {
  assert.ok(readFileSync('README.md', 'utf8').split('\n').length <= 251, 'at most 250 lines');
});

test('the limits that are told are those of the program', () => {
  const text = readFileSync('docs/captures.md', 'utf8');
  for (const limit of [flowLimits.connections, storyLimits.exchangesPerConnection]) {
    assert.ok(text.includes(limit.toLocaleString('en')), `${limit} is not stated`);
  }
});
