/** Finding the programs that peers are made of. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const answerWithinMs = 5000;

/**
 * The version that a program tells when asked with `args`: the first match of `pattern` in what it prints. Null when there is no such
 * program.
 */
export async function versionOf(command: string, args: readonly string[], pattern = /\d+(\.\d+)+/): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(command, args, {
      timeout: answerWithinMs,
      env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
    });
    return pattern.exec(`${stdout}\n${stderr}`)?.[0] ?? '';
  } catch {
    return null;
  }
}
