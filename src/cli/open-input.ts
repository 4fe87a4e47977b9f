/**
 * Opens a capture: a file by name, or `-` for standard input. Yields its bytes in chunks, decompressed when the first bytes say
 * gzip (RFC 1952, any number of members) or zstd (RFC 8878, where this Node has it).
 *
 * - Back-pressure: the next chunk is read from the file while the present one is worked on, and no further.
 * - A chunk is borrowed until the next one is asked for.
 * - A compressed file that is cut short or damaged is normal input: all that can be read comes, then a problem is told. Of a damaged
 *   file the damaged part is read a second time byte by byte, because zlib keeps back what it had read of a piece that it
 *   rejects; standard input cannot be read twice, and there up to one piece's output is lost.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { SourceProblem } from '../base/index.js';
import { sniffContainer } from '../packets/index.js';
import { CommandFailure } from './failure.js';
import { ZstdFrames } from './zstd-frames.js';

/** Bytes read from a file at once. */
export const readByteCount = 256 * 1024;
/** Compressed bytes handed to the decompressor at once: bounds what it may answer before it is asked again (1,000 times more). */
const pieceByteCount = 16 * 1024;
/** Enough for every magic number of a compressed file. */
const magicByteCount = 4;

export interface OpenedInput {
  /** Decompressed bytes. Each chunk is valid until the next one is asked for. Can be read once. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Bytes of the file as it lies on disk, or null where that is not known. */
  readonly size: number | null;
  /** Bytes of it read so far, before decompression. */
  bytesRead(): number;
  /** What was wrong with the compression. Complete when the chunks are through. */
  problems(): readonly SourceProblem[];
}

/** Throws CommandFailure ('unreadable-input') when there is nothing to read or no way to read it. */
export async function openInput(input: string): Promise<OpenedInput> {
  const handle = input === '-' ? null : await openFile(input);
  const stat = handle === null ? null : await handle.stat();
  if (handle !== null && stat?.isDirectory() === true) {
    await handle.close();
    throw new CommandFailure('unreadable-input', `${input} is a directory`);
  }
  const isFile = stat?.isFile() === true;
  const counter = { bytes: 0 };
  const problems: SourceProblem[] = [];
  const raw = handle === null ? readStandardInput(counter) : readFileChunks(handle, input, counter);
  return {
    chunks: decompressed(raw, input, isFile, problems),
    size: isFile ? stat.size : null,
    bytesRead: () => counter.bytes,
    problems: () => problems,
  };
}

/** The same bytes, in room that is given; a chunk that is larger than what is read at once comes in parts. */
export async function* inRoom(
  chunks: AsyncIterable<Uint8Array>,
  room: (byteCount: number) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += readByteCount) {
      const part = chunk.subarray(at, at + readByteCount);
      const place = room(part.length);
      place.set(part);
      yield place;
    }
  }
}

interface Counter {
  bytes: number;
}

async function openFile(input: string): Promise<FileHandle> {
  try {
    return await open(input, 'r');
  } catch (error) {
    throw unreadable(input, error);
  }
}

/** A file read by who has nothing else to do meanwhile. */
export interface PlainFile {
  /** Fills `into` from this position of the file on; gives what was read, nothing at the end. Throws CommandFailure. */
  read(into: Uint8Array, position: number): Uint8Array;
  close(): void;
}

/** Throws CommandFailure ('unreadable-input'). */
export function openPlainFile(input: string): PlainFile {
  const attempt = <Value>(action: () => Value): Value => {
    try {
      return action();
    } catch (error) {
      throw unreadable(input, error);
    }
  };
  const file = attempt(() => openSync(input, 'r'));
  return {
    read: (into, position) =>
      into.subarray(
        0,
        attempt(() => readSync(file, into, 0, into.length, position)),
      ),
    close: () => closeSync(file),
  };
}

