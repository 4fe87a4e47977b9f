/**
 * The recording of a scenario: what a source of packets hands out goes to a file as it is, and to whoever watches. It has begun when it is
 * opened, and ends when the wire has been quiet for a moment.
 */

import { open } from 'node:fs/promises';
import type { PacketSource } from '../capture/index.js';

/** Packets are on their way for so long at the most: through the kernel, a pipe, a thread. */
const quietMs = 150;
const lookEveryMs = 25;
/** Who retransmits for ever is not waited for. */
const longestQuietWaitMs = 1500;

/** What is kept of one scenario; beyond it the lab was asked for something it is not for. */
const byteLimit = 512 * 1024 * 1024;

export interface Recording {
  /** "lo, tcpdump". */
  readonly by: string;
  /** Waits for the last packets and closes the file. Throws what went wrong with either. */
  stop(): Promise<RecordingFacts>;
}

interface RecordingFacts {
  readonly bytes: number;
  readonly dropped: number;
}

export async function record(source: PacketSource, file: string, watch: (chunk: Uint8Array) => void): Promise<Recording> {
  const handle = await open(file, 'w');
  let bytes = 0;
  let lastAt = performance.now();
  const written = (async () => {
    try {
      for await (const chunk of source.chunks) {
        lastAt = performance.now();
        bytes += chunk.length;
        if (bytes > byteLimit) throw new Error(`the recording is larger than ${byteLimit} bytes`);
        watch(chunk);
        await handle.writeFile(chunk);
      }
    } finally {
      await handle.close();
    }
  })();
  // Told by stop().
  written.catch(() => {});
  return {
    by: source.name,
    stop: async () => {
      const until = performance.now() + longestQuietWaitMs;
      while (performance.now() - lastAt < quietMs && performance.now() < until)
        await new Promise((done) => setTimeout(done, lookEveryMs));
      await source.stop();
      await written;
      const { droppedByKernel, droppedBySource } = source.statistics();
      return { bytes, dropped: (droppedByKernel ?? 0) + droppedBySource };
    },
  };
}
