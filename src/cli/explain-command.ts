/** `holdfast explain`: its options, examples and help. */
import { type Command, Option } from 'commander';
import type { CommandContext } from './command-context.js';
import { type ExplainOptions, explain } from './explain.js';
import { heldRowsLimit } from './explain-terminal.js';
import { CommandFailure } from './failure.js';
import { collect, parseRule, parseWhole } from './option-values.js';

const explainExamples = `Examples:
  holdfast explain capture.pcap
  holdfast explain capture.pcap.gz --port 8080 --host 10.0.0.7
  holdfast explain capture.pcap --filter 'http.response.code >= 500 or tcp.flags.reset == 1'
  holdfast explain capture.pcap --connection 3      its ladder, with packet numbers
  holdfast explain capture.pcap --json | jq .verdict
  holdfast explain capture.pcap --fail-on bad       exit code 1 when something bad was found
  holdfast explain big.pcapng --ndjson | jq -r 'select(.ending.why == "idle") | .server'
  tcpdump -w - port 8080 | holdfast explain -
`;

const explainNotes = `
Filters are Wireshark's plain forms, over whole connections:
  tcp.port == 8191    ip.addr == 10.0.0.0/8    tcp.stream in {3, 7..9}    http.host contains "api"
  http.request.method == "POST" and http.response.code >= 500    http.time > 1.5    tls    !http
  tcp.flags.reset == 1    tcp.analysis.retransmission    ending.by == server    ending.why == idle

--json prints one object (several files: one after the other), --ndjson one connection a line as each
ends and last the report without connections. Exit code: 0 fine, 1 a finding at or above --fail-on,
2 bad usage or unreadable input.
`;

export function addExplain(program: Command, { streams, ended }: CommandContext): void {
  program
    .command('explain')
    .summary('tell what happened on every connection of a capture')
    .description(
      'Reads packet captures (pcap, pcapng, snoop, also compressed with gzip or zstd), or what tcpdump prints, and tells what happened on every TCP connection: requests and responses, idle gaps, who closed it, how and why.',
    )
    .argument('<file...>', 'captures to explain, or - for standard input')
    .option(
      '-c, --connection <number>',
      'one connection in full: its ladder and exchanges',
      parseWhole('connection', 0, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '-p, --port <port>',
      'only connections with this port on either side (may be given again)',
      collect(parseWhole('port', 0, 65535)),
    )
    .option(
      '--host <host>',
      'only connections of this address, network, or HTTP or TLS host name (may be given again)',
      collect((text: string) => text),
    )
    .option('-f, --filter <expression>', 'only connections that match a display filter (below)')
    .option('-a, --all', 'list all connections, not only those with most to tell')
    .option('-n, --limit <count>', 'list so many connections', parseWhole('count', 0, heldRowsLimit))
    .option('--json', 'print the report as JSON')
    .option('--ndjson', 'print one connection a line as each ends, in bounded memory')
    .option('--html <file>', 'also write the report as a page of its own: verdict, timeline, ladders (- is standard output)')
    .option('--svg <file>', 'also write one picture: the timeline, or with --connection its ladder (- is standard output)')
    .option('--rule <id>', 'only findings of this rule (may be given again; holdfast rules lists them)', collect(parseRule))
    .addOption(
      new Option('--fail-on <level>', 'exit code 1 when there is a finding of this level or worse').choices([
        'bad',
        'warning',
        'info',
        'good',
      ]),
    )
    .option('--utc', 'times of day in UTC instead of seconds since the first packet')
    .option('--columns <count>', 'lay out for so many columns', parseWhole('count', 40, 1000))
    .option('--ascii', 'draw with ASCII characters only')
    .addHelpText('before', explainExamples)
    .addHelpText('after', explainNotes)
    .action(async (files: string[], options: ExplainOptions) => {
      if (options.json === true && options.ndjson === true)
        throw new CommandFailure('bad-usage', 'choose one of --json and --ndjson');
      ended(await explain(files, options, streams));
    });
}
