/**
 * The life of a connection as a row of pieces: opening, requests, waiting, answers, gaps, ending. Geometry only; painting is
 * somebody else's (a terminal row, an SVG bar).
 *
 * Two steps. `lifeOf` says what happened when, in times, bounded whatever the connection did: the first and the last exchanges
 * and the count of those between. `layOutLife` puts it into a given number of columns. Time is compressed there, because
 * one idle gap of a minute would leave nothing of forty exchanges of a millisecond: a piece's width grows with the
 * logarithm of its duration, and gaps worth knowing carry their duration as text.
 */
import { type Connection, type Exchange, exchangeNumbered, type Mark } from '../story/index.js';
import { formatShortDuration, type Script } from './quantity.js';

type PieceKind = 'opening' | 'joined' | 'request' | 'waiting' | 'answer' | 'unanswered' | 'bytes' | 'gap' | 'ending';

/** How an exchange went, for its colour: by status class, or what is missing. */
type Outcome = 'ok' | 'client-error' | 'server-error' | 'incomplete';

export interface LifePiece {
  readonly kind: PieceKind;
  readonly startNs: number;
  readonly endNs: number;
  /** Number of the exchange from 1, or 0. */
  readonly exchange: number;
  readonly outcome: Outcome | null;
  /** Keep-alive probes, and segments sent again, within the piece. */
  readonly probes: number;
  readonly repeats: number;
  /** Times a receiver had no room left (zero window). */
  readonly stalls: number;
}

export interface Life {
  readonly opening: LifePiece;
  /** The first exchanges, each with the gap before it and its own pieces. */
  readonly head: readonly (readonly LifePiece[])[];
  /** Exchanges between head and tail. */
  readonly omitted: number;
  readonly tail: readonly (readonly LifePiece[])[];
  /** Bytes of another protocol, the last gap, the ending. */
  readonly close: readonly LifePiece[];
  readonly end: 'fin' | 'rst' | 'timeout' | 'open';
}

/** Exchanges of which pieces are made, at each end of the connection. */
const exchangesAtEachEnd = 24;

export interface LifeOptions {
  /** The connection is looked at while it lives: what is unfinished goes on, and is neither missing nor cut. */
  readonly live?: boolean;
}

export function lifeOf(connection: Connection, { live = false }: LifeOptions = {}): Life {
  const { exchanges, newest, exchangeCount, ending } = connection;
  const goesOn = live && ending.how === 'open';
  const marks = new PointCounter(connection.marks);
  let now = connection.opened.atNs;
  const piece: PieceMaker = (kind, endNs, exchange = null) => {
    const startNs = now;
    now = Math.max(now, endNs);
    const outcome = exchange === null ? null : outcomeOf(exchange, goesOn);
    return { kind, startNs, endNs: now, exchange: exchange?.number ?? 0, outcome, ...marks.upTo(now) };
  };
  const known = connection.sidesFrom === 'syn' || connection.sidesFrom === 'syn-ack';
  const opening = piece(known ? 'opening' : 'joined', now + (connection.handshakeNs ?? 0));

  const kept = exchanges.length;
  const whole = exchangeCount === kept && kept <= 2 * exchangesAtEachEnd;
  const headCount = whole ? kept : Math.min(kept, exchangesAtEachEnd);
  // When the model itself left out the later exchanges, nothing is known of the newest ones, unless somebody looks on.
  const tailStart = whole || exchangeCount > kept ? kept : kept - exchangesAtEachEnd;
  const shownTail = newest.length > 0 ? newest.slice(-exchangesAtEachEnd) : exchanges.slice(tailStart);
  const lastByteNs = ending.at.atNs - (ending.idleNs ?? 0);
  const piecesOf = (exchange: Exchange): LifePiece[] =>
    exchangePieces({ exchange, now, lastByteNs, endNs: ending.at.atNs, goesOn, piece });
  const head = exchanges.slice(0, headCount).map(piecesOf);
  const omitted = exchangeCount - headCount - shownTail.length;
  const firstOfTail = shownTail[0];
  if (omitted > 0 && firstOfTail !== undefined) {
    const before = exchangeNumbered(connection, firstOfTail.number - 1);
    now = Math.max(now, (before?.responseEnd ?? before?.requestAt ?? firstOfTail.requestAt).atNs);
  }
  const tail = shownTail.map(piecesOf);

  const close: LifePiece[] = [];
  const bytes = connection.tcp.bytes.client + connection.tcp.bytes.server;
  if (exchangeCount === 0 && bytes > 0) close.push(piece('bytes', lastByteNs));
  if (ending.at.atNs > now) close.push(piece('gap', ending.at.atNs));
  close.push(piece('ending', ending.at.atNs));
  return { opening, head, omitted, tail, close, end: ending.how };
}

