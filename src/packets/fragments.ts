/**
 * IP datagrams put together from fragments (RFC 791 §3.2, RFC 8200 §4.5), in bounded memory.
 *
 * - Fragments come in any order and may be repeated. Where they overlap, the bytes that came first stay.
 * - A datagram waits for its parts for a time of the capture's clock, not of ours; when too many or too large datagrams wait,
 *   the oldest go.
 * - A fragment cut by the snap length counts as come; the datagram then has captured bytes up to the first cut only. A first
 *   fragment that is cut is not kept at all but decoded at once: nothing behind it will ever be readable.
 *
 * Not done: telling the first fragment of a datagram that never becomes whole. Its TCP header is there, but its payload would
 * come out of order in time.
 */
import { type Cursor, noLimit, readFrom } from './cursor.js';
import type { ProblemList } from './problems.js';

const maximumDatagramByteCount = 65_535 + 8;
const maximumDatagrams = 512;
const maximumHeldByteCount = 8 * 1024 * 1024;
/** Smallest pieces are 8 bytes; real datagrams have some tens of fragments. */
const maximumFragmentsPerDatagram = 2048;
/** Linux waits 30 s (net.ipv4.ipfrag_time); RFC 8200 says 60 s. */
const maximumWaitNs = 60e9;

class Datagram {
  bytes = new Uint8Array(4096);
  /** What has come: pairs of start and end, sorted, never touching. */
  ranges: number[] = [];
  fragmentCount = 0;
  totalByteCount = -1;
  /** Protocol that the first fragment names. */
  protocol = -1;
  /** Captured bytes reach to here without a cut. */
  cutAt = Number.POSITIVE_INFINITY;
  readonly firstAtNs: number;
  readonly firstPacket: number;

  constructor(firstAtNs: number, firstPacket: number) {
    this.firstAtNs = firstAtNs;
    this.firstPacket = firstPacket;
  }

  get isWhole(): boolean {
    return this.totalByteCount >= 0 && this.ranges.length === 2 && this.ranges[0] === 0 && this.ranges[1]! >= this.totalByteCount;
  }
}

export class FragmentTable {
  readonly #problems: ProblemList;
  readonly #waiting = new Map<string, Datagram>();
  #heldByteCount = 0;

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  /** Takes the fragment at the cursor. True: its datagram is as whole as it can be, and the cursor stands at its start. */
  add(cursor: Cursor): boolean {
    const segment = cursor.segment;
    const start = cursor.fragmentOffset;
    const wireByteCount = cursor.wireEnd - cursor.position;
    const end = start + wireByteCount;
    if (wireByteCount <= 0 || end > maximumDatagramByteCount) {
      this.#problems.report('packet-malformed', segment.packet);
      return false;
    }
    if (start === 0 && cursor.end < cursor.wireEnd) return true;
    const key = fragmentKey(cursor);
    let datagram = this.#waiting.get(key);
    if (datagram !== undefined && Math.abs(segment.atNs - datagram.firstAtNs) > maximumWaitNs) {
      this.#giveUp(key, datagram, 'fragments-incomplete');
      datagram = undefined;
    }
    if (datagram === undefined) {
      this.#makeRoom();
      datagram = new Datagram(segment.atNs, segment.packet);
      this.#heldByteCount += datagram.bytes.length;
      this.#waiting.set(key, datagram);
    }
    this.#place(datagram, cursor, start, end);
    if (start === 0 || datagram.protocol < 0) datagram.protocol = cursor.fragmentProtocol;
    if (cursor.fragmentIsLast && datagram.totalByteCount < 0) datagram.totalByteCount = end;
    datagram.fragmentCount += 1;
    if (!datagram.isWhole) {
      if (datagram.fragmentCount >= maximumFragmentsPerDatagram) this.#giveUp(key, datagram, 'fragment-limit');
      return false;
    }
    this.#remove(key, datagram);
    readFrom(cursor, datagram.bytes);
    cursor.position = 0;
    cursor.limit = noLimit;
    cursor.wireEnd = datagram.totalByteCount;
    cursor.end = Math.min(datagram.totalByteCount, datagram.cutAt);
    cursor.fragmentProtocol = datagram.protocol;
    return true;
  }

