/**
 * The thread that reads a large file: packets in, batches of observations out, in memory that both threads share. It reads no
 * further ahead than a few chunks.
 */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { ObservationWriter, type SourceProblem } from '../base/index.js';
import { observeCapture, sniffByteCount, sniffContainer } from '../packets/index.js';
import { CommandFailure } from './failure.js';
import { type OpenedInput, openInput, openPlainFile, type PlainFile, roomToRead } from './open-input.js';
import type { ThreadBatch, ThreadFailure } from './read-capture.js';

/** Chunks that are read and not yet told. */
const aheadLimit = 3;

const port = parentPort!;
/** What was said, by its number; and the numbers of what has been told, whose memory is free. */
const said: ThreadBatch[] = [];
const idle: number[] = [];
let ahead = 0;
port.on('message', (number: number) => {
  idle.push(number);
  ahead--;
});

async function read(input: string): Promise<void> {
  const source = openSource(input);
  const writer = new ObservationWriter();
  const capture = observeCapture({ observe: writer.observe });
  const say = (number: number, chunk: Uint8Array, isLast: boolean): void => {
    const summary = isLast ? capture.end() : capture.summary();
    const problems = [...source.problems(), ...summary.problems];
    said[number] = {
      kind: 'batch',
      number,
      chunk,
      batch: writer.batch(),
      summary: { ...summary, problems },
      bytesRead: source.bytesRead(),
      isLast,
    };
    ahead++;
    port.postMessage(said[number]);
  };
  while (!capture.done) {
    while (ahead >= aheadLimit) await once(port, 'message');
    const number = idle.shift() ?? said.length;
    const told = said[number];
    const chunk = await source.fill(told?.chunk.buffer ?? null);
    if (chunk === null) break;
    writer.begin(chunk, told?.batch ?? null);
    capture.push(chunk);
    say(number, chunk, false);
  }
  await source.close();
  // What is told now lies in no chunk.
  const nothing = new Uint8Array(new SharedArrayBuffer(0));
  writer.begin(nothing, null);
  say(said.length, nothing, true);
}

/** A file whose chunks are put into shared memory. */
interface SharedSource {
  /** The next chunk, in this memory where it has room for it; null at the end. */
  fill(memory: ArrayBufferLike | null): Uint8Array | null | Promise<Uint8Array | null>;
  bytesRead(): number;
  problems(): readonly SourceProblem[];
  close(): Promise<void> | void;
}

/** Throws CommandFailure ('unreadable-input'). */
function openSource(input: string): SharedSource {
  const file = openPlainFile(input);
  const container = sniffContainer(file.read(new Uint8Array(sniffByteCount), 0));
  if (container !== 'gzip' && container !== 'zstd') return plainSource(file);
  file.close();
  return compressedSource(input);
}

/** Read at once and in place: while this thread waits for the disk, the other has work. */
function plainSource(file: PlainFile): SharedSource {
  let position = 0;
  return {
    fill: (memory) => {
      const chunk = file.read(
        roomToRead(memory, (byteCount) => new SharedArrayBuffer(byteCount)),
        position,
      );
      position += chunk.length;
      return chunk.length === 0 ? null : chunk;
    },
    bytesRead: () => position,
    problems: () => [],
    close: () => file.close(),
  };
}

function compressedSource(input: string): SharedSource {
  let opened: OpenedInput | null = null;
  let chunks: AsyncIterator<Uint8Array> | null = null;
  return {
    fill: async (memory) => {
      opened ??= await openInput(input);
      chunks ??= opened.chunks[Symbol.asyncIterator]();
      const { done, value: bytes } = await chunks.next();
      if (done === true) return null;
      const hasRoom = memory !== null && memory.byteLength >= bytes.length;
      const chunk = new Uint8Array(hasRoom ? memory : new SharedArrayBuffer(bytes.length), 0, bytes.length);
      chunk.set(bytes);
      return chunk;
    },
    bytesRead: () => opened?.bytesRead() ?? 0,
    problems: () => opened?.problems() ?? [],
    close: async () => {
      await chunks?.return?.(undefined);
    },
  };
}

try {
  await read(workerData as string);
} catch (error) {
  if (!(error instanceof CommandFailure)) throw error;
  const failure: ThreadFailure = { kind: 'failure', code: error.code, message: error.message };
  port.postMessage(failure);
}
port.close();
