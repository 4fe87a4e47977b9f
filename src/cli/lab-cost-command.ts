/** `holdfast lab cost`: its options, examples and help. It belongs to `lab`, which calls this. */
import type { Command } from 'commander';
import type { CommandContext } from './command-context.js';
import type { LabCostOptions } from './lab-cost.js';
import { parseWhole } from './option-values.js';
import { parseByteCount, parseDuration } from './quantity-values.js';

const examples = `Examples:
  holdfast lab cost                            our own server, over the loopback
  holdfast lab cost --rtt 40ms                 over a link with that round trip
  holdfast lab cost http://127.0.0.1:8080/     a server of this host
  holdfast lab cost --rtt 40ms --upload 1M --html cost.html
  holdfast lab cost https://api.example.com/ --allow-remote -n 20
`;

const notes = `
Another host is measured only with --allow-remote, with at most 50 requests a way on 6 connections.
The round trip is measured; the formula is what it alone says. Exit code: 0 measured, 2 bad usage or nobody answers.
`;

export function addLabCost(lab: Command, { streams, ended }: CommandContext): void {
  lab
    .command('cost')
    .summary('what keep-alive is worth: time, packets, handshakes, TIME_WAIT, processor')
    .description(
      'Sends the same requests with and without keep-alive, one after another, pipelined and side by side, and says what each way costs.',
    )
    .argument('[url]', 'a server of this host; without it our own')
    .option('--rtt <duration>', 'round trip of a link to our own server, in a network namespace of its own', parseDuration)
    .option('-n, --requests <count>', 'requests each way (100; of another host 20)', parseWhole('count', 1, 100_000))
    .option('--parallel <count>', 'connections at a time', parseWhole('count', 2, 1_000), 6)
    .option('--pipeline <count>', 'requests sent before the first is answered', parseWhole('count', 2, 1_000), 10)
    .option('--upload <size>', 'bytes of each upload, 0 for none (64k; to a URL none)', parseByteCount)
    .option('--allow-remote', 'measure another host')
    .option('-k, --insecure', 'do not judge certificates')
    .option('--json', 'print the figures as JSON')
    .option('--html <file>', 'also write them as a page')
    .option('--columns <count>', 'lay out for so many columns', parseWhole('count', 40, 1000))
    .option('--ascii', 'draw with ASCII characters only')
    .addHelpText('before', examples)
    .addHelpText('after', notes)
    .action(async (url: string | undefined, _options: unknown, command: Command) => {
      const { labCost } = await import('./lab-cost.js');
      // `lab` has options of the same names, and takes them first.
      ended(await labCost(url, command.optsWithGlobals<LabCostOptions>(), streams));
    });
}
