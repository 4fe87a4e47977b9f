/**
 * The newest connections of a pair of ends in outline: a ring of numbers (facts-rows.ts), because there may be a hundred thousand of
 * them and an object each would cost more than all the rest of the diagnosis.
 *
 * Most pairs have one connection or few, and few have many: a ring has room for one at first and becomes larger while there is room.
 */
import type { ConnectionId } from '../base/index.js';
import { Rows } from './facts-rows.js';
import { type Connection, type EndingBy, type EndingWhy, endingReasons } from './model.js';

/** A connection in outline. */
export interface ConnectionOutline {
  readonly id: ConnectionId;
  readonly openedNs: number;
  /** First FIN or reset; the last packet when it stayed open. */
  readonly endedNs: number;
  /** End of the last response; the opening when there was none. */
  readonly lastUseNs: number;
  readonly requests: number;
  readonly by: EndingBy;
  readonly why: EndingWhy;
  readonly openedPacket: number;
  readonly endPacket: number;
  /** Captured from its opening on without missing bytes: what was not seen did not happen. */
  readonly whole: boolean;
}

/** Numbers of an outline, and the places of some. */
const width = 8;
const openedAt = 1;
const lastUseAt = 3;
/** Outlines of a ring as it becomes larger, and how many rings of this size there may be. */
const ringSizes = [
  { outlines: 1, limit: 8192 },
  { outlines: 4, limit: 8192 },
  { outlines: 8, limit: 4096 },
  { outlines: 16, limit: 2048 },
  { outlines: 64, limit: 1024 },
] as const;
/** By the size of a ring. */
const rooms: readonly number[] = [0, ...ringSizes.map(({ outlines }) => outlines)];

const sides: readonly EndingBy[] = ['client', 'server', 'network', 'none'];
const sideNumbers: Readonly<Record<EndingBy, number>> = { client: 0, server: 1, network: 2, none: 3 };

/** What the facts of a connection say of it. */
export interface OutlinedFacts {
  readonly answered: number;
  readonly whole: boolean;
  readonly reason: number;
}

/** Places in the numbers that a pair keeps of its ring: connections added, the size (0: it has none, 1: the first), where it begins. */
const sizeAt = 1;
const fromAt = 2;
/** How many these are. */
export const ringWidth = 3;

export class OutlineRings {
  private readonly rings = ringSizes.map(({ outlines, limit }) => new Rows({ width: outlines * width, limit }));

  /** `ring` and `at`: the numbers that a pair keeps of its ring begin at `at`. All zero: it has none. */
  add(ring: Float64Array, at: number, connection: Connection, { answered, whole, reason }: OutlinedFacts): void {
    if (ring[at] === roomIn(ring, at)) this.enlarge(ring, at);
    const added = ring[at]!++;
    const size = ring[at + sizeAt]!;
    if (size === 0) return;
    const { opened, ending, exchanges } = connection;
    const lastUseNs = answered > 0 ? (exchanges[exchanges.length - 1]?.responseEnd?.atNs ?? ending.at.atNs) : opened.atNs;
    const { numbers } = this.rings[size - 1]!;
    const place = ring[at + fromAt]! + (added % rooms[size]!) * width;
    numbers[place] = connection.id;
    numbers[place + openedAt] = opened.atNs;
    numbers[place + 2] = ending.at.atNs;
    numbers[place + lastUseAt] = lastUseNs;
    numbers[place + 4] = connection.exchangeCount;
    numbers[place + 5] = reason * 8 + sideNumbers[ending.by] * 2 + (whole ? 1 : 0);
    numbers[place + 6] = opened.packet;
    numbers[place + 7] = ending.at.packet;
  }

  /** Those kept, in no certain order once the ring is full. */
  all(ring: Float64Array, at: number): ConnectionOutline[] {
    const count = keptIn(ring, at);
    if (count === 0) return [];
    const { numbers } = this.rings[ring[at + sizeAt]! - 1]!;
    const from = ring[at + fromAt]!;
    return Array.from({ length: count }, (_, index) => outlineAt(numbers, from + index * width));
  }

  /** The most of those kept that were in use at once: as many as at the moment when one of them was opened. */
  mostAtOnce(ring: Float64Array, at: number): number {
    const count = keptIn(ring, at);
    if (count < 2) return count;
    const { numbers } = this.rings[ring[at + sizeAt]! - 1]!;
    const from = ring[at + fromAt]!;
    const end = from + count * width;
    let most = 0;
    for (let one = from; one < end; one += width) {
      const momentNs = numbers[one + openedAt]!;
      let open = 0;
      for (let other = from; other < end; other += width) {
        const openedNs = numbers[other + openedAt]!;
        if (openedNs <= momentNs && momentNs <= Math.max(openedNs, numbers[other + lastUseAt]!)) open++;
      }
      if (open > most) most = open;
    }
    return most;
  }

  /** Forgets them all, for another pair. */
  restart(ring: Float64Array, at: number): void {
    const size = ring[at + sizeAt]!;
    if (size > 0) this.rings[size - 1]!.give(ring[at + fromAt]!);
    ring[at] = 0;
    ring[at + sizeAt] = 0;
  }

  private enlarge(ring: Float64Array, at: number): void {
    const size = ring[at + sizeAt]!;
    let next = size;
    let from = -1;
    for (; from < 0 && next < this.rings.length; next++) from = this.rings[next]!.take();
    if (from < 0) return;
    if (size > 0) {
      const old = this.rings[size - 1]!;
      const oldFrom = ring[at + fromAt]!;
      const { numbers } = this.rings[next - 1]!;
      for (let index = 0; index < old.width; index++) numbers[from + index] = old.numbers[oldFrom + index]!;
      old.give(oldFrom);
    }
    ring[at + sizeAt] = next;
    ring[at + fromAt] = from;
  }
}

/** How many there is room for. */
const roomIn = (ring: Float64Array, at: number): number => rooms[ring[at + sizeAt]!]!;

/** How many are kept. */
export const keptIn = (ring: Float64Array, at: number): number => Math.min(ring[at]!, roomIn(ring, at));

function outlineAt(numbers: Float64Array, at: number): ConnectionOutline {
  const code = numbers[at + 5]!;
  return {
    id: numbers[at]!,
    openedNs: numbers[at + openedAt]!,
    endedNs: numbers[at + 2]!,
    lastUseNs: numbers[at + lastUseAt]!,
    requests: numbers[at + 4]!,
    by: sides[(code >> 1) & 3]!,
    why: endingReasons[code >> 3]!,
    openedPacket: numbers[at + 6]!,
    endPacket: numbers[at + 7]!,
    whole: (code & 1) === 1,
  };
}
