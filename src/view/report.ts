/**
 * The report: what `--json` prints, schema `holdfast.report.v1`. A connection of the model becomes a plain JSON value here:
 * times in ISO 8601 UTC with the capture's decimals, durations in milliseconds exact to the nanosecond, packet numbers as
 * evidence. Wire strings stay as they are (Latin-1, one character a byte): JSON has its own escapes (see json-report.ts).
 *
 * The members named in the schema never change meaning; members beyond them may be added.
 */
import type { ConnectionId, Side, SourceProblem, SourceSummary } from '../base/index.js';
import {
  type Connection,
  type Ending,
  type Exchange,
  endingReasonTexts,
  type Finding,
  type Mark,
  type ServerInference,
  type TcpTally,
  type Totals,
  type Verdict,
} from '../story/index.js';
import { type Clock, clockOf } from './clock.js';
import type { Diagnosed } from './diagnosed.js';
import { formatEndpoint } from './quantity.js';

export const reportSchema = 'holdfast.report.v1';

/** What is said about the input. */
export interface ReportSource {
  readonly name: string;
  readonly format: SourceSummary['format'];
  readonly linkTypes: readonly string[];
  readonly packets: number;
  readonly bytes: number;
  readonly firstAt: string | null;
  readonly lastAt: string | null;
  readonly tcpPackets: number;
  /** Packets that were not TCP, by protocol. */
  readonly otherPackets: Readonly<Record<string, number>>;
  readonly problems: readonly SourceProblem[];
}

export interface ReportExchange {
  readonly number: number;
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly host: string | null;
  readonly status: number | null;
  readonly reason: string;
  readonly responseVersion: string | null;
  readonly requestAt: string;
  readonly requestHeadEndAt: string | null;
  readonly requestEndAt: string | null;
  readonly requestAckedAt: string | null;
  readonly firstByteAt: string | null;
  readonly responseHeadEndAt: string | null;
  readonly responseEndAt: string | null;
  readonly interim: readonly { readonly status: number; readonly at: string; readonly packet: number }[];
  readonly complete: boolean;
  readonly requestSeen: boolean;
  readonly pipelined: boolean;
  readonly waitedOn: Exchange['waitedOn'];
  /** Sums to the time from the request's first byte to the response's last. */
  readonly waitedMs: { readonly client: number; readonly network: number; readonly server: number };
  readonly requestFraming: Exchange['requestFraming'];
  readonly responseFraming: Exchange['responseFraming'];
  readonly requestBodyBytes: number;
  readonly responseBodyBytes: number;
  readonly responseContentLength: number | null;
  readonly closeAskedBy: Exchange['closeAskedBy'];
  /** The response's Keep-Alive field. */
  readonly keepAlive: Exchange['hint'];
  readonly notes: Exchange['notes'];
  readonly packets: {
    readonly request: number;
    readonly requestEnd: number | null;
    readonly requestAcked: number | null;
    /** First packet of the response. */
    readonly response: number | null;
    readonly responseEnd: number | null;
  };
}

export interface ReportEnding {
  readonly by: Ending['by'];
  readonly how: Ending['how'];
  readonly why: Ending['why'];
  readonly text: string;
  readonly at: string;
  readonly packet: number;
  /** Time since the last byte either way. */
  readonly idleMs: number | null;
}

type TallyMember = Exclude<keyof TcpTally, 'bytes'>;
type SideTally = { readonly [Member in TallyMember]: number };

export type ReportTcp = SideTally & {
  readonly bytesFromClient: number;
  readonly bytesFromServer: number;
  readonly fromClient: SideTally;
  readonly fromServer: SideTally;
};

export interface ReportMark {
  readonly kind: Mark['kind'];
  readonly from: Side;
  readonly at: string;
  readonly packet: number;
  readonly bytes: number;
  /** Number of the exchange it belongs to, from 1; null else. */
  readonly exchange: number | null;
}

export interface ReportConnection {
  readonly id: ConnectionId;
  readonly client: string;
  readonly server: string;
  readonly sidesFrom: Connection['sidesFrom'];
  readonly protocol: Connection['protocol'];
  readonly openedAt: string;
  readonly closedAt: string | null;
  readonly lastAt: string;
  readonly handshakeMs: number | null;
  readonly synToSynAckMs: number | null;
  /** All exchanges, also those beyond the limit of the list below. */
  readonly exchangeCount: number;
  readonly responseCount: number;
  readonly exchanges: readonly ReportExchange[];
  readonly idleGapsMs: readonly number[];
  readonly ending: ReportEnding;
  readonly tcp: ReportTcp;
  readonly zeek: Connection['zeek'];
  readonly packets: { readonly opened: number; readonly closed: number | null; readonly last: number };
  /** Only when asked for. */
  readonly marks?: readonly ReportMark[];
  readonly marksOmitted?: number;
}

