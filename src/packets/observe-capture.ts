/**
 * The whole way of a capture: bytes in, observations out.
 */
import type { ConnectionId, Observer, Side, SourceProblem, SourceSummary } from '../base/index.js';
import { CaptureReader } from './capture-reader.js';
import { FlowTable } from './flow-table.js';
import type { Segment } from './segment.js';

export interface CaptureObservation {
  /** Takes the next bytes of the file, of any number. They are borrowed for the call. */
  push(chunk: Uint8Array): void;
  /** No further bytes are of use: the packet limit was reached or this is no capture. */
  readonly done: boolean;
  /** Packets read so far. */
  readonly packets: number;
  /** It is as late as this (on the scale of `atNs`), and no packet came: tells what ended `lingerNs` ago. For a wire that falls silent. */
  passTime(nowNs: number): void;
  /** What is known of the source so far. */
  summary(): SourceSummary;
  /** The end of the input: closes every connection and gives the summary. */
  end(): SourceSummary;
}

export interface CaptureObservationOptions {
  readonly observe: Observer;
  /** Connections followed at once; see `flowLimits`. */
  readonly connectionLimit?: number | undefined;
  /** Stop after this many packets. */
  readonly maxPackets?: number | undefined;
  /** A wire is listened to: nothing waits for more input than it needs. */
  readonly live?: boolean | undefined;
  /** How long a connection that ended waits for late segments before it is told; default `flowLimits.lingerNs`. */
  readonly lingerNs?: number | undefined;
  /** Takes every segment that belongs to a connection, after its observations. */
  readonly tap?: SegmentTap | undefined;
}

/** The segment is filled anew for the next one: copy what is kept. The connection's number is that of its observations. */
export type SegmentTap = (segment: Segment, connection: ConnectionId, from: Side) => void;

/** Reads a capture (pcap, pcapng or a listing of tcpdump, not compressed) pushed in chunks, and says what each TCP connection did. Never throws for what the file holds. */
export function observeCapture(options: CaptureObservationOptions): CaptureObservation {
  const { observe, tap } = options;
  let table: FlowTable | null = null;
  /** With the first segment it is known whether names are to be told. */
  const tableOf = (): FlowTable => {
    const named: Observer = (observation) => observe(observation.kind === 'opened' ? reader.named(observation) : observation);
    table ??= new FlowTable(reader.isListing ? named : observe, options.connectionLimit, options.lingerNs);
    return table;
  };
  const tapped = (segment: Segment): void => {
    const place = (table ?? tableOf()).accept(segment);
    if (place >= 0) tap?.(segment, Math.floor(place / 2), place % 2 === 0 ? 'client' : 'server');
  };
  const reader: CaptureReader = new CaptureReader({
    onSegment: tap === undefined ? (segment: Segment) => (table ?? tableOf()).accept(segment) : tapped,
    ...(options.maxPackets === undefined ? {} : { maxPackets: options.maxPackets }),
    ...(options.live === undefined ? {} : { live: options.live }),
  });
  return {
    push: (chunk) => reader.push(chunk),
    get done() {
      return reader.done;
    },
    get packets() {
      return reader.packets;
    },
    passTime: (nowNs) => table?.passTime(nowNs),
    summary: () => withTableProblems(reader.summary(), table),
    end: () => {
      const summary = reader.end();
      table?.end();
      return withTableProblems(summary, table);
    },
  };
}

function withTableProblems(summary: SourceSummary, table: FlowTable | null): SourceSummary {
  if (table === null) return summary;
  const facts = table.summary();
  const problems: SourceProblem[] = [...summary.problems];
  if (facts.evicted > 0) {
    problems.push({
      code: 'too-many-connections',
      count: facts.evicted,
      firstPacket: facts.firstEvictedPacket,
      text: 'More connections were open at once than are followed; the least recently active were told as they stood.',
    });
  }
  if (facts.stragglers > 0) {
    problems.push({
      code: 'straggler-packets',
      count: facts.stragglers,
      firstPacket: facts.firstStragglerPacket,
      text: 'Packets without data came for connections that had ended long before; they were left out.',
    });
  }
  return { ...summary, problems };
}
