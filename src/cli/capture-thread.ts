/**
 * The thread that reads a large file: packets in, batches of observations out, in memory that both threads share. It reads no
 * further ahead than a few chunks.
 */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { ObservationWriter } from '../base/index.js';
import { observeCapture } from '../packets/index.js';
import { CommandFailure } from './failure.js';
import { openInput } from './open-input.js';
import type { ThreadBatch, ThreadFailure } from './read-capture.js';

/** Chunks that are read and not yet told. */
const aheadLimit = 3;

const port = parentPort!;
const idle: ThreadBatch[] = [];
let ahead = 0;
port.on('message', (told: ThreadBatch) => {
  idle.push(told);
  ahead--;
});

async function read(input: string): Promise<void> {
  const source = await openInput(input);
  const writer = new ObservationWriter();
  const capture = observeCapture({ observe: writer.observe });
  const say = (chunk: Uint8Array, isLast: boolean): void => {
    const summary = isLast ? capture.end() : capture.summary();
    const problems = [...source.problems(), ...summary.problems];
    const bytesRead = source.bytesRead();
    const said: ThreadBatch = {
      kind: 'batch',
      chunk,
      batch: writer.batch(),
      summary: { ...summary, problems },
      bytesRead,
      isLast,
    };
    ahead++;
    port.postMessage(said);
  };
  for await (const bytes of source.chunks) {
    while (ahead >= aheadLimit) await once(port, 'message');
    const reuse = idle.shift() ?? null;
    const chunk = sharedCopy(bytes, reuse?.chunk ?? null);
    writer.begin(chunk, reuse?.batch ?? null);
    capture.push(chunk);
    say(chunk, false);
    if (capture.done) break;
  }
  // What is told now lies in no chunk.
  const nothing = new Uint8Array(new SharedArrayBuffer(0));
  writer.begin(nothing, null);
  say(nothing, true);
}

/** The bytes in shared memory; in that of `reuse` where there is room. */
function sharedCopy(bytes: Uint8Array, reuse: Uint8Array | null): Uint8Array {
  const room = reuse !== null && reuse.buffer.byteLength >= bytes.length ? reuse.buffer : new SharedArrayBuffer(bytes.length);
  const chunk = new Uint8Array(room, 0, bytes.length);
  chunk.set(bytes);
  return chunk;
}

try {
  await read(workerData as string);
} catch (error) {
  if (!(error instanceof CommandFailure)) throw error;
  const said: ThreadFailure = { kind: 'failure', code: error.code, message: error.message };
  port.postMessage(said);
}
port.close();
