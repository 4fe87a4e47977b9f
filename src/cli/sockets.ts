/**
 * `holdfast sockets`: reads the table, says what it means. With --watch it looks again and again: on a terminal in place, elsewhere
 * one block, or one object, after the other.
 */
import type { SocketFinding, SocketReport } from '../base/index.js';
import { renderSockets, type SocketsShown, type TerminalStyle } from '../view/index.js';
import type { Streams } from './command-context.js';
import { exitCodes } from './failure.js';
import { type ChoiceOptions, chooseSockets, type SocketPlace } from './sockets-choice.js';
import { socketsJson } from './sockets-json.js';
import { watchLooks } from './sockets-watch.js';
import { terminalStyle } from './terminal-style.js';

export interface SocketsOptions extends ChoiceOptions {
  readonly all?: boolean;
  readonly watch?: number | true;
  readonly looks?: number;
  readonly json?: boolean;
  readonly ndjson?: boolean;
  readonly failOn?: SocketFinding['level'];
  readonly processes?: boolean;
  readonly columns?: number;
  readonly ascii?: boolean;
}

const usualSeconds = 2;
const levels: readonly SocketFinding['level'][] = ['bad', 'warning', 'info', 'good'];

/** Gives the exit code: that of the last look. */
export async function sockets(places: readonly SocketPlace[], options: SocketsOptions, streams: Streams): Promise<number> {
  const { readSocketTable, reportSockets } = await import('../capture/index.js');
  const choice = chooseSockets(places, options);
  let report: SocketReport | null = null;
  const look = (): SocketReport => {
    report = reportSockets(readSocketTable({ owners: options.processes !== false }), choice, report);
    return report;
  };
  const show = presenter(options, streams);
  if (options.watch === undefined) show.once(look());
  else {
    const seconds = options.watch === true ? usualSeconds : options.watch;
    await watchLooks({ seconds, looks: options.looks ?? Number.POSITIVE_INFINITY, look: () => show.frame(look()) }, streams, {
      inPlace: streams.screen.isTTY === true && options.ndjson !== true,
    });
    if (report !== null && streams.screen.isTTY === true && options.ndjson !== true) show.once(report);
  }
  return isFailing(report, options.failOn) ? exitCodes.findings : exitCodes.fine;
}

const isFailing = (report: SocketReport | null, least: SocketFinding['level'] | undefined): boolean =>
  least !== undefined && (report?.findings.some(({ level }) => levels.indexOf(level) <= levels.indexOf(least)) ?? false);

interface Presenter {
  /** The whole report, to standard output. */
  once(report: SocketReport): void;
  /** What one look of a watch shows: lines that fit the screen, or everything where there is none. */
  frame(report: SocketReport): readonly string[];
}

function presenter(options: SocketsOptions, { output, screen, environment }: Streams): Presenter {
  const style = (): TerminalStyle => terminalStyle(options, screen, environment);
  const isJson = options.json === true || options.ndjson === true;
  const asJson = (report: SocketReport): string =>
    options.ndjson === true ? JSON.stringify(socketsJson(report)) : JSON.stringify(socketsJson(report), null, 2);
  return {
    once(report) {
      if (isJson) output.line(asJson(report));
      else for (const line of renderSockets(report, shownLines(options, report), style())) output.line(line);
    },
    frame(report) {
      if (isJson) return [asJson(report)];
      const time = new Date(report.table.takenAtMs).toISOString().replace('T', ' ').slice(0, 19);
      const rows = screen.isTTY === true ? screen.rows : null;
      const shown = rows === null ? shownLines(options, report) : screenLines(rows, report);
      const { palette } = style();
      return [palette.faint(`${time} UTC${rows === null ? '' : '   q ends'}`), ...renderSockets(report, shown, style())];
    },
  };
}

/** Lines of a printed report. */
const printed: SocketsShown = { sockets: 20, peers: 12, listeners: 12, findings: 6, linesPerFinding: null };

/** With --state or --all, the sockets are what was asked for. */
function shownLines({ all, state }: SocketsOptions, { chosen }: SocketReport): SocketsShown {
  if (all === true) return { ...printed, sockets: chosen.length, peers: chosen.length, listeners: chosen.length, findings: 100 };
  return state === undefined ? printed : { ...printed, sockets: 100 };
}

/** Screens of fewer rows show listeners only when connections wait there. */
const roomyRows = 30;

/** What fits a screen: findings of three lines each, and the lists share the rest. */
function screenLines(rows: number, { peers, chosen, findings, table }: SocketReport): SocketsShown {
  const told = Math.min(findings.length, Math.max(1, Math.floor((rows - 12) / 8)));
  const listeners = chosen.filter(({ state }) => state === 'LISTEN');
  const areTold =
    listeners.length > 0 && (rows >= roomyRows || listeners.some(({ acceptQueue }) => (acceptQueue?.used ?? 0) > 0));
  // The time, two lines of headline, what is missing; of each table an empty line, its head and a line behind it.
  const left = Math.max(4, rows - 5 - told * 3 - table.missing.length - (areTold ? 9 : 6));
  const forPeers = Math.min(peers.length, Math.max(2, Math.floor(left / 3)));
  const forListeners = areTold ? Math.min(listeners.length, Math.max(1, Math.floor(left / 5))) : 0;
  const forSockets = Math.max(1, left - forPeers - forListeners);
  return { findings: told, linesPerFinding: 2, peers: forPeers, listeners: forListeners, sockets: forSockets };
}
