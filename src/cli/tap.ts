/**
 * `holdfast tap`: a relay's observations into stories, a line for each connection as it ends, the summary at the end.
 *
 * Memory stays flat: of a connection that is over, what the summary and the rules count is kept; for `--html` also the newest in full.
 */
import { writeFile } from 'node:fs/promises';
import type { SourceSummary } from '../base/index.js';
import {
  openTap,
  type Tap,
  type TapConnection,
  type TapFault,
  type TapFaultEvent,
  type TapFaultKind,
  type TapOptions,
  tapOriginSeconds,
} from '../capture/index.js';
import { type Connection, Diagnosis, type Finding, Story, storyLimits } from '../story/index.js';
import {
  type Clock,
  clockOf,
  connectionRow,
  connectionsOfInterest,
  type Diagnosed,
  escapeName,
  formatBytes,
  formatCount,
  formatEndpoint,
  jsonReportWriter,
  layOutList,
  Overview,
  PageCollector,
  type ReportWriter,
  renderListHead,
  renderListLine,
  renderPage,
  renderSummary,
  type TerminalStyle,
  wrapItems,
  wrapWords,
} from '../view/index.js';
import type { Streams } from './command-context.js';
import { CommandFailure, exitCodes } from './failure.js';
import { listenToKeys, tapKeys } from './tap-keys.js';
import { terminalStyle } from './terminal-style.js';

export interface TapCommandOptions {
  readonly listen: { readonly host?: string; readonly port: number };
  readonly to: { readonly host: string; readonly port: number };
  readonly delay?: readonly TapFault[];
  readonly rate?: readonly TapFault[];
  readonly cutAfter?: readonly TapFault[];
  readonly resetAfter?: readonly TapFault[];
  readonly stallAfter?: readonly TapFault[];
  readonly halfClose?: readonly TapFault[];
  readonly dropIdle?: readonly TapFault[];
  readonly seed?: number;
  readonly limit?: number;
  readonly count?: number;
  readonly side: 'client' | 'server';
  readonly json?: boolean;
  readonly ndjson?: boolean;
  readonly html?: string;
  readonly utc?: boolean;
  readonly columns?: number;
  readonly ascii?: boolean;
}

/** Connections named in one row. */
const idsSaid = 8;
/** Connections kept in full for the page. */
const keptLimit = 300;

/** Relays until it is told to end, and gives the exit code. Throws CaptureError when it cannot listen. */
export async function runTap(options: TapCommandOptions, streams: Streams): Promise<number> {
  const { output, screen, messages, environment } = streams;
  const style = terminalStyle(options, screen, environment);
  const teller = new Teller(options, style, (text) => output.write(text));
  let end = (): void => {};
  const toldToEnd = new Promise<void>((resolve) => {
    end = resolve;
  });
  const relayOptions: TapOptions = {
    ...relayOf(options),
    [options.side === 'client' ? 'observeClientSide' : 'observeServerSide']: teller.story.observe,
    onFault: (event, id) => {
      const text = faultText(event);
      if (text !== null) messages.write(`#${id} ${text}\n`);
    },
    onConnection: (connection) => {
      teller.ended(connection);
      void output.flush();
      if (output.closed || connection.id + 1 === options.count) end();
    },
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, end);
  const tap = await openTap(relayOptions);
  const keys = listenToKeys(process.stdin, { inject: (kind) => tap.inject(kind), end });
  messages.write(`${formatEndpoint(tap.address)} is relayed to ${formatEndpoint(addressOf(options.to))}. Ctrl-C ends it.\n`);
  if (keys !== null) messages.write(`${wrapWords(tapKeys, style.width).join('\n')}\n`);
  try {
    await toldToEnd;
  } finally {
    for (const signal of signals) process.off(signal, end);
    keys?.stop();
    await tap.close();
  }
  teller.end(tap, options, output.closed);
  if (options.html !== undefined) await teller.writePage(options.html, (text) => messages.write(`${text}\n`));
  return exitCodes.fine;
}

