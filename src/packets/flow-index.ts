/**
 * Finds flows by their addresses and ports, picks one to forget when there are too many, and remembers for a while which
 * connections were there: a straggler of theirs is no connection of its own.
 */
import type { Flow } from './flow.js';
import type { Segment } from './segment.js';

/** Entries of the memory of connections that are gone (a power of two). */
const tombstoneCount = 65_536;

export class FlowIndex {
  /** Flows by hash, chained where hashes are equal. */
  private readonly chains = new Map<number, Flow>();
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
    let flow = this.chains.get(hash) ?? null;
    while (flow !== null && flow.direction(segment) === 0) flow = flow.nextInChain;
    return flow;
  }

  add(flow: Flow): void {
    flow.nextInChain = this.chains.get(flow.hash) ?? null;
    this.chains.set(flow.hash, flow);
    flow.slot = this.slots.length;
    this.slots.push(flow);
  }

  remove(flow: Flow): void {
    let previous: Flow | null = null;
    let current = this.chains.get(flow.hash) ?? null;
    while (current !== null && current !== flow) {
      previous = current;
      current = current.nextInChain;
    }
    if (current === null) return;
    if (previous !== null) previous.nextInChain = flow.nextInChain;
    else if (flow.nextInChain !== null) this.chains.set(flow.hash, flow.nextInChain);
    else this.chains.delete(flow.hash);
    const moved = this.slots[this.slots.length - 1];
    this.slots[flow.slot] = moved;
    moved.slot = flow.slot;
    this.slots.pop();
    flow.slot = -1;
  }

  /** The clock algorithm: the first flow that had no packet since the hand last passed it. Only when there is one at all. */
  leastActive(): Flow {
    for (;;) {
      if (this.sweepSlot >= this.slots.length) this.sweepSlot = 0;
      const flow = this.slots[this.sweepSlot];
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
    if (this.tombstoneHash[place] !== hash || segment.atNs - this.tombstoneAtNs[place] > memoryNs) return false;
    this.tombstoneAtNs[place] = segment.atNs;
    return true;
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
