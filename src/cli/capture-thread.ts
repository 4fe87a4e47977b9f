/**
 * The thread that reads a large file: packets in, batches of observations out, in memory that both threads share. It reads no
 * further ahead than a few batches.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { BatchWriter, type ObservationBatch, ObservationGatherer, type SourceProblem } from '../base/index.js';
import { observeCapture, sniffByteCount, sniffContainer } from '../packets/index.js';
import { neverWanted, type ThreadBatch, type ThreadFailure, type ThreadTask, toldAt, wantedAt } from './capture-worker.js';
import { CommandFailure } from './failure.js';
import { inRoom, openInput, openPlainFile, type PlainFile, readByteCount } from './open-input.js';

/** Batches that are said and not yet told: so many at most; and when that is reached, none is said until so few are left. To wake a thread costs. */
const aheadLimit = 6;
const aheadLeast = 2;
/** A batch is said when it holds so many numbers, or when so many chunks have been read for it. */
const batchLength = 48 * 1024;
const chunksOfBatch = 2;
/** The first batches hold all that there is, whoever it is of: who tells has nothing to do yet. */
const eagerBatches = 16;
/** Batches that are there at once: those ahead, and the one that is written. */
const turns = aheadLimit + 1;
/** So much is read while the batches that are ahead are told. */
const readLaterByteCount = (aheadLimit + 2) * chunksOfBatch * readByteCount;

const port = parentPort!;
const { input, memory, told: toldMemory } = workerData as ThreadTask;
/** How many batches have been told, so that their memory is free, and how many have to be. */
const told = new Int32Array(toldMemory);

async function read(): Promise<void> {
  const writer = new BatchWriter();
  const gatherer = new ObservationGatherer({ memory, readLaterByteCount, hand: (log) => writer.add(log) });
  const capture = observeCapture({ observe: gatherer.observe });
  /** Batches said; the newest of them, in turns; and where in the ring each began, the one that is written too. */
  let said = 0;
  const batches: ObservationBatch[] = [];
  const began = [0];
  const waitUntilTold = (count: number): void => {
    if (Atomics.load(told, toldAt) >= count) return;
    Atomics.store(told, wantedAt, count);
    for (let now = Atomics.load(told, toldAt); now < count; now = Atomics.load(told, toldAt)) Atomics.wait(told, toldAt, now);
    Atomics.store(told, wantedAt, neverWanted);
  };
  /** What batches tell of lies in the ring: nothing of it is overwritten before. */
  const room = (byteCount: number): Uint8Array => {
    const chunk = gatherer.room(byteCount);
    let needed = Atomics.load(told, toldAt);
    while (needed < said && gatherer.ring.next > began[needed % turns]! + readLaterByteCount) needed++;
    waitUntilTold(needed);
    return chunk;
  };
  const source = await openSource(room);
  const say = (isLast: boolean): void => {
    const summary = isLast ? capture.end() : capture.summary();
    if (isLast || said < eagerBatches) gatherer.flush();
    if (said - Atomics.load(told, toldAt) >= aheadLimit) waitUntilTold(said - aheadLeast);
    const batch = writer.batch();
    batches[said % turns] = batch;
    const problems = [...source.problems(), ...summary.problems];
    const message: ThreadBatch = {
      kind: 'batch',
      batch,
      summary: { ...summary, problems },
      bytesRead: source.bytesRead(),
      isLast,
    };
    port.postMessage(message);
    said++;
    began[said % turns] = gatherer.ring.next;
    writer.begin(batches[said % turns] ?? null);
  };
  let chunks = 0;
  for await (const chunk of source.chunks) {
    gatherer.filled(chunk.length);
    capture.push(chunk);
    if (capture.done) break;
    chunks++;
    if (writer.count < batchLength && chunks < chunksOfBatch) continue;
    say(false);
    chunks = 0;
  }
  say(true);
}

/** A file, in chunks that are borrowed until the next one is asked for. */
interface Source {
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  bytesRead(): number;
  problems(): readonly SourceProblem[];
}

/** Throws CommandFailure ('unreadable-input'). `room`: for the next chunk. */
async function openSource(room: (byteCount: number) => Uint8Array): Promise<Source> {
  const file = openPlainFile(input);
  const container = sniffContainer(file.read(new Uint8Array(sniffByteCount), 0));
  if (container !== 'gzip' && container !== 'zstd') return plainSource(file, room);
  file.close();
  const opened = await openInput(input);
  return { ...opened, chunks: inRoom(opened.chunks, room) };
}

/** Read at once: while this thread waits for the disk, the other has work. */
function plainSource(file: PlainFile, room: (byteCount: number) => Uint8Array): Source {
  let position = 0;
  function* chunks(): Generator<Uint8Array> {
    try {
      for (;;) {
        const chunk = file.read(room(readByteCount), position);
        position += chunk.length;
        if (chunk.length === 0) return;
        yield chunk;
      }
    } finally {
      file.close();
    }
  }
  return { chunks: chunks(), bytesRead: () => position, problems: () => [] };
}

try {
  await read();
} catch (error) {
  if (!(error instanceof CommandFailure)) throw error;
  const failure: ThreadFailure = { kind: 'failure', code: error.code, message: error.message };
  port.postMessage(failure);
}
port.close();
