/**
 * `watch` off a terminal: a line for each connection as it ends, findings when they arise or become worse, and at the end the
 * summary. Or the same as NDJSON: connections, `{"finding":…}`, and last the report without connections.
 */
import type { SourceSummary } from '../base/index.js';
import type { Connection, Finding } from '../story/index.js';
import {
  type Clock,
  connectionRow,
  type Diagnosed,
  formatEndpoint,
  jsonReportWriter,
  layOutList,
  type ReportWriter,
  renderFindingLine,
  renderListHead,
  renderListLine,
  renderSummary,
  reportFrame,
  type TerminalStyle,
  toAsciiJson,
} from '../view/index.js';
import type { Output } from './output.js';
import type { WatchSession } from './watch-session.js';

/** Findings remembered as told. */
const toldLimit = 10_000;
/** Columns of a line that no screen clips. */
const uncutWidth = 2000;

export interface LinesOptions {
  readonly output: Output;
  readonly style: TerminalStyle;
  readonly ndjson: boolean;
}

export class WatchLines {
  readonly #output: Output;
  readonly #style: TerminalStyle;
  readonly #json: ReportWriter | null;
  readonly #told = new Set<string>();
  #begun = false;

  constructor({ output, style, ndjson }: LinesOptions) {
    this.#output = output;
    this.#style = style;
    this.#json = ndjson ? jsonReportWriter({ form: 'ndjson', write: (text) => output.write(text) }) : null;
  }

  readonly connection = (connection: Connection, clock: Clock): void => {
    if (this.#json !== null) {
      this.#json.connection(connection, clock);
      return;
    }
    const layout = layOutList([], clock, this.#style);
    if (!this.#begun) this.#output.line(renderListHead(layout, this.#style));
    this.#begun = true;
    this.#output.line(renderListLine(connectionRow(connection), layout, clock, this.#style));
  };

  /** Tells those that were not told before. */
  findings(diagnosed: Diagnosed, session: WatchSession): void {
    const fresh = diagnosed.findings.filter((finding) => finding.level !== 'good' && !this.#told.has(keyOf(finding)));
    if (fresh.length === 0) return;
    for (const finding of fresh) if (this.#told.size < toldLimit) this.#told.add(keyOf(finding));
    if (this.#json === null) {
      const style = { ...this.#style, width: uncutWidth };
      for (const finding of fresh) this.#output.line(renderFindingLine(finding, '', style));
      return;
    }
    const frame = reportFrame('', session.summary(), session.overview.totals, { ...diagnosed, findings: fresh });
    for (const finding of frame.findings) this.#output.line(toAsciiJson({ finding }));
  }

  end(name: string, session: WatchSession, summary: SourceSummary, chosenBy: string | null): void {
    const diagnosed = session.diagnose();
    const { overview } = session;
    if (this.#json !== null) {
      this.#json.end(name, summary, overview.totals, diagnosed);
      return;
    }
    if (this.#begun) this.#output.line('');
    for (const line of renderSummary({ name, overview, source: summary, chosenBy, diagnosed }, this.#style))
      this.#output.line(line);
  }
}

const keyOf = ({ rule, level, server }: Finding): string => `${rule} ${level} ${formatEndpoint(server)}`;
