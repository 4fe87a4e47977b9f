/**
 * Where the packets of `watch` come from: a live source, or a capture that is played again at its own pace or faster. Says what time it
 * is on the scale of the packets, and what was lost.
 */
import type { PacketSource } from '../capture/index.js';
import { escapeName } from '../view/index.js';
import { openInput } from './open-input.js';
import type { WatchSession } from './watch-session.js';

export interface Feed {
  /** For people, escaped. */
  readonly name: string;
  /** Pushes everything into the session until the source ends or is stopped. Rejects when the source fails. */
  run(session: WatchSession): Promise<void>;
  /** The time on the scale of the session's packets. */
  nowNs(): number;
  /** Packets lost so far, and packets handed out. */
  losses(): { readonly lost: number; readonly delivered: number };
  stop(): Promise<void>;
}

/** Work without a pause for keys and frames. */
const workMs = 10;

class Breath {
  #since = performance.now();

  /** Lets others work when it was long enough. */
  async take(): Promise<void> {
    if (performance.now() - this.#since < workMs) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#since = performance.now();
  }
}

/** `keep`: takes every chunk too. */
export function liveFeed(source: PacketSource, keep: (chunk: Uint8Array) => void): Feed {
  let session: WatchSession | null = null;
  return {
    name: escapeName(source.name),
    async run(into) {
      session = into;
      const breath = new Breath();
      for await (const chunk of source.chunks) {
        into.push(chunk);
        keep(chunk);
        await breath.take();
      }
    },
    nowNs() {
      const summary = session?.summary();
      if (summary === undefined || summary.lastAtNs === null) return 0;
      return Math.max(summary.lastAtNs, Date.now() * 1e6 - summary.originSeconds * 1e9);
    },
    losses() {
      const { delivered, droppedByKernel, droppedBySource } = source.statistics();
      return { delivered, lost: (droppedByKernel ?? 0) + droppedBySource };
    },
    stop: () => source.stop(),
  };
}

/** Bytes pushed at once: so few that the time between two pushes is that between two packets. */
const sliceByteCount = 128;
/** Silences of the capture are waited for in steps, so that it can be stopped. */
const stepMs = 50;

/** Plays a capture again, `speed` times as fast as it was. Throws CommandFailure when it cannot be opened. */
export async function replayFeed(input: string, speed: number): Promise<Feed> {
  const source = await openInput(input);
  let session: WatchSession | null = null;
  let startedMs = 0;
  let stopped = false;
  let over = false;
  const firstNs = (): number => session?.summary().firstAtNs ?? 0;
  const nowNs = (): number => {
    const last = session?.summary().lastAtNs ?? 0;
    return over || startedMs === 0 ? last : Math.max(last, firstNs() + (performance.now() - startedMs) * 1e6 * speed);
  };
  return {
    name: input === '-' ? 'standard input' : escapeName(input),
    async run(into) {
      session = into;
      const breath = new Breath();
      for await (const chunk of source.chunks) {
        for (let at = 0; at < chunk.length && !stopped; at += sliceByteCount) {
          into.push(chunk.subarray(at, at + sliceByteCount));
          if (startedMs === 0 && into.packets > 0) startedMs = performance.now();
          await breath.take();
          for (;;) {
            const aheadMs = ((into.summary().lastAtNs ?? 0) - firstNs()) / 1e6 / speed - (performance.now() - startedMs);
            if (startedMs === 0 || stopped || !(aheadMs > 1)) break;
            await new Promise((resolve) => setTimeout(resolve, Math.min(stepMs, aheadMs)));
          }
        }
        if (stopped || into.done) break;
      }
      over = true;
    },
    nowNs,
    losses: () => ({ lost: 0, delivered: session?.packets ?? 0 }),
    async stop() {
      stopped = true;
    },
  };
}
