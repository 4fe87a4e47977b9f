/** `holdfast capture`: its options, examples and help. */
import { type Command, Option } from 'commander';
import type { CaptureCommandOptions } from './capture.js';
import type { CommandContext } from './command-context.js';
import { parseWhole } from './option-values.js';
import { parseByteCount, parseDuration } from './quantity-values.js';

const captureExamples = `Examples:
  sudo holdfast capture port 8191                        all interfaces, into a file of its own name; Ctrl-C ends it
  sudo holdfast capture -i eth0 -w api.pcapng 'tcp port 443 and host 10.0.0.7'
  sudo holdfast capture --duration 2m -w two-minutes.pcapng && holdfast explain two-minutes.pcapng
  sudo holdfast capture -w night.pcapng --rotate-size 100M --files 20 port 8191    the newest 2 GB of a long night
  holdfast capture --ssh root@web1 -w web1.pcapng port 8191                        with the tcpdump of web1
  sudo holdfast capture -w - port 8191 | holdfast explain -
`;

const captureNotes = `
The filter is tcpdump's: port, host, net, tcp, and, or, not, greater … In a shell it is best put into quotes.

Files are pcapng with times in nanoseconds, complete after any end. While it runs they can be read already. On loopback each
packet is kept once. With --rotate-size or --rotate-seconds a file's name gets a number and its time: night_00001_20261121034700.pcapng.
Needs the right to capture (root, or CAP_NET_RAW); without it, or without the kernel's packet ring, tcpdump or dumpcap are
used if they may. Exit code: 0, or 2 when the capture could not begin or ended by a failure; what was captured stays.
`;

export function addCapture(program: Command, { streams, ended }: CommandContext): void {
  program
    .command('capture')
    .summary('capture packets into files')
    .description('Captures packets of this host, or over ssh of another, into pcapng files, and says how many were lost.')
    .argument('[filter...]', "which packets, in tcpdump's words; all without it")
    .option('-i, --interface <name>', 'the interface (any: all of them)')
    .option('-w, --write <file>', 'where to (- is standard output); without it a name with interface and time')
    .option('--rotate-size <bytes>', 'begin the next file before one is larger: 100M', parseByteCount)
    .option('--rotate-seconds <seconds>', 'begin the next file after so long', parseWhole('number of seconds', 1, 31_536_000))
    .option('--files <count>', 'keep only so many files, the newest', parseWhole('count', 1, 1_000_000))
    .option('--leave-free <bytes>', 'end while the disk still has so much (256M); 0 uses it up', parseByteCount)
    .option('-c, --count <packets>', 'end after so many packets', parseWhole('count', 1, Number.MAX_SAFE_INTEGER))
    .option('--duration <duration>', 'end after so long: 30s, 2m', parseDuration)
    .option('-s, --snap-length <bytes>', 'keep so much of each packet (all of it)', parseWhole('snap length', 96, 262_144))
    .option('-B, --buffer <bytes>', 'room for packets between kernel and disk (32M)', parseByteCount)
    .option('--promiscuous', 'also packets between other hosts, where the switch shows them')
    .option('--ssh <host>', 'capture on this host, with its tcpdump; the ssh connection itself is left out')
    .option('--sudo', 'with --ssh: run tcpdump by sudo there')
    .addOption(
      new Option('--by <means>', "the kernel's packet ring, or a program; without it the first that can").choices([
        'ring',
        'program',
      ]),
    )
    .addHelpText('before', captureExamples)
    .addHelpText('after', captureNotes)
    .action(async (filter: string[], options: CaptureCommandOptions) => {
      const { capture } = await import('./capture.js');
      ended(await capture(filter.join(' '), options, streams));
    });
}
