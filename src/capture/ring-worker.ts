/**
 * The worker of the ring: takes blocks from the kernel, makes packet blocks of them in place, and gives them to files or to the main
 * thread. One loop that never returns to the event loop until the capture ends.
 *
 * Rules
 * - A stop refuses new packets in the kernel first and then empties the ring: what was captured is handed out.
 * - A reader that is behind: `drop` lets whole blocks go and counts their packets; `wait` lets the ring fill, and the kernel counts.
 * - A file is written from the ring's own memory, and the block is the kernel's again after that.
 */
import { release } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { CaptureError } from './capture-error.js';
import { CaptureFiles } from './capture-files.js';
import { kernelFilter, refuseAll } from './kernel-filter.js';
import { LinkType, PacketSocket } from './packet-ring.js';
import { pcapngHead, pcapngStatistics } from './pcapng-blocks.js';
import { blockStatusOffset, RingBlockReader } from './ring-block.js';
import { type RingMessage, type RingRequest, RingShared } from './ring-protocol.js';

/** A block is handed over when it is full, or this long after its first packet. */
const retireMs = 40;
/** How long to wait for packets at a time; the counts are looked at in between. */
const waitMs = 500;
/** After a stop: waits of `retireMs` without a block after which the ring is believed to be empty whatever the counts say. */
const quietWaits = 5;
/** Blocks after which the kernel's counts are asked for when it never waits. */
const blocksBetweenCounts = 16;
const mebibyte = 1024 * 1024;
/** Larger blocks waste less at their ends, where a packet does not fit any more; too few of them leave the kernel none to fill. */
const blockByteCounts = [mebibyte, mebibyte / 2, mebibyte / 4];
const fewestBlocks = 8;
const ownedByUs = 1;

/** Where the packet blocks go. */
interface Sink {
  begin(head: Uint8Array): void;
  /** False: the block in the ring is to be let go. */
  ready(): boolean;
  /** `pieces`: beginning and end of each, as offsets in the ring. */
  write(ring: Uint8Array, pieces: readonly number[]): void;
  end(): void;
  readonly writtenBytes: number;
  readonly files: number;
  /** Packets given to `write` that did not arrive, after it threw. */
  readonly lost: number;
}

class RingRun {
  readonly #request: RingRequest;
  readonly #shared: RingShared;
  readonly #socket: PacketSocket;
  readonly #sink: Sink;
  readonly #most: number;
  #received = 0;
  #droppedByKernel = 0;
  #droppedBySource = 0;
  #delivered = 0;
  #startNs = 0n;

  constructor(request: RingRequest) {
    this.#request = request;
    this.#shared = new RingShared(request.shared);
    this.#most = request.packetLimit ?? Number.POSITIVE_INFINITY;
    this.#socket = new PacketSocket();
    const last = (): Uint8Array => this.#statistics();
    this.#sink = request.files === null ? new QueueSink(request, this.#shared, last) : new FileSink(request.files, last);
  }

  run(): void {
    const { interface: name, filter, snapLength, bufferBytes, promiscuous } = this.#request;
    const socket = this.#socket;
    try {
      const facts = socket.interfaceFacts(name);
      const loopbackIndex = facts.index === 0 ? socket.loopbackIndex() : 0;
      if (facts.cooked) socket.useCooked();
      socket.attachFilter(kernelFilter({ expression: filter, facts, loopbackIndex, snapLength }));
      if (facts.loopback) socket.ignoreOutgoing();
      const blockByteCount = blockByteCounts.find((each) => bufferBytes / each >= fewestBlocks) ?? blockByteCounts.at(-1)!;
      const ring = socket.map(blockByteCount, Math.max(2, Math.ceil(bufferBytes / blockByteCount)), retireMs, facts);
      const waker = socket.makeWaker();
      const operatingSystem = `Linux ${release()}`;
      this.#sink.begin(pcapngHead({ interfaceName: name, linkType: facts.linkType, snapLength, filter, operatingSystem }));
      const reader = new RingBlockReader(ring, blockByteCount, {
        cooked: facts.cooked,
        ethernet: !facts.cooked && facts.linkType === LinkType.ethernet,
        directions: !facts.cooked && !facts.loopback,
      });
      this.#startNs = nowNs();
      socket.bind(facts.index, promiscuous);
      say({ kind: 'listening', waker });
      this.#loop(ring, blockByteCount, reader);
    } finally {
      socket.close();
    }
  }

