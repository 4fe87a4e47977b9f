/**
 * Gathers what each connection has to say and hands it on together, instead of a word here and a word there as the packets of
 * hundreds of connections come in turns. Whoever tells stories then has one connection in hand, from its beginning to its end. That
 * takes half the time: what is worked on stays in the processor's caches, and is garbage before it is old.
 *
 * - The order within a connection stays; connections come in the order in which they are closed.
 * - Bytes are not copied: the input is read into a ring of memory, and notes say where in it they lie. Before they are overwritten,
 *   the connections that need them are handed on as far as they go. So memory is bounded, and a long connection comes in pieces.
 * - When that happens follows from the input and its chunks, and only the pieces depend on it, not what they say.
 */
import { ByteRing } from './byte-ring.js';
import type { BytesObservation, ConnectionId, Observer, OpenedObservation } from './observation.js';
import { longestRecord, ObservationLog } from './observation-log.js';

export const gatherLimits = {
  /** Bytes of the input that stay readable. */
  ringByteCount: 32 * 1024 * 1024,
  /** What waits of one connection, in numbers; and the memory, in bytes, of all that waits and of what is kept for what will. */
  numbersOfConnection: 4096,
  memoryOfAll: 12 * 1024 * 1024,
  idleMemory: 2 * 1024 * 1024,
} as const;

/** Room for numbers comes in these sizes. */
const rooms = [64, 256, 1024, gatherLimits.numbersOfConnection] as const;
/** Chunks begin so far behind a page: some processors copy much slower to where the offset in the page is nearly the source's. */
const pageByteCount = 4096;
const chunkOffset = 128;
/** Room in the ring behind each chunk, for addresses and for bytes that were held back or that two chunks share; more of them are kept by themselves. */
const besideChunk = 128 * 1024;

export interface GathererOptions {
  /** For the ring: `gatherLimits.ringByteCount` bytes. */
  readonly memory: ArrayBufferLike;
  /** Takes what a connection had to say; the log is borrowed for the call. */
  readonly hand: (log: ObservationLog) => void;
  /** What was handed on is still read while so many bytes more of the input come. */
  readonly readLaterByteCount?: number;
}

export class ObservationGatherer {
  readonly ring: ByteRing;
  private readonly hand: (log: ObservationLog) => void;
  private readonly readLaterByteCount: number;
  private readonly logs = new Map<ConnectionId, ObservationLog>();
  private last: ObservationLog | null = null;
  /** Logs that need bytes, in order of the first; from `queueHead` on. */
  private queue: ObservationLog[] = [];
  private queuePlaces: number[] = [];
  private queueHead = 0;
  /** Where the present chunk begins. */
  private chunkPlace = 0;
  /** Up to where there is room for what does not lie in it. */
  private besideEnd = 0;
  /** Memory of all logs, and of what is kept for them, in bytes. */
  private held = 0;
  private idle = 0;
  private readonly idleNumbers: Float64Array[][] = rooms.map(() => []);

  constructor({ memory, hand, readLaterByteCount = 0 }: GathererOptions) {
    this.ring = new ByteRing(memory);
    this.hand = hand;
    this.readLaterByteCount = readLaterByteCount;
  }

  /** Room for the next chunk of the input, of up to so many bytes. Call `filled` next. */
  room(byteCount: number): Uint8Array {
    const { ring } = this;
    const place = ring.placeFor(pageByteCount + byteCount + besideChunk);
    this.chunkPlace = place + ((2 * pageByteCount + chunkOffset - (ring.offsetOf(place) % pageByteCount)) % pageByteCount);
    ring.next = this.chunkPlace + byteCount;
    this.forget(ring.next + besideChunk);
    const offset = ring.offsetOf(this.chunkPlace);
    return ring.memory.subarray(offset, offset + byteCount);
  }

  /** So many bytes are in the room: they stay as long as they are needed. */
  filled(byteCount: number): void {
    this.ring.next = this.chunkPlace + byteCount;
    this.besideEnd = this.ring.next + besideChunk;
  }

  readonly observe: Observer = (observation) => {
    switch (observation.kind) {
      case 'bytes':
        this.bytes(observation);
        break;
      case 'ack':
        this.logOf(observation.connection).noteAck(observation);
        break;
      case 'syn':
        this.logOf(observation.connection).noteSyn(observation);
        break;
      case 'fin':
        this.logOf(observation.connection).noteFin(observation);
        break;
      case 'call':
        this.logOf(observation.connection).noteCall(observation);
        break;
      case 'opened':
        this.opened(observation);
        break;
      case 'gap':
        this.logOf(observation.connection).noteGap(observation);
        break;
      case 'reset':
        this.logOf(observation.connection).noteReset(observation);
        break;
      case 'closed': {
        const log = this.logOf(observation.connection);
        log.noteClosed(observation);
        this.handOn(log);
        this.logs.delete(log.connection);
        this.last = null;
        break;
      }
      default:
        this.logOf(observation.connection).noteOther(observation);
    }
  };

