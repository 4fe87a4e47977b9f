/** `holdfast serve`: its options, examples and help. */
import { type Command, Option } from 'commander';
import type { CommandContext } from './command-context.js';
import { parseTimeout, parseWhole } from './option-values.js';
import { parseByteCount } from './quantity-values.js';
import type { ServeOptions } from './serve.js';

const examples = `Examples:
  holdfast serve                                    http://127.0.0.1:8191/routes lists what it does
  holdfast serve public --port 8080 --host 0.0.0.0  files of a folder, for everybody
  holdfast serve --keep-alive-timeout 5s            then: curl -v http://127.0.0.1:8191/wait?ms=2000
  holdfast serve --max-requests 3                   counts down in Keep-Alive: max=, then closes
  holdfast serve --no-keep-alive                    Connection: close with every response
  kill -HUP $(pgrep -f 'holdfast.js serve')         keep-alive off, and on again, while it runs
`;

const notes = `
Durations: 500ms, 5s, 2m, 1h, or none; a number alone is seconds. Sizes: 4096, 64k, 16M, 1G.
A log line is: time, client with port, #connection/request on it, request, status, bytes, duration, keep or close.
On a terminal the key k switches keep-alive, q stops. Ctrl-C or SIGTERM finishes what is in work, a second one does not.
Exit code: 0 stopped, 2 bad usage or no such address or port to listen at.
`;

const usually = (option: string, text: string, usual: string): Option => new Option(option, `${text} (default: ${usual})`);

export function addServe(program: Command, { streams, ended }: CommandContext): void {
  const command = program
    .command('serve')
    .summary('a server to watch connections at: files, and paths that wait, stream, close and reset')
    .description(
      'Serves the files of a folder, and paths that do on request what connections suffer from: /wait, /chunked, /stream, /upload, /status, /close, /half-close, /reset, /no-length and others. All of the keep-alive behaviour is yours to set.',
    )
    .argument('[folder]', 'folder to serve; none: only the paths')
    .option('-p, --port <port>', 'port; 0 takes a free one', parseWhole('port', 0, 65535), 8191)
    .option('--host <address>', 'address to listen at; 0.0.0.0 or :: is everywhere', '127.0.0.1')
    .option('--no-keep-alive', 'close after every response')
    .option('--files-only', 'no paths besides the files')
    .option('--no-compress', 'never compress')
    .option('--dot-files', 'serve also files whose names begin with a dot')
    .option('-q, --quiet', 'no log')
    .option('--json', 'the log as one JSON object a line');
  const durations: readonly (readonly [option: string, text: string, usual: string])[] = [
    ['--keep-alive-timeout', 'idle connections are closed after this; 0 closes after every response', '95s'],
    ['--hint-margin', 'so much less than that is announced in Keep-Alive: timeout=', '1s'],
    ['--max-age', 'older connections are closed with their next response', 'none'],
    ['--first-request-timeout', 'for the first byte on a new connection', '30s'],
    ['--head-timeout', 'for the head of a request, then 408', '20s'],
    ['--body-timeout', 'longest silence within a body, then 408', '20s'],
    ['--response-timeout', 'for the beginning of a response, then 503', '5m'],
    ['--send-timeout', 'for the client to take what is sent, then a reset', '60s'],
    ['--linger-timeout', 'for the FIN of the client after ours', '5s'],
    ['--tcp-keep-alive', 'idle time before TCP keep-alive probes; none for no probes', '45s'],
    ['--tcp-keep-alive-interval', 'between probes', "the system's"],
    ['--grace', 'when stopping, for what is in work', '10s'],
  ];
  for (const [option, text, usual] of durations)
    command.addOption(usually(`${option} <duration>`, text, usual).argParser(parseTimeout));
  command
    .addOption(
      usually('--tcp-keep-alive-count <count>', 'unanswered probes that end a connection', "the system's").argParser(
        parseWhole('count', 1, 127),
      ),
    )
    .addOption(
      new Option('--keep-alive-hint <when>', 'when responses have a Keep-Alive field')
        .choices(['always', 'asked', 'never'])
        .default('always'),
    )
    .option('--max-requests <count>', 'requests on one connection', parseWhole('count', 1, Number.MAX_SAFE_INTEGER))
    .option('--max-connections <count>', 'connections at a time', parseWhole('count', 1, Number.MAX_SAFE_INTEGER))
    .addOption(
      new Option('--when-full <what>', 'what becomes of a connection too many: it waits, or is answered 503')
        .choices(['wait', 'refuse'])
        .default('wait'),
    )
    .option('--pipeline-depth <count>', 'requests of one connection in work at once', parseWhole('count', 1, 10_000))
    .option('--max-body <size>', 'largest request body, then 413 (default: 1G)', parseByteCount)
    .option('--drain <size>', 'bytes of an unread body that are read to keep the connection', parseByteCount)
    .option('--server-name <text>', 'value of the Server field')
    .option('--tls-cert <file>', 'certificate (PEM); then it speaks HTTPS')
    .option('--tls-key <file>', 'its key (PEM)')
    .addHelpText('before', examples)
    .addHelpText('after', notes)
    .action(async (folder: string | undefined, options: ServeOptions) => {
      const { serve } = await import('./serve.js');
      ended(await serve(folder, options, streams));
    });
}
