/**
 * When anything happened at all: the union of any number of stretches of time, in bounded memory. The time axis is folded where
 * nothing did. Stretches come in any order; beyond the limit, those with the smallest quiet between them grow together, so that the long
 * quiet, which is what counts, stays exact.
 */

export interface Stretch {
  readonly startNs: number;
  readonly endNs: number;
}

/** Stretches held before they are joined, and after. */
const heldLimit = 8192;
const joinedLimit = 2048;

export class BusyTime {
  #held: Stretch[] = [];
  #leastQuietNs = 0;

  add(startNs: number, endNs: number): void {
    this.#held.push({ startNs, endNs: Math.max(startNs, endNs) });
    if (this.#held.length >= heldLimit) this.#join(joinedLimit);
  }

  /** In order of time, without overlap. */
  stretches(): readonly Stretch[] {
    this.#join(joinedLimit);
    return this.#held;
  }

  #join(limit: number): void {
    this.#held.sort((a, b) => a.startNs - b.startNs);
    this.#held = joined(this.#held, this.#leastQuietNs);
    if (this.#held.length <= limit) return;
    const quiets = this.#held.slice(1).map(({ startNs }, index) => startNs - this.#held[index]!.endNs);
    this.#leastQuietNs = quiets.sort((a, b) => b - a)[limit - 1]!;
    this.#held = joined(this.#held, this.#leastQuietNs);
  }
}

/** Sorted stretches, those with at most so much quiet between them as one. */
function joined(stretches: readonly Stretch[], quietNs: number): Stretch[] {
  const result: Stretch[] = [];
  let startNs = 0;
  let endNs = Number.NEGATIVE_INFINITY;
  for (const stretch of stretches) {
    if (stretch.startNs - endNs <= quietNs) {
      endNs = Math.max(endNs, stretch.endNs);
      continue;
    }
    if (endNs > Number.NEGATIVE_INFINITY) result.push({ startNs, endNs });
    ({ startNs, endNs } = stretch);
  }
  if (endNs > Number.NEGATIVE_INFINITY) result.push({ startNs, endNs });
  return result;
}
