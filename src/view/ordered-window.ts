/**
 * Connections end in another order than they began; readers want them by number. The window holds what ended early until the
 * lower numbers have come, within a limit of held weight: beyond it the lowest number held goes out, so that one connection
 * that stays open for the whole capture costs order, not memory. A heap, so that any number of connections stays cheap.
 */

export interface OrderedWindowOptions<Item> {
  /** Most weight held; what a weight is, the caller says (characters, connections). */
  readonly limit: number;
  readonly release: (item: Item) => void;
}

interface Held<Item> {
  readonly id: number;
  /** Null: left out by the caller, held only to keep the count. */
  readonly item: Item | null;
  readonly weight: number;
}

/** What holding a number without an item weighs. */
const skippedWeight = 64;

export class OrderedWindow<Item> {
  readonly #options: OrderedWindowOptions<Item>;
  readonly #heap: Held<Item>[] = [];
  #next = 0;
  #weight = 0;

  constructor(options: OrderedWindowOptions<Item>) {
    this.#options = options;
  }

  add(id: number, item: Item, weight: number): void {
    this.#add({ id, item, weight });
  }

  /** A number that will never come, because somebody before left it out. */
  skip(id: number): void {
    this.#add({ id, item: null, weight: skippedWeight });
  }

  end(): void {
    while (this.#heap.length > 0) this.#releaseLowest();
  }

  #add(held: Held<Item>): void {
    this.#push(held);
    while (this.#heap.length > 0 && (this.#heap[0]!.id <= this.#next || this.#weight > this.#options.limit))
      this.#releaseLowest();
  }

  #releaseLowest(): void {
    const { id, item, weight } = this.#pop();
    this.#weight -= weight;
    this.#next = Math.max(this.#next, id + 1);
    if (item !== null) this.#options.release(item);
  }

  #push(held: Held<Item>): void {
    const heap = this.#heap;
    this.#weight += held.weight;
    let at = heap.push(held) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.id <= held.id) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = held;
  }

  #pop(): Held<Item> {
    const heap = this.#heap;
    const lowest = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return lowest;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.id < heap[child]!.id) child++;
      if (heap[child]!.id >= last.id) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return lowest;
  }
}
