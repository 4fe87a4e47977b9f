/**
 * What several connections had to say, one behind the other, in memory that two threads share:
 *
 *     numbers  │ connection │ end of its records │ place of its first in `others` │ records … │ the next connection …
 *
 * The records are those of observation-log.ts; the bytes that they tell of lie in memory that both threads have.
 */
import type { Observation, Observer } from './observation.js';
import { type ObservationLog, ObservationReader } from './observation-log.js';

export interface ObservationBatch {
  /** Shared memory; the first `count` are in use. */
  readonly numbers: Float64Array;
  readonly count: number;
  readonly others: readonly Observation[];
}

const headLength = 3;
/** Numbers that a batch has room for until it has to grow, and the most that are kept for the next. */
const usualRoom = 64 * 1024;
const mostKept = 256 * 1024;

const sharedNumbers = (length: number): Float64Array => new Float64Array(new SharedArrayBuffer(length * 8));

/** Writes logs into batches. */
export class BatchWriter {
  private numbers = sharedNumbers(usualRoom);
  /** Numbers in use. */
  count = 0;
  private others: Observation[] = [];

  /** Begins a batch. `reuse`: one that has been read, so that its memory is used again unless it had grown too far. */
  begin(reuse: ObservationBatch | null): void {
    this.numbers = reuse !== null && reuse.numbers.length <= mostKept ? reuse.numbers : sharedNumbers(usualRoom);
    this.count = 0;
    this.others = [];
  }

  add(log: ObservationLog): void {
    const start = this.count + headLength;
    const end = start + log.count;
    if (end > this.numbers.length) {
      const grown = sharedNumbers(Math.max(end, 2 * this.numbers.length));
      grown.set(this.numbers.subarray(0, this.count));
      this.numbers = grown;
    }
    const { numbers, count } = this;
    numbers[count] = log.connection;
    numbers[count + 1] = end;
    numbers[count + 2] = this.others.length;
    numbers.set(log.numbers.subarray(0, log.count), start);
    this.count = end;
    for (const other of log.others) this.others.push(other);
  }

  /** What was added since `begin`. */
  batch(): ObservationBatch {
    const { numbers, count, others } = this;
    return { numbers, count, others };
  }
}

/** Tells the observations of batches again, in order. */
export class BatchReader {
  private readonly reader: ObservationReader;

  constructor(observe: Observer) {
    this.reader = new ObservationReader(observe);
  }

  /** `memory`: where the bytes lie. */
  read({ numbers, count, others }: ObservationBatch, memory: Uint8Array): void {
    for (let at = 0; at < count; ) {
      const end = numbers[at + 1]!;
      this.reader.read({
        connection: numbers[at]! | 0,
        numbers,
        start: at + headLength,
        end,
        memory,
        others,
        othersStart: numbers[at + 2]! | 0,
      });
      at = end;
    }
  }
}
