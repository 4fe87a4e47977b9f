/**
 * Reads a whole capture with the reader under test, in chunks of any size, and keeps a copy of every segment.
 */
import assert from 'node:assert/strict';
import type { SourceSummary } from 'holdfast/base';
import { CaptureReader, type Segment } from 'holdfast/packets';
import { formatIpv4, formatIpv6 } from '#dist/packets/address.js';

interface SegmentCopy {
  readonly packet: number;
  readonly atNs: number;
  readonly source: string;
  readonly destination: string;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: string;
  readonly window: number;
  readonly payload: string;
  readonly payloadLength: number;
  readonly timeToLive: number;
  readonly identification: number;
  readonly maximumSegmentSize: number;
  readonly windowScale: number;
  readonly timestamps: readonly [value: number, echo: number];
  readonly sackPermitted: boolean;
  readonly sackBlocks: readonly number[];
}

export interface ReadCapture {
  readonly segments: readonly SegmentCopy[];
  readonly summary: SourceSummary;
}

export interface ReadOptions {
  readonly chunkByteCount?: number;
  readonly maxPackets?: number;
  readonly live?: boolean;
}

export function readCapture(file: Uint8Array, { chunkByteCount = file.length, ...options }: ReadOptions = {}): ReadCapture {
  const segments: SegmentCopy[] = [];
  const reader = new CaptureReader({ onSegment: (segment) => segments.push(copyOf(segment)), ...options });
  for (let at = 0; at < file.length; at += chunkByteCount) {
    // A chunk of its own, spoiled behind the call: whatever the reader keeps it must have copied.
    const chunk = file.slice(at, at + chunkByteCount);
    reader.push(chunk);
    chunk.fill(0xee);
  }
  return { segments, summary: reader.end() };
}

export interface Expected {
  /** As `line` below says them. */
  readonly segments?: readonly string[];
  readonly packets?: number;
  /** `code` or `code×count` or `code×count@firstPacket`. Default: none; undefined: any. */
  readonly problems?: readonly string[] | undefined;
  readonly other?: Readonly<Record<string, number>>;
}

/** One capture, read whole, byte by byte and in odd chunks: always the same, and as expected. */
export function check(file: Uint8Array, expected: Expected, options: ReadOptions = {}): ReadCapture {
  const whole = readCapture(file, options);
  for (const chunkByteCount of [1, 7, 64, 1000]) {
    assert.deepEqual(readCapture(file, { ...options, chunkByteCount }), whole, `chunks of ${chunkByteCount}`);
  }
  const { segments, packets, other } = expected;
  const problems = 'problems' in expected ? expected.problems : [];
  if (segments !== undefined) assert.deepEqual(whole.segments.map(line), segments);
  if (packets !== undefined) assert.equal(whole.summary.packets, packets);
  if (problems !== undefined) assert.deepEqual(problemsLike(problems, whole.summary), problems);
  if (other !== undefined) assert.deepEqual(whole.summary.otherPackets, other);
  return whole;
}

/** The summary's problems in as much detail as the expected ones have. */
function problemsLike(expected: readonly string[], { problems }: SourceSummary): string[] {
  return problems.map(({ code, count, firstPacket }, index) => {
    const parts = (expected[index] ?? '').split(/[×@]/).length;
    return [code, parts > 1 ? `×${count}` : '', parts > 2 ? `@${firstPacket}` : ''].join('');
  });
}

/** `1 10.0.0.1:40000>10.0.0.2:80 A 5 hello`: packet, addresses, flags, payload length on the wire, captured payload. */
function line(segment: SegmentCopy): string {
  const { packet, source, destination, flags, payloadLength, payload } = segment;
  return `${packet} ${source}>${destination} ${flags} ${payloadLength} ${payload}`.trimEnd();
}

const flagLetters = 'FSRPAUECN';

function copyOf(segment: Segment): SegmentCopy {
  const { source0, source1, source2, source3, destination0, destination1, destination2, destination3 } = segment;
  const isIpv4 = segment.ipVersion === 4;
  const source = isIpv4 ? formatIpv4(source0) : formatIpv6(source0, source1, source2, source3);
  const destination = isIpv4 ? formatIpv4(destination0) : formatIpv6(destination0, destination1, destination2, destination3);
  return {
    packet: segment.packet,
    atNs: segment.atNs,
    source: `${source}:${segment.sourcePort}`,
    destination: `${destination}:${segment.destinationPort}`,
    sequence: segment.sequence >>> 0,
    acknowledgment: segment.acknowledgment >>> 0,
    flags: [...flagLetters].filter((_, bit) => (segment.flags & (1 << bit)) !== 0).join(''),
    window: segment.window,
    payload: Buffer.from(segment.data.subarray(segment.payloadStart, segment.payloadEnd)).toString('latin1'),
    payloadLength: segment.payloadLength,
    timeToLive: segment.timeToLive,
    identification: segment.identification,
    maximumSegmentSize: segment.maximumSegmentSize,
    windowScale: segment.windowScale,
    timestamps: [segment.timestampValue, segment.timestampEcho],
    sackPermitted: segment.sackPermitted,
    sackBlocks: [...segment.sackEdges.subarray(0, 2 * segment.sackBlockCount)].map((edge) => edge >>> 0),
  };
}
