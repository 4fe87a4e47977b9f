/**
 * Packets under way, the one that is due next first: a binary heap. Among equals the one that was held first goes first.
 *
 * Packets and their bytes are used again, so that no packet is an allocation: a collection of garbage would delay all others.
 */
import { type LinkDirection, toServer } from './link-settings.js';

/** Room for a packet of an ordinary device; longer ones get as much as they need. */
const ordinaryByteCount = 2048;

export interface HeldPacket {
  dueNs: number;
  order: number;
  /** As it will be delivered: the first `length` bytes. */
  bytes: Buffer;
  length: number;
  direction: LinkDirection;
}

export class HeldPackets {
  readonly #heap: HeldPacket[] = [];
  readonly #unused: HeldPacket[] = [];
  #byteCount = 0;
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  get byteCount(): number {
    return this.#byteCount;
  }

  /** When the next packet is due; Infinity: none is held. */
  get nextDueNs(): number {
    return this.#heap.length === 0 ? Number.POSITIVE_INFINITY : this.#heap[0]!.dueNs;
  }

  /** Holds a copy, which may be changed until the next call. */
  add(packet: Buffer, dueNs: number, direction: LinkDirection): HeldPacket {
    const held = this.#unused.pop() ?? newPacket();
    const { length } = packet;
    if (held.bytes.length < length) held.bytes = Buffer.allocUnsafeSlow(length);
    packet.copy(held.bytes);
    held.length = length;
    held.dueNs = dueNs;
    held.order = this.#order++;
    held.direction = direction;
    this.#byteCount += length;
    this.#rise(held);
    return held;
  }

  /** The packet that is due next, or undefined. It is given back with `release`. */
  take(): HeldPacket | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return undefined;
    this.#byteCount -= first.length;
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  release(packet: HeldPacket): void {
    this.#unused.push(packet);
  }

  #rise(held: HeldPacket): void {
    const heap = this.#heap;
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

const newPacket = (): HeldPacket => ({
  dueNs: 0,
  order: 0,
  bytes: Buffer.allocUnsafeSlow(ordinaryByteCount),
  length: 0,
  direction: toServer,
});

const before = (a: HeldPacket, b: HeldPacket): boolean => a.dueNs < b.dueNs || (a.dueNs === b.dueNs && a.order < b.order);
