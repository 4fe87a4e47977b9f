/**
 * The command line: what commands and options there are. Bad usage and unreadable input end with exit code 2 and one sentence
 * that says what to do; `--help` begins with examples.
 */
import { existsSync, readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { escapeName } from '../view/index.js';
import { addCapture } from './capture-command.js';
import type { CommandContext, Streams } from './command-context.js';
import { addExplain } from './explain-command.js';
import { CommandFailure, exitCodes, failureOfCapture, failureText } from './failure.js';
import { addLab } from './lab-command.js';
import { addLink } from './link-command.js';
import { Output } from './output.js';
import { addRequest } from './request-command.js';
import { addRules } from './rules-command.js';
import { addServe } from './serve-command.js';
import { addSockets } from './sockets-command.js';
import { addTap } from './tap-command.js';
import { addWatch } from './watch-command.js';

const generalExamples = `Examples:
  holdfast explain capture.pcap                     what happened on every connection
  holdfast explain capture.pcap --connection 3      one connection, packet by packet
  sudo holdfast watch --port 8080                   the same of a live host
  holdfast sockets :8080                            which sockets there are, and what is wrong with them
  holdfast lab stale-reuse                          a classic case, played with real servers and clients
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
    const failure = error instanceof CommandFailure ? error : failureOfCapture(error);
    if (failure === null) throw error;
    messages.write(failureText(failure));
    return exitCodes.failed;
  }
}

function standardStreams(): Streams {
  return { output: new Output(process.stdout), screen: process.stdout, messages: process.stderr, environment: process.env };
}

/** The commands, in the order of the help. Each has a file of its own, which loads what is heavy only when it runs. */
const commands: readonly ((program: Command, context: CommandContext) => void)[] = [
  addExplain,
  addRules,
  addWatch,
  addCapture,
  addSockets,
  addTap,
  addServe,
  addRequest,
  addLab,
  addLink,
];

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
  for (const add of commands) add(program, { streams, ended });
  return program;
}

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
