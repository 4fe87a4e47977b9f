/**
 * The style rules that a machine can check, over every file of the repository that is ours (what git tracks or would track).
 * Prints one line per breach and exits 1; silent when all is well. Formatting, unused code and layer rules are checked
 * elsewhere (biome, knip, test/house/layers.test.ts).
 *
 * Each rule is one entry in `rules`: its name, the files it looks at, and a function from a file to its breaches.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const maxFileLines = 500;
/** A file of fewer lines than this may speak for itself. */
const headCommentFromLines = 40;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

interface Breach {
  readonly line: number;
  readonly text: string;
}

interface Rule {
  readonly name: string;
  readonly appliesTo: (path: string) => boolean;
  readonly check: (file: SourceFile) => Breach[];
}

const isTypeScript = (path: string): boolean => path.endsWith('.ts');
const isText = (path: string): boolean =>
  /\.(ts|js|json|md|sh|yml|html|css|svg|txt|tsv)$/.test(path) || path.startsWith('.ci/') || path === '.gitignore';

/** A list of cases grows with what it lists. */
const isTable = (path: string): boolean => /-(cases|differences|manifest)\.ts$/.test(path);
/** A rule's own prose says what it is. */
const isRule = (path: string): boolean => path.startsWith('src/story/rules/');

/** One breach for each line that `pattern` matches. */
function matchingLines(pattern: RegExp, text: string): (file: SourceFile) => Breach[] {
  return (file) => file.lines.flatMap((line, index) => (pattern.test(line) ? [{ line: index + 1, text }] : []));
}

const rules: readonly Rule[] = [
  {
    name: 'file-length',
    appliesTo: (path) => isTypeScript(path) && !isTable(path),
    check: (file) =>
      file.lines.length > maxFileLines
        ? [{ line: maxFileLines, text: `${file.lines.length} lines; past ${maxFileLines} there is a second concept inside` }]
        : [],
  },
  {
    name: 'head-comment',
    appliesTo: (path) => isTypeScript(path) && !path.endsWith('.test.ts') && !isRule(path),
    check: (file) =>
      file.lines.length >= headCommentFromLines && !/^(#!.*\n)?\s*\/\*\*?[\s*]/.test(file.text)
        ? [{ line: 1, text: 'open with a comment: what this is, its rules, what it deliberately does not do' }]
        : [],
  },
  {
    name: 'file-name',
    appliesTo: (path) => isTypeScript(path) || path.startsWith('examples/'),
    check: (file) => {
      const name = basename(file.path);
      if (/^(utils?|helpers?|misc|common)\./.test(name)) return [{ line: 1, text: 'name the concept, not the drawer' }];
      return /^([a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*|README\.md)$/.test(name)
        ? []
        : [{ line: 1, text: 'file names are kebab-case' }];
    },
  },
  {
    name: 'nothing-left-standing',
    appliesTo: (path) => isText(path) && path !== 'scripts/tidy.ts',
    check: matchingLines(/\b(TODO|FIXME|XXX|HACK)\b/, 'do it, or say in the documentation that it is not done'),
  },
  {
    name: 'no-clock-no-chance',
    appliesTo: (path) => /^src\/(base|wire|packets|story|view)\/.*\.ts$/.test(path),
    check: matchingLines(/\b(Date\.now|Math\.random)\b|new Date\(\)/, 'below the engine time and randomness are passed in'),
  },
  {
    name: 'project-only',
    appliesTo: isText,
    check: matchingLines(
      /(?<![\w.])\/work\/|\/tmp\/brief|\bshared\/(DESIGN|STYLE|RULES|PROTOCOL|SCENARIOS|TIMEOUTS)\b/,
      'names a place that users of the project do not have',
    ),
  },
  {
    name: 'no-exclusive-test',
    appliesTo: (path) => path.startsWith('test/') && isTypeScript(path),
    check: matchingLines(/\b(test|it|describe)\.only\(|\bonly: true\b/, 'runs alone and hides the others'),
  },
];

/** Paths of all files that are ours: tracked, or new and not ignored. */
function ourFiles(): string[] {
  const listing = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { encoding: 'utf8' });
  return [...new Set(listing.split('\0'))].filter((path) => path !== '' && path !== 'package-lock.json' && existsSync(path));
}

function main(): void {
  let breaches = 0;
  for (const path of ourFiles()) {
    const applicable = rules.filter((rule) => rule.appliesTo(path));
    if (applicable.length === 0) continue;
    const text = isText(path) ? readFileSync(path, 'utf8') : '';
    const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text.split('\n');
    for (const rule of applicable) {
      for (const breach of rule.check({ path, text, lines })) {
        breaches += 1;
        console.error(`${path}:${breach.line}: ${rule.name}: ${breach.text}`);
      }
    }
  }
  if (breaches > 0) process.exitCode = 1;
}

main();
