/**
 * The house's plan, executable: which layer may import which, and on what platform it runs. Everything in src/ is read and
 * every import held against this one table; so are the project references, with which the compiler enforces the same.
 *
 * A layer's whole public face is its index.ts: nobody imports past it. The layers for any platform import nothing from Node
 * and compile without its types and without the DOM's.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { test } from 'node:test';

interface Layer {
  readonly mayImport: readonly string[];
  readonly platform: 'any' | 'node' | 'browser';
  /** Packages from npm that this layer may use. */
  readonly packages?: readonly string[];
}

const layers: Readonly<Record<string, Layer>> = {
  base: { mayImport: [], platform: 'any' },
  wire: { mayImport: ['base'], platform: 'any' },
  packets: { mayImport: ['base'], platform: 'any' },
  story: { mayImport: ['base', 'wire'], platform: 'any' },
  view: { mayImport: ['base', 'story'], platform: 'any' },
  engine: { mayImport: ['base', 'wire'], platform: 'node', packages: ['koffi'] },
  capture: { mayImport: ['base', 'packets'], platform: 'node', packages: ['koffi'] },
  lab: {
    mayImport: ['base', 'wire', 'packets', 'story', 'view', 'engine', 'capture'],
    platform: 'node',
    packages: ['fresh', 'mrmime', 'negotiator', 'range-parser'],
  },
  cli: {
    mayImport: ['base', 'wire', 'packets', 'story', 'view', 'engine', 'capture', 'lab'],
    platform: 'node',
    packages: ['commander', 'cli-progress', 'picocolors'],
  },
};

/** Types and libraries that each platform compiles with. */
const compiledWith = {
  any: { types: [], lib: ['es2023'] },
  node: { types: ['node'], lib: ['es2023'] },
  browser: { types: [], lib: ['es2023', 'dom', 'dom.iterable'] },
};

interface Import {
  readonly file: string;
  readonly layer: string;
  readonly specifier: string;
}

function readImports(): Import[] {
  const found: Import[] = [];
  for (const path of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts')) continue;
    const text = readFileSync(join('src', path), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const match of text.matchAll(/\b(?:from|import|require)\s*\(?\s*(['"])([^'"\n]+)\1/g)) {
      found.push({ file: join('src', path), layer: path.split(sep)[0]!, specifier: match[2]! });
    }
  }
  return found;
}

/** What is wrong with an import, or null. */
function breachOf({ file, layer, specifier }: Import): string | null {
  const { mayImport, platform, packages = [] } = layers[layer]!;
  if (specifier.startsWith('node:')) return platform === 'node' ? null : 'runs without Node';
  if (!specifier.startsWith('.')) {
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
    return packages.includes(name) ? null : `may not use the package ${name}`;
  }
  const target = normalize(join(dirname(file), specifier)).split(sep);
  if (target[0] !== 'src') return 'leaves src';
  if (target[1] === layer) return null;
  if (!mayImport.includes(target[1]!)) return `may not import ${target[1]}`;
  return target.length === 3 && target[2] === 'index.js' ? null : `reaches past the index of ${target[1]}`;
}

/** The project files are JSON with trailing commas at most; they hold no comments. */
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

test('every folder of src is a layer of the plan, and every layer of the plan is built', () => {
  const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(folders.map((entry) => entry.name).sort(), Object.keys(layers).sort());
  const built = readJson('tsconfig.json').references.map((reference: { path: string }) => reference.path);
  assert.deepEqual(
    built.sort(),
    Object.keys(layers)
      .map((name) => `src/${name}`)
      .sort(),
  );
});

test('imports follow the plan', () => {
  const imports = readImports();
  assert.ok(imports.length > 0, 'no import was read');
  const breaches = imports.flatMap((each) => {
    const breach = breachOf(each);
    return breach === null ? [] : [`${each.file}: '${each.specifier}': ${each.layer} ${breach}`];
  });
  assert.deepEqual(breaches, []);
});

test('the plan has no way back', () => {
  const done = new Set<string>();
  for (const [name, { mayImport }] of Object.entries(layers)) {
    for (const imported of mayImport)
      assert.ok(done.has(imported), `${name} imports ${imported}, which does not stand before it`);
    done.add(name);
  }
});

for (const [name, { mayImport, platform }] of Object.entries(layers)) {
  test(`the compiler holds ${name} to the same plan`, () => {
    const project = readJson(`src/${name}/tsconfig.json`);
    const base = readJson('tsconfig.base.json').compilerOptions;
    const references = project.references.map((reference: { path: string }) => reference.path.replace('../', ''));
    assert.deepEqual(references.sort(), [...mayImport].sort());
    assert.deepEqual(project.compilerOptions.types ?? base.types, compiledWith[platform].types);
    assert.deepEqual(project.compilerOptions.lib ?? base.lib, compiledWith[platform].lib);
  });
}

test('a breach is recognised', () => {
  const cases: [file: string, layer: string, specifier: string][] = [
    ['src/wire/a.ts', 'wire', '../packets/index.js'],
    ['src/wire/a.ts', 'wire', '../base/time.js'],
    ['src/story/a.ts', 'story', 'node:fs'],
    ['src/story/deep/a.ts', 'story', '../../view/index.js'],
    ['src/view/a.ts', 'view', 'picocolors'],
    ['src/cli/a.ts', 'cli', '../../test/a.js'],
  ];
  for (const [file, layer, specifier] of cases)
    assert.notEqual(breachOf({ file, layer, specifier }), null, `${layer} ${specifier}`);
  assert.equal(breachOf({ file: 'src/wire/a.ts', layer: 'wire', specifier: '../base/index.js' }), null);
  assert.equal(breachOf({ file: 'src/wire/deep/a.ts', layer: 'wire', specifier: '../b.js' }), null);
});
