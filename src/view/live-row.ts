/**
 * A line about a connection that may still be open: the row of a list, and what it is doing now, as a value that words are made of
 * when the width is known.
 */
import type { Side } from '../base/index.js';
import { type Connection, newestExchange } from '../story/index.js';
import { type ConnectionRow, connectionRow } from './connection-row.js';
import { endingLine, endingWords, type Severity } from './ending-words.js';
import { protocolTitle } from './protocol-words.js';
import { formatCount, formatShortDuration, type Script } from './quantity.js';

interface LiveState {
  readonly kind: 'opening' | 'sending' | 'waiting' | 'receiving' | 'idle' | 'quiet' | 'half-closed' | 'ended';
  /** How long it has been so, in ns. */
  readonly forNs: number;
  /** Requests that are not answered yet; `idle`: probes that nobody has answered. */
  readonly count: number;
  /** `half-closed`: who closed its half. */
  readonly by: Side | null;
}

export interface LiveRow extends ConnectionRow {
  /** The last packet. */
  readonly lastNs: number;
  readonly state: LiveState;
}

/** `connection`: as it stands at `nowNs` (the story's `current`), or an ended one. */
export function liveRow(connection: Connection, nowNs: number): LiveRow {
  return { ...connectionRow(connection, { live: true }), lastNs: connection.last.atNs, state: liveStateOf(connection, nowNs) };
}

/** The other side's FIN usually follows within a round trip; from here on it is told that it did not. */
const halfClosedNs = 1e9;

function liveStateOf(connection: Connection, nowNs: number): LiveState {
  const { ending, closed, closing, exchangeCount, responseCount, protocol, opened, tcp } = connection;
  const state = (kind: LiveState['kind'], sinceNs: number, count = 0, by: Side | null = null): LiveState => ({
    kind,
    forNs: Math.max(0, nowNs - sinceNs),
    count,
    by,
  });
  if (closed !== null) return state('ended', ending.at.atNs);
  if (closing.first !== null) {
    const { at, from } = closing.first;
    return state('half-closed', at.atNs, 0, from);
  }
  if (ending.how !== 'open') return state('ended', ending.at.atNs);
  const newest = newestExchange(connection);
  if (newest !== undefined && newest.responseEnd === null && protocol.detail === null) {
    const pending = Math.max(1, exchangeCount - responseCount);
    if (newest.firstByte !== null) return state('receiving', newest.firstByte.atNs);
    if (newest.requestEnd === null) return state('sending', newest.requestAt.atNs, pending);
    return state('waiting', newest.requestEnd.atNs, pending);
  }
  const unanswered = closing.unanswered?.probes ?? 0;
  const bytes = tcp.bytes.client + tcp.bytes.server;
  if (bytes === 0 && tcp.syns.client > 0 && connection.handshakeNs === null) return state('opening', opened.atNs);
  const sinceNs = ending.idleNs === null ? opened.atNs : ending.at.atNs - ending.idleNs;
  return state(exchangeCount > 0 || bytes === 0 ? 'idle' : 'quiet', sinceNs, unanswered);
}

/** `waiting 1.2s`, `idle 5.0s`, `half-closed by server 12s`, or how it ended. Terse: for a narrow column. */
export function liveWords(row: LiveRow, script: Script, { terse = false } = {}): string {
  const { kind, forNs, count, by } = row.state;
  const time = formatShortDuration(steady(forNs), script);
  switch (kind) {
    case 'ended':
      return endingLine(row, script, { terse });
    case 'half-closed':
      if (forNs < halfClosedNs) return endingLine(row, script, { terse });
      return terse ? `half-closed ${time}` : `half-closed by the ${by} ${time}`;
    case 'waiting':
    case 'sending':
      return `${kind} ${time}${count > 1 && !terse ? `, ${formatCount(count)} requests` : ''}`;
    case 'quiet':
      return `${protocolTitle(row.protocol)} ${terse ? '' : 'quiet '}${time}`;
    case 'opening':
    case 'receiving':
      return `${kind} ${time}`;
    case 'idle':
      if (count === 0) return `idle ${time}`;
      return terse ? `${count} probes lost` : `idle ${time}, ${count} probe${count === 1 ? '' : 's'} unanswered`;
  }
}

/** Below a tenth of a second nothing can be read that changes ten times a second. */
const steady = (ns: number): number => (ns < 100e6 ? Math.floor(ns / 10e6) * 10e6 : Math.floor(ns / 100e6) * 100e6);

/** Waiting, and a half-closed connection, worth a look from here on. */
const longWaitNs = 1e9;
const longHalfClosedNs = 10e9;

export function liveSeverity({ state, ending }: LiveRow): Severity {
  switch (state.kind) {
    case 'ended':
      return endingWords[ending.why].severity;
    case 'half-closed':
      return state.forNs >= longHalfClosedNs ? 'notable' : endingWords[ending.why].severity;
    case 'waiting':
    case 'opening':
    case 'sending':
      return state.forNs >= longWaitNs ? 'notable' : 'neutral';
    case 'idle':
      return state.count > 1 ? 'bad' : state.count > 0 ? 'notable' : 'neutral';
    default:
      return 'neutral';
  }
}
