/**
 * The items with the highest scores out of any number, in memory for twice as many as are kept. Among equals the earlier stays.
 */
interface Scored<Item> {
  readonly item: Item;
  readonly score: number;
  readonly order: number;
}

export class BestOf<Item> {
  /** How many were offered. */
  offered = 0;
  readonly #limit: number;
  #scored: Scored<Item>[] = [];
  #leastScore = Number.NEGATIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `make` is called only for an item that is kept for now. */
  offer(score: number, make: () => Item): void {
    const order = this.offered++;
    if (this.#limit === 0 || score <= this.#leastScore) return;
    this.#scored.push({ item: make(), score, order });
    if (this.#scored.length >= 2 * this.#limit) this.#cut();
  }

  /** Best first. */
  best(): Item[] {
    this.#cut();
    return this.#scored.map(({ item }) => item);
  }

  #cut(): void {
    this.#scored.sort((a, b) => b.score - a.score || a.order - b.order);
    if (this.#scored.length < this.#limit) return;
    this.#scored.length = this.#limit;
    this.#leastScore = this.#scored.at(-1)!.score;
  }
}
