/**
 * The fate of each packet of one direction: lost, dropped or delivered when. Pure: time is passed in, chance is seeded.
 *
 * Every packet draws from every sequence of chance, whatever happens to it. So which packets of a direction are lost depends on the
 * seed and the rate alone, and not on time or on the other settings.
 */
import { nsPerMs } from '../base/index.js';
import { type LinkDirection, type LinkWay, wayLength, wayPlace } from './link-settings.js';
import { type Random, seededRandom } from './seeded-random.js';

/** What `decide` gives instead of a time. */
export const fates = { lost: -1, queueFull: -2, cut: -3 } as const;

export class LinkFate {
  /** Of the packet that was decided last. */
  reordered = false;
  duplicated = false;
  corrupted = false;
  readonly #settings: Float64Array;
  readonly #offset: number;
  readonly #loss: Random;
  readonly #jitter: Random;
  readonly #reorder: Random;
  readonly #duplicate: Random;
  readonly #corrupt: Random;
  /** When the wire has sent all that waits before it. */
  #freeAtNs = 0;
  #lastDueNs = 0;

  constructor(settings: Float64Array, direction: LinkDirection, seed: number) {
    this.#settings = settings;
    this.#offset = direction * wayLength;
    const chance = (effect: string): Random => seededRandom(seed, `${effect}-${direction}`);
    this.#loss = chance('loss');
    this.#jitter = chance('jitter');
    this.#reorder = chance('reorder');
    this.#duplicate = chance('duplicate');
    this.#corrupt = chance('corrupt');
  }

  /** When the packet that is sent now is delivered, or one of `fates`. */
  decide(byteCount: number, nowNs: number): number {
    const lost = this.#loss() < this.#of('lossRate');
    const spread = 2 * this.#jitter() - 1;
    const reordered = this.#reorder() < this.#of('reorderRate');
    this.duplicated = this.#duplicate() < this.#of('duplicateRate');
    this.corrupted = this.#corrupt() < this.#of('corruptRate');
    this.reordered = false;
    if (this.#of('cut') !== 0) return fates.cut;
    if (lost) return fates.lost;
    const sentNs = this.#send(byteCount, nowNs);
    if (sentNs < 0) return fates.queueFull;
    const wishedNs = sentNs + Math.max(0, this.#of('delayMs') + spread * this.#of('jitterMs')) * nsPerMs;
    const dueNs = Math.max(wishedNs, this.#lastDueNs);
    if (reordered) {
      this.reordered = true;
      return dueNs + this.#of('reorderByMs') * nsPerMs;
    }
    this.#lastDueNs = dueNs;
    return dueNs;
  }

  /** When the wire has sent the packet, or −1: there is no room for it. */
  #send(byteCount: number, nowNs: number): number {
    const bytesPerNs = this.#of('rateBitsPerSecond') / 8e9;
    if (bytesPerNs === Number.POSITIVE_INFINITY) return nowNs;
    const beginNs = Math.max(nowNs, this.#freeAtNs);
    const waitingBytes = (beginNs - nowNs) * bytesPerNs;
    if (waitingBytes + byteCount > this.#of('queueBytes')) return -1;
    this.#freeAtNs = beginNs + byteCount / bytesPerNs;
    return this.#freeAtNs;
  }

  #of(name: keyof LinkWay): number {
    return this.#settings[this.#offset + wayPlace[name]]!;
  }
}
