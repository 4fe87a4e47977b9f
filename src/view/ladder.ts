/**
 * The ladder of one connection: client on the left, server on the right, one arrow a packet worth telling, in the order of capture.
 * Geometry and words only; painting is somebody else's.
 *
 * Marks of one packet become one row (a response whose last segment carries the FIN is one arrow); runs of plain data become one
 * row with their count. A silence long enough to matter becomes a break that says what everybody was waiting for.
 * Every text here is escaped: it may go to a terminal as it is, and into markup after that markup's own escaping.
 */
import type { Side } from '../base/index.js';
import { type Connection, type Exchange, exchangeNumbered, type Mark, type MarkKind } from '../story/index.js';
import { clipEnd, escapeText } from './escape.js';
import { formatBytes, formatCounted } from './quantity.js';

export type LadderTone =
  | 'plain'
  | 'request'
  | 'response'
  | 'client-error'
  | 'server-error'
  | 'close'
  | 'reset'
  | 'probe'
  | 'repeat'
  | 'warning';

export interface LadderArrow {
  readonly kind: 'arrow';
  readonly from: Side;
  /** What the packet says: `GET /index.html HTTP/1.1`, `FIN`. */
  readonly label: string;
  /** What is to be said about it: size, framing; may be empty. */
  readonly detail: string;
  readonly tone: LadderTone;
  readonly packet: number;
  /** The last packet of the row; the same as `packet` unless several are told in one. */
  readonly lastPacket: number;
  readonly atNs: number;
  /** Since the row before; null for the first. */
  readonly sinceBeforeNs: number | null;
}

export interface LadderBreak {
  readonly kind: 'break';
  readonly durationNs: number;
  /** What the silence was: `idle`, `waiting for the server`. */
  readonly label: string;
  readonly waitedFor: Side | 'nobody';
}

/** Marks that the model did not keep. */
export interface LadderOmission {
  readonly kind: 'omission';
  readonly count: number;
}

export type LadderRow = LadderArrow | LadderBreak | LadderOmission;

/** Silences from here on become a break: while somebody waits, and while nobody does (an ACK may be delayed by 500 ms, RFC 9293 §3.8.6.3). */
const waitBreakNs = 200e6;
const idleBreakNs = 500e6;
/** Rows of a ladder: of a longer one the first and the last half. */
export const ladderRowsLimit = 4000;
/** Characters of a label. */
const labelLimit = 400;

export interface LadderOptions {
  /** Rows at the most. */
  readonly rowsLimit?: number;
  /** Evidence: the rows of these packets, and some around them, stay when others are left out. */
  readonly keepPackets?: ReadonlySet<number>;
}

export function ladderOf(connection: Connection, options: LadderOptions = {}): LadderRow[] {
  const rows: LadderRow[] = [];
  let waiting: Waiting = { handshake: true, inRequest: false, requests: 0, inResponse: false };
  let beforeNs: number | null = null;
  const groups = groupMarks(connection.marks);
  const omittedBefore = connection.marksOmitted > 0 ? largestHole(groups) : -1;
  for (const [index, group] of groups.entries()) {
    const first = group[0]!;
    const last = group.at(-1)!;
    const sinceBeforeNs: number | null = beforeNs === null ? null : first.atNs - beforeNs;
    if (index === omittedBefore) rows.push({ kind: 'omission', count: connection.marksOmitted });
    else if (sinceBeforeNs !== null && sinceBeforeNs >= waitBreakNs) rows.push(...breakOf(sinceBeforeNs, waiting, first));
    const words = wordsOf(group, connection);
    rows.push({
      kind: 'arrow',
      from: first.from,
      ...words,
      packet: first.packet,
      lastPacket: last.packet,
      atNs: first.atNs,
      sinceBeforeNs,
    });
    for (const mark of group) waiting = follow(waiting, mark, connection);
    beforeNs = last.atNs;
  }
  const { rowsLimit = ladderRowsLimit, keepPackets = noPackets } = options;
  return rows.length > rowsLimit ? mostTellingRows(rows, rowsLimit, keepPackets) : rows;
}

const noPackets: ReadonlySet<number> = new Set();
/** Rows kept on both sides of an evidence row, and evidence rows that are kept so. */
const rowsAroundEvidence = 3;
const evidenceRowsLimit = 12;

