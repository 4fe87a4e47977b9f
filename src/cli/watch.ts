/**
 * `holdfast watch`: packets of a live source, told while they come. On a terminal a screen, elsewhere lines.
 *
 * Whatever ends it (a key, a signal, the source, a reader that has gone), what is still open is told as it stands and the summary
 * comes last. A source that fails ends it with exit code 2, after all that.
 */
import type { PacketSource, PacketSourceOptions } from '../capture/index.js';
import { type Connection, type ConnectionPredicate, hasHost, hasPort, parseFilter } from '../story/index.js';
import { escapeName, formatCount, formatCounted, formatEndpoint, renderSummary } from '../view/index.js';
import type { Streams } from './command-context.js';
import { CommandFailure, exitCodes, failureOfCapture, failureText } from './failure.js';
import { readFilter } from './filter-option.js';
import { ProcessSockets } from './process-sockets.js';
import { endsKey, RecentPackets } from './recent-packets.js';
import { TerminalScreen } from './terminal-screen.js';
import { type StyleOptions, terminalStyle } from './terminal-style.js';
import { type Feed, liveFeed, replayFeed } from './watch-feed.js';
import { WatchLines } from './watch-lines.js';
import { LossMeter } from './watch-meters.js';
import { saveLines, savePath } from './watch-save.js';
import { WatchScreen } from './watch-screen.js';
import { WatchSession } from './watch-session.js';

export interface WatchOptions extends StyleOptions {
  readonly interface?: string;
  readonly port?: readonly number[];
  readonly host?: readonly string[];
  readonly pid?: number;
  readonly process?: string;
  readonly filter?: string;
  readonly read?: string;
  readonly speed?: number;
  readonly ndjson?: boolean;
  readonly plain?: boolean;
  readonly ssh?: string;
  readonly sudo?: boolean;
  readonly buffer?: number;
  readonly by?: 'ring' | 'program';
}

/** Watches until it is told to end. Gives the exit code. Throws CommandFailure and CaptureError when it cannot begin. */
export async function watch(packetFilter: string, options: WatchOptions, streams: Streams): Promise<number> {
  if (options.filter !== undefined) readFilter(options.filter);
  if (options.read !== undefined && packetFilter !== '')
    throw new CommandFailure('bad-usage', "a capture that is read takes --filter, not tcpdump's words");
  const processes = await processesOf(options);
  try {
    const recent = new RecentPackets();
    const feed = await openFeed(packetFilter, options, (chunk) => recent.add(chunk));
    const told = await tell({ feed, processes, packetFilter, options, streams, recent });
    if (told.failure === null) return exitCodes.fine;
    streams.messages.write(failureText(told.failure));
    return exitCodes.failed;
  } finally {
    processes?.stop();
  }
}

async function processesOf({ pid, process: name, read }: WatchOptions): Promise<ProcessSockets | null> {
  if (pid === undefined && name === undefined) return null;
  if (read !== undefined) throw new CommandFailure('bad-usage', 'a capture that is read knows no processes');
  const { readSocketTable } = await import('../capture/index.js');
  return new ProcessSockets({ pid, process: name }, readSocketTable);
}

async function openFeed(packetFilter: string, options: WatchOptions, keep: (chunk: Uint8Array) => void): Promise<Feed> {
  if (options.read !== undefined) return replayFeed(options.read, options.speed ?? 1);
  const { openPacketSource } = await import('../capture/index.js');
  const asked: PacketSourceOptions = {
    interface: options.interface,
    filter: captureFilter(packetFilter, options),
    bufferBytes: options.buffer,
    ssh: options.ssh,
    sudo: options.sudo,
    by: options.by,
  };
  let source: PacketSource;
  try {
    source = await openPacketSource(asked);
  } catch (error) {
    throw ofWatch(error);
  }
  return liveFeed(source, keep);
}

/** Of one kind any, of different kinds all. Without a filter only TCP: nothing else has connections. */
function captureFilter(packetFilter: string, { port = [], host = [] }: WatchOptions): string {
  const anyOf = (parts: readonly string[]): string[] => (parts.length === 0 ? [] : [`(${parts.join(' or ')})`]);
  const parts = [
    ...(packetFilter === '' ? ['tcp'] : [`(${packetFilter})`]),
    ...anyOf(port.map((one) => `port ${one}`)),
    ...anyOf(host.map((one) => `host ${one}`)),
  ];
  return parts.length === 1 && packetFilter !== '' ? packetFilter : parts.join(' and ');
}

/** The way out of a capture names this command. */
function ofWatch(error: unknown): unknown {
  const failure = failureOfCapture(error);
  if (failure === null) return error;
  return new CommandFailure(failure.code, failure.message.replaceAll('holdfast capture', 'holdfast watch'), { cause: error });
}

interface Watching {
  readonly feed: Feed;
  readonly processes: ProcessSockets | null;
  readonly packetFilter: string;
  readonly options: WatchOptions;
  readonly streams: Streams;
  readonly recent: RecentPackets;
}

interface Told {
  /** Of the source; null when it ended in order. */
  readonly failure: CommandFailure | null;
}

const tell = (watching: Watching): Promise<Told> => {
  const { ndjson, plain } = watching.options;
  return watching.streams.screen.isTTY && ndjson !== true && plain !== true ? tellOnScreen(watching) : tellInLines(watching);
};

