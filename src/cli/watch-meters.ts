/** How fast counts grow, and how much of the wire is seen, over the last seconds. Time is passed in, in milliseconds. */

const windowMs = 3000;
const leastStepMs = 200;

export class RateMeter {
  readonly #looks: { readonly atMs: number; readonly count: number }[] = [];

  look(nowMs: number, count: number): void {
    const last = this.#looks.at(-1);
    if (last !== undefined && nowMs - last.atMs < leastStepMs) return;
    this.#looks.push({ atMs: nowMs, count });
    while (this.#looks.length > 2 && nowMs - this.#looks[1]!.atMs >= windowMs) this.#looks.shift();
  }

  get perSecond(): number {
    const first = this.#looks[0];
    const last = this.#looks.at(-1);
    if (first === undefined || last === undefined || last.atMs === first.atMs) return 0;
    return ((last.count - first.count) / (last.atMs - first.atMs)) * 1000;
  }
}

export interface Losses {
  readonly lost: number;
  readonly delivered: number;
}

export class LossMeter {
  readonly #read: () => Losses;
  readonly #lost = new RateMeter();
  readonly #delivered = new RateMeter();
  lost = 0;

  constructor(read: () => Losses) {
    this.#read = read;
  }

  look(nowMs: number): void {
    const { lost, delivered } = this.#read();
    this.lost = lost;
    this.#lost.look(nowMs, lost);
    this.#delivered.look(nowMs, delivered);
  }

  /** Of the packets of the last seconds, 0 to 1; null when none was lost. */
  get seenShare(): number | null {
    const lost = this.#lost.perSecond;
    const delivered = this.#delivered.perSecond;
    return lost > 0 ? delivered / (lost + delivered) : null;
  }
}
