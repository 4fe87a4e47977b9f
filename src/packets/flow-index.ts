/**
 * Finds flows by their addresses and ports, picks one to forget when there are too many, and remembers for a while which
 * connections were there: a straggler of theirs is no connection of its own.
 *
 * The index is a table of twice as many places as flows or more, with open addressing: a flow stands at the place of its hash or,
 * where that is taken, at the next free one. Hashes stand beside the flows, so that another's flow is seldom touched: most
 * packets belong to another connection than the packet before, and what a look-up costs is memory.
 */
import type { Flow } from './flow.js';
import type { Segment } from './segment.js';

/** Entries of the memory of connections that are gone (a power of two). */
const tombstoneCount = 65_536;
/** Places of the table at first (a power of two). */
const firstPlaceCount = 1024;

export class FlowIndex {
  private places: (Flow | null)[] = new Array<Flow | null>(firstPlaceCount).fill(null);
  /** Hashes of the flows at these places; without meaning where there is none. */
  private hashes = new Int32Array(firstPlaceCount);
  private readonly slots: Flow[] = [];
  private sweepSlot = 0;
  private readonly tombstoneHash = new Int32Array(tombstoneCount);
  private readonly tombstoneAtNs = new Float64Array(tombstoneCount).fill(Number.NEGATIVE_INFINITY);

  get size(): number {
    return this.slots.length;
  }

  /** All flows, in order of their numbers. */
  all(): Flow[] {
    return [...this.slots].sort((a, b) => a.id - b.id);
  }

  find(hash: number, segment: Segment): Flow | null {
    const places = this.places;
    const hashes = this.hashes;
    const mask = hashes.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const flow = places[place]!;
      if (flow === null || (hashes[place] === hash && flow.direction(segment) !== 0)) return flow;
    }
  }

  add(flow: Flow): void {
    flow.slot = this.slots.length;
    this.slots.push(flow);
    if (2 * this.slots.length > this.places.length) this.grow();
    else this.put(flow);
  }

  remove(flow: Flow): void {
    if (flow.slot < 0) return;
    const mask = this.places.length - 1;
    let place = flow.hash & mask;
    while (this.places[place] !== flow) place = (place + 1) & mask;
    this.clear(place);
    const moved = this.slots[this.slots.length - 1]!;
    this.slots[flow.slot] = moved;
    moved.slot = flow.slot;
    this.slots.pop();
    flow.slot = -1;
  }

  /** The clock algorithm: the first flow that had no packet since the hand last passed it. Only when there is one at all. */
  leastActive(): Flow {
    for (;;) {
      if (this.sweepSlot >= this.slots.length) this.sweepSlot = 0;
      const flow = this.slots[this.sweepSlot]!;
      if (!flow.touched) return flow;
      flow.touched = false;
      this.sweepSlot++;
    }
  }

  /** Remembers a flow that is no longer followed. */
  bury(flow: Flow): void {
    const place = flow.hash & (tombstoneCount - 1);
    this.tombstoneHash[place] = flow.hash;
    this.tombstoneAtNs[place] = flow.lastAtNs;
  }

  /** Whether a segment belongs to a flow that was buried, or last heard of, within `memoryNs`. */
  isStraggler(hash: number, segment: Segment, memoryNs: number): boolean {
    const place = hash & (tombstoneCount - 1);
    if (this.tombstoneHash[place] !== hash || segment.atNs - this.tombstoneAtNs[place]! > memoryNs) return false;
    this.tombstoneAtNs[place] = segment.atNs;
    return true;
  }

  private put(flow: Flow): void {
    const mask = this.places.length - 1;
    let place = flow.hash & mask;
    while (this.places[place] !== null) place = (place + 1) & mask;
    this.places[place] = flow;
    this.hashes[place] = flow.hash;
  }

  private grow(): void {
    this.places = new Array<Flow | null>(2 * this.places.length).fill(null);
    this.hashes = new Int32Array(this.places.length);
    for (const flow of this.slots) this.put(flow);
  }

  /** Empties a place, and moves up what stands behind it only because that place was taken. */
  private clear(place: number): void {
    const { places, hashes } = this;
    const mask = places.length - 1;
    let free = place;
    for (let next = (free + 1) & mask; places[next] !== null; next = (next + 1) & mask) {
      const home = hashes[next]! & mask;
      // Between the free place and its own, going round: there it is found without coming past the free one.
      if (((next - home) & mask) < ((next - free) & mask)) continue;
      places[free] = places[next]!;
      hashes[free] = hashes[next]!;
      free = next;
    }
    places[free] = null;
  }
}

/** The same for both directions; non-negative and small enough for a small integer everywhere. */
export function hashOf(segment: Segment): number {
  let addresses = segment.source0 ^ segment.destination0;
  let sum = (segment.source0 + segment.destination0) | 0;
  if (segment.ipVersion === 6) {
    addresses ^= segment.source1 ^ segment.destination1 ^ segment.source2 ^ segment.destination2;
    sum = (sum + segment.source3 + segment.destination3 + Math.imul(segment.source3 ^ segment.destination3, 31)) | 0;
  }
  const ports = (segment.sourcePort + segment.destinationPort) | (Math.abs(segment.sourcePort - segment.destinationPort) << 17);
  let hash = Math.imul(addresses, 0x9e3779b1) ^ Math.imul(sum, 0x85ebca6b) ^ Math.imul(ports, 0xc2b2ae35);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 13;
  return hash & 0x3fffffff;
}
