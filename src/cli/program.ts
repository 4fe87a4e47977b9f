/**
 * The command line: what commands and options there are. Bad usage and unreadable input end with exit code 2 and one sentence
 * that says what to do; `--help` begins with examples.
 */
import { existsSync, readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { rules } from '../story/index.js';
import { escapeName } from '../view/index.js';
import { type ExplainOptions, explain, type Streams } from './explain.js';
import { heldRowsLimit } from './explain-terminal.js';
import { CommandFailure, exitCodes, failureText } from './failure.js';
import { Output } from './output.js';
import { listRules, type RulesOptions } from './rules.js';

const generalExamples = `Examples:
  holdfast explain capture.pcap                     what happened on every connection
  holdfast explain capture.pcap --connection 3      one connection, packet by packet
  tcpdump -w - port 8080 | holdfast explain -       from standard input
`;

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

const rulesExamples = `Examples:
  holdfast rules                       all rules, a line each
  holdfast rules stale-reuse           one in full, with every setting that mends it
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

/** Runs the command line and gives the exit code. */
export async function run(argv: readonly string[], streams = standardStreams()): Promise<number> {
  const { output, messages } = streams;
  let code: number = exitCodes.fine;
  try {
    const program = buildProgram(streams, (ended) => {
      code = ended;
    });
    await program.parseAsync([...argv], { from: 'user' });
    await output.flush();
    if (output.failure !== null) throw new CommandFailure('output-failed', `cannot write the output: ${output.failure.message}`);
    return code;
  } catch (error) {
    await output.flush();
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.failed;
    if (error instanceof CommandFailure) messages.write(failureText(error));
    else throw error;
    return exitCodes.failed;
  }
}

function standardStreams(): Streams {
  return { output: new Output(process.stdout), screen: process.stdout, messages: process.stderr, environment: process.env };
}

function buildProgram(streams: Streams, ended: (code: number) => void): Command {
  const program = new Command('holdfast');
  program
    .description('Which HTTP connections died, who closed them, when and why, with the packet numbers that prove it.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('before', generalExamples)
    .showHelpAfterError('(holdfast --help says what there is)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => streams.output.write(text),
      writeErr: (text) => streams.messages.write(text),
      getOutHelpWidth: () => streams.screen.columns ?? 100,
      outputError: (text, write) => write(usageErrorText(text)),
    });
  addExplain(program, streams, ended);
  addRules(program, streams);
  return program;
}

function addExplain(program: Command, streams: Streams, ended: (code: number) => void): void {
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

function addRules(program: Command, streams: Streams): void {
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

const parseRule = (id: string): string => {
  if (rules.some((rule) => rule.id === id)) return id;
  throw new CommandFailure('bad-usage', `there is no rule ${escapeName(id)}; holdfast rules lists them`);
};

const parseWhole =
  (what: string, least: number, most: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(
      most === Number.MAX_SAFE_INTEGER ? `A ${what} is a whole number.` : `A ${what} is a whole number from ${least} to ${most}.`,
    );
  };

const collect =
  <Value>(parse: (text: string) => Value) =>
  (text: string, before: readonly Value[] = []): Value[] => [...before, parse(text)];

/** An error of the command line, harmless on a terminal. `holdfast x.pcap`: the command was forgotten. */
function usageErrorText(text: string): string {
  const name = /unknown command '(.*)'/.exec(text)?.[1];
  const lines = text
    .replace(/^error: /, 'holdfast: ')
    .trimEnd()
    .split('\n');
  if (name !== undefined && existsSync(name)) lines.push(`Did you mean: holdfast explain ${name}`);
  return `${lines.map(escapeName).join('\n')}\n`;
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