function unreadable(input: string, error: unknown): CommandFailure {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const why = { ENOENT: 'there is no such file', EACCES: 'permission denied', EISDIR: 'it is a directory' }[String(code)];
  const text = why ?? (error instanceof Error ? error.message : String(error));
  return new CommandFailure('unreadable-input', `cannot read ${input}: ${text}`, { cause: error });
}

/** Two buffers in turn: one is worked on while the other is filled. */
async function* readFileChunks(handle: FileHandle, input: string, counter: Counter): AsyncGenerator<Uint8Array> {
  let filling = Buffer.allocUnsafe(readByteCount);
  let working = Buffer.allocUnsafe(readByteCount);
  let pending = handle.read(filling, 0, readByteCount, null);
  try {
    for (;;) {
      const { bytesRead } = await pending;
      if (bytesRead === 0) return;
      [filling, working] = [working, filling];
      pending = handle.read(filling, 0, readByteCount, null);
      counter.bytes += bytesRead;
      yield working.subarray(0, bytesRead);
    }
  } catch (error) {
    throw unreadable(input, error);
  } finally {
    await pending.catch(() => undefined);
    await handle.close();
  }
}

async function* readStandardInput(counter: Counter): AsyncGenerator<Uint8Array> {
  for await (const chunk of process.stdin) {
    counter.bytes += (chunk as Buffer).length;
    yield chunk as Buffer;
  }
}

async function* decompressed(
  raw: AsyncGenerator<Uint8Array>,
  input: string,
  isFile: boolean,
  problems: SourceProblem[],
): AsyncGenerator<Uint8Array> {
  try {
    const first = await firstBytes(raw);
    const container = sniffContainer(first);
    if (container !== 'gzip' && container !== 'zstd') {
      yield first;
      yield* raw;
      return;
    }
    const create = decompressorFor(container, input);
    let told = 0;
    const frames = container === 'zstd' ? new ZstdFrames() : null;
    const failure = yield* inflate(watched(rejoined(first, raw), frames), create, (byteCount) => {
      told += byteCount;
    });
    if (failure === null) {
      if (frames?.isWhole === false) problems.push(damageOf(container, { isCut: true, error: new Error('cut'), pieceIndex: 0 }));
      return;
    }
    if (isFile && !failure.isCut) yield* secondReading(input, create, failure.pieceIndex, told);
    problems.push(damageOf(container, failure));
  } finally {
    await raw.return(undefined);
  }
}

/** The first bytes, joined until there are enough to know the container. A copy: the buffer behind them is used again. */
async function firstBytes(raw: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  let first: Uint8Array = new Uint8Array(0);
  while (first.length < magicByteCount) {
    const { done, value } = await raw.next();
    if (done === true) break;
    first = first.length === 0 && value.length >= magicByteCount ? value : Buffer.concat([first, value]);
  }
  return first;
}

async function* rejoined(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

async function* watched(chunks: AsyncIterable<Uint8Array>, frames: ZstdFrames | null): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    frames?.push(chunk);
    yield chunk;
  }
}

type CreateDecompressor = () => Transform;

function decompressorFor(container: 'gzip' | 'zstd', input: string): CreateDecompressor {
  if (container === 'gzip') return () => zlib.createGunzip();
  // In Node from 22.15 and 23.8 on; the types are those of the oldest Node that is supported.
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
  if (createZstdDecompress !== undefined) return () => createZstdDecompress();
  const source = input === '-' ? 'it' : input;
  throw new CommandFailure(
    'unreadable-input',
    `${input === '-' ? 'standard input' : input} is compressed with zstd, which Node ${process.versions.node} cannot read: ` +
      `use Node 22.15 or newer, or decompress ${source} first (zstd -dc FILE | holdfast explain -)`,
  );
}

interface DecompressionFailure {
  readonly error: Error;
  /** The compressed bytes ended too early, and all of their content has been told. */
  readonly isCut: boolean;
  /** Number of the piece that was rejected. */
  readonly pieceIndex: number;
}

