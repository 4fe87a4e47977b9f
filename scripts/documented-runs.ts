/**
 * The runs that the documentation shows are real: every fenced `console` block of the named files holds commands and what they
 * print, and a test compares them. After a change of the output:
 *
 *     npm run documented-runs        writes what the commands print now into the files; read the difference
 *
 * A command is `$ npx holdfast …`, run in the repository's root with 80 columns and no terminal, and may end with `| head -N`.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

export const documents = ['README.md', 'examples/README.md'].filter((path) => existsSync(path));

const block = /^```console\n([\s\S]*?)^```$/gm;
const command = /^\$ npx holdfast (?<words>[^|\n]*?)(?: \| head -(?<lines>\d+))?$/;

/** The document as it should be. */
export function withRealOutput(document: string): string {
  return document.replace(block, (_, body: string) => {
    const commands = body.split('\n').filter((line) => line.startsWith('$ '));
    return `\`\`\`console\n${commands.map((line) => `${line}\n${outputOf(line)}`).join('')}\`\`\``;
  });
}

function outputOf(line: string): string {
  const parsed = command.exec(line)?.groups;
  if (parsed === undefined) throw new Error(`not a command that can be run here: ${line}`);
  const { words = '', lines } = parsed;
  const environment = { ...process.env, COLUMNS: '80', NO_COLOR: '1', TZ: 'UTC' };
  const { stdout, stderr } = spawnSync(process.execPath, ['bin/holdfast.js', ...words.split(' ')], {
    encoding: 'utf8',
    env: environment,
  });
  if (stderr !== '') throw new Error(`${line}: ${stderr}`);
  return lines === undefined ? stdout : `${stdout.split('\n').slice(0, Number(lines)).join('\n')}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  for (const path of documents) writeFileSync(path, withRealOutput(readFileSync(path, 'utf8')));
}
