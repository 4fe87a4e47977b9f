/** `holdfast lab cost`: measures, and prints the table and its chart. */
import { writeFile } from 'node:fs/promises';
import { CaptureError, enterOwnNetwork } from '../capture/index.js';
import { HoldfastError } from '../engine/index.js';
import { type CostOptions, CostRefusal, type CostReport, costLines, measureCost, renderCostPage } from '../lab/index.js';
import type { Streams } from './command-context.js';
import { CommandFailure, exitCodes, failureOfCapture } from './failure.js';
import { terminalStyle } from './terminal-style.js';

export interface LabCostOptions {
  readonly rtt?: number;
  readonly requests?: number;
  readonly parallel: number;
  readonly pipeline: number;
  readonly upload?: number;
  readonly allowRemote?: true;
  readonly insecure?: true;
  readonly json?: true;
  readonly html?: string;
  readonly columns?: number;
  readonly ascii?: true;
}

export async function labCost(text: string | undefined, options: LabCostOptions, streams: Streams): Promise<number> {
  const url = text === undefined ? null : urlOf(text);
  if (url !== null && options.rtt !== undefined)
    throw new CommandFailure('bad-usage', '--rtt is for our own server; choose one of it and a URL');
  try {
    if (options.rtt !== undefined) {
      const endedThere = await enterOwnNetwork();
      if (endedThere !== null) return endedThere;
    }
    const report = await measureCost(costOptions(url, options, streams));
    await print(report, options, streams);
    return exitCodes.fine;
  } catch (error) {
    throw failureOf(error);
  }
}

function costOptions(url: URL | null, options: LabCostOptions, streams: Streams): CostOptions {
  const isRemote = options.allowRemote === true;
  return {
    url,
    roundTripMs: options.rtt ?? null,
    requests: options.requests ?? (isRemote ? 20 : 100),
    connections: options.parallel,
    pipeline: options.pipeline,
    uploadByteCount: options.upload ?? (url === null ? 64 * 1024 : 0),
    allowRemote: isRemote,
    insecure: options.insecure === true,
    onWay: (title) => {
      if (streams.messages.isTTY === true) streams.messages.write(`\r\u001b[Kmeasuring: ${title}`);
    },
  };
}

async function print(
  report: CostReport,
  options: LabCostOptions,
  { output, screen, messages, environment }: Streams,
): Promise<void> {
  if (messages.isTTY === true) messages.write('\r\u001b[K');
  if (options.html !== undefined) {
    const file = options.html;
    await writeFile(file, renderCostPage(report)).catch((cause: Error) => {
      throw new CommandFailure('output-failed', `cannot write ${file}: ${cause.message}`, { cause });
    });
  }
  if (options.json === true) output.line(JSON.stringify(report));
  else for (const line of costLines(report, terminalStyle(options, screen, environment))) output.line(line);
}

function urlOf(text: string): URL {
  const full = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : null;
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new CommandFailure('bad-usage', `${text} is not a URL of http or https`);
}

function failureOf(error: unknown): unknown {
  if (error instanceof CaptureError) return failureOfCapture(error);
  if (error instanceof CostRefusal) return new CommandFailure('bad-usage', error.message, { cause: error });
  if (error instanceof HoldfastError)
    return new CommandFailure('unreadable-input', `${error.code}: ${error.message}`, { cause: error });
  return error;
}
