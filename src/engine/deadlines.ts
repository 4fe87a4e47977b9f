/**
 * Many deadlines on one timer: each kept to the millisecond, and almost free to move.
 *
 * A binary heap ordered by the time each entry was filed under, with one system timer for its top. Moving a deadline to later, which
 * every request does, only writes `dueAtMs`: the entry is filed anew when its old time comes. Moving it to earlier lifts it in the
 * heap. So 10,000 idle connections cost one timer, and a request on one of them costs none.
 *
 * Nothing is swept: the timer sleeps until the next entry is due. Times are milliseconds of one monotonic clock, which is passed in.
 */

export interface Clock {
  /** Milliseconds, never going back. */
  now(): number;
  /** Calls `wake` once after `delayMs` at the earliest, and gives a function that prevents it. */
  after(delayMs: number, wake: () => void): () => void;
}

/** Node's own. Its timer never holds the process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, wake) {
    const timer = setTimeout(wake, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** What has a deadline. The two `filed` fields belong to the heap. */
export interface Deadline {
  /** When `onDue` is to be called; Infinity for never. After setting it call `Deadlines.moved`. */
  dueAtMs: number;
  filedAtMs: number;
  /** Place in the heap, −1 when it is not in there. */
  filedIndex: number;
  onDue(nowMs: number): void;
}

/** setTimeout counts in 31 bits. */
const longestSleepMs = 0x7fff_ffff;

export class Deadlines {
  private readonly heap: Deadline[] = [];
  private wakeAtMs = Number.POSITIVE_INFINITY;
  private cancelWake: (() => void) | null = null;
  /** While entries are called: what they set anew comes with the next waking, so that none can hold the loop. */
  private earliestMs = Number.NEGATIVE_INFINITY;

  constructor(readonly clock: Clock = systemClock) {}

  /** Entries filed, those without a deadline at the moment too. */
  get count(): number {
    return this.heap.length;
  }

  /** To be called after `dueAtMs` was set. Cheap when it moved to later. */
  moved(entry: Deadline): void {
    const dueAtMs = Math.max(entry.dueAtMs, this.earliestMs);
    if (entry.filedIndex >= 0) {
      if (dueAtMs >= entry.filedAtMs) return;
      entry.filedAtMs = dueAtMs;
      this.lift(entry.filedIndex);
    } else {
      if (dueAtMs === Number.POSITIVE_INFINITY) return;
      entry.filedAtMs = dueAtMs;
      entry.filedIndex = this.heap.push(entry) - 1;
      this.lift(entry.filedIndex);
    }
    if (entry.filedIndex === 0) this.sleep();
  }

  remove(entry: Deadline): void {
    const index = entry.filedIndex;
    if (index < 0) return;
    entry.filedIndex = -1;
    const last = this.heap.pop()!;
    if (last === entry) return;
    this.heap[index] = last;
    last.filedIndex = index;
    this.sink(index);
    this.lift(last.filedIndex);
  }

  private sleep(): void {
    const top = this.heap[0];
    if (top === undefined || top.filedAtMs >= this.wakeAtMs) return;
    this.cancelWake?.();
    this.wakeAtMs = top.filedAtMs;
    const delayMs = Math.ceil(top.filedAtMs - this.clock.now());
    this.cancelWake = this.clock.after(Math.min(Math.max(delayMs, 1), longestSleepMs), this.wake);
  }

  private readonly wake = (): void => {
    this.wakeAtMs = Number.POSITIVE_INFINITY;
    this.cancelWake = null;
    const nowMs = this.clock.now();
    this.earliestMs = nowMs + 1;
    for (;;) {
      const top = this.heap[0];
      if (top === undefined || top.filedAtMs > nowMs) break;
      if (top.dueAtMs > nowMs && top.dueAtMs !== Number.POSITIVE_INFINITY) {
        top.filedAtMs = top.dueAtMs;
        this.sink(0);
        continue;
      }
      this.remove(top);
      if (top.dueAtMs <= nowMs) {
        top.dueAtMs = Number.POSITIVE_INFINITY;
        top.onDue(nowMs);
      }
    }
    this.earliestMs = Number.NEGATIVE_INFINITY;
    this.sleep();
  };

  private lift(from: number): void {
    const { heap } = this;
    const entry = heap[from]!;
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const other = heap[above]!;
      if (other.filedAtMs <= entry.filedAtMs) break;
      heap[index] = other;
      other.filedIndex = index;
      index = above;
    }
    heap[index] = entry;
    entry.filedIndex = index;
  }

  private sink(from: number): void {
    const { heap } = this;
    const entry = heap[from]!;
    let index = from;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]!.filedAtMs < heap[below]!.filedAtMs) below += 1;
      const other = heap[below]!;
      if (other.filedAtMs >= entry.filedAtMs) break;
      heap[index] = other;
      other.filedIndex = index;
      index = below;
    }
    heap[index] = entry;
    entry.filedIndex = index;
  }
}
