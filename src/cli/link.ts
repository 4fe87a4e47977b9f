/**
 * `holdfast link`: the command line runs again in a network namespace of its own, brings the link up there, runs the person's command
 * on it, and says at the end what passed. Standard output belongs to that command; what is said here goes to standard error.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import {
  enterOwnNetwork,
  type Link,
  type LinkEnd,
  type LinkOptions,
  type LinkSettings,
  type LinkWay,
  linkAddresses,
  openLink,
} from '../capture/index.js';
import { escapeName, formatCounted, formatDuration, wrapWords } from '../view/index.js';
import type { Streams } from './command-context.js';
import { CommandFailure, exitCodes } from './failure.js';
import { measureLink } from './link-measure.js';
import { linkTable } from './link-table.js';
import type { BothWays } from './quantity-values.js';
import { saveSource } from './save-source.js';
import { terminalStyle } from './terminal-style.js';

export interface LinkCommandOptions {
  readonly rtt?: number;
  readonly jitter?: BothWays<number>;
  readonly loss?: BothWays<number>;
  readonly reorder?: BothWays<number>;
  readonly reorderBy?: number;
  readonly duplicate?: BothWays<number>;
  readonly corrupt?: BothWays<number>;
  readonly rate?: BothWays<number>;
  readonly queue?: number;
  readonly forget?: number;
  readonly forgetHow: 'silent' | 'reset';
  readonly cutAfter?: number;
  readonly seed?: number;
  readonly write?: string;
  readonly writeServer?: string;
  readonly measure?: boolean;
  readonly datagrams?: number;
  readonly json?: boolean;
}

/** Gives the exit code of the command, or 0. Throws CommandFailure and CaptureError. */
export async function runLink(command: readonly string[], options: LinkCommandOptions, streams: Streams): Promise<number> {
  const settings = settingsOf(options);
  const endedAgain = await enterOwnNetwork();
  if (endedAgain !== null) return endedAgain;
  const link = await openLink(settings);
  const recordings = [startRecording(link, 'client', options.write), startRecording(link, 'server', options.writeServer)];
  const cut = options.cutAfter === undefined ? undefined : setTimeout(() => link.change({ cut: true }), options.cutAfter);
  const beganMs = performance.now();
  let code: number = exitCodes.fine;
  try {
    if (options.measure === true) await measureLink(link, settings, options, streams);
    else code = await runCommand(command, streams);
    if (recordings.some((recording) => recording !== null)) await settle(link, settings);
  } finally {
    clearTimeout(cut);
    const statistics = link.statistics();
    const texts: string[] = [];
    for (const recording of recordings) if (recording !== null) texts.push(...(await recording.end()));
    await link.close();
    if (options.measure !== true && statistics.toServer.packets > 0) {
      const style = terminalStyle({}, streams.messages, streams.environment);
      const title = `The link was up for ${formatDuration((performance.now() - beganMs) * 1e6, style)}`;
      for (const line of linkTable(title, statistics, style)) streams.messages.write(`${line}\n`);
    }
    for (const text of texts) streams.messages.write(`${text}\n`);
  }
  return code;
}

/** Longest wait for the last packets, in milliseconds. */
const settleLimitMs = 5000;

/** Lets the last packets arrive (the FINs of a command that has just ended), so that the recordings have them. */
async function settle(link: Link, { roundTripMs = 0 }: LinkOptions): Promise<void> {
  const sent = (): number => link.statistics().toServer.packets + link.statistics().toClient.packets;
  const beganMs = performance.now();
  for (let before = -1; before !== sent() && performance.now() - beganMs < settleLimitMs; ) {
    before = sent();
    await pause(roundTripMs + 50);
  }
}

interface FileRecording {
  /** Resolves with what to say about it. */
  end(): Promise<string[]>;
}

function startRecording(link: Link, end: LinkEnd, path: string | undefined): FileRecording | null {
  if (path === undefined) return null;
  const source = link.record(end);
  const saved = saveSource(source, path);
  return {
    async end() {
      await source.stop();
      await saved;
      const { delivered, droppedBySource } = source.statistics();
      const left = droppedBySource === 0 ? '' : ` (${formatCounted(droppedBySource, 'more')} not written: the disk was too slow)`;
      return [`${escapeName(path)}: ${formatCounted(delivered, 'packet')}, as the ${end} sees them${left}`];
    },
  };
}

function settingsOf(options: LinkCommandOptions): LinkOptions {
  const way = (of: (both: BothWays<number>) => number): Partial<LinkWay> => {
    const named = {
      jitterMs: options.jitter,
      lossRate: options.loss,
      reorderRate: options.reorder,
      duplicateRate: options.duplicate,
      corruptRate: options.corrupt,
      rateBitsPerSecond: options.rate,
    };
    const given = Object.entries(named).flatMap(([name, both]) => (both === undefined ? [] : [[name, of(both)] as const]));
    return Object.fromEntries(given);
  };
  const settings: LinkSettings = {
    roundTripMs: options.rtt ?? 0,
    ...(options.reorderBy === undefined ? {} : { reorderByMs: options.reorderBy }),
    ...(options.queue === undefined ? {} : { queueBytes: options.queue }),
    ...(options.forget === undefined ? {} : { middlebox: { forgetAfterMs: options.forget, how: options.forgetHow } }),
    toServer: way((both) => both.toServer),
    toClient: way((both) => both.toClient),
  };
  return options.seed === undefined ? settings : { ...settings, seed: options.seed };
}

/** Exit code as a shell gives it. */
function runCommand(command: readonly string[], { environment, messages }: Streams): Promise<number> {
  const [program = environment.SHELL ?? '/bin/sh', ...rest] = command;
  if (command.length === 0) {
    const text = `A shell on the link. Servers listen on all addresses, clients connect to ${linkAddresses.server}; "exit" ends it.`;
    messages.write(`${wrapWords(text, messages.columns ?? 100).join('\n')}\n`);
  }
  // A terminal sends its signals to the command too; it decides, and its end is ours. Heard before the command runs: a signal that
  // came in between would leave it behind.
  const wait = (): void => {};
  const passOn = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  process.on('SIGINT', wait).on('SIGQUIT', wait).on('SIGTERM', passOn).on('SIGHUP', passOn);
  const child = spawn(program, rest, {
    stdio: 'inherit',
    env: { ...environment, HOLDFAST_LINK_CLIENT: linkAddresses.client, HOLDFAST_LINK_SERVER: linkAddresses.server },
  });
  return new Promise<number>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'there is no such program' : error.message;
      reject(new CommandFailure('bad-usage', `cannot run ${escapeName(program)}: ${why}`));
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  }).finally(() => {
    process.off('SIGINT', wait).off('SIGQUIT', wait).off('SIGTERM', passOn).off('SIGHUP', passOn);
  });
}