type PieceMaker = (kind: PieceKind, endNs: number, exchange?: Exchange | null) => LifePiece;

interface ExchangeToDraw {
  readonly exchange: Exchange;
  /** Up to where the life has been drawn. */
  readonly now: number;
  readonly lastByteNs: number;
  readonly endNs: number;
  readonly goesOn: boolean;
  readonly piece: PieceMaker;
}

/** What is unfinished lasts until the last byte, and who got no answer waited until the end. */
function exchangePieces({ exchange, now, lastByteNs, endNs, goesOn, piece }: ExchangeToDraw): LifePiece[] {
  const { number, pipelined, requestAt, requestEnd, firstByte, responseEnd, requestSeen } = exchange;
  const pieces: LifePiece[] = [];
  // A gap before the first request is worth a column only when it is long; between exchanges it separates two bars.
  const gapNs = requestAt.atNs - now;
  if (number > 1 ? !pipelined || gapNs > 0 : gapNs >= firstGapNs) pieces.push(piece('gap', requestAt.atNs));
  if (requestSeen)
    pieces.push(piece('request', requestEnd?.atNs ?? (firstByte === null ? lastByteNs : requestAt.atNs), exchange));
  if (firstByte === null) {
    pieces.push(piece(goesOn ? 'waiting' : 'unanswered', endNs, exchange));
  } else {
    if (requestSeen) pieces.push(piece('waiting', firstByte.atNs, exchange));
    pieces.push(piece('answer', responseEnd?.atNs ?? lastByteNs, exchange));
    if (goesOn && responseEnd === null) pieces.push(piece('waiting', endNs, exchange));
  }
  return pieces;
}

/** Time between the handshake and the first request that is shown. */
const firstGapNs = 100e6;

function outcomeOf({ status, complete, requestSeen, firstByte }: Exchange, goesOn: boolean): Outcome {
  if (status !== null && status >= 500) return 'server-error';
  if (!complete && requestSeen && !goesOn) return 'incomplete';
  // Answered without a status in sight: the payload was not captured.
  if (status === null) return firstByte === null ? 'incomplete' : 'ok';
  return status >= 400 ? 'client-error' : 'ok';
}

/** Walks the marks once, forward, and counts what lies before a time. */
class PointCounter {
  readonly #points: Mark[];
  #at = 0;

  constructor(marks: readonly Mark[]) {
    this.#points = marks.filter(({ kind }) => isProbe(kind) || isRepeat(kind) || isStall(kind)).sort((a, b) => a.atNs - b.atNs);
  }

  upTo(ns: number): Pick<LifePiece, 'probes' | 'repeats' | 'stalls'> {
    const counts = { probes: 0, repeats: 0, stalls: 0 };
    for (; this.#at < this.#points.length && this.#points[this.#at]!.atNs <= ns; this.#at++) {
      const { kind } = this.#points[this.#at]!;
      counts[isProbe(kind) ? 'probes' : isStall(kind) ? 'stalls' : 'repeats']++;
    }
    return counts;
  }
}

const isStall = (kind: Mark['kind']): boolean => kind === 'zero-window';
const isProbe = (kind: Mark['kind']): boolean => kind === 'keep-alive-probe' || kind === 'zero-window-probe';
const isRepeat = (kind: Mark['kind']): boolean =>
  kind === 'retransmission' || kind === 'fast-retransmission' || kind === 'spurious-retransmission';

/** A run of equal columns. */
export interface LifeRun {
  readonly kind: PieceKind | 'probe' | 'repeat' | 'stall' | 'label' | 'waiting-label' | 'more';
  readonly columns: number;
  /** Labels and `more`: what stands there; exactly `columns` characters. */
  readonly text: string;
  readonly outcome: Outcome | null;
}

