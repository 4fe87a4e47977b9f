/** `holdfast lab`: its options, examples and help. */
import { type Command, Option } from 'commander';
import type { CommandContext } from './command-context.js';
import { CommandFailure } from './failure.js';
import type { LabOptions } from './lab.js';
import { addLabCost } from './lab-cost-command.js';
import { parseWhole } from './option-values.js';

const labExamples = `Examples:
  holdfast lab                                 the scenarios, a line each
  holdfast lab idle-close                      play one: a live ladder, the verdict, what the packets had to show
  holdfast lab idle-close --speed 1            the same in real time
  holdfast lab slow-response --client chromium
  holdfast lab timeout-zero --html zero.html   also the report as a page
  holdfast lab --all --json                    all of them, as a regression suite; exit code 1 when one fails
  holdfast lab cost --rtt 40ms                 what keep-alive is worth over a link with that round trip
  holdfast lab compare timeout-idle            the same against nginx, Apache, Go, Node and our own server, side by side
`;

const labNotes = `
A scenario runs real peers in a network namespace of its own (no rights are needed where users may have one), records their
packets, explains them, and judges the packets alone. Exit code: 0 all expectations met, 1 not, 2 it could not be played.
`;

export function addLab(program: Command, { streams, ended }: CommandContext): void {
  const lab = program
    .command('lab')
    .summary('play the classic cases on real TCP, and check what the packets show')
    .description(
      'Reproduces the classic cases of persistent connections with real servers and clients, records what passes, and checks what the packets must show.',
    )
    .argument('[scenario]', 'the scenario to play; without it they are listed')
    .option('--all', 'play all of them')
    .option('--compare', 'play it against every server there is, side by side')
    .option(
      '--speed <times>',
      'so many times faster than in real life; 1 is real time (default: as fast as a scenario can be)',
      parseSpeed,
    )
    .option('--server <name>', 'play with this server')
    .option('--client <name>', 'play with this client')
    .option('-o, --out <folder>', 'where NAME.pcapng is written (default: here; with --all and --compare: nowhere)')
    .option('-w, --write <file>', 'the file that is written')
    .option('--html <file>', 'also write the report as a page of its own')
    .option('--relay', 'watch with a relay instead of recording packets, as where nobody may')
    .option('--jobs <count>', 'with --all: scenarios at a time (3)', parseWhole('count', 1, 32))
    .option('--json', 'print the outcome as JSON')
    .addOption(new Option('--sabotage <what>', 'break a peer on purpose, to see the scenario fail').hideHelp())
    .option('--columns <count>', 'lay out for so many columns', parseWhole('count', 40, 1000))
    .option('--ascii', 'draw with ASCII characters only')
    .addHelpText('before', labExamples)
    .addHelpText('after', labNotes)
    .action(async (name: string | undefined, options: LabOptions) => {
      const { runLab } = await import('./lab.js');
      ended(await runLab(name, options, streams));
    });
  lab
    .command('compare')
    .summary('a scenario against every server there is, side by side (the same as --compare)')
    .argument('[scenario]', 'the scenario to play; without it some that tell servers apart')
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const { runLab } = await import('./lab.js');
      ended(await runLab(name, { ...command.optsWithGlobals<LabOptions>(), compare: true }, streams));
    });
  addLabCost(lab, { streams, ended });
}

/** Slower than life is no use, faster than this no kernel keeps up. */
const mostSpeed = 1000;

function parseSpeed(text: string): number {
  const speed = Number(text);
  if (speed >= 1 && speed <= mostSpeed) return speed;
  throw new CommandFailure('bad-usage', `a speed is a number from 1 to ${mostSpeed}`);
}
