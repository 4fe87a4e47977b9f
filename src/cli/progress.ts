/**
 * A progress bar on standard error: only on a terminal, only when the work takes longer than a second, gone when it is done.
 */
import type { SingleBar } from 'cli-progress';
import { formatBytes, formatCount } from '../view/index.js';

/** Work shorter than this shows no bar. */
const patienceMs = 1000;

export interface Progress {
  /** Called once a chunk. */
  update(readBytes: number, packets: number): Promise<void>;
  stop(): void;
}

export const noProgress: Progress = { update: async () => {}, stop: () => {} };

/** `totalBytes` 0: unknown (standard input); then there is no bar. */
export function progressBar(title: string, totalBytes: number, screen: NodeJS.WriteStream): Progress {
  if (!screen.isTTY || totalBytes === 0) return noProgress;
  const startedAt = performance.now();
  let bar: SingleBar | null = null;
  return {
    update: async (readBytes, packets) => {
      if (bar === null) {
        if (performance.now() - startedAt < patienceMs) return;
        // Loaded only now: most captures are read before anybody looks for a bar.
        const { default: cliProgress } = await import('cli-progress');
        bar = new cliProgress.SingleBar({
          stream: screen,
          format: '{title} {bar} {percentage} % {packets} packets, {size}, {eta_formatted} left',
          barCompleteChar: '#',
          barIncompleteChar: '.',
          barsize: 24,
          clearOnComplete: true,
          hideCursor: true,
        });
        bar.start(totalBytes, 0, { title, packets: '0', size: '' });
      }
      bar.update(Math.min(readBytes, totalBytes), { packets: formatCount(packets), size: formatBytes(readBytes) });
    },
    stop: () => bar?.stop(),
  };
}
