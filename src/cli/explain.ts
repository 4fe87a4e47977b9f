/**
 * `holdfast explain FILE…`: reads captures and tells what happened on every connection.
 *
 * Each input is explained by itself, one after the other. An input that cannot be read is named on standard error, the others are
 * explained all the same, and the exit code is 2. Nothing here is done per packet: chunks go in, ended connections come out.
 */
import type { SourceSummary } from '../base/index.js';
import {
  type Connection,
  type ConnectionPredicate,
  Diagnosis,
  type FindingLevel,
  hasHost,
  hasPort,
  Story,
  type Totals,
} from '../story/index.js';
import { type Clock, clockOf, type Diagnosed, escapeName, jsonReportWriter, Overview } from '../view/index.js';
import { CapturePair, type PairReading } from './capture-pair.js';
import type { Streams } from './command-context.js';
import { type PictureOptions, Pictures } from './explain-pictures.js';
import { connectionPresenter, type TerminalOptions, terminalPresenter } from './explain-terminal.js';
import { CommandFailure, exitCodes, failureText } from './failure.js';
import { readFilter } from './filter-option.js';
import { noProgress, progressBar } from './progress.js';
import { openCapture } from './read-capture.js';
import { quoteForShell } from './shell-words.js';
import { terminalStyle } from './terminal-style.js';

export interface ExplainOptions extends PictureOptions {
  readonly json?: boolean;
  readonly ndjson?: boolean;
  readonly port?: readonly number[];
  readonly host?: readonly string[];
  readonly filter?: string;
  readonly all?: boolean;
  readonly limit?: number;
  readonly columns?: number;
  readonly ascii?: boolean;
  readonly utc?: boolean;
  /** Only the findings of these rules. */
  readonly rule?: readonly string[];
  readonly failOn?: FindingLevel;
}

/** Takes ended connections and shows them; told at the end what is known of the whole input. */
export interface Presenter {
  connection(connection: Connection, clock: Clock): void;
  /** A connection that was not chosen. */
  skip(connection: Connection): void;
  end(name: string, source: SourceSummary, totals: Totals, diagnosed: Diagnosed): void;
}

/** Worst first. */
const levels: readonly FindingLevel[] = ['bad', 'warning', 'info', 'good'];

/** Explains every input and gives the exit code. Throws CommandFailure on bad usage. */
export async function explain(inputs: readonly string[], options: ExplainOptions, streams: Streams): Promise<number> {
  const choice = chooseConnections(options);
  if (inputs.filter((input) => input === '-').length > 1)
    throw new CommandFailure('bad-usage', 'standard input (-) can be read only once');
  if (inputs.length > 1 && options.svg !== undefined) throw new CommandFailure('bad-usage', '--svg takes one capture at a time');
  if (inputs.length > 2 && options.html !== undefined)
    throw new CommandFailure('bad-usage', '--html takes one capture, or two of the same traffic');
  const toOutput = [options.html === '-', options.svg === '-', options.json === true || options.ndjson === true];
  if (toOutput.filter((wanted) => wanted).length > 1)
    throw new CommandFailure('bad-usage', 'only one of --json, --ndjson, --html - and --svg - can go to standard output');
  let readAll = true;
  let failing = false;
  const pair = inputs.length === 2 ? new CapturePair([nameOf(inputs[0]!), nameOf(inputs[1]!)]) : null;
  for (const [index, input] of inputs.entries()) {
    if (streams.output.closed) break;
    try {
      if (index > 0 && options.json !== true && options.ndjson !== true) streams.output.line('');
      const findings = await explainOne(input, choice, options, streams, pair?.reading(index));
      failing ||= findings.some(({ level }) => isAtLeast(level, options.failOn));
    } catch (error) {
      if (!(error instanceof CommandFailure) || inputs.length === 1) throw error;
      streams.messages.write(failureText(error));
      readAll = false;
    }
    await streams.output.flush();
  }
  if (!readAll) return exitCodes.failed;
  if (pair !== null) {
    tellPair(pair, options, streams);
    await pair.writePage();
  }
  await streams.output.flush();
  return failing ? exitCodes.findings : exitCodes.fine;
}

/** What two captures of the same traffic say together; nothing as JSON when they have nothing in common. */
function tellPair(pair: CapturePair, options: ExplainOptions, { output, screen, environment }: Streams): void {
  if (options.html === '-') return;
  if (options.json === true || options.ndjson === true) {
    const text = pair.asJson();
    if (text !== null) output.line(text);
    return;
  }
  output.line('');
  for (const line of pair.asText(terminalStyle(options, screen, environment))) output.line(line);
}

const nameOf = (input: string): string => (input === '-' ? 'standard input' : input);

const isAtLeast = (level: FindingLevel, least: FindingLevel | undefined): boolean =>
  least !== undefined && levels.indexOf(level) <= levels.indexOf(least);

interface Choice {
  /** Null: all. */
  readonly chosen: ConnectionPredicate | null;
  readonly inWords: string | null;
}

/** Options of one kind widen the choice, options of different kinds narrow it. */
function chooseConnections({ connection, port = [], host = [], filter }: ExplainOptions): Choice {
  const parts: { readonly words: string; readonly test: ConnectionPredicate }[] = [];
  const anyOf =
    (tests: readonly ConnectionPredicate[]): ConnectionPredicate =>
    (one) =>
      tests.some((test) => test(one));
  if (connection !== undefined) parts.push({ words: `connection ${connection}`, test: (one) => one.id === connection });
  if (port.length > 0) parts.push({ words: `port ${port.join(' or ')}`, test: anyOf(port.map(hasPort)) });
  if (host.length > 0) parts.push({ words: `host ${host.join(' or ')}`, test: anyOf(host.map(hasHost)) });
  if (filter !== undefined && filter.trim() !== '') parts.push({ words: filter.trim(), test: readFilter(filter) });
  if (parts.length === 0) return { chosen: null, inWords: null };
  return { chosen: (one) => parts.every(({ test }) => test(one)), inWords: parts.map(({ words }) => words).join(', ') };
}

