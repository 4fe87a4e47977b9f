/** `holdfast tap`: its options, examples and help. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TapChoice, TapFault, TapMoment } from '../capture/index.js';
import type { CommandContext } from './command-context.js';
import { CommandFailure } from './failure.js';
import { collect, parseWhole } from './option-values.js';
import { parseBitRate, parseByteCount, parseChance, parseDuration } from './quantity-values.js';
import type { TapCommandOptions } from './tap.js';

const tapExamples = `Examples:
  holdfast tap --listen 9000 --to localhost:8080          a line for each connection as it ends; Ctrl-C for the summary
  holdfast tap --listen 9000 --to api.test:80 --delay 200ms
  holdfast tap --listen 9000 --to localhost:8080 --reset-after 10k@3     the third connection, 10 kB into its responses
  holdfast tap --listen 9000 --to localhost:8080 --cut-after 5s@10%      one of ten connections, after five seconds
  holdfast tap --listen 9000 --to localhost:8080 --drop-idle 30s         like a firewall that forgets, without a word
  holdfast tap --listen 9000 --to localhost:8080 --ndjson | jq .ending
`;

const tapNotes = `
Point the client at the port it listens on. No rights are needed; what only packets show (retransmissions, probes) is not told.

A fault's value may be followed by @ and which connections it is for: @3 (the third), @2,5 or @10% (by chance, see --seed).
Where a fault takes a moment, that is a time since the connection was opened (5s), or bytes of responses (10k), or bytes of
requests (client:10k). Each fault may be given again. With a terminal, keys do the same to all open connections at once.

Exit code: 0, or 2 when it cannot listen.
`;

export function addTap(program: Command, { streams, ended }: CommandContext): void {
  program
    .command('tap')
    .summary('relay connections, tell their stories, and do wrong on demand')
    .description(
      'Relays TCP connections to a server and tells what happened on each: requests and responses, idle gaps, who closed it, how and why. On demand it delays, cuts, resets, stalls, half-closes or forgets connections.',
    )
    .requiredOption('--listen <[host:]port>', 'where clients connect to (127.0.0.1 without a host)', parseListen)
    .requiredOption('--to <host:port>', 'the server', parseServer)
    .option('--delay <duration>', 'everything so much later, each way', fault(delayOf))
    .option('--rate <rate>', 'so many bits a second, each way: 1mbit', fault(rateOf))
    .option('--cut-after <moment>', 'close both sides with FIN', fault(momentOf('cut')))
    .option('--reset-after <moment>', 'close both sides with RST', fault(momentOf('reset')))
    .option('--stall-after <moment>', 'relay and read nothing any more, but stay open', fault(momentOf('stall')))
    .option('--half-close <moment>', "the client gets the server's FIN, and may still send", fault(momentOf('half-close')))
    .option('--drop-idle <duration>', 'after so long without a byte, relay nothing more and tell nobody', fault(dropOf))
    .option('--seed <number>', 'lets chance choose other connections (1)', parseWhole('seed', 0, 2 ** 32 - 1))
    .option('--limit <count>', 'connections at once (1000)', parseWhole('count', 1, 60_000))
    .option('--count <count>', 'end after so many connections', parseWhole('count', 1, Number.MAX_SAFE_INTEGER))
    .addOption(new Option('--side <side>', 'whose view is told').choices(['client', 'server']).default('client'))
    .option('--json', 'print the report as JSON')
    .option('--ndjson', 'print one connection a line as each ends')
    .option('--html <file>', 'also write the report as a page of its own')
    .option('--utc', 'times of day in UTC instead of seconds since the start')
    .option('--columns <count>', 'lay out for so many columns', parseWhole('count', 40, 1000))
    .option('--ascii', 'draw with ASCII characters only')
    .addHelpText('before', tapExamples)
    .addHelpText('after', tapNotes)
    .action(async (options: TapCommandOptions) => {
      if (options.json === true && options.ndjson === true)
        throw new CommandFailure('bad-usage', 'choose one of --json and --ndjson');
      const { runTap } = await import('./tap.js');
      ended(await runTap(options, streams));
    });
}

/** "9000", "0.0.0.0:9000", "[::]:9000". */
function parseListen(text: string): { host?: string; port: number } {
  return /^\d+$/.test(text) ? { port: parsePort(text) } : parseServer(text);
}

/** "localhost:8080", "[::1]:8080". A name's letters are those of host names. */
function parseServer(text: string): { host: string; port: number } {
  const [, bracketed, name, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d+)$/.exec(text) ?? [];
  if (port === undefined) throw new InvalidArgumentError('It is HOST:PORT, or [IPv6]:PORT.');
  return { host: (bracketed ?? name)!, port: parsePort(port) };
}

const parsePort = parseWhole('port', 0, 65_535);

/** An option that adds a fault: its value, and after an @ which connections it is for. */
const fault = (parse: (text: string) => TapFault) =>
  collect((text: string): TapFault => {
    const [value = '', which, ...more] = text.split('@');
    if (more.length > 0) throw new InvalidArgumentError('There is one @ at the most.');
    return { ...parse(value), ...(which === undefined ? {} : parseChoice(which)) };
  });

function parseChoice(text: string): TapChoice {
  if (text.endsWith('%')) return { chance: parseChance(text) };
  return { numbers: text.split(',').map(parseWhole('connection', 1, Number.MAX_SAFE_INTEGER)) };
}

const delayOf = (text: string): TapFault => ({ kind: 'delay', delayMs: parseDuration(text) });
const rateOf = (text: string): TapFault => ({ kind: 'rate', bitsPerSecond: parseBitRate(text) });
const dropOf = (text: string): TapFault => ({ kind: 'drop-idle', idleMs: parseDuration(text) });
const momentOf =
  (kind: 'cut' | 'reset' | 'stall' | 'half-close') =>
  (text: string): TapFault => ({ kind, ...parseMoment(text) });

/** A duration with its unit, or a number of bytes. "5m" is five megabytes, as everywhere with bytes; five minutes are "5min". */
function parseMoment(text: string): TapMoment {
  const [, fromClient, value = ''] = /^(client:)?(.*)$/.exec(text) ?? [];
  try {
    if (fromClient !== undefined) return { afterBytes: parseByteCount(value), bytesFrom: 'client' };
    return /(?:s|min|h)$/.test(value) ? { afterMs: parseDuration(value) } : { afterBytes: parseByteCount(value) };
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new InvalidArgumentError('A moment is a time (5s, 2min), bytes of responses (10k), or bytes of requests (client:10k).');
  }
}
