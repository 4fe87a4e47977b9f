/** `holdfast request`: its options, examples and help. */
import type { Command } from 'commander';
import type { CommandContext } from './command-context.js';
import { CommandFailure } from './failure.js';
import { collect, parseTimeout, parseWhole } from './option-values.js';
import type { RequestOptions } from './request.js';

const examples = `Examples:
  holdfast request http://127.0.0.1:8191/
  holdfast request --count 3 --sleep 1s URL         is the connection used again?
  holdfast request --count 2 --sleep 65s URL        does it outlive a minute of silence?
  holdfast request --no-keepalive --count 5 URL     what a new connection each time costs
  holdfast request --pipeline 10 --count 10 URL     ten requests at once on one connection
  holdfast request --parallel 6 --count 60 URL
  holdfast request --dump URL                       the bytes, as they went
  printf 'GET / HTTP/1.1\\nHost: x\\n\\n' | holdfast request --raw URL
  holdfast request --json URL | jq '.requests[].timings'
`;

const notes = `
The talk is that of curl -v: * what happens, > sent, < received. Bodies go to standard output, everything else to standard
error. In the table, name, connect and TLS are of connections made for the request; on a reused one there are none.
--no-keepalive means Connection: close (in curl it means TCP keep-alive probes). --retry sends again only what may be sent
twice; besides, the client itself sends once more what provably never reached the server.

Exit code: 0 every request was answered; 1 one was not, or with --fail a status was 400 or above; 2 bad usage, or nobody
could be reached at all.
`;

export function addRequest(program: Command, { streams, ended }: CommandContext): void {
  const most = Number.MAX_SAFE_INTEGER;
  program
    .command('request')
    .summary('send requests and say what their connections do, as curl -v would')
    .description(
      'Sends requests and tells what goes on, in the words of curl -v, with the reuse of connections and where the time went.',
    )
    .argument('<url...>', 'where to')
    .option('-n, --count <count>', 'send so many times', parseWhole('count', 1, 1_000_000), 1)
    .option('--sleep <duration>', 'between requests', parseTimeout, 0)
    .option('--no-keepalive', 'say Connection: close with each request')
    .option('-0, --http1.0', 'speak HTTP/1.0, with Connection: keep-alive')
    .option('--parallel <count>', 'connections at a time', parseWhole('count', 1, 1_000), 1)
    .option('--pipeline <count>', 'requests sent on a connection before the first is answered', parseWhole('count', 1, 1_000), 1)
    .option('--retry <count>', 'send again after a failure, up to so often', parseWhole('count', 0, 1_000), 0)
    .option('-X, --request <method>', 'method')
    .option('-H, --header <line>', 'field, "Name: value" (may be given again; "Name:" leaves one of ours out)', collect(String))
    .option(
      '-d, --data <text>',
      'body, sent by POST; @file reads it from a file (may be given again, joined by &)',
      collect(String),
    )
    .option('-T, --upload-file <file>', 'body, sent by PUT; - is standard input, in chunks')
    .option('-I, --head', 'ask for the head only')
    .option('-i, --include', 'write the head before the body')
    .option('-o, --output <file>', 'write bodies to a file')
    .option('-m, --max-time <duration>', 'for each request, seconds if without a unit', parseTimeout)
    .option('-k, --insecure', 'do not judge certificates')
    .option('-f, --fail', 'exit code 1 for status 400 and above')
    .option('-s, --silent', 'no talk')
    .option('--dump', 'also print the bytes as they went, escaped')
    .option('--raw', 'send bytes from standard input, as with telnet; a line end becomes CRLF')
    .option('--exact', 'with --raw: send the bytes as they are')
    .option('--unread', 'be a bad client: neither read nor close the bodies')
    .option('--json', 'print what became of the requests as JSON in place of the bodies')
    .option('--columns <count>', 'lay out for so many columns', parseWhole('count', 40, 1000))
    .option('--ascii', 'draw with ASCII characters only')
    .addHelpText('before', examples)
    .addHelpText('after', notes)
    .action(async (urls: string[], options: RequestOptions) => {
      if (options.exact === true && options.raw !== true) throw new CommandFailure('bad-usage', '--exact goes with --raw');
      if (options.count * urls.length > most) throw new CommandFailure('bad-usage', 'these are too many requests');
      const { request } = await import('./request.js');
      ended(await request(urls, options, streams));
    });
}
