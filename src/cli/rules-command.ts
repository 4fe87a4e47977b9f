/** `holdfast rules`: its options, examples and help. */
import type { Command } from 'commander';
import type { CommandContext } from './command-context.js';
import { parseRule, parseWhole } from './option-values.js';
import { listRules, type RulesOptions } from './rules.js';

const rulesExamples = `Examples:
  holdfast rules                       all rules, a line each
  holdfast rules stale-reuse           one in full, with every setting that mends it
`;

export function addRules(program: Command, { streams }: CommandContext): void {
  program
    .command('rules')
    .summary('list the rules of the diagnosis, or tell of some in full')
    .description(
      'Lists the rules that explain looks for. With rule ids: what each means, what it is not, and every setting that mends it.',
    )
    .argument('[id...]', 'rules to tell of in full')
    .option('--json', 'print them as JSON')
    .option('--columns <count>', 'lay out for so many columns', parseWhole('count', 40, 1000))
    .option('--ascii', 'draw with ASCII characters only')
    .addHelpText('before', rulesExamples)
    .action((ids: string[], options: RulesOptions) => listRules(ids.map(parseRule), options, streams));
}
