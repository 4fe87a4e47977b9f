/**
 * Runs every test: the compiled form of each *.test.ts below test/, in node's own test runner, and ends with its closing lines
 * and its exit code.
 *
 * The list comes from the sources, not from the output folder, so that the compiled leftover of a deleted test never runs;
 * and it is given file by file, because the runners of Node 20 and 22 read folders and patterns differently.
 *
 *     node .test-out/scripts/run-tests.js [part-of-a-path…]     only the tests whose path holds one of the parts
 */

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A test file that hangs fails instead. */
const fileTimeoutMs = 600_000;

const wanted = process.argv.slice(2);
const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts') && (wanted.length === 0 || wanted.some((part) => path.includes(part))))
  .map((path) => join('.test-out/test', path.replace(/\.ts$/, '.js')))
  .sort();

if (files.length === 0) {
  console.error('no test matches');
  process.exitCode = 1;
} else {
  const { status } = spawnSync(process.execPath, ['--test', `--test-timeout=${fileTimeoutMs}`, ...files], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.exitCode = status ?? 1;
}