/** Yields what the pieces decompress to; returns what went wrong, or null. */
async function* inflate(
  raw: AsyncIterable<Uint8Array>,
  create: CreateDecompressor,
  onTold: (byteCount: number) => void,
): AsyncGenerator<Uint8Array, DecompressionFailure | null> {
  const pump = new Pump(create());
  let pieceIndex = 0;
  try {
    for await (const piece of inPieces(raw, pieceByteCount)) {
      for (const output of await pump.write(piece)) {
        onTold(output.length);
        yield output;
      }
      if (pump.error !== null) return { error: pump.error, isCut: false, pieceIndex };
      pieceIndex += 1;
    }
    for (const output of await pump.end()) {
      onTold(output.length);
      yield output;
    }
    return pump.error === null ? null : { error: pump.error, isCut: true, pieceIndex };
  } finally {
    pump.destroy();
  }
}

/** Reads the file again up to the piece that was rejected, and that one byte by byte; yields what has not been told before. */
async function* secondReading(
  input: string,
  create: CreateDecompressor,
  rejectedPiece: number,
  told: number,
): AsyncGenerator<Uint8Array> {
  const raw = readFileChunks(await openFile(input), input, { bytes: 0 });
  const pump = new Pump(create());
  let toSkip = told;
  let pieceIndex = 0;
  try {
    for await (const piece of inPieces(raw, pieceByteCount)) {
      const parts = pieceIndex < rejectedPiece ? [piece] : inBytes(piece);
      for (const part of parts) {
        for (const output of await pump.write(part)) {
          const skipped = Math.min(toSkip, output.length);
          toSkip -= skipped;
          if (skipped < output.length) yield output.subarray(skipped);
        }
        if (pump.error !== null) return;
      }
      pieceIndex += 1;
    }
  } finally {
    pump.destroy();
    await raw.return(undefined);
  }
}

async function* inPieces(raw: AsyncIterable<Uint8Array>, byteCount: number): AsyncGenerator<Uint8Array> {
  for await (const chunk of raw) {
    for (let at = 0; at < chunk.length; at += byteCount) yield chunk.subarray(at, at + byteCount);
  }
}

function* inBytes(piece: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < piece.length; at += 1) yield piece.subarray(at, at + 1);
}

/** A decompressor that answers each piece with its output: the stream's own queue would drop what it holds when it fails. */
class Pump {
  error: Error | null = null;
  readonly #transform: Transform;
  /** Whoever waits for the decompressor; a write that it fails in is never called back, so its end wakes the writer too. */
  #resume: () => void = () => undefined;
  #isClosed = false;
  #output: Uint8Array[] = [];

  constructor(transform: Transform) {
    this.#transform = transform;
    transform.on('data', (chunk: Uint8Array) => this.#output.push(chunk));
    transform.on('error', (error: Error) => {
      this.error = error;
    });
    transform.on('close', () => {
      this.#isClosed = true;
      this.#resume();
    });
  }

  async write(piece: Uint8Array): Promise<Uint8Array[]> {
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
      if (this.#isClosed) resolve();
      else this.#transform.write(piece, () => resolve());
    });
    return this.#take();
  }

  async end(): Promise<Uint8Array[]> {
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
      if (this.#isClosed) resolve();
      else this.#transform.end();
    });
    return this.#take();
  }

  destroy(): void {
    this.#transform.destroy();
  }

  #take(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }
}

function damageOf(container: 'gzip' | 'zstd', { error, isCut }: DecompressionFailure): SourceProblem {
  return {
    code: isCut ? 'compression-cut-short' : 'compression-damaged',
    count: 1,
    firstPacket: 0,
    text: isCut
      ? `The ${container} file ends too early; what it holds was read.`
      : `The ${container} file is damaged (${error.message}); what stands before the damage was read.`,
  };
}
