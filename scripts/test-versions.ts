/**
 * Runs the built tests on every Node version the project promises, one after the other, and says for each whether they passed.
 *
 * The runtimes come from the npm package `node`, fetched on first use into node_modules/.cache/node-versions and kept there.
 * A version that cannot be fetched is said to be so and fails the run: a promise that was not tested is not kept.
 *
 *     npm run test:versions [-- 22 24 wire]     only these versions, only tests whose path holds one of the words
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const promisedVersions = ['20', '22', '24', '26'];
const cache = resolve('node_modules/.cache/node-versions');

/** Path of the runtime of a major version, fetching it if need be; null when it cannot be had. */
function runtimeOf(major: string): string | null {
  const folder = resolve(cache, major);
  const runtime = resolve(folder, 'node_modules/node/bin/node');
  if (!existsSync(runtime)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(resolve(folder, 'package.json'), '{"private":true,"allowScripts":{"node":true}}\n');
    spawnSync(
      'npm',
      ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--loglevel=error', `node@${major}`],
      {
        cwd: folder,
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
  }
  return existsSync(runtime) ? runtime : null;
}

function main(): void {
  const words = process.argv.slice(2);
  const versions = words.filter((word) => /^\d+$/.test(word));
  const wanted = versions.length > 0 ? versions : promisedVersions;
  const parts = words.filter((word) => !versions.includes(word));
  const verdicts: string[] = [];
  for (const major of wanted) {
    const runtime = runtimeOf(major);
    if (runtime === null) {
      verdicts.push(`Node ${major}: NOT TESTED, could not be fetched from the npm registry`);
      process.exitCode = 1;
      continue;
    }
    const version = spawnSync(runtime, ['--version'], { encoding: 'utf8' }).stdout.trim();
    console.log(`\nNode ${version}`);
    const { status } = spawnSync(runtime, ['.test-out/scripts/run-tests.js', ...parts], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    verdicts.push(`Node ${version}: ${status === 0 ? 'passed' : 'FAILED'}`);
    if (status !== 0) process.exitCode = 1;
  }
  console.log(`\n${verdicts.join('\n')}`);
}

main();
