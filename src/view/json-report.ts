/**
 * The report as JSON text, written while the input is still read, in bounded memory.
 *
 * `json`: one object. `connections` comes before `totals` and `source`, because those are only known at the end; a connection
 * takes one line. Connections are in the order of their numbers as far as a window of held text allows.
 * `ndjson`: one connection a line as each ends, in that order; the last line is the report without `connections` (it is the one
 * with a `schema`).
 *
 * Everything printed is ASCII: other characters of wire text become \uXXXX, which any JSON reader turns back, so that no
 * byte can act on a terminal (JSON.stringify alone lets DEL and the C1 controls through).
 */
import type { SourceSummary } from '../base/index.js';
import type { Connection, Totals } from '../story/index.js';
import type { Clock } from './clock.js';
import type { Diagnosed } from './diagnosed.js';
import { OrderedWindow } from './ordered-window.js';
import { reportConnection, reportFrame, reportSchema } from './report.js';

/** Characters of finished connections held back to get them into the order of their numbers. */
export const heldTextLimit = 4 * 1024 * 1024;

export interface JsonReportOptions {
  readonly form: 'json' | 'ndjson';
  readonly write: (text: string) => void;
  /** With the marks of each connection (what happened, packet by packet). */
  readonly marks?: boolean;
}

export interface ReportWriter {
  /** A connection that ended. */
  connection(connection: Connection, clock: Clock): void;
  /** A connection that ended and is left out. */
  skip(connection: Connection): void;
  end(name: string, summary: SourceSummary, totals: Totals, diagnosed: Diagnosed): void;
}

const notAscii = /[\u007f-\uffff]/;
const everyNotAscii = /[\u007f-\uffff]/g;

/** One line of JSON that no byte of acts on a terminal. */
export function toAsciiJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!notAscii.test(text)) return text;
  return text.replace(everyNotAscii, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function jsonReportWriter({ form, write, marks = false }: JsonReportOptions): ReportWriter {
  return form === 'json' ? writeObject(write, marks) : writeLines(write, marks);
}

function writeObject(write: (text: string) => void, marks: boolean): ReportWriter {
  let separator = `{"schema":${JSON.stringify(reportSchema)},\n"connections":[\n`;
  const release = (text: string): void => {
    write(separator + text);
    separator = ',\n';
  };
  const window = new OrderedWindow<string>({ limit: heldTextLimit, release });
  return {
    connection: (connection, clock) => {
      const text = toAsciiJson(reportConnection(connection, clock, { marks }));
      window.add(connection.id, text, text.length);
    },
    skip: (connection) => window.skip(connection.id),
    end: (name, summary, totals, diagnosed) => {
      window.end();
      const frame = reportFrame(name, summary, totals, diagnosed);
      const start = separator.startsWith('{') ? separator : '\n';
      write(
        `${start}],\n"totals":${toAsciiJson(frame.totals)},\n"verdict":${toAsciiJson(frame.verdict)},\n"findings":${toAsciiJson(frame.findings)},\n"inferences":${toAsciiJson(frame.inferences)},\n"source":${toAsciiJson(frame.source)}}\n`,
      );
    },
  };
}

function writeLines(write: (text: string) => void, marks: boolean): ReportWriter {
  return {
    connection: (connection, clock) => write(`${toAsciiJson(reportConnection(connection, clock, { marks }))}\n`),
    skip: () => {},
    end: (name, summary, totals, diagnosed) => write(`${toAsciiJson(reportFrame(name, summary, totals, diagnosed))}\n`),
  };
}