/** The report without its connections, which are streamed. */
export interface ReportFrame {
  readonly schema: typeof reportSchema;
  readonly source: ReportSource;
  readonly totals: Totals;
  readonly verdict: ReportVerdict;
  readonly findings: readonly ReportFinding[];
  readonly inferences: readonly ReportInference[];
}

/** A finding with its server as `ip:port`. */
export type ReportFinding = Omit<Finding, 'server'> & { readonly server: string };

/** The verdict; its finding is the one in `findings` with this rule and server. */
export type ReportVerdict = Omit<Verdict, 'finding'> & {
  readonly finding: { readonly rule: string; readonly server: string } | null;
};

export type ReportInference = Omit<ServerInference, 'server'> & { readonly server: string };

export interface Report extends ReportFrame {
  readonly connections: readonly ReportConnection[];
}

/** Times of the model are whole nanoseconds, and the quotient of two integers prints without noise: 12300000 is 12.3. */
const toMs = (ns: number): number => Math.round(ns) / 1e6;
const toMsOrNull = (ns: number | null): number | null => (ns === null ? null : toMs(ns));

function reportSource(name: string, summary: SourceSummary, clock: Clock): ReportSource {
  return {
    name,
    format: summary.format,
    linkTypes: summary.linkTypes,
    packets: summary.packets,
    bytes: summary.bytes,
    firstAt: summary.firstAtNs === null ? null : clock.iso(summary.firstAtNs),
    lastAt: summary.lastAtNs === null ? null : clock.iso(summary.lastAtNs),
    tcpPackets: summary.tcpPackets,
    otherPackets: summary.otherPackets,
    problems: summary.problems,
  };
}

export function reportFrame(name: string, summary: SourceSummary, totals: Totals, diagnosed: Diagnosed): ReportFrame {
  const { verdict, findings, inferences } = diagnosed;
  const { finding } = verdict;
  return {
    schema: reportSchema,
    source: reportSource(name, summary, clockOf(summary)),
    totals,
    verdict: { ...verdict, finding: finding === null ? null : { rule: finding.rule, server: formatEndpoint(finding.server) } },
    findings: findings.map((one) => ({ ...one, server: formatEndpoint(one.server) })),
    inferences: inferences.map((one) => ({ ...one, server: formatEndpoint(one.server) })),
  };
}

export function reportConnection(connection: Connection, clock: Clock, { marks = false } = {}): ReportConnection {
  const report: ReportConnection = {
    id: connection.id,
    client: formatEndpoint(connection.client),
    server: formatEndpoint(connection.server),
    sidesFrom: connection.sidesFrom,
    protocol: connection.protocol,
    openedAt: clock.iso(connection.opened.atNs),
    closedAt: connection.closed === null ? null : clock.iso(connection.closed.atNs),
    lastAt: clock.iso(connection.last.atNs),
    handshakeMs: toMsOrNull(connection.handshakeNs),
    synToSynAckMs: toMsOrNull(connection.synToSynAckNs),
    exchangeCount: connection.exchangeCount,
    responseCount: connection.responseCount,
    exchanges: connection.exchanges.map((exchange) => reportExchange(exchange, clock)),
    idleGapsMs: connection.idleGapsNs.map(toMs),
    ending: reportEnding(connection.ending, clock),
    tcp: reportTcp(connection.tcp),
    zeek: connection.zeek,
    packets: { opened: connection.opened.packet, closed: connection.closed?.packet ?? null, last: connection.last.packet },
  };
  if (!marks) return report;
  return {
    ...report,
    marks: connection.marks.map((mark) => reportMark(mark, connection, clock)),
    marksOmitted: connection.marksOmitted,
  };
}

