/**
 * `holdfast capture`: packets into files, until it is told to end; then what was kept, what was lost, and the next command.
 *
 * SIGINT, SIGTERM and SIGHUP end it in order; a second one ends it at once. On a terminal a line of counts is rewritten every second; elsewhere
 * nothing is said between beginning and end.
 */
import { once } from 'node:events';
import {
  captureDefaults,
  captureLimits,
  openPacketSource,
  openRecording,
  type PacketSource,
  type PacketSourceOptions,
  type PacketSourceStatistics,
} from '../capture/index.js';
import { escapeName, formatBytes, formatCount, formatCounted, formatDuration } from '../view/index.js';
import type { Streams } from './command-context.js';
import { CommandFailure, exitCodes } from './failure.js';
import { quoteForShell } from './shell-words.js';
import { terminalStyle } from './terminal-style.js';

export interface CaptureCommandOptions {
  readonly interface?: string;
  readonly write?: string;
  readonly rotateSize?: number;
  readonly rotateSeconds?: number;
  readonly files?: number;
  readonly leaveFree?: number;
  readonly count?: number;
  readonly duration?: number;
  readonly snapLength?: number;
  readonly buffer?: number;
  readonly promiscuous?: boolean;
  readonly ssh?: string;
  readonly sudo?: boolean;
  readonly by?: 'ring' | 'program';
}

/** What runs: files or a stream. */
interface Running {
  readonly name: string;
  /** The files so far; null for a stream. */
  files(): { readonly path: string; readonly begun: number; readonly writtenBytes: number } | null;
  readonly ended: Promise<void>;
  statistics(): PacketSourceStatistics;
  stop(): Promise<void>;
}

/** Gives the exit code. Throws CommandFailure and CaptureError. */
export async function capture(filter: string, options: CaptureCommandOptions, streams: Streams): Promise<number> {
  checkUsage(options, streams);
  const { messages, environment } = streams;
  const say = (text: string): unknown => messages.write(`${text}\n`);
  const running = options.write === '-' ? await stream(filter, options, streams) : await record(filter, options);
  const beganMs = performance.now();
  const files = running.files();
  const release = stopOnSignal(running, options.duration);
  say(`Capturing (${escapeName(running.name)})${files === null ? '' : ` into ${escapeName(files.path)}`}; Ctrl-C ends it.`);
  const line = countsLine(running, messages);
  try {
    await running.ended;
  } finally {
    release();
    line.stop();
    const took = formatDuration((performance.now() - beganMs) * 1e6, terminalStyle({}, messages, environment));
    for (const each of endText(running, options, took)) say(each);
  }
  return exitCodes.fine;
}

function checkUsage(options: CaptureCommandOptions, { screen }: Streams): void {
  const { write, rotateSize, rotateSeconds, files, buffer, ssh, sudo } = options;
  const bad = (text: string): never => {
    throw new CommandFailure('bad-usage', text);
  };
  const rotates = rotateSize !== undefined || rotateSeconds !== undefined;
  if (write === '-' && rotates) bad('standard output has no files to rotate: give -w a name');
  if (write === '-' && screen.isTTY) bad('packets are not for a terminal: holdfast capture -w - … | holdfast explain -');
  if (files !== undefined && !rotates) bad('--files belongs to --rotate-size or --rotate-seconds');
  if (rotateSize !== undefined && rotateSize < leastRotateBytes) bad('--rotate-size is at least 64k');
  if (sudo === true && ssh === undefined) bad('--sudo belongs to --ssh; here: sudo holdfast capture …');
  if (buffer !== undefined && (buffer < captureLimits.leastBufferBytes || buffer > captureLimits.mostBufferBytes))
    bad('--buffer is from 1M to 1G');
}

const leastRotateBytes = 64 * 1024;
/** Left on the disk when nothing else is said. */
const leaveFreeBytes = 256 * 1024 * 1024;

const sourceOptions = (filter: string, options: CaptureCommandOptions): PacketSourceOptions => ({
  interface: options.interface,
  filter,
  snapLength: options.snapLength,
  bufferBytes: options.buffer,
  packetLimit: options.count,
  promiscuous: options.promiscuous,
  ssh: options.ssh,
  sudo: options.sudo,
  by: options.by,
  // Nobody looks at it live: better the kernel's buffer is used up first.
  whenBehind: 'wait',
});

