/** `holdfast sockets`: its options, examples and help. */
import { type Command, Option } from 'commander';
import type { CommandContext } from './command-context.js';
import { CommandFailure } from './failure.js';
import { collect, parseWhole } from './option-values.js';
import { type SocketsOptions, sockets } from './sockets.js';
import { parsePlace, parseSeconds, parseStates, type SocketPlace } from './sockets-choice.js';

const socketsExamples = `Examples:
  holdfast sockets                          what there is, and what is wrong with it
  holdfast sockets :8080                    of one port, on either side
  holdfast sockets 10.0.0.5:5432 --all      to one service, every socket
  holdfast sockets --watch                  again every two seconds; q ends it
  holdfast sockets --state close-wait --process node
  holdfast sockets --json | jq '.findings[].rule'
  holdfast sockets --watch 10 --ndjson >> sockets.ndjson
`;

const socketsNotes = `
Columns: idle, how long nothing was sent or received (in CLOSE_WAIT and FIN_WAIT2: how long ago the other side was last
heard of); unread, bytes that the program has not read; unacked, bytes that the other side has not acknowledged; ports left,
local ports that are free for more connections to there. Sockets of this network namespace; the processes of other users are
seen by root alone. Exit code: 0 fine, 1 a finding at or above --fail-on, 2 bad usage or unreadable.
`;

export function addSockets(program: Command, { streams, ended }: CommandContext): void {
  program
    .command('sockets')
    .summary('tell of the TCP sockets of this host, as the kernel knows them')
    .description(
      'Reads the TCP sockets of this host: their states by peer, idle times, queues and timers, their processes, the local ports that are left, full accept queues, and what is wrong: CLOSE_WAIT leaks, port exhaustion, data that nobody acknowledges.',
    )
    .argument('[where...]', 'only sockets with this :PORT, ADDRESS or ADDRESS:PORT at either end')
    .option('--state <names>', 'list only these states: established,close-wait,listen …', parseStates)
    .option('--process <name>', 'only sockets of processes of this name or number (may be given again)', collect(String))
    .option('-a, --all', 'list all sockets, not only those with most to tell')
    .option('-w, --watch [seconds]', 'look again, every two seconds or as said', parseSeconds)
    .option('--looks <count>', 'with --watch: end after so many looks', parseWhole('count', 1, Number.MAX_SAFE_INTEGER))
    .option('--json', 'print one object')
    .option('--ndjson', 'print one object a line, with --watch one a look')
    .addOption(
      new Option('--fail-on <level>', 'exit code 1 when there is a finding of this level or worse').choices([
        'bad',
        'warning',
        'info',
      ]),
    )
    .option('--no-processes', 'do not look for the processes (faster with very many open files)')
    .option('--columns <count>', 'lay out for so many columns', parseWhole('count', 40, 1000))
    .option('--ascii', 'draw with ASCII characters only')
    .addHelpText('before', socketsExamples)
    .addHelpText('after', socketsNotes)
    .action(
      async (where: string[], { watch, ...others }: Omit<SocketsOptions, 'watch'> & { watch?: true | number | SocketPlace }) => {
        const places = where.map(parsePlace);
        if (typeof watch === 'object') places.push(watch);
        const options: SocketsOptions = {
          ...others,
          ...(watch === undefined ? {} : { watch: typeof watch === 'number' ? watch : true }),
        };
        if (options.json === true && options.ndjson === true)
          throw new CommandFailure('bad-usage', 'choose one of --json and --ndjson');
        if (options.json === true && options.watch !== undefined)
          throw new CommandFailure('bad-usage', 'with --watch use --ndjson: one object a line');
        ended(await sockets(places, options, streams));
      },
    );
}
