/** `holdfast link`: its options, examples and help. */
import { type Command, Option } from 'commander';
import type { CommandContext } from './command-context.js';
import { CommandFailure } from './failure.js';
import type { LinkCommandOptions } from './link.js';
import { parseWhole } from './option-values.js';
import { parseBitRate, parseBothWays, parseByteCount, parseChance, parseDuration } from './quantity-values.js';

const linkExamples = `Examples:
  holdfast link --rtt 40ms -- sh -c 'python3 -m http.server 8000 & sleep 1; curl http://$HOLDFAST_LINK_SERVER:8000/'
  holdfast link --rtt 40ms --loss 1% -w client.pcapng -- ./load-test.sh
  holdfast link --rtt 80ms --rate 10mbit/1mbit        a shell in there; rates to the server and to the client
  holdfast link --forget 30s -- ./pool-test           a middlebox that forgets idle connections, and says nothing
  holdfast link --rtt 40ms --loss 1% --measure        what the link does, measured from its ends
`;

const linkNotes = `
The command runs in a network namespace of its own, which nobody else sees. Servers listen on all addresses or on
198.18.0.1 (HOLDFAST_LINK_CLIENT), clients connect to 198.18.0.2 (HOLDFAST_LINK_SERVER); what goes between them takes the
link. Only IPv4; nothing else can be reached from in there but 127.0.0.1. Needs no rights where users may have namespaces.

Chances are per packet and way: with --loss 1% a round trip is lost in 2% of cases. Exit code: that of the command.
`;

const bothWays = ' (for both ways, or TO-SERVER/TO-CLIENT)';

export function addLink(program: Command, { streams, ended }: CommandContext): void {
  program
    .command('link')
    .summary('run a command on a link with delay, loss, and boxes that forget')
    .description(
      'Runs a command (or a shell) between two ends of a link with a real round trip: delay, jitter, loss, reordering, a rate, and a middlebox that forgets idle connections. Records what passes.',
    )
    .argument('[command...]', 'what to run; a shell without it')
    .option('--rtt <duration>', 'round trip, half of it each way: 40ms', parseDuration)
    .option('--jitter <duration>', `each packet up to so much earlier or later${bothWays}`, parseBothWays(parseDuration))
    .option('--loss <chance>', `packets lost: 1%${bothWays}`, parseBothWays(parseChance))
    .option('--reorder <chance>', `packets that are overtaken${bothWays}`, parseBothWays(parseChance))
    .option('--reorder-by <duration>', 'how long those are held back (5ms)', parseDuration)
    .option('--duplicate <chance>', `packets delivered twice${bothWays}`, parseBothWays(parseChance))
    .option('--corrupt <chance>', `packets with a flipped bit${bothWays}`, parseBothWays(parseChance))
    .option('--rate <rate>', `bits a second: 10mbit${bothWays}`, parseBothWays(parseBitRate))
    .option('--queue <bytes>', 'bytes that wait for the rate at the most (128k)', parseByteCount)
    .option('--forget <duration>', 'a middlebox forgets TCP connections that are idle for so long', parseDuration)
    .addOption(
      new Option('--forget-how <how>', 'what it does with their packets then').choices(['silent', 'reset']).default('silent'),
    )
    .option('--cut-after <duration>', 'cut the link after so long: nothing passes any more', parseDuration)
    .option('--seed <number>', 'lets chance fall another way (1)', parseWhole('seed', 0, 2 ** 32 - 1))
    .option('-w, --write <file>', "record what the client's end sees, as pcapng")
    .option('--write-server <file>', "record what the server's end sees")
    .option('--measure', 'measure round trip and loss instead of running a command')
    .option('--datagrams <count>', 'with --measure: datagrams sent for the loss (40000)', parseWhole('count', 100, 10_000_000))
    .option('--json', 'with --measure: print the result as JSON')
    .addHelpText('before', linkExamples)
    .addHelpText('after', linkNotes)
    .action(async (command: string[], options: LinkCommandOptions) => {
      if (options.measure === true && command.length > 0)
        throw new CommandFailure('bad-usage', '--measure runs no command: leave one of them out');
      if (options.measure !== true && (options.json === true || options.datagrams !== undefined))
        throw new CommandFailure('bad-usage', '--json and --datagrams belong to --measure');
      const { runLink } = await import('./link.js');
      ended(await runLink(command, options, streams));
    });
}