async function record(filter: string, options: CaptureCommandOptions): Promise<Running> {
  const recording = await openRecording({
    ...sourceOptions(filter, options),
    path: options.write ?? defaultName(options, new Date()),
    rotateBytes: options.rotateSize,
    rotateSeconds: options.rotateSeconds,
    files: options.files,
    leaveFreeBytes: options.leaveFree ?? leaveFreeBytes,
  });
  return {
    name: recording.name,
    files: () => {
      const { files, writtenBytes } = recording.statistics();
      return { path: recording.path, begun: files, writtenBytes };
    },
    ended: recording.ended,
    statistics: () => recording.statistics(),
    stop: () => recording.stop(),
  };
}

/** "holdfast-eth0-20261121-034700.pcapng", in local time. */
function defaultName({ interface: name = captureDefaults.interface, ssh }: CaptureCommandOptions, now: Date): string {
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  const time = local.slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  const where = [...(ssh === undefined ? [] : [ssh.replace(/^.*@/, '')]), name].join('-').replace(/[^\w.-]/g, '_');
  return `holdfast-${where}-${time}.pcapng`;
}

async function stream(filter: string, options: CaptureCommandOptions, streams: Streams): Promise<Running> {
  const source = await openPacketSource(sourceOptions(filter, options));
  return {
    name: source.name,
    files: () => null,
    ended: pour(source, streams),
    statistics: () => source.statistics(),
    stop: () => source.stop(),
  };
}

/** Into standard output, until the source ends or the reader has gone. */
async function pour(source: PacketSource, { output, screen }: Streams): Promise<void> {
  for await (const chunk of source.chunks) {
    if (output.closed) break;
    if (!screen.write(chunk)) await Promise.race([once(screen, 'drain'), once(screen, 'close')]).catch(() => {});
  }
  if (output.closed) await source.stop();
}

/** Ends the capture on a signal or when its time is over. Gives what takes the listeners away. */
function stopOnSignal(running: Running, durationMs: number | undefined): () => void {
  const stop = (): void => {
    release();
    // How it ended is told by `ended`.
    void running.stop();
  };
  const timer = durationMs === undefined ? undefined : setTimeout(stop, durationMs);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, stop);
  const release = (): void => {
    clearTimeout(timer);
    for (const signal of signals) process.off(signal, stop);
  };
  return release;
}

const countsEveryMs = 1000;

/** One line, rewritten every second. */
function countsLine(running: Running, screen: NodeJS.WriteStream): { stop(): void } {
  if (!screen.isTTY) return { stop: () => {} };
  let width = 0;
  let before = 0;
  const show = (text: string): void => {
    screen.write(`\r${text.padEnd(width)}`);
    width = text.length;
  };
  const timer = setInterval(() => {
    const { delivered, droppedByKernel, droppedBySource } = running.statistics();
    const dropped = (droppedByKernel ?? 0) + droppedBySource;
    const files = running.files();
    const size = files === null ? '' : `, ${formatBytes(files.writtenBytes)}`;
    const lost = dropped === 0 ? '' : `, ${formatCount(dropped)} dropped`;
    show(
      `${formatCounted(delivered, 'packet')} (${formatCount(delivered - before)}/s)${size}${lost}`.slice(
        0,
        (screen.columns || 80) - 1,
      ),
    );
    before = delivered;
  }, countsEveryMs);
  return {
    stop: () => {
      clearInterval(timer);
      if (width > 0) screen.write(`\r${' '.repeat(width)}\r`);
    },
  };
}

function endText(running: Running, options: CaptureCommandOptions, took: string): string[] {
  const { received, delivered, droppedByKernel, droppedBySource } = running.statistics();
  const files = running.files();
  const count = (value: number | null): string => (value === null ? 'unknown' : formatCount(value));
  const lines = [
    `${formatCounted(delivered, 'packet')} in ${took}${files === null ? '' : `, ${formatBytes(files.writtenBytes)} ${placeText(files)}`}`,
    `  passed the filter ${count(received)}, kept ${count(delivered)}, dropped by the kernel ${count(droppedByKernel)}, dropped by holdfast ${count(droppedBySource)}`,
  ];
  if ((droppedByKernel ?? 0) > 0)
    lines.push('  The kernel had no room for some: a larger --buffer helps, a narrower filter, or --snap-length 200.');
  if (delivered === 0)
    lines.push(
      `  Nothing came by${options.interface === undefined ? '' : `; without -i ${escapeName(options.interface)} all interfaces are listened to`}.`,
    );
  else if (files !== null) lines.push(`Next: holdfast explain ${quoteForShell(files.path)}`);
  return lines;
}

const placeText = ({ path, begun }: { readonly path: string; readonly begun: number }): string =>
  begun > 1 ? `in ${formatCount(begun)} files, the last of them ${escapeName(path)}` : `in ${escapeName(path)}`;