async function explainOne(
  input: string,
  choice: Choice,
  options: ExplainOptions,
  streams: Streams,
  reading: PairReading | undefined,
): Promise<Diagnosed['findings']> {
  // The page of two captures is that of the first.
  const pictures = reading?.isFirst === false ? null : picturesFor(input, choice, options, streams);
  try {
    return await readAndTell({ input, choice, options, streams, pictures, reading });
  } finally {
    await pictures?.close();
  }
}

interface Task {
  readonly input: string;
  readonly choice: Choice;
  readonly options: ExplainOptions;
  readonly streams: Streams;
  readonly pictures: Pictures | null;
  /** This is one of two captures that are compared. */
  readonly reading: PairReading | undefined;
}

async function readAndTell({ input, choice, options, streams, pictures, reading }: Task): Promise<Diagnosed['findings']> {
  const { output } = streams;
  const name = nameOf(input);
  const presenter = presenterFor(input, choice, options, streams);
  // A filter's totals are those of the connections it lets through.
  const chosenOnly = choice.chosen === null ? null : new Overview();
  const diagnosis = new Diagnosis({ hidden: options.rule !== undefined });
  let clock: Clock | null = null;
  const story = new Story({
    onConnection: (connection) => {
      if (choice.chosen !== null && !choice.chosen(connection)) {
        presenter.skip(connection);
        return;
      }
      chosenOnly?.add(connection);
      diagnosis.take(connection);
      clock ??= clockOf(capture.summary());
      presenter.connection(connection, clock);
      pictures?.connection(connection);
    },
    ...(options.connection === undefined ? {} : { detailOf: options.connection }),
  });
  const capture = await openCapture(input, {
    observe: story.observe,
    tap: reading?.tap,
    onChunk: (chunk) => pictures?.chunk(chunk),
  });
  const quiet = options.ndjson === true || (options.all === true && streams.screen.isTTY);
  const progress = quiet ? noProgress : progressBar(escapeName(name).slice(-30), capture.size ?? 0, streams.messages);
  try {
    await pictures?.begin(capture.size !== null);
    while (await capture.next()) {
      clock = null;
      if (output.closed) return [];
      await output.flush();
      await progress.update(capture.bytesRead(), capture.packets);
    }
  } finally {
    progress.stop();
    await capture.close();
  }
  clock = null;
  const summary = capture.end();
  story.end();
  if (summary.format === 'unknown') throw new CommandFailure('unreadable-input', unknownFormatText(name, summary));
  const { rule } = options;
  const found = diagnosis.findings();
  const findings = rule === undefined ? found : found.filter((finding) => rule.includes(finding.rule));
  const diagnosed = { verdict: diagnosis.verdict(findings), findings, inferences: diagnosis.inferences() };
  const totals = chosenOnly?.totals ?? story.totals;
  presenter.end(name, summary, totals, diagnosed);
  reading?.ended(summary, diagnosed.verdict.headline);
  await pictures?.end({ name, source: summary, totals, diagnosed }, reading);
  return findings;
}

function picturesFor(
  input: string,
  { inWords }: Choice,
  options: ExplainOptions,
  { output, messages }: Streams,
): Pictures | null {
  if (options.html === undefined && options.svg === undefined) return null;
  const tell = (message: string): unknown => messages.write(`${escapeName(message)}\n`);
  return new Pictures(input, options, { output, tell, chosenBy: inWords });
}

/** Standard output belongs to the page or the picture. */
const nothing: Presenter = { connection: () => {}, skip: () => {}, end: () => {} };

function presenterFor(
  input: string,
  { inWords }: Choice,
  options: ExplainOptions,
  { output, screen, environment }: Streams,
): Presenter {
  if (options.html === '-' || options.svg === '-') return nothing;
  if (options.json === true || options.ndjson === true) {
    const form = options.ndjson === true ? 'ndjson' : 'json';
    const writer = jsonReportWriter({ form, write: (text) => output.write(text), marks: options.connection !== undefined });
    return writer;
  }
  const style = terminalStyle(options, screen, environment);
  const write = (line: string): void => output.line(line);
  if (options.connection !== undefined) return connectionPresenter(options.connection, { style, write });
  const command = `holdfast explain ${input === '-' ? '-' : quoteForShell(input)}`;
  return terminalPresenter({ style, write, lines: linesOf(options, screen), chosenBy: inWords, command });
}

/** Lines of connections where there is no screen to fit. */
const linesOffTerminal = 30;

function linesOf({ all, limit }: ExplainOptions, screen: NodeJS.WriteStream): TerminalOptions['lines'] {
  if (all === true) return 'all';
  if (limit !== undefined) return { most: limit };
  return screen.isTTY ? { screenRows: screen.rows } : { most: linesOffTerminal };
}

function unknownFormatText(name: string, summary: SourceSummary): string {
  if (summary.bytes === 0) return `${name} is empty`;
  return `${name}: ${summary.problems[0]?.text ?? 'this is no capture that can be read (pcap or pcapng)'}`;
}