/** The first and the last rows, and those around the evidence; omissions stand for the others. */
function mostTellingRows(rows: readonly LadderRow[], limit: number, keepPackets: ReadonlySet<number>): LadderRow[] {
  const kept = new Set<number>();
  let evidence = 0;
  for (const [index, row] of rows.entries()) {
    if (evidence >= evidenceRowsLimit || !isEvidence(row, keepPackets)) continue;
    evidence++;
    for (let at = index - rowsAroundEvidence; at <= index + rowsAroundEvidence; at++) if (at in rows) kept.add(at);
  }
  const half = Math.max(1, Math.floor((limit - kept.size) / 2));
  const result: LadderRow[] = [];
  let omitted = 0;
  const tellOmitted = (): void => {
    if (omitted > 0) result.push({ kind: 'omission', count: omitted });
    omitted = 0;
  };
  for (const [index, row] of rows.entries()) {
    if (index < half || index >= rows.length - half || kept.has(index)) {
      tellOmitted();
      result.push(row);
    } else omitted += row.kind === 'omission' ? row.count : row.kind === 'arrow' ? 1 : 0;
  }
  tellOmitted();
  return result;
}

/** Whether one of these packets is told in the row. */
export function isEvidence(row: LadderRow, packets: ReadonlySet<number>): boolean {
  if (row.kind !== 'arrow') return false;
  if (row.lastPacket === row.packet) return packets.has(row.packet);
  for (const packet of packets) if (packet >= row.packet && packet <= row.lastPacket) return true;
  return false;
}

/** Marks of one packet together; and consecutive plain data of one side. */
function groupMarks(marks: readonly Mark[]): Mark[][] {
  const groups: Mark[][] = [];
  for (const mark of marks) {
    const group = groups.at(-1);
    const before = group?.at(-1);
    const samePacket = before !== undefined && before.packet === mark.packet && before.from === mark.from && mark.packet > 0;
    const sameRun =
      before !== undefined &&
      isRunning(mark) &&
      before.from === mark.from &&
      group!.every((one) => one.kind === mark.kind) &&
      mark.atNs - before.atNs < waitBreakNs;
    if (group !== undefined && (samePacket || sameRun)) group.push(mark);
    else groups.push([mark]);
  }
  return groups;
}

const isRunning = ({ kind }: Mark): boolean =>
  kind === 'data' || kind === 'duplicate-ack' || kind === 'window-update' || kind === 'duplicate-frame';

/** The model keeps the first and the newest marks: what it left out is where the packet numbers jump most. */
function largestHole(groups: readonly (readonly Mark[])[]): number {
  let at = 1;
  let largest = -1;
  for (let index = 1; index < groups.length; index++) {
    const hole = groups[index]![0]!.packet - groups[index - 1]!.at(-1)!.packet;
    if (hole > largest) {
      largest = hole;
      at = index;
    }
  }
  return at;
}

const exchangeOfMark = ({ exchange }: Mark, connection: Connection): Exchange | undefined =>
  exchange < 0 ? undefined : exchangeNumbered(connection, exchange + 1);

/** What is going on between two marks. */
interface Waiting {
  readonly handshake: boolean;
  /** The request is being sent. */
  readonly inRequest: boolean;
  /** Requests without a whole response. */
  readonly requests: number;
  readonly inResponse: boolean;
}

function follow(waiting: Waiting, mark: Mark, connection: Connection): Waiting {
  const { kind } = mark;
  const exchange = exchangeOfMark(mark, connection);
  switch (kind) {
    case 'ack':
      return { ...waiting, handshake: false };
    case 'request':
      return {
        ...waiting,
        requests: waiting.requests + 1,
        handshake: false,
        inRequest: exchange !== undefined && !isWholeRequest(exchange),
      };
    case 'request-end':
      return { ...waiting, inRequest: false };
    case 'response': {
      const ended = exchange !== undefined && isWholeResponse(exchange);
      return { ...waiting, inResponse: !ended, requests: Math.max(0, waiting.requests - (ended ? 1 : 0)) };
    }
    case 'response-end':
      return { ...waiting, inResponse: false, requests: Math.max(0, waiting.requests - 1) };
    default:
      return waiting;
  }
}

/** The message ended in the packet that ended its head: there is no mark of its own for the end. */
const isWholeRequest = ({ requestHeadEnd, requestEnd }: Exchange): boolean =>
  requestEnd !== null && requestEnd.packet === requestHeadEnd?.packet;