function chosenBy({ options, processes, packetFilter }: Watching): {
  readonly test: ConnectionPredicate | null;
  readonly words: string;
} {
  const { port = [], host = [], read } = options;
  const words = [
    packetFilter,
    port.length > 0 ? `port ${port.join(' or ')}` : '',
    host.length > 0 ? `host ${host.join(' or ')}` : '',
    processes === null ? '' : [...processes.names].slice(0, 3).join(', '),
  ].filter((part) => part !== '');
  const tests: ConnectionPredicate[] = [];
  // A live source has filtered already.
  if (read !== undefined && port.length > 0) tests.push(anyOf(port.map(hasPort)));
  if (read !== undefined && host.length > 0) tests.push(anyOf(host.map(hasHost)));
  if (processes !== null) tests.push(processes.owns);
  return { test: tests.length === 0 ? null : (one) => tests.every((test) => test(one)), words: words.join(', ') };
}

const anyOf =
  (tests: readonly ConnectionPredicate[]): ConnectionPredicate =>
  (one) =>
    tests.some((test) => test(one));

/** Ends are waited for so long when the source does not end by itself. */
const stopPatienceMs = 2000;
const findingsMs = 2000;
const flushMs = 100;

async function tellInLines(watching: Watching): Promise<Told> {
  const { feed, options, streams } = watching;
  const { output, screen, environment } = streams;
  const lines = new WatchLines({ output, style: terminalStyle(options, screen, environment), ndjson: options.ndjson === true });
  const { test, words } = chosenBy(watching);
  const display = options.filter === undefined ? null : parseFilter(options.filter);
  const tests = [test, display].filter((one) => one !== null);
  const session = new WatchSession({
    chosen: tests.length === 0 ? null : (one) => tests.every((each) => each(one)),
    onEnded: lines.connection,
  });
  const stop = (): void => void feed.stop();
  const release = onSignals(stop);
  const flush = setInterval(() => {
    session.passTime(feed.nowNs());
    void output.flush();
    if (output.closed) stop();
  }, flushMs);
  const find = setInterval(() => lines.findings(session.diagnose(), session), findingsMs);
  const failure = await ending(feed.run(session));
  clearInterval(flush);
  clearInterval(find);
  release();
  const summary = session.end();
  lines.findings(session.diagnose(), session);
  const chosen = [words, options.filter ?? ''].filter((part) => part !== '').join(', ');
  lines.end(feed.name, session, summary, chosen === '' ? null : chosen);
  tellLosses(feed, streams);
  await output.flush();
  return { failure };
}

async function tellOnScreen(watching: Watching): Promise<Told> {
  const { feed, options, streams, recent } = watching;
  const { screen, environment, output } = streams;
  const { test, words } = chosenBy(watching);
  const session = new WatchSession({ chosen: test });
  let quit = (): void => {};
  const done = new Promise<void>((resolve) => {
    quit = resolve;
  });
  const live = new WatchScreen({
    session,
    feed,
    losses: new LossMeter(feed.losses),
    styleOf: (columns) => terminalStyle({ ...options, columns }, screen, environment),
    title: escapeName([feed.name, words].filter((part) => part !== '').join(', ')),
    filter: options.filter?.trim() ?? '',
    save: {
      text: (lines) => saveLines(savePath('txt'), lines),
      packets: options.read === undefined ? (connections) => savePackets(recent, connections) : null,
    },
    quit: () => quit(),
  });
  const terminal = new TerminalScreen(screen, process.stdin, { key: live.key, redraw: live.frame, end: () => quit() });
  terminal.enter();
  let failure: CommandFailure | null = null;
  try {
    live.begin(terminal);
    const running = ending(feed.run(session)).then((failed) => {
      failure = failed;
      live.sourceEnded(failed === null ? null : failed.message);
    });
    await done;
    await feed.stop();
    await Promise.race([running, new Promise((resolve) => setTimeout(resolve, stopPatienceMs).unref())]);
  } finally {
    live.stop();
    await terminal.leave();
  }
  const source = session.end();
  const style = terminalStyle(options, screen, environment);
  const diagnosed = session.diagnose();
  const { overview } = session;
  for (const line of renderSummary(
    { name: feed.name, overview, source, chosenBy: words === '' ? null : words, diagnosed },
    style,
  ))
    output.line(line);
  tellLosses(feed, streams);
  await output.flush();
  return { failure };
}

/** Resolves with what the source failed of. Our own errors are not caught. */
async function ending(running: Promise<void>): Promise<CommandFailure | null> {
  try {
    await running;
    return null;
  } catch (error) {
    const failure = error instanceof CommandFailure ? error : ofWatch(error);
    if (failure instanceof CommandFailure) return failure;
    throw error;
  }
}

function tellLosses(feed: Feed, { messages }: Streams): void {
  const { lost, delivered } = feed.losses();
  if (lost === 0) return;
  const share = Math.floor((delivered / (lost + delivered)) * 1000) / 10;
  messages.write(
    `holdfast: ${formatCount(lost)} packets were lost, ${share} % were seen: what is told of missing packets may be this.\n`,
  );
}

async function savePackets(recent: RecentPackets, connections: readonly Connection[] | null): Promise<string> {
  const path = savePath('pcapng');
  const text = ({ client, server }: Connection): string => endsKey(formatEndpoint(client), formatEndpoint(server));
  const packets = await recent.save(path, connections === null ? null : new Set(connections.map(text)));
  return `${formatCounted(packets, 'packet')} written to ${path}${recent.forgotten ? ' (the newest; older ones are not kept)' : ''}`;
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function onSignals(stop: () => void): () => void {
  for (const signal of signals) process.on(signal, stop);
  return () => {
    for (const signal of signals) process.off(signal, stop);
  };
}