/** The life in at most `columns` columns: as much of it as fits, the longest gaps labelled, the middle left out first. */
export function layOutLife(life: Life, columns: number, script: Script): LifeRun[] {
  const exchanges = [...life.head, ...life.tail];
  const gaps = [...exchanges.flat(), ...life.close].filter(
    ({ kind, startNs, endNs }) => isLabelled(kind) && endNs - startNs >= labelledNs,
  );
  gaps.sort((a, b) => b.endNs - b.startNs - (a.endNs - a.startNs));
  const attempt = (keep: number, labels: number, size: Size): LifeRun[] | null => {
    const labelled = new Set(gaps.slice(0, labels));
    const draw = (pieces: readonly LifePiece[]): LifeRun[] =>
      pieces.flatMap((piece) => runsOf(piece, labelled.has(piece), size, script));
    const omitted = life.omitted + exchanges.length - keep;
    // To leave out one exchange takes as many columns as to draw it.
    if (omitted === 1 && keep > 0) return null;
    // The end tells more than the beginning; but of a life whose later exchanges the model left out, only the beginning is known.
    const headKeep = life.omitted > 0 && life.tail.length === 0 ? keep : Math.floor(keep / 2);
    const first = exchanges.slice(0, headKeep);
    const last = exchanges.slice(exchanges.length - (keep - headKeep));
    const more = omitted > 0 ? [textRun('more', moreText(omitted, script))] : [];
    const runs = [...draw([life.opening]), ...draw(first.flat()), ...more, ...draw(last.flat()), ...draw(life.close)];
    return widthOf(runs) <= columns ? runs : null;
  };
  const all = exchanges.length;
  const one = Math.min(1, gaps.length);
  for (const labels of new Set([gaps.length, Math.min(3, gaps.length), one])) {
    const runs = attempt(all, labels, 'natural');
    if (runs !== null) return runs;
  }
  // The longest gap with its duration says more than exchanges in the middle that look like the others.
  for (let keep = all; keep >= 0; keep--) {
    const runs = attempt(keep, one, 'least');
    if (runs !== null) return runs;
  }
  for (let keep = all; keep >= 0; keep--) {
    const runs = attempt(keep, 0, 'least');
    if (runs !== null) return runs;
  }
  const more = exchanges.length + life.omitted > 0 ? [textRun('more', moreText(exchanges.length + life.omitted, script))] : [];
  const ends = [...runsOf(life.opening, false, 'least', script), ...runsOf(life.close.at(-1)!, false, 'least', script)];
  return widthOf(more) + widthOf(ends) <= columns ? [ends[0]!, ...more, ends[1]!] : ends;
}

type Size = 'natural' | 'least';

/** Gaps and waiting from here on carry their duration. */
const labelledNs = 1e9;
const isLabelled = (kind: PieceKind): boolean => kind === 'gap' || kind === 'waiting' || kind === 'unanswered';

export const widthOf = (runs: readonly LifeRun[]): number => runs.reduce((sum, run) => sum + run.columns, 0);
const moreText = (count: number, { unicode }: Script): string => (unicode ? `⋯${count}⋯` : `..${count}..`);
const textRun = (kind: 'label' | 'waiting-label' | 'more', text: string): LifeRun => ({
  kind,
  columns: text.length,
  text,
  outcome: null,
});

/** One column below 10 ms, one more for each power of ten, five at most. */
const logColumns = (ns: number): number => (ns < 1e7 ? 1 : Math.min(5, 2 + Math.floor(Math.log10(ns / 1e7))));

function runsOf(piece: LifePiece, labelled: boolean, size: Size, script: Script): LifeRun[] {
  const duration = piece.endNs - piece.startNs;
  const run = (kind: LifeRun['kind'], columns: number): LifeRun => ({ kind, columns, text: '', outcome: piece.outcome });
  const columns = size === 'least' ? 1 : logColumns(duration);
  const repeats = [...(piece.repeats > 0 ? [run('repeat', 1)] : []), ...(piece.stalls > 0 ? [run('stall', 1)] : [])];
  const label = labelled ? formatShortDuration(duration, script) : '';
  switch (piece.kind) {
    case 'opening':
    case 'joined':
    case 'ending':
      return [run(piece.kind, 1)];
    // A request takes a column of its own only when sending it took long: a slow upload.
    case 'request':
      return duration >= 1e7 && size === 'natural' ? [run('request', columns), ...repeats] : repeats;
    case 'waiting': {
      if (labelled) return [run('waiting', 1), textRun('waiting-label', label), ...repeats, run('waiting', 1)];
      return duration >= 1e7 ? [run('waiting', columns), ...repeats] : repeats;
    }
    case 'unanswered': {
      if (labelled) return [run('waiting', 1), textRun('waiting-label', label), ...repeats, run('unanswered', 1)];
      return [...(columns > 1 ? [run('waiting', columns - 1)] : []), ...repeats, run('unanswered', 1)];
    }
    case 'answer':
    case 'bytes':
      return [run(piece.kind, columns), ...repeats];
    case 'gap': {
      const probes = piece.probes > 0 ? [run('probe', size === 'least' ? 1 : Math.min(3, piece.probes))] : [];
      const last = size === 'least' ? [] : [run('gap', 1)];
      if (labelled) return [run('gap', 1), textRun('label', label), ...probes, ...repeats, ...last];
      return [run('gap', size === 'least' ? 1 : Math.min(3, columns)), ...probes, ...repeats];
    }
  }
}