const isWholeResponse = ({ responseHeadEnd, responseEnd }: Exchange): boolean =>
  responseEnd !== null && responseEnd.packet === responseHeadEnd?.packet;

function breakOf(durationNs: number, waiting: Waiting, next: Mark): LadderBreak[] {
  const broken = (label: string, waitedFor: LadderBreak['waitedFor']): LadderBreak[] => [
    { kind: 'break', durationNs, label, waitedFor },
  ];
  if (waiting.inResponse) return broken('silence within the response', 'server');
  if (waiting.inRequest) return broken('silence within the request', 'client');
  if (waiting.requests > 0) return broken('waiting for the response', 'server');
  if (waiting.handshake && (next.kind === 'syn' || next.kind === 'syn-ack')) return broken('waiting for the handshake', 'server');
  return durationNs >= idleBreakNs ? broken('idle', 'nobody') : [];
}

interface Words {
  readonly label: string;
  readonly detail: string;
  readonly tone: LadderTone;
}

function wordsOf(group: readonly Mark[], connection: Connection): Words {
  const kinds = new Set(group.map(({ kind }) => kind));
  const count = group.length;
  const bytes = group.reduce((sum, { byteCount }) => sum + byteCount, 0);
  const first = group[0]!;
  if (count > 1 && kinds.size === 1 && group.some(({ packet }) => packet !== first.packet)) {
    return {
      label: first.kind === 'data' ? formatCounted(count, 'data packet') : `${count} ${markTitles[first.kind]}`,
      detail: first.kind === 'data' ? formatBytes(bytes) : '',
      tone: 'plain',
    };
  }
  const parts = group.filter(({ kind }) => !isSwallowed(kind, kinds)).map((mark) => wordsOfMark(mark, connection));
  if (parts.length === 0) return wordsOfMark(first, connection);
  const tone = parts.reduce<LadderTone>(
    (worst, part) => (toneRank.indexOf(part.tone) > toneRank.indexOf(worst) ? part.tone : worst),
    'plain',
  );
  const label = [...new Set(parts.map((part) => part.label))].join(' + ');
  return {
    label: clipEnd(label, labelLimit, '...'),
    detail: [...new Set(parts.map(({ detail }) => detail).filter((detail) => detail !== ''))].join(', '),
    tone,
  };
}

/** Marks that say nothing beside another one of the same packet. */
function isSwallowed(kind: MarkKind, kinds: ReadonlySet<MarkKind>): boolean {
  if (kind === 'request-end') return kinds.has('request');
  if (kind === 'response-end') return kinds.has('response');
  if (kind === 'data') return kinds.size > 1;
  if (kind === 'ack') return kinds.size > 1;
  return false;
}

const toneRank: readonly LadderTone[] = [
  'plain',
  'response',
  'request',
  'probe',
  'client-error',
  'warning',
  'repeat',
  'close',
  'server-error',
  'reset',
];

const markTitles: Readonly<Record<MarkKind, string>> = {
  syn: 'SYN',
  'syn-ack': 'SYN, ACK',
  ack: 'ACK',
  request: 'request',
  'request-end': 'end of the request',
  interim: 'interim response',
  response: 'response',
  'response-end': 'end of the response',
  data: 'data',
  fin: 'FIN',
  reset: 'RST',
  gap: 'not captured',
  'zero-window-probe': 'zero-window probe',
  'zero-window-probe-answer': 'zero-window probe answered',
  'keep-alive-probe': 'keep-alive probe',
  'keep-alive-answer': 'keep-alive answered',
  'zero-window': 'window full: stop sending',
  'window-update': 'window open again',
  'window-full': 'fills the window',
  'duplicate-ack': 'duplicate ACK',
  'lost-segment': 'a segment before this is missing',
  'ack-of-unseen': 'ACK of unseen data',
  retransmission: 'retransmission',
  'fast-retransmission': 'fast retransmission',
  'spurious-retransmission': 'needless retransmission',
  'out-of-order': 'out of order',
  'duplicate-frame': 'captured twice',
};