function relayOf(options: TapCommandOptions): Pick<TapOptions, 'listen' | 'to' | 'faults' | 'seed' | 'connectionLimit'> {
  const { listen, to, delay, rate, cutAfter, resetAfter, stallAfter, halfClose, dropIdle, seed, limit } = options;
  return {
    listen,
    to,
    faults: [delay, rate, cutAfter, resetAfter, stallAfter, halfClose, dropIdle].flatMap((faults = []) => faults),
    ...(seed === undefined ? {} : { seed }),
    ...(limit === undefined ? {} : { connectionLimit: limit }),
  };
}

const addressOf = ({ host, port }: TapCommandOptions['to']) => ({ address: host, port });

const faultTexts: Readonly<Record<TapFaultKind, string | null>> = {
  // True of a connection from its beginning; the command line says so.
  delay: null,
  rate: null,
  cut: 'cut: a FIN to both sides',
  reset: 'reset: a RST to both sides',
  stall: 'stalled: nothing is relayed any more',
  'half-close': 'half-closed: a FIN to the client',
  'drop-idle': 'forgotten: nothing is relayed any more, and nobody is told',
};

const faultText = ({ kind }: TapFaultEvent): string | null => faultTexts[kind];

/** Story, rules and words of one relay. */
class Teller {
  readonly story: Story;
  readonly #style: TerminalStyle;
  readonly #write: (text: string) => void;
  readonly #json: ReportWriter | null;
  readonly #diagnosis = new Diagnosis();
  readonly #overview = new Overview();
  readonly #collector: PageCollector | null;
  /** Whose story is over and of which the relay has not said its last. */
  readonly #over = new Map<number, Connection>();
  readonly #kept = new Map<number, Connection>();
  readonly #name: string;
  /** Connections by what this relay did to them. */
  readonly #injected = new Map<TapFaultKind, { readonly first: number[]; count: number }>();
  #startNs: number | null = null;
  #lastNs = 0;
  #lines = 0;
  #page: Parameters<typeof renderPage>[0] | null = null;

  constructor(options: TapCommandOptions, style: TerminalStyle, write: (text: string) => void) {
    this.#style = style;
    this.#write = write;
    this.#name = `relay to ${formatEndpoint(addressOf(options.to))}, as the ${options.side} sees it`;
    this.#json =
      options.json === true || options.ndjson === true
        ? jsonReportWriter({ form: options.ndjson === true ? 'ndjson' : 'json', write })
        : null;
    this.#collector = options.html === undefined ? null : new PageCollector();
    this.story = new Story({
      onConnection: (connection) => this.#over.set(connection.id, connection),
      ...(options.html === undefined ? {} : { marksPerConnection: storyLimits.marksOfDetail }),
    });
  }

  ended(relayed: TapConnection): void {
    const { id, failure, openedAtNs, closedAtNs, faults } = relayed;
    for (const kind of new Set(faults.map((fault) => fault.kind))) {
      const injected = this.#injected.get(kind) ?? { first: [], count: 0 };
      this.#injected.set(kind, injected);
      if (injected.count++ < idsSaid) injected.first.push(id);
    }
    this.#startNs = Math.min(this.#startNs ?? openedAtNs, openedAtNs);
    this.#lastNs = Math.max(this.#lastNs, closedAtNs);
    const connection = this.#over.get(id);
    this.#over.delete(id);
    if (connection !== undefined) {
      this.#diagnosis.take(connection);
      this.#overview.add(connection);
      this.#keep(connection);
    }
    if (this.#json !== null) {
      if (connection !== undefined) this.#json.connection(connection, this.#clock());
      return;
    }
    if (connection !== undefined) this.#writeLine(connection);
    if (failure !== null) this.#writeNote(`${escapeName(failure.text)} (${faultWords[failure.fault]})`);
  }

