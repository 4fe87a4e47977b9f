/**
 * The files that a capture is written to: one, or one after the other by size or time, of which the newest are kept.
 *
 * Rules
 * - A file is complete after any end: it begins with the head, holds whole blocks, and ends with the counts if there is room. When the
 *   disk is full, what was written of a packet is cut off again.
 * - Whole blocks are written as they come; nothing waits in this process, so a killed capture loses nothing that was handed over.
 * - Numbered names are dumpcap's: NAME_00001_20261121034700.pcapng, in the local time at which the file was begun.
 * - Captures hold other people's secrets: a new file is for its owner only. Under sudo the owner is who called sudo.
 * - A capture must not fill the disk of a host that is in trouble already: it ends while some is left, if it was told how much.
 * - Synchronous on purpose: this runs in the capture's own thread, and while a slow disk blocks, the kernel's buffer fills.
 */
import { closeSync, fchownSync, ftruncateSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { CaptureError } from './capture-error.js';
import { PcapngType, statisticsByteCount } from './pcapng-blocks.js';

export interface CaptureFileOptions {
  /** With rotation each file has a number and a time put into this name. */
  readonly path: string;
  /** Begin the next file before one is larger. */
  readonly rotateBytes?: number | undefined;
  /** Begin the next file with the first packet that is so much later, in seconds. */
  readonly rotateSeconds?: number | undefined;
  /** Keep the newest files only; the others are deleted. */
  readonly files?: number | undefined;
  /** Ends the capture while the disk still has so many bytes; 0 uses it up. */
  readonly leaveFreeBytes?: number | undefined;
}

const ownerOnly = 0o600;
/** Bytes after which it is looked how much the disk has left. */
const lookAtDiskEvery = 16 * 1024 * 1024;

export class CaptureFiles {
  /** The file that is written now. */
  path = '';
  /** Files begun. */
  begun = 0;
  /** Bytes written to all of them. */
  byteCount = 0;
  /** Packets of a failed write that are not in a file. */
  lost = 0;
  readonly #options: CaptureFileOptions;
  readonly #head: Uint8Array;
  readonly #rotates: boolean;
  readonly #kept: string[] = [];
  #fd = -1;
  #size = 0;
  #lookAgainAt = 0;
  /** Where in the bytes of the current write the written ones end, as far as they are whole blocks. */
  #written = 0;
  /** Unix time in seconds at which the next file is due. */
  #dueAt = Number.POSITIVE_INFINITY;

  /** Begins the first file. Throws CaptureError `unwritable-file` or `disk-full`. */
  constructor(options: CaptureFileOptions, head: Uint8Array) {
    this.#options = options;
    this.#head = head;
    this.#rotates = options.rotateBytes !== undefined || options.rotateSeconds !== undefined;
    this.#begin();
    if (options.rotateSeconds !== undefined) this.#dueAt = Math.floor(Date.now() / 1000) + options.rotateSeconds;
  }

  /**
   * Writes whole packet blocks, beginning new files between them as asked. `statistics` makes the last block of a file.
   * Throws CaptureError; `lost` then says how many packets did not get into a file.
   */
  write(bytes: Uint8Array, from: number, to: number, statistics: () => Uint8Array): void {
    this.#written = from;
    try {
      if (this.byteCount >= this.#lookAgainAt) this.#lookAtDisk();
      if (this.#rotates) this.#writeRotating(bytes, from, to, statistics);
      else this.#appendPackets(bytes, from, to);
    } catch (error) {
      this.lost += packetBlocks(bytes, this.#written, to);
      throw error;
    }
  }

  #writeRotating(bytes: Uint8Array, from: number, to: number, statistics: () => Uint8Array): void {
    const most = this.#options.rotateBytes ?? Number.POSITIVE_INFINITY;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let start = from;
    for (let at = from; at < to; ) {
      const byteCount = view.getUint32(at + 4, true);
      const second = (view.getUint32(at + 12, true) * 0x1_0000_0000 + view.getUint32(at + 16, true)) / 1e9;
      const size = this.#size + at - start;
      const isFull = size + byteCount + statisticsByteCount > most && size > this.#head.length;
      if (isFull || second >= this.#dueAt) {
        this.#appendPackets(bytes, start, at);
        start = at;
        this.end(statistics());
        this.#begin();
        if (this.#options.rotateSeconds !== undefined) this.#dueAt = Math.floor(second) + this.#options.rotateSeconds;
      }
      at += byteCount;
    }
    this.#appendPackets(bytes, start, to);
  }

  #lookAtDisk(): void {
    this.#lookAgainAt = this.byteCount + lookAtDiskEvery;
    const least = this.#options.leaveFreeBytes ?? 0;
    if (least === 0) return;
    const { bavail, bsize } = statfsSync(dirname(this.path));
    if (bavail * bsize >= least) return;
    throw new CaptureError(
      'disk-full',
      `${this.path}: the disk has less than ${Math.round(least / 1e6)} MB left, so the capture ends`,
      {
        wayOut: diskWayOut,
      },
    );
  }

  #appendPackets(bytes: Uint8Array, from: number, to: number): void {
    const before = this.#size;
    try {
      this.#append(bytes, from, to);
    } finally {
      this.#written = from + this.#size - before;
    }
  }

  /** Ends the current file with its last block. */
  end(statistics: Uint8Array): void {
    if (this.#fd < 0) return;
    try {
      this.#append(statistics, 0, statistics.length);
    } catch (error) {
      // On a full disk the file is complete without it.
      if (!(error instanceof CaptureError) || error.code !== 'disk-full') throw error;
    } finally {
      const fd = this.#fd;
      this.#fd = -1;
      closeSync(fd);
    }
  }

  #begin(): void {
    this.begun += 1;
    this.path = this.#rotates ? numbered(this.#options.path, this.begun, new Date()) : this.#options.path;
    try {
      this.#fd = openNew(this.path);
    } catch (cause) {
      throw failureOf(cause as NodeJS.ErrnoException, this.path);
    }
    this.#size = 0;
    this.#append(this.#head, 0, this.#head.length);
    this.#kept.push(this.path);
    if (this.#rotates && this.#kept.length > (this.#options.files ?? Number.POSITIVE_INFINITY))
      rmSync(this.#kept.shift()!, { force: true });
  }

  #append(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    try {
      while (at < to) at += writeSync(this.#fd, bytes, at, to - at);
    } catch (cause) {
      const whole = wholeBlocks(bytes, from, at);
      this.#size += whole - from;
      this.byteCount += whole - from;
      this.#cutOff();
      throw failureOf(cause as NodeJS.ErrnoException, this.path);
    }
    this.#size += to - from;
    this.byteCount += to - from;
  }

  #cutOff(): void {
    try {
      ftruncateSync(this.#fd, this.#size);
    } catch {
      // A pipe cannot be cut; readers of pcapng take a cut end.
    }
  }
}

const diskWayOut =
  'Another place for -w; --rotate-size with --files to keep only the newest; a filter; --snap-length 200 for headers only.';

function openNew(path: string): number {
  try {
    const fd = openSync(path, 'wx', ownerOnly);
    const { SUDO_UID, SUDO_GID } = process.env;
    if (process.geteuid?.() === 0 && SUDO_UID !== undefined && SUDO_GID !== undefined)
      fchownSync(fd, Number(SUDO_UID), Number(SUDO_GID));
    return fd;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return openSync(path, 'w');
  }
}

/** End of the last whole block before `end`. */
function wholeBlocks(bytes: Uint8Array, from: number, end: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = from;
  while (at + 8 <= end && at + view.getUint32(at + 4, true) <= end) at += view.getUint32(at + 4, true);
  return at;
}

/** How many of the blocks are packets. */
function packetBlocks(bytes: Uint8Array, from: number, to: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  for (let at = from; at < to; at += view.getUint32(at + 4, true))
    if (view.getUint32(at, true) === PcapngType.enhancedPacket) count += 1;
  return count;
}

function numbered(path: string, number: number, date: Date): string {
  const extension = extname(path);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  const time = `${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
  const stem = path.slice(0, path.length - extension.length);
  return `${stem}_${String(number).padStart(5, '0')}_${day}${time}${extension}`;
}

function failureOf(cause: NodeJS.ErrnoException, path: string): CaptureError {
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
    return new CaptureError('disk-full', `no room is left for ${path}`, {
      wayOut: diskWayOut,
      cause,
    });
  const why = {
    EACCES: 'permission denied',
    ENOENT: 'no such folder',
    EISDIR: 'it is a folder',
    EROFS: 'the file system is read-only',
  };
  return new CaptureError('unwritable-file', `cannot write ${path}: ${why[cause.code as keyof typeof why] ?? cause.message}`, {
    cause,
  });
}