function wordsOfMark(mark: Mark, connection: Connection): Words {
  const exchange = exchangeOfMark(mark, connection);
  const plain = (tone: LadderTone, detail = ''): Words => ({ label: markTitles[mark.kind], detail, tone });
  const size = mark.byteCount > 0 ? formatBytes(mark.byteCount) : '';
  switch (mark.kind) {
    case 'syn':
    case 'syn-ack':
    case 'ack':
      return plain('plain');
    case 'data':
      return { label: beginningText(mark, connection), detail: size, tone: 'plain' };
    case 'request':
      return exchange === undefined ? plain('request') : requestWords(exchange);
    case 'request-end':
      return plain('request', exchange === undefined ? '' : bodyText(exchange.requestBodyBytes, exchange.requestFraming));
    case 'interim':
      return { label: interimText(exchange, mark), detail: '', tone: 'response' };
    case 'response':
      return exchange === undefined ? plain('response') : responseWords(exchange);
    case 'response-end':
      return plain(
        exchange === undefined ? 'response' : toneOfStatus(exchange.status),
        exchange === undefined ? '' : bodyText(exchange.responseBodyBytes, exchange.responseFraming),
      );
    case 'fin':
      return plain('close');
    case 'reset':
      return plain('reset');
    case 'gap':
      return plain('warning', size);
    case 'keep-alive-probe':
    case 'keep-alive-answer':
    case 'zero-window-probe':
    case 'zero-window-probe-answer':
      return plain('probe');
    case 'retransmission':
    case 'fast-retransmission':
    case 'spurious-retransmission':
      return plain('repeat', size);
    case 'zero-window':
    case 'window-full':
    case 'lost-segment':
    case 'ack-of-unseen':
      return plain('warning');
    case 'out-of-order':
    case 'window-update':
    case 'duplicate-ack':
    case 'duplicate-frame':
      return plain('plain');
  }
}

function requestWords(exchange: Exchange): Words {
  const { method, target, version, requestBodyBytes, requestFraming, pipelined, number } = exchange;
  const details = [`request ${number}`];
  if (pipelined) details.push('pipelined');
  if (requestFraming !== 'none' && requestFraming !== null)
    details.push(isWholeRequest(exchange) ? bodyText(requestBodyBytes, requestFraming) : 'body follows');
  const label = method === '' ? 'request, not captured' : `${method} ${target} HTTP/${version}`;
  return { label: escapeText(label), detail: details.join(', '), tone: 'request' };
}

function responseWords(exchange: Exchange): Words {
  const { status, reason, responseBodyBytes, responseFraming, responseContentLength } = exchange;
  const details: string[] = [];
  if (isWholeResponse(exchange)) details.push(bodyText(responseBodyBytes, responseFraming));
  else if (responseContentLength !== null) details.push(`announces ${formatBytes(responseContentLength)}`);
  else if (responseFraming !== null && responseFraming !== 'none') details.push(framingTitles[responseFraming]);
  if (exchange.closeAskedBy === 'server' || exchange.closeAskedBy === 'both') details.push('will close');
  return { label: escapeText(`${status ?? ''} ${reason}`.trim()), detail: details.join(', '), tone: toneOfStatus(status) };
}

/** A head in several segments is told where it is whole; the segment it begins in says at least so. */
function beginningText({ packet, from }: Mark, { exchanges, newest }: Connection): string {
  const told = newest.length > 0 && newest[0]!.requestAt.packet <= packet ? newest : exchanges;
  for (const { requestSeen, requestAt, requestHeadEnd, firstByte, responseHeadEnd } of told) {
    if (from === 'client' && requestSeen && requestAt.packet === packet && requestHeadEnd?.packet !== packet)
      return 'start of a request';
    if (from === 'server' && firstByte?.packet === packet && responseHeadEnd?.packet !== packet) return 'start of a response';
    if (requestAt.packet > packet) break;
  }
  return markTitles.data;
}

function interimText(exchange: Exchange | undefined, mark: Mark): string {
  const interim = exchange?.interim.find(({ packet }) => packet === mark.packet);
  return interim === undefined ? markTitles.interim : `${interim.status} interim response`;
}

type Framing = NonNullable<Exchange['responseFraming']>;

const framingTitles: Readonly<Record<Framing, string>> = {
  none: 'no body',
  length: 'by Content-Length',
  chunked: 'chunked',
  'until-close': 'until the close',
  tunnel: 'tunnel',
};

const bodyText = (bytes: number, framing: Framing | null): string =>
  framing === null || framing === 'none'
    ? 'no body'
    : framing === 'length'
      ? `body ${formatBytes(bytes)}`
      : `body ${formatBytes(bytes)} ${framingTitles[framing]}`;

const toneOfStatus = (status: number | null): LadderTone =>
  status === null ? 'response' : status >= 500 ? 'server-error' : status >= 400 ? 'client-error' : 'response';