  /** Hands on all that waits. */
  flush(): void {
    for (const log of this.logs.values()) if (log.count > 0) this.handOn(log);
    this.logs.clear();
    this.queue = [];
    this.queuePlaces = [];
    this.queueHead = 0;
    this.last = null;
  }

  private bytes(observation: BytesObservation): void {
    const { data, start, end } = observation;
    const { memory } = this.ring;
    const log = this.logOf(observation.connection);
    let offset = data.byteOffset + start;
    if (data.buffer !== memory.buffer) {
      offset = this.roomBeside(end - start);
      if (offset < 0) {
        log.noteOther({ ...observation, data: data.slice(start, end), start: 0, end: end - start });
        return;
      }
      memory.set(data.subarray(start, end), offset);
    }
    if (log.firstPlace < 0) this.enqueue(log);
    log.noteBytes(observation, offset);
  }

  private opened(observation: OpenedObservation): void {
    const { memory } = this.ring;
    const text = observation.client.address + observation.server.address;
    const log = this.logOf(observation.connection);
    const offset = this.roomBeside(text.length);
    if (offset < 0) {
      log.noteOther(observation);
      return;
    }
    for (let at = 0; at < text.length; at++) memory[offset + at] = text.charCodeAt(at);
    if (log.firstPlace < 0) this.enqueue(log);
    log.noteOpened(observation, offset);
  }

  /** Where in the ring's memory there is room beside the chunk for what does not lie in it; −1: none is left. */
  private roomBeside(byteCount: number): number {
    const { ring } = this;
    const place = ring.next;
    if (place + byteCount > this.besideEnd) return -1;
    ring.next = place + byteCount;
    return ring.offsetOf(place);
  }

  /** From now on the log needs bytes of this chunk. */
  private enqueue(log: ObservationLog): void {
    log.firstPlace = this.chunkPlace;
    this.queue.push(log);
    this.queuePlaces.push(this.chunkPlace);
  }

  /** The ring is about to be written up to this place: hands on those that need what lies there. */
  private forget(end: number): void {
    const from = end + this.readLaterByteCount - this.ring.size;
    const { queue, queuePlaces } = this;
    let head = this.queueHead;
    for (; head < queue.length && queuePlaces[head]! < from; head++) {
      if (queue[head]!.firstPlace === queuePlaces[head]) this.handOn(queue[head]!);
    }
    if (head > 1024 && 2 * head > queue.length) {
      queue.splice(0, head);
      queuePlaces.splice(0, head);
      head = 0;
    }
    this.queueHead = head;
  }

  /** The log of this connection, with room for a record. */
  private logOf(connection: ConnectionId): ObservationLog {
    let log = this.last;
    if (log === null || log.connection !== connection) {
      log = this.logs.get(connection) ?? this.begin(connection);
      this.last = log;
    }
    if (log.count + longestRecord > log.numbers.length) this.makeRoom(log);
    return log;
  }

  private begin(connection: ConnectionId): ObservationLog {
    if (this.held > gatherLimits.memoryOfAll) this.flush();
    const log = new ObservationLog(connection);
    this.logs.set(connection, log);
    return log;
  }

  private makeRoom(log: ObservationLog): void {
    // One that was full once will be full again.
    const isFull = log.count + longestRecord > gatherLimits.numbersOfConnection;
    if (isFull) this.handOn(log);
    let size = isFull ? rooms.length - 1 : 0;
    while (rooms[size]! < log.count + longestRecord) size++;
    const kept = this.idleNumbers[size]!.pop();
    if (kept !== undefined) this.idle -= kept.byteLength;
    const numbers = kept ?? new Float64Array(rooms[size]!);
    numbers.set(log.numbers.subarray(0, log.count));
    this.held += numbers.byteLength;
    this.release(log);
    log.numbers = numbers;
  }

  private handOn(log: ObservationLog): void {
    this.hand(log);
    this.release(log);
    log.clear();
  }

  /** Keeps the room that a log had for another. */
  private release({ numbers }: ObservationLog): void {
    this.held -= numbers.byteLength;
    const size = rooms.indexOf(numbers.length as (typeof rooms)[number]);
    if (size === -1 || this.idle + numbers.byteLength > gatherLimits.idleMemory) return;
    this.idle += numbers.byteLength;
    this.idleNumbers[size]!.push(numbers);
  }
}