  /** The capture is over: what still waits will never be whole. */
  end(): void {
    for (const [key, datagram] of this.#waiting) this.#giveUp(key, datagram, 'fragments-incomplete');
  }

  /** Copies those bytes of the fragment that have not come before. */
  #place(datagram: Datagram, cursor: Cursor, start: number, end: number): void {
    const shift = cursor.position - start;
    const capturedEnd = start + (cursor.end - cursor.position);
    if (capturedEnd < end) datagram.cutAt = Math.min(datagram.cutAt, capturedEnd);
    this.#grow(datagram, end);
    const before = datagram.ranges;
    const after: number[] = [];
    let from = start;
    let mergedStart = start;
    let mergedEnd = end;
    let isOverlapping = false;
    let isRepeated = false;
    for (let index = 0; index < before.length; index += 2) {
      const rangeStart = before[index]!;
      const rangeEnd = before[index + 1]!;
      if (rangeEnd < start || rangeStart > end) {
        after.push(rangeStart, rangeEnd);
        continue;
      }
      if (rangeStart < end && rangeEnd > start) {
        isOverlapping = true;
        isRepeated ||= rangeStart <= start && rangeEnd >= end;
      }
      copy(datagram.bytes, cursor.data, shift, from, Math.min(rangeStart, capturedEnd));
      from = Math.max(from, rangeEnd);
      mergedStart = Math.min(mergedStart, rangeStart);
      mergedEnd = Math.max(mergedEnd, rangeEnd);
    }
    copy(datagram.bytes, cursor.data, shift, from, capturedEnd);
    after.push(mergedStart, mergedEnd);
    datagram.ranges = sortPairs(after);
    if (isOverlapping && !isRepeated) this.#problems.report('fragment-overlap', cursor.segment.packet);
  }

  #grow(datagram: Datagram, byteCount: number): void {
    if (byteCount <= datagram.bytes.length) return;
    const bytes = new Uint8Array(Math.min(maximumDatagramByteCount, Math.max(byteCount, 2 * datagram.bytes.length)));
    bytes.set(datagram.bytes);
    this.#heldByteCount += bytes.length - datagram.bytes.length;
    datagram.bytes = bytes;
  }

  #makeRoom(): void {
    for (const [key, datagram] of this.#waiting) {
      if (this.#waiting.size < maximumDatagrams && this.#heldByteCount < maximumHeldByteCount) return;
      this.#giveUp(key, datagram, 'fragment-limit');
    }
  }

  #giveUp(key: string, datagram: Datagram, why: 'fragment-limit' | 'fragments-incomplete'): void {
    this.#remove(key, datagram);
    this.#problems.report(why, datagram.firstPacket);
  }

  #remove(key: string, datagram: Datagram): void {
    this.#waiting.delete(key);
    this.#heldByteCount -= datagram.bytes.length;
  }
}

/** RFC 791: source, destination, protocol and identification name a datagram; RFC 8200: without the protocol. */
function fragmentKey(cursor: Cursor): string {
  const s = cursor.segment;
  return s.ipVersion === 4
    ? `${s.source0},${s.destination0},${cursor.fragmentProtocol},${cursor.fragmentKey}`
    : `${s.source0},${s.source1},${s.source2},${s.source3},${s.destination0},${s.destination1},${s.destination2},${s.destination3},${cursor.fragmentKey}`;
}

function copy(to: Uint8Array, from: Uint8Array, shift: number, start: number, end: number): void {
  if (start < end) to.set(from.subarray(start + shift, end + shift), start);
}

function sortPairs(pairs: readonly number[]): number[] {
  const starts = pairs.map((_, index) => index).filter((index) => index % 2 === 0);
  starts.sort((a, b) => pairs[a]! - pairs[b]!);
  return starts.flatMap((index) => [pairs[index]!, pairs[index + 1]!]);
}
