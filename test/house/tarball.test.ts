/**
 * The packed project, installed into an empty folder, works there. No network and no npm cache is needed: every dependency
 * that the package names is taken from the folder where this project has it.
 */

import assert from 'node:assert/strict';
import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const runOptions: ExecFileSyncOptionsWithStringEncoding = {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'pipe'],
  maxBuffer: 64 << 20,
};

describe('the packed tarball', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-tarball-'));
  let packed: { filename: string; files: { path: string }[] };

  const holdfast = (...words: string[]): string =>
    execFileSync(process.execPath, [join(folder, 'node_modules/.bin/holdfast'), ...words], { ...runOptions, cwd: folder });

  before(() => {
    // Without scripts: `prepack` would empty dist/ under the feet of the other tests.
    [packed] = JSON.parse(execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], runOptions));
    const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({
        private: true,
        dependencies: { holdfast: `file:${join(folder, packed.filename)}` },
        overrides: Object.fromEntries(names.map((name) => [name, `file:${resolve('node_modules', name)}`])),
      }),
    );
    const options = [
      '--offline',
      '--ignore-scripts',
      '--install-links=false',
      '--no-audit',
      '--no-fund',
      '--cache',
      join(folder, 'empty-cache'),
    ];
    execFileSync('npm', ['install', ...options], { ...runOptions, cwd: folder });
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('holds what runs and nothing else', () => {
    const stray = packed.files
      .map(({ path }) => path)
      .filter(
        (path) => !/^(bin\/|examples\/|dist\/.*\.(js|d\.ts)$|package\.json$|LICENSE$|README\.md$|CHANGELOG\.md$)/.test(path),
      );
    assert.deepEqual(stray, []);
  });

  it('says its version', () => {
    assert.equal(holdfast('--version').trim(), manifest.version);
  });

  it('explains one of the examples that come with it', () => {
    const report = JSON.parse(holdfast('explain', '--json', 'node_modules/holdfast/examples/stale-reuse.pcap'));
    assert.equal(report.totals.connections, 2);
    assert.equal(report.totals.requests, 4);
  });

  it('exports every layer', () => {
    const layers = Object.keys(manifest.exports).filter((path) => path !== './package.json');
    const program = layers.map((path) => `await import('holdfast${path.slice(1)}');`).join('');
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { ...runOptions, cwd: folder });
  });
});
