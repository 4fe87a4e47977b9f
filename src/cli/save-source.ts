/** Writes a live source to a file, as it comes. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { PacketSource } from '../capture/index.js';
import { escapeName } from '../view/index.js';
import { CommandFailure } from './failure.js';

/** Resolves when the source has ended and all is written. Throws CommandFailure when the file cannot be written. */
export async function saveSource(source: PacketSource, path: string): Promise<void> {
  try {
    await pipeline(source.chunks, createWriteStream(path));
  } catch (error) {
    const { syscall, message } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new CommandFailure('output-failed', `cannot write ${escapeName(path)}: ${message}`, { cause: error });
  }
}