  /** Takes block after block in the ring's order until the end. Throws CaptureError when the source or the sink fails. */
  #loop(ring: ArrayBuffer, blockByteCount: number, reader: RingBlockReader): void {
    const states = new Int32Array(ring);
    const bytes = new Uint8Array(ring);
    let failure: CaptureError | null = null;
    let stopping = false;
    let quiet = 0;
    let sinceCounts = 0;
    let handled = 0;
    try {
      for (let start = 0; ; ) {
        const state = (start + blockStatusOffset) >>> 2;
        if ((Atomics.load(states, state) & ownedByUs) !== 0) {
          reader.begin(start);
          handled += reader.left;
          this.#takeBlock(reader, bytes);
          Atomics.store(states, state, 0);
          start = (start + blockByteCount) % ring.byteLength;
          quiet = 0;
          sinceCounts += 1;
          if (this.#delivered >= this.#most) return;
        } else {
          sinceCounts = blocksBetweenCounts;
        }
        if (sinceCounts >= blocksBetweenCounts) {
          this.#count();
          sinceCounts = 0;
        }
        if (!stopping && (this.#shared.stopRequested || failure !== null)) {
          stopping = true;
          quiet = 0;
          this.#socket.attachFilter(refuseAll);
          this.#count();
        }
        if ((Atomics.load(states, (start + blockStatusOffset) >>> 2) & ownedByUs) !== 0) continue;
        if (stopping && (handled >= this.#received - this.#droppedByKernel || quiet >= quietWaits)) break;
        const waited = this.#socket.wait(stopping ? retireMs : waitMs);
        if (waited === 'failed' && failure === null) failure = this.#socket.failure(this.#request.interface);
        else if (waited !== 'ready') quiet += 1;
      }
    } finally {
      this.#count();
      this.#sink.end();
      this.#tell();
    }
    if (failure !== null) throw failure;
  }

  #takeBlock(reader: RingBlockReader, bytes: Uint8Array): void {
    if (!this.#sink.ready()) {
      this.#droppedBySource += reader.left;
      this.#tell();
      return;
    }
    reader.take(this.#most - this.#delivered);
    this.#delivered += reader.taken;
    try {
      this.#sink.write(bytes, reader.pieces);
    } catch (error) {
      this.#delivered -= this.#sink.lost;
      this.#droppedBySource += this.#sink.lost;
      throw error;
    } finally {
      this.#tell();
    }
  }

  #count(): void {
    const { received, dropped } = this.#socket.newCounts();
    this.#received += received;
    this.#droppedByKernel += dropped;
    this.#tell();
  }

  #tell(): void {
    this.#shared.tell({
      received: this.#received,
      droppedByKernel: this.#droppedByKernel,
      droppedBySource: this.#droppedBySource,
      delivered: this.#delivered,
      writtenBytes: this.#sink.writtenBytes,
      files: this.#sink.files,
    });
  }

  #statistics(): Uint8Array {
    return pcapngStatistics({
      startNs: this.#startNs,
      endNs: nowNs(),
      received: this.#received,
      droppedByKernel: this.#droppedByKernel,
      delivered: this.#delivered,
    });
  }
}

const nowNs = (): bigint => BigInt(Date.now()) * 1_000_000n;

/** To the main thread, a copy a block. */
class QueueSink implements Sink {
  readonly writtenBytes = 0;
  readonly files = 0;
  readonly lost = 0;
  readonly #request: RingRequest;
  readonly #shared: RingShared;
  readonly #last: () => Uint8Array;

  constructor(request: RingRequest, shared: RingShared, last: () => Uint8Array) {
    this.#request = request;
    this.#shared = shared;
    this.#last = last;
  }

  begin(head: Uint8Array): void {
    this.#hand(new Uint8Array(head));
  }

  ready(): boolean {
    const shared = this.#shared;
    const { queueLimitBytes, whenBehind } = this.#request;
    for (;;) {
      const { queuedBytes } = shared;
      // After a stop the rest is at most what the ring holds.
      if (queuedBytes < queueLimitBytes || shared.stopRequested) return true;
      if (whenBehind === 'drop') return false;
      shared.waitForReader(queuedBytes, waitMs);
    }
  }

  write(ring: Uint8Array, pieces: readonly number[]): void {
    for (let piece = 0; piece < pieces.length; piece += 2) this.#hand(ring.slice(pieces[piece]!, pieces[piece + 1]!));
  }

  end(): void {
    this.#hand(new Uint8Array(this.#last()));
  }

  #hand(chunk: Uint8Array<ArrayBuffer>): void {
    this.#shared.queue(chunk.length);
    say({ kind: 'chunk', chunk }, [chunk.buffer]);
  }
}

class FileSink implements Sink {
  readonly #options: NonNullable<RingRequest['files']>;
  readonly #last: () => Uint8Array;
  #files: CaptureFiles | null = null;
  #told = 0;

  constructor(options: NonNullable<RingRequest['files']>, last: () => Uint8Array) {
    this.#options = options;
    this.#last = last;
  }

  get writtenBytes(): number {
    return this.#files?.byteCount ?? 0;
  }

  get files(): number {
    return this.#files?.begun ?? 0;
  }

  get lost(): number {
    return this.#files?.lost ?? 0;
  }

  begin(head: Uint8Array): void {
    this.#files = new CaptureFiles(this.#options, head);
    this.#tellFile(this.#files);
  }

  ready(): boolean {
    return true;
  }

  write(ring: Uint8Array, pieces: readonly number[]): void {
    const files = this.#files!;
    for (let piece = 0; piece < pieces.length; piece += 2) files.write(ring, pieces[piece]!, pieces[piece + 1]!, this.#last);
    if (files.begun > this.#told) this.#tellFile(files);
  }

  end(): void {
    this.#files?.end(this.#last());
  }

  #tellFile(files: CaptureFiles): void {
    this.#told = files.begun;
    say({ kind: 'file', path: files.path });
  }
}

function say(message: RingMessage, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

try {
  new RingRun(workerData as RingRequest).run();
  say({ kind: 'ended', failure: null });
} catch (error) {
  if (!(error instanceof CaptureError)) throw error;
  const { code, message, wayOut } = error;
  say({ kind: 'ended', failure: { code, message, wayOut } });
}