function reportExchange(exchange: Exchange, clock: Clock): ReportExchange {
  const iso = (moment: { atNs: number } | null): string | null => (moment === null ? null : clock.iso(moment.atNs));
  return {
    number: exchange.number,
    method: exchange.method,
    target: exchange.target,
    version: exchange.version,
    host: exchange.host,
    status: exchange.status,
    reason: exchange.reason,
    responseVersion: exchange.responseVersion,
    requestAt: clock.iso(exchange.requestAt.atNs),
    requestHeadEndAt: iso(exchange.requestHeadEnd),
    requestEndAt: iso(exchange.requestEnd),
    requestAckedAt: iso(exchange.requestAcked),
    firstByteAt: iso(exchange.firstByte),
    responseHeadEndAt: iso(exchange.responseHeadEnd),
    responseEndAt: iso(exchange.responseEnd),
    interim: exchange.interim.map(({ status, atNs, packet }) => ({ status, at: clock.iso(atNs), packet })),
    complete: exchange.complete,
    requestSeen: exchange.requestSeen,
    pipelined: exchange.pipelined,
    waitedOn: exchange.waitedOn,
    waitedMs: {
      client: toMs(exchange.waited.client),
      network: toMs(exchange.waited.network),
      server: toMs(exchange.waited.server),
    },
    requestFraming: exchange.requestFraming,
    responseFraming: exchange.responseFraming,
    requestBodyBytes: exchange.requestBodyBytes,
    responseBodyBytes: exchange.responseBodyBytes,
    responseContentLength: exchange.responseContentLength,
    closeAskedBy: exchange.closeAskedBy,
    keepAlive: exchange.hint,
    notes: exchange.notes,
    packets: {
      request: exchange.requestAt.packet,
      requestEnd: exchange.requestEnd?.packet ?? null,
      requestAcked: exchange.requestAcked?.packet ?? null,
      response: exchange.firstByte?.packet ?? null,
      responseEnd: exchange.responseEnd?.packet ?? null,
    },
  };
}

function reportEnding(ending: Ending, clock: Clock): ReportEnding {
  const { by, how, why, at, idleNs } = ending;
  return { by, how, why, text: endingReasonTexts[why], at: clock.iso(at.atNs), packet: at.packet, idleMs: toMsOrNull(idleNs) };
}

function reportTcp(tcp: TcpTally): ReportTcp {
  const fromClient = sideTally(tcp, 'client');
  const fromServer = sideTally(tcp, 'server');
  return {
    keepAliveProbes: fromClient.keepAliveProbes + fromServer.keepAliveProbes,
    keepAliveAnswers: fromClient.keepAliveAnswers + fromServer.keepAliveAnswers,
    retransmissions: fromClient.retransmissions + fromServer.retransmissions,
    outOfOrder: fromClient.outOfOrder + fromServer.outOfOrder,
    duplicateAcks: fromClient.duplicateAcks + fromServer.duplicateAcks,
    zeroWindows: fromClient.zeroWindows + fromServer.zeroWindows,
    zeroWindowProbes: fromClient.zeroWindowProbes + fromServer.zeroWindowProbes,
    lostSegments: fromClient.lostSegments + fromServer.lostSegments,
    acksOfUnseen: fromClient.acksOfUnseen + fromServer.acksOfUnseen,
    fins: fromClient.fins + fromServer.fins,
    resets: fromClient.resets + fromServer.resets,
    syns: fromClient.syns + fromServer.syns,
    gapBytes: fromClient.gapBytes + fromServer.gapBytes,
    bytesFromClient: tcp.bytes.client,
    bytesFromServer: tcp.bytes.server,
    fromClient,
    fromServer,
  };
}

/** Written out, not looped: a report of a million connections spends a tenth of its time on a loop over names. */
const sideTally = (tcp: TcpTally, side: Side): SideTally => ({
  keepAliveProbes: tcp.keepAliveProbes[side],
  keepAliveAnswers: tcp.keepAliveAnswers[side],
  retransmissions: tcp.retransmissions[side],
  outOfOrder: tcp.outOfOrder[side],
  duplicateAcks: tcp.duplicateAcks[side],
  zeroWindows: tcp.zeroWindows[side],
  zeroWindowProbes: tcp.zeroWindowProbes[side],
  lostSegments: tcp.lostSegments[side],
  acksOfUnseen: tcp.acksOfUnseen[side],
  fins: tcp.fins[side],
  resets: tcp.resets[side],
  syns: tcp.syns[side],
  gapBytes: tcp.gapBytes[side],
});

function reportMark(mark: Mark, connection: Connection, clock: Clock): ReportMark {
  const exchange = mark.exchange < 0 ? null : (connection.exchanges[mark.exchange]?.number ?? mark.exchange + 1);
  return { kind: mark.kind, from: mark.from, at: clock.iso(mark.atNs), packet: mark.packet, bytes: mark.byteCount, exchange };
}
