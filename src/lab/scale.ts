/**
 * The lab's time. Scenarios say durations as they are in real life (an idle timeout of 300 s); `speed` says how many times faster
 * they are played. What the kernel takes in whole seconds only (TCP keep-alive) stays whole and at least one second, so
 * every scenario has a fastest speed at which its order of events still holds.
 */

export class Scale {
  readonly speed: number;

  constructor(speed: number) {
    this.speed = speed;
  }

  /** Milliseconds that a duration of real life takes here. */
  ms(realSeconds: number): number {
    return Math.round((realSeconds * 1000) / this.speed);
  }

  /** The same for an option in whole seconds, in milliseconds. */
  wholeSeconds(realSeconds: number): number {
    return 1000 * Math.max(1, Math.round(realSeconds / this.speed));
  }
}