  end(tap: Tap, { to }: TapCommandOptions, silent: boolean): void {
    this.story.end();
    const findings = this.#diagnosis.findings().map(withoutPackets);
    const diagnosed: Diagnosed = {
      verdict: this.#diagnosis.verdict(findings),
      findings,
      inferences: this.#diagnosis.inferences(),
    };
    const source = this.#source(tap);
    const { totals } = this.story;
    if (this.#collector !== null) {
      const data = this.#collector.end();
      const ids = connectionsOfInterest(findings, data.mostTelling);
      const detailed = ids.flatMap((id) => this.#kept.get(id) ?? []);
      const laddersMissing =
        detailed.length < ids.length ? `Only the newest ${keptLimit} connections of a relay are kept in full.` : null;
      this.#page = { name: this.#name, source, totals, diagnosed, data, detailed, laddersMissing, chosenBy: null };
    }
    if (silent) return;
    if (this.#json !== null) this.#json.end(this.#name, source, totals, diagnosed);
    else if (tap.statistics().connections === 0)
      this.#write(
        `No client connected. Point it at ${formatEndpoint(tap.address)} instead of ${formatEndpoint(addressOf(to))}.\n`,
      );
    else {
      const summary = renderSummary(
        { name: this.#name, overview: this.#overview, source, chosenBy: null, diagnosed },
        this.#style,
      );
      this.#write(`\n${[...summary, ...this.#injectedRow()].join('\n')}\n`);
    }
  }

  /** What was done on purpose, so that nobody looks for it elsewhere. */
  #injectedRow(): string[] {
    const { palette, width } = this.#style;
    const items = [...this.#injected].map(([kind, { first, count }]) => {
      const more = count > first.length ? ` and ${formatCount(count - first.length)} more` : '';
      return `${kind} ${first.map((id) => `#${id}`).join(' ')}${more}`;
    });
    if (items.length === 0) return [];
    const lines = wrapItems(items, ' · ', width - 13);
    return lines.map((line, index) => palette.notable(`  ${(index === 0 ? 'Injected' : '').padEnd(9)}  ${line}`));
  }

  async writePage(path: string, tell: (text: string) => void): Promise<void> {
    const text = renderPage(this.#page!);
    if (path === '-') {
      this.#write(text);
      return;
    }
    try {
      await writeFile(path, text);
    } catch (cause) {
      throw new CommandFailure('output-failed', `cannot write ${path}: ${(cause as Error).message}`, { cause });
    }
    tell(`${escapeName(path)} written, ${formatBytes(Buffer.byteLength(text))}`);
  }

  #writeLine(connection: Connection): void {
    const clock = this.#clock();
    const layout = layOutList([], clock, this.#style);
    if (this.#lines++ === 0) this.#write(`${renderListHead(layout, this.#style)}\n`);
    this.#write(`${renderListLine(connectionRow(connection), layout, clock, this.#style)}\n`);
  }

  #writeNote(text: string): void {
    const { palette, width } = this.#style;
    for (const line of wrapWords(text, width - 9)) this.#write(`${palette.bad(`         ${line}`)}\n`);
  }

  #keep(connection: Connection): void {
    if (this.#collector === null) return;
    this.#collector.add(connection);
    this.#kept.set(connection.id, connection);
    if (this.#kept.size <= keptLimit) return;
    const [oldest] = this.#kept.keys();
    this.#kept.delete(oldest!);
  }

  #clock(): Clock {
    const startNs = this.#startNs ?? 0;
    return clockOf({ ...sourceClock, firstAtNs: startNs, lastAtNs: Math.max(startNs, this.#lastNs) });
  }

  #source(tap: Tap): SourceSummary {
    const { bytesFromClients, bytesFromServer, overLimit } = tap.statistics();
    return {
      ...sourceClock,
      format: 'tap',
      linkTypes: [],
      packets: 0,
      tcpPackets: 0,
      otherPackets: {},
      bytes: bytesFromClients + bytesFromServer,
      firstAtNs: this.#startNs,
      lastAtNs: this.#startNs === null ? null : this.#lastNs,
      problems: overLimit === 0 ? [] : [{ code: 'too-many-connections', count: overLimit, firstPacket: 0, text: overLimitText }],
    };
  }
}

/** A relay has no packets to point at. */
function withoutPackets(finding: Finding): Finding {
  const detail = finding.detail.replace(/ \((?:from )?packet 0(?: on)?\)| in packet 0\b/g, '');
  return { ...finding, detail, packets: [] };
}

/** Microseconds: what is read later by an event loop has no better time. */
const sourceClock = { originSeconds: tapOriginSeconds, timeDecimals: 6 } as const;

const overLimitText = 'More connections came at once than --limit allows; they were closed as they came.';

const faultWords = {
  server: "the server's side has to look",
  network: 'the network between here and the server',
  caller: 'the name given with --to',
} as const;
