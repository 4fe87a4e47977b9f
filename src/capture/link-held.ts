/** Packets under way, the one that is due next first: a binary heap. Among equals the one that was held first goes first. */
import type { LinkDirection } from './link-settings.js';

export interface HeldPacket {
  readonly dueNs: number;
  readonly order: number;
  /** As it will be delivered. */
  readonly packet: Uint8Array;
  readonly direction: LinkDirection;
}

export class HeldPackets {
  readonly #heap: HeldPacket[] = [];
  #byteCount = 0;

  get size(): number {
    return this.#heap.length;
  }

  get byteCount(): number {
    return this.#byteCount;
  }

  /** When the next packet is due; Infinity: none is held. */
  get nextDueNs(): number {
    return this.#heap[0]?.dueNs ?? Number.POSITIVE_INFINITY;
  }

  add(held: HeldPacket): void {
    const heap = this.#heap;
    this.#byteCount += held.packet.length;
    let place = heap.length;
    heap.push(held);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(held, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = held;
  }

  /** The packet that is due next, or undefined. */
  take(): HeldPacket | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return undefined;
    this.#byteCount -= first.packet.length;
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(held: HeldPacket): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, held)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = held;
  }
}

const before = (a: HeldPacket, b: HeldPacket): boolean => a.dueNs < b.dueNs || (a.dueNs === b.dueNs && a.order < b.order);
