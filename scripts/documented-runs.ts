/**
 * The runs that the documentation shows are real: every fenced `console` block of the named files holds commands and what they
 * print, and a test compares them. After a change of the output:
 *
 *     npm run documented-runs        writes what the commands print now into the files; read the difference
 *
 * A command is `$ npx holdfast …`, run in the repository's root and off a terminal (so 100 columns wide), and may end with
 * `| head -N`.
 * A `js` block with a `text` block behind it is a program and what it prints, run in the same place, where `holdfast` is this package.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

export const documents = ['README.md', 'examples/README.md', 'docs/library.md'].filter((path) => existsSync(path));

const block = /^```console\n([\s\S]*?)^```$/gm;
const command = /^\$ npx holdfast (?<words>[^|\n]*?)(?: \| head -(?<lines>\d+))?$/;

const programBlock = /^```js\n([\s\S]*?)^```\n\n```text\n[\s\S]*?^```$/gm;

/** The document as it should be. */
export function withRealOutput(document: string): string {
  return document
    .replace(block, (_, body: string) => {
      const commands = body.split('\n').filter((line) => line.startsWith('$ '));
      return `\`\`\`console\n${commands.map((line) => `${line}\n${outputOf(line)}`).join('')}\`\`\``;
    })
    .replace(programBlock, (_, program: string) => `\`\`\`js\n${program}\`\`\`\n\n\`\`\`text\n${outputOfProgram(program)}\`\`\``);
}

function outputOf(line: string): string {
  const parsed = command.exec(line)?.groups;
  if (parsed === undefined) throw new Error(`not a command that can be run here: ${line}`);
  const { words = '', lines } = parsed;
  const output = run(line, ['bin/holdfast.js', ...words.split(' ')]);
  return lines === undefined ? output : `${output.split('\n').slice(0, Number(lines)).join('\n')}\n`;
}

const outputOfProgram = (program: string): string => run(program, ['--input-type=module', '--eval', program]);

/** What Node prints with these arguments; that it prints nothing else, and ends well, is part of what is shown. */
function run(shown: string, words: readonly string[]): string {
  const environment = { ...process.env, LC_ALL: 'C.UTF-8', NO_COLOR: '1' };
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', env: environment });
  if (stderr !== '') throw new Error(`${shown}: ${stderr}`);
  return stdout;
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  for (const path of documents) writeFileSync(path, withRealOutput(readFileSync(path, 'utf8')));
}
