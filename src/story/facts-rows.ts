/**
 * Rows of numbers, one beside the other in memory. There are facts of thousands of pairs, and with each connection those of another one
 * are wanted: spread over objects they are fetched from memory piece by piece, which costs more than all that is done with them.
 */

/** Rows that there is room for at first, and how many times as many whenever they are taken: what is moved costs more than room. */
const firstRows = 16;
const growth = 8;

export class Rows {
  numbers: Float64Array;
  /** Numbers of a row. */
  readonly width: number;
  private readonly limit: number;
  private readonly givenBack: number[] = [];
  private taken = 0;

  constructor({ width, limit }: { readonly width: number; readonly limit: number }) {
    this.width = width;
    this.limit = limit;
    this.numbers = new Float64Array(firstRows * width);
  }

  /** Where another row begins in `numbers`, which may be other ones from then on; −1 when all are taken. */
  take(): number {
    const old = this.givenBack.pop();
    if (old !== undefined) return old;
    if (this.taken === this.limit) return -1;
    const from = this.taken * this.width;
    this.taken++;
    if (from === this.numbers.length) {
      const larger = new Float64Array(Math.min(this.limit * this.width, growth * from));
      larger.set(this.numbers);
      this.numbers = larger;
    }
    return from;
  }

  /** The row that begins there may be taken again. */
  give(from: number): void {
    // As a small integer, like all of them: it may come out of numbers that are floats.
    this.givenBack.push(from | 0);
  }
}

/** The newest rows of any number: the oldest makes room. */
export class RecentRows {
  private rows: Float64Array;
  private readonly width: number;
  private readonly limit: number;
  private added = 0;

  constructor({ width, limit }: { readonly width: number; readonly limit: number }) {
    this.width = width;
    this.limit = limit;
    this.rows = new Float64Array(0);
  }

  /** How many are kept. */
  get count(): number {
    return Math.min(this.added, this.limit);
  }

  /** All of them, row behind row; others after the next `add`. */
  get numbers(): Float64Array {
    return this.rows;
  }

  /** Where in `numbers` another row begins, to be filled. */
  add(): number {
    const from = (this.added % this.limit) * this.width;
    this.added++;
    if (from === this.rows.length) {
      const larger = new Float64Array(Math.min(this.limit, Math.max(firstRows, 2 * this.count)) * this.width);
      larger.set(this.rows);
      this.rows = larger;
    }
    return from;
  }
}
