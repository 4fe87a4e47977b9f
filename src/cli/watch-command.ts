/** `holdfast watch`: its options, examples and help. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from './command-context.js';
import { CommandFailure } from './failure.js';
import { collect, parseWhole } from './option-values.js';
import { parseByteCount } from './quantity-values.js';
import type { WatchOptions } from './watch.js';

const watchExamples = `Examples:
  sudo holdfast watch --port 8080                       all connections of a port, as they live
  sudo holdfast watch -i eth0 'host 10.0.0.7 and not port 22'
  sudo holdfast watch --process nginx                   the connections of a program
  sudo holdfast watch --port 8080 | tee connections     a line a connection, as each ends
  sudo holdfast watch --ndjson | jq -r 'select(.ending.why == "request-crossed") | .client'
  holdfast watch --read capture.pcapng --speed 10       play a capture again
  ssh web1 tcpdump -U -w - port 8080 | holdfast watch --read -
`;

const watchNotes = `
On a terminal: ? shows the keys; / filters, enter shows the ladder of a connection, w and p save what is on the screen,
q ends with a summary. Elsewhere a line is printed for each connection as it ends, and findings when they arise; --ndjson prints
the same as JSON, findings as {"finding":…}, and last the report without connections.

The filter in words is tcpdump's and decides which packets are captured; --filter is explain's and decides which connections are
shown. Findings are those of connections that have ended. When packets come faster than they can be told, some are left out,
and the last line of the screen says how many were seen. Needs the right to capture, as holdfast capture does.
Exit code: 0, or 2 when it could not begin or the source failed.
`;

export function addWatch(program: Command, { streams, ended }: CommandContext): void {
  program
    .command('watch')
    .summary('watch connections live, with findings as they arise')
    .description(
      'Listens to packets and shows every connection as it lives: exchanges, idle gaps, probes, who closes it and why.',
    )
    .argument('[filter...]', "which packets, in tcpdump's words; all of TCP without it")
    .option('-i, --interface <name>', 'the interface (any: all of them)')
    .option('-p, --port <port>', 'only this port on either side (may be given again)', collect(parseWhole('port', 0, 65535)))
    .option(
      '--host <host>',
      'only this address or host name on either side (may be given again)',
      collect((text: string) => text),
    )
    .option('--pid <number>', 'only connections of this process', parseWhole('process', 1, Number.MAX_SAFE_INTEGER))
    .option('--process <name>', 'only connections of programs with this name')
    .option('-f, --filter <expression>', 'only connections that match a display filter, as in explain')
    .option('-r, --read <file>', 'play a capture again instead (- is standard input)')
    .option('--speed <factor>', 'how much faster than it was', parseSpeed)
    .option('--ndjson', 'print one connection a line as JSON, as each ends')
    .option('--plain', 'print lines, on a terminal too')
    .option('--ssh <host>', 'capture on this host, with its tcpdump; the ssh connection itself is left out')
    .option('--sudo', 'with --ssh: run tcpdump by sudo there')
    .option('-B, --buffer <bytes>', 'room for packets in the kernel (32M)', parseByteCount)
    .addOption(new Option('--by <means>', "the kernel's packet ring, or a program").choices(['ring', 'program']))
    .option('--utc', 'times of day in UTC instead of seconds since the first packet')
    .option('--ascii', 'draw with ASCII characters only')
    .addHelpText('before', watchExamples)
    .addHelpText('after', watchNotes)
    .action(async (filter: string[], options: WatchOptions) => {
      if (options.speed !== undefined && options.read === undefined)
        throw new CommandFailure('bad-usage', '--speed is for --read: a wire has its own speed');
      const { watch } = await import('./watch.js');
      ended(await watch(filter.join(' '), options, streams));
    });
}

function parseSpeed(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= 1e6) return value;
  throw new InvalidArgumentError('A speed is a number above 0: 1, 2.5, 100.');
}
