/** A clock that only moves when a test says so, and a wait for what sockets bring in their own time. */

import type { Clock } from '#dist/engine/deadlines.js';

export class ManualClock implements Clock {
  private nowMs = 1_000_000;
  private timers: { atMs: number; wake: () => void }[] = [];

  now(): number {
    return this.nowMs;
  }

  after(delayMs: number, wake: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, wake };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((each) => each !== timer);
    };
  }

  get timerCount(): number {
    return this.timers.length;
  }

  /** Moves on, waking whatever is due on the way, at its time and in its order. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const due = this.timers.filter((each) => each.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((each) => each !== due);
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.wake();
    }
    this.nowMs = untilMs;
  }
}

/** Resolves once `condition` holds, looking again every millisecond; rejects after `limitMs`. */
export async function eventually(condition: () => boolean, what: string, limitMs = 20_000): Promise<void> {
  const startedAtMs = performance.now();
  while (!condition()) {
    if (performance.now() - startedAtMs > limitMs) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
