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
const reasonNumbers = new Map(reasons.map((reason, index) => [reason, index]));

export class Outlines {
  #numbers: number[] | null = null;
  #next = 0;

  get count(): number {
    return this.#numbers === null ? 0 : this.#numbers.length / width;
  }

  add({ id, opened, ending, exchanges, exchangeCount }: Connection, answered: number, whole: boolean): void {
    const lastUseNs = answered > 0 ? (exchanges[exchanges.length - 1]?.responseEnd?.atNs ?? ending.at.atNs) : opened.atNs;
    const code = (reasonNumbers.get(ending.why) ?? 0) * 8 + sides.indexOf(ending.by) * 2 + (whole ? 1 : 0);
    const { packet: openedPacket, atNs: openedNs } = opened;
    const { packet: endPacket, atNs: endedNs } = ending.at;
    const numbers = this.#numbers;
    this.#next = (this.#next + width) % (outlineLimit * width);
    if (numbers === null) {
      // Most pairs have a single connection: an array of just that size.
      this.#numbers = [id, openedNs, endedNs, lastUseNs, exchangeCount, code, openedPacket, endPacket];
      return;
    }
    const at = (this.#next + (outlineLimit - 1) * width) % (outlineLimit * width);
    // The ring grows by pushing, in order, until it is full.
    numbers[at] = id;
    numbers[at + 1] = openedNs;
    numbers[at + 2] = endedNs;
    numbers[at + 3] = lastUseNs;
    numbers[at + 4] = exchangeCount;
    numbers[at + 5] = code;
    numbers[at + 6] = openedPacket;
    numbers[at + 7] = endPacket;
  }

  /** In no certain order once the ring is full. */
  all(): ConnectionOutline[] {
    const numbers = this.#numbers ?? [];
    return Array.from({ length: this.count }, (_, index) => outlineOf(numbers.slice(index * width, (index + 1) * width)));
  }
}

function outlineOf(numbers: readonly number[]): ConnectionOutline {
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
