/**
 * The newest bytes of a live capture, kept so that what was just seen on the screen can still be saved. Live sources hand out pcapng in
 * whole blocks, so a file may begin at any chunk behind the head: nothing is read here until something is saved.
 */
import { open } from 'node:fs/promises';
import { observeCapture } from '../packets/index.js';
import { formatEndpoint } from '../view/index.js';

/** Bytes kept. */
const recentBytesLimit = 32 * 1024 * 1024;

const sectionHeader = 0x0a0d0d0a;
const interfaceDescription = 1;
const enhancedPacket = 6;

export class RecentPackets {
  #head: Uint8Array | null = null;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** Packets were left behind. */
  forgotten = false;

  add(chunk: Uint8Array): void {
    if (this.#head === null) {
      const end = headEnd(chunk);
      // A copy: the chunk is forgotten one day, the head is not.
      this.#head = chunk.slice(0, end);
      this.#push(chunk.subarray(end));
    } else this.#push(chunk);
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes > recentBytesLimit && this.#chunks.length > 1) {
      this.#bytes -= this.#chunks.shift()!.length;
      this.forgotten = true;
    }
  }

  /** Writes them to a new file, at most the packets of these ends (`address:port address:port`), and says how many. Rejects when it cannot. */
  async save(path: string, ends: ReadonlySet<string> | null): Promise<number> {
    const head = this.#head ?? new Uint8Array(0);
    const file = await open(path, 'wx');
    let packets = 0;
    try {
      await file.writeFile(head);
      const belongs = ends === null ? null : endsReader(head, ends);
      for (const chunk of [...this.#chunks]) {
        const kept: Uint8Array[] = [];
        for (const block of blocksOf(chunk)) {
          if (typeOf(block) !== enhancedPacket) continue;
          if (belongs !== null && !belongs(block)) continue;
          kept.push(block);
          packets++;
        }
        if (kept.length > 0) await file.writeFile(Buffer.concat(kept));
      }
    } finally {
      await file.close();
    }
    return packets;
  }
}

/** Both orders are one: sorted. */
export const endsKey = (one: string, other: string): string => (one < other ? `${one} ${other}` : `${other} ${one}`);

/** Tells of each packet whether it is of these ends. */
function endsReader(head: Uint8Array, ends: ReadonlySet<string>): (block: Uint8Array) => boolean {
  const keys = new Map<number, boolean>();
  let belongs = false;
  const reading = observeCapture({
    live: true,
    observe: (observation) => {
      if (observation.kind !== 'opened') return;
      const { connection, client, server } = observation;
      keys.set(connection, ends.has(endsKey(formatEndpoint(client), formatEndpoint(server))));
    },
    tap: (_segment, connection) => {
      belongs = keys.get(connection) === true;
    },
  });
  reading.push(head);
  return (block) => {
    belongs = false;
    reading.push(block);
    return belongs;
  };
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
const typeOf = (block: Uint8Array): number => wordAt(block, 0);

function* blocksOf(chunk: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at + 12 <= chunk.length; ) {
    const length = wordAt(chunk, at + 4);
    if (length < 12 || at + length > chunk.length) return;
    yield chunk.subarray(at, at + length);
    at += length;
  }
}

/** Behind the section header and the interfaces. */
function headEnd(chunk: Uint8Array): number {
  let end = 0;
  for (const block of blocksOf(chunk)) {
    if (typeOf(block) !== sectionHeader && typeOf(block) !== interfaceDescription) break;
    end += block.length;
  }
  return end;
}
