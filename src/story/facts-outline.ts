/**
 * The newest connections of a pair of ends in outline: a ring of numbers, because there may be a hundred thousand of them and an
 * object each would cost more than all the rest of the diagnosis.
 */
import type { ConnectionId } from '../base/index.js';
import { type Connection, type EndingBy, type EndingWhy, endingReasonTexts } from './model.js';

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

/** Outlines kept per pair. */
const outlineLimit = 64;
const width = 8;
const sides: readonly EndingBy[] = ['client', 'server', 'network', 'none'];
const reasons = Object.keys(endingReasonTexts) as EndingWhy[];
const numbersOf = <Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> =>
  Object.fromEntries(names.map((name, index) => [name, index])) as Record<Name, number>;
const reasonNumbers = numbersOf(reasons);
const sideNumbers = numbersOf(sides);
const noNumbers = new Float64Array(0);

export class Outlines {
  /** Of the last connection's size at first, since most pairs have a single one; twice as large whenever it is full. */
  private numbers: Float64Array | null = null;
  /** How many are kept, and where the next one goes. */
  count = 0;
  private next = 0;

  /** Forgets them all, for another pair. */
  restart(): void {
    this.count = 0;
    this.next = 0;
  }

  add({ id, opened, ending, exchanges, exchangeCount }: Connection, answered: number, whole: boolean): void {
    const lastUseNs = answered > 0 ? (exchanges[exchanges.length - 1]?.responseEnd?.atNs ?? ending.at.atNs) : opened.atNs;
    const code = reasonNumbers[ending.why] * 8 + sideNumbers[ending.by] * 2 + (whole ? 1 : 0);
    const numbers = this.roomForNext();
    const at = this.next;
    numbers[at] = id;
    numbers[at + 1] = opened.atNs;
    numbers[at + 2] = ending.at.atNs;
    numbers[at + 3] = lastUseNs;
    numbers[at + 4] = exchangeCount;
    numbers[at + 5] = code;
    numbers[at + 6] = opened.packet;
    numbers[at + 7] = ending.at.packet;
    this.next = (at + width) % (outlineLimit * width);
    if (this.count < outlineLimit) this.count++;
  }

  /** In no certain order once the ring is full. */
  all(): ConnectionOutline[] {
    const numbers = this.numbers ?? noNumbers;
    return Array.from({ length: this.count }, (_, index) => outlineOf(numbers.subarray(index * width, (index + 1) * width)));
  }

  private roomForNext(): Float64Array {
    const numbers = this.numbers;
    if (numbers !== null && numbers.length > this.next) return numbers;
    const larger = new Float64Array(numbers === null ? width : 2 * numbers.length);
    if (numbers !== null) larger.set(numbers);
    this.numbers = larger;
    return larger;
  }
}

function outlineOf(numbers: Float64Array): ConnectionOutline {
  const [id, openedNs, endedNs, lastUseNs, requests, code, openedPacket, endPacket] = numbers;
  return {
    id: id!,
    openedNs: openedNs!,
    endedNs: endedNs!,
    lastUseNs: lastUseNs!,
    requests: requests!,
    by: sides[(code! >> 1) & 3]!,
    why: reasons[code! >> 3]!,
    openedPacket: openedPacket!,
    endPacket: endPacket!,
    whole: (code! & 1) === 1,
  };
}
