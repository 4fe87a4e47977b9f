/**
 * Observations as numbers, to hand them from one thread to another: whoever reads packets writes them into memory that both
 * share, and whoever tells stories reads them there. One batch holds what one chunk of the input gave.
 *
 *     record   │ kind and side │ connection │ atNs │ packet │ what the kind adds … │        float64 each
 *
 * - Bytes that lie in the chunk of the batch are not copied, only their place is written; others are copied behind each other
 *   into `copied`, as is the text of addresses.
 * - Observations that no capture gives (heads of a source that knows messages) have no numbers: those go into `others`.
 * - What is read is filled into one object a kind, again and again: like bytes, an observation is borrowed for the call.
 */
import type {
  AckObservation,
  BytesObservation,
  CallObservation,
  ClosedObservation,
  FinObservation,
  GapObservation,
  Observation,
  Observer,
  OpenedObservation,
  ResetObservation,
  SegmentCall,
  Side,
  SynObservation,
} from './observation.js';

export interface ObservationBatch {
  /** Shared memory; the first `count` are records. */
  readonly numbers: Float64Array;
  readonly count: number;
  readonly copied: Uint8Array;
  readonly others: readonly Observation[];
}

// Kinds, as the first number of a record says them, times two; the side of the server adds one.
const openedCode = 0;
const synCode = 1;
const bytesCode = 2;
const copiedBytesCode = 3;
const ackCode = 4;
const callCode = 5;
const finCode = 6;
const closedCode = 7;
const gapCode = 8;
const resetCode = 9;
const otherCode = 10;

/** The longest record has so many numbers. */
const longestRecord = 13;
/** Addresses known by number at once. */
const knownAddresses = 4096;
/** Numbers and bytes that a batch has room for until it has to grow. */
const usualRoom = { numbers: 64 * 1024, bytes: 32 * 1024 } as const;
/** The most that is kept for the next batch. */
const mostKept = { numbers: 256 * 1024, bytes: 256 * 1024 } as const;

const calls: readonly SegmentCall[] = [
  'zero-window-probe',
  'zero-window-probe-answer',
  'keep-alive-probe',
  'keep-alive-answer',
  'zero-window',
  'window-update',
  'window-full',
  'duplicate-ack',
  'lost-segment',
  'ack-of-unseen',
  'retransmission',
  'fast-retransmission',
  'spurious-retransmission',
  'out-of-order',
  'duplicate-frame',
];
const evidences: readonly OpenedObservation['evidence'][] = ['syn', 'syn-ack', 'mid-stream'];
const gapReasons: readonly GapObservation['why'][] = ['not-captured', 'cut-by-snap-length', 'buffer-limit'];
const closeReasons: readonly ClosedObservation['why'][] = ['finished', 'port-reused', 'evicted', 'source-ended'];

/** The same number, kept by engines as a small integer where it is one: what is a float there makes a float of all that is added to it. */
const wholeOf = (value: number): number => ((value | 0) === value ? value | 0 : value);

const none = Number.NaN;
const orNull = (value: number): number | null => (Number.isNaN(value) ? null : wholeOf(value));

/** Writes observations into batches. */
export class ObservationWriter {
  private numbers: Float64Array = new Float64Array(new SharedArrayBuffer(usualRoom.numbers * 8));
  private copied: Uint8Array = new Uint8Array(new SharedArrayBuffer(usualRoom.bytes));
  private count = 0;
  private copiedCount = 0;
  private others: Observation[] = [];
  private readonly addresses = new Map<string, number>();
  private chunk: ArrayBufferLike | null = null;
  private chunkStart = 0;

  /**
   * Begins a batch. `chunk` is what is being read; `reuse` a batch whose records have been read, so that its memory is used
   * again unless it had grown too far.
   */
  begin(chunk: Uint8Array, reuse: ObservationBatch | null): void {
    this.chunk = chunk.buffer;
    this.chunkStart = chunk.byteOffset;
    this.numbers =
      reuse !== null && reuse.numbers.length <= mostKept.numbers
        ? reuse.numbers
        : new Float64Array(new SharedArrayBuffer(usualRoom.numbers * 8));
    this.copied =
      reuse !== null && reuse.copied.length <= mostKept.bytes
        ? reuse.copied
        : new Uint8Array(new SharedArrayBuffer(usualRoom.bytes));
    this.count = 0;
    this.copiedCount = 0;
    this.others = [];
  }

  /** What was written since `begin`. */
  batch(): ObservationBatch {
    const { numbers, count, copied, others } = this;
    return { numbers, count, copied, others };
  }

  readonly observe: Observer = (observation) => {
    if (this.count + longestRecord > this.numbers.length) this.growNumbers();
    const numbers = this.numbers;
    const at = this.count;
    numbers[at + 1] = observation.connection;
    numbers[at + 2] = observation.atNs;
    numbers[at + 3] = observation.packet;
    switch (observation.kind) {
      case 'bytes': {
        const { data, start, end } = observation;
        const isInChunk = data.buffer === this.chunk;
        numbers[at] = headOf(isInChunk ? bytesCode : copiedBytesCode, observation.from);
        numbers[at + 4] = isInChunk ? start + data.byteOffset - this.chunkStart : this.copy(data, start, end);
        numbers[at + 5] = end - start;
        numbers[at + 6] = observation.cutByteCount ?? 0;
        this.count = at + 7;
        return;
      }
      case 'ack':
        numbers[at] = headOf(ackCode, observation.from);
        numbers[at + 4] = (observation.pure ? 1 : 0) + (observation.coversAll ? 2 : 0);
        numbers[at + 5] = observation.roundTripNs ?? none;
        this.count = at + 6;
        return;
      case 'syn':
        numbers[at] = headOf(synCode, observation.from);
        numbers[at + 4] = (observation.acknowledges ? 1 : 0) + (observation.repeated ? 2 : 0);
        numbers[at + 5] = observation.maximumSegmentSize ?? none;
        this.count = at + 6;
        return;
      case 'fin':
        numbers[at] = headOf(finCode, observation.from);
        numbers[at + 4] = observation.repeated ? 1 : 0;
        numbers[at + 5] = observation.unacknowledgedByteCount;
        this.count = at + 6;
        return;
      case 'call':
        numbers[at] = headOf(callCode, observation.from);
        numbers[at + 4] = calls.indexOf(observation.call);
        numbers[at + 5] = observation.byteCount;
        this.count = at + 6;
        return;
      case 'opened': {
        const { client, server, evidence } = observation;
        numbers[at] = headOf(openedCode, 'client');
        numbers[at + 4] = evidences.indexOf(evidence);
        numbers[at + 5] = client.port;
        numbers[at + 6] = server.port;
        this.writeAddress(client.address, at + 7);
        this.writeAddress(server.address, at + 10);
        this.count = at + 13;
        return;
      }
      case 'closed':
        numbers[at] = headOf(closedCode, 'client');
        numbers[at + 4] = closeReasons.indexOf(observation.why);
        this.count = at + 5;
        return;
      case 'gap':
        numbers[at] = headOf(gapCode, observation.from);
        numbers[at + 4] = gapReasons.indexOf(observation.why);
        numbers[at + 5] = observation.byteCount;
        this.count = at + 6;
        return;
      case 'reset':
        numbers[at] = headOf(resetCode, observation.from);
        numbers[at + 4] = observation.repeated ? 1 : 0;
        numbers[at + 5] = observation.timeToLive ?? none;
        numbers[at + 6] = observation.usualTimeToLive ?? none;
        numbers[at + 7] = observation.identification ?? none;
        numbers[at + 8] = observation.lastIdentification ?? none;
        numbers[at + 9] = observation.unacknowledgedByteCount ?? 0;
        this.count = at + 10;
        return;
      default:
        numbers[at] = headOf(otherCode, 'client');
        numbers[at + 4] = this.others.push(observation) - 1;
        this.count = at + 5;
    }
  };

  private copy(data: Uint8Array, start: number, end: number): number {
    const at = this.roomFor(end - start);
    this.copied.set(data.subarray(start, end), at);
    return at;
  }

  /** An address is written in full the first time, and then by its number. Addresses and host names are ASCII. */
  private writeAddress(address: string, place: number): void {
    const known = this.addresses.get(address);
    this.numbers[place] = known ?? this.addresses.size;
    this.numbers[place + 1] = known === undefined ? address.length : 0;
    if (known !== undefined) return;
    const at = this.roomFor(address.length);
    for (let index = 0; index < address.length; index++) this.copied[at + index] = address.charCodeAt(index);
    this.numbers[place + 2] = at;
    // The reader forgets likewise: numbers begin again.
    if (this.addresses.size >= knownAddresses) this.addresses.clear();
    else this.addresses.set(address, this.addresses.size);
  }

  private roomFor(byteCount: number): number {
    const at = this.copiedCount;
    this.copiedCount += byteCount;
    if (this.copiedCount > this.copied.length) {
      const grown = new Uint8Array(new SharedArrayBuffer(Math.max(this.copied.length * 2, this.copiedCount)));
      grown.set(this.copied.subarray(0, at));
      this.copied = grown;
    }
    return at;
  }

  private growNumbers(): void {
    const grown = new Float64Array(new SharedArrayBuffer(this.numbers.length * 16));
    grown.set(this.numbers);
    this.numbers = grown;
  }
}

const headOf = (code: number, from: Side): number => code * 2 + (from === 'server' ? 1 : 0);

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const nothing = new Uint8Array(0);
const common = { connection: 0, atNs: 0.5, packet: 0, from: 'client' as Side };

/** Tells the observations of batches again, in order. */
export class ObservationReader {
  private readonly bytes: Writable<BytesObservation> = {
    kind: 'bytes',
    ...common,
    data: nothing,
    start: 0,
    end: 0,
    cutByteCount: 0,
  };
  private readonly ack: Writable<AckObservation> = { kind: 'ack', ...common, pure: false, coversAll: false, roundTripNs: null };
  private readonly syn: Writable<SynObservation> = {
    kind: 'syn',
    ...common,
    acknowledges: false,
    repeated: false,
    maximumSegmentSize: null,
  };
  private readonly fin: Writable<FinObservation> = { kind: 'fin', ...common, repeated: false, unacknowledgedByteCount: 0 };
  private readonly call: Writable<CallObservation> = { kind: 'call', ...common, call: 'out-of-order', byteCount: 0 };
  private readonly addresses: string[] = [];
  private readonly observe: Observer;

  constructor(observe: Observer) {
    this.observe = observe;
  }

  /** `chunk` holds the same bytes as the chunk that the batch was begun with. */
  read({ numbers, count, copied, others }: ObservationBatch, chunk: Uint8Array): void {
    const { observe, bytes, ack, syn, fin, call } = this;
    let at = 0;
    while (at < count) {
      const head = numbers[at]! | 0;
      const from: Side = (head & 1) === 1 ? 'server' : 'client';
      const connection = numbers[at + 1]! | 0;
      const atNs = numbers[at + 2]!;
      const packet = wholeOf(numbers[at + 3]!);
      switch (head >> 1) {
        case bytesCode:
        case copiedBytesCode:
          bytes.connection = connection;
          bytes.atNs = atNs;
          bytes.packet = packet;
          bytes.from = from;
          bytes.data = head >> 1 === bytesCode ? chunk : copied;
          bytes.start = numbers[at + 4]! | 0;
          bytes.end = bytes.start + (numbers[at + 5]! | 0);
          bytes.cutByteCount = numbers[at + 6]! | 0;
          at += 7;
          observe(bytes);
          break;
        case ackCode:
          ack.connection = connection;
          ack.atNs = atNs;
          ack.packet = packet;
          ack.from = from;
          ack.pure = (numbers[at + 4]! & 1) === 1;
          ack.coversAll = (numbers[at + 4]! & 2) === 2;
          ack.roundTripNs = orNull(numbers[at + 5]!);
          at += 6;
          observe(ack);
          break;
        case synCode:
          syn.connection = connection;
          syn.atNs = atNs;
          syn.packet = packet;
          syn.from = from;
          syn.acknowledges = (numbers[at + 4]! & 1) === 1;
          syn.repeated = (numbers[at + 4]! & 2) === 2;
          syn.maximumSegmentSize = orNull(numbers[at + 5]!);
          at += 6;
          observe(syn);
          break;
        case finCode:
          fin.connection = connection;
          fin.atNs = atNs;
          fin.packet = packet;
          fin.from = from;
          fin.repeated = numbers[at + 4] === 1;
          fin.unacknowledgedByteCount = wholeOf(numbers[at + 5]!);
          at += 6;
          observe(fin);
          break;
        case callCode:
          call.connection = connection;
          call.atNs = atNs;
          call.packet = packet;
          call.from = from;
          call.call = calls[numbers[at + 4]! | 0]!;
          call.byteCount = numbers[at + 5]! | 0;
          at += 6;
          observe(call);
          break;
        case openedCode:
          observe(this.openedOf(numbers, at, copied));
          at += 13;
          break;
        case closedCode:
          observe({ kind: 'closed', connection, atNs, packet, why: closeReasons[numbers[at + 4]! | 0]! });
          at += 5;
          break;
        case gapCode:
          observe({
            kind: 'gap',
            connection,
            atNs,
            packet,
            from,
            byteCount: wholeOf(numbers[at + 5]!),
            why: gapReasons[numbers[at + 4]! | 0]!,
          });
          at += 6;
          break;
        case resetCode:
          observe(resetOf(numbers, at, from));
          at += 10;
          break;
        default:
          observe(others[numbers[at + 4]! | 0]!);
          at += 5;
      }
    }
  }

  private openedOf(numbers: Float64Array, at: number, copied: Uint8Array): OpenedObservation {
    return {
      kind: 'opened',
      connection: numbers[at + 1]! | 0,
      atNs: numbers[at + 2]!,
      packet: wholeOf(numbers[at + 3]!),
      client: { address: this.addressOf(numbers, at + 7, copied), port: numbers[at + 5]! | 0 },
      server: { address: this.addressOf(numbers, at + 10, copied), port: numbers[at + 6]! | 0 },
      evidence: evidences[numbers[at + 4]! | 0]!,
    };
  }

  private addressOf(numbers: Float64Array, place: number, copied: Uint8Array): string {
    const number = numbers[place]! | 0;
    const length = numbers[place + 1]! | 0;
    if (length > 0) {
      const at = numbers[place + 2]! | 0;
      this.addresses[number] = String.fromCharCode.apply(null, copied.subarray(at, at + length) as unknown as number[]);
    }
    return this.addresses[number]!;
  }
}

function resetOf(numbers: Float64Array, at: number, from: Side): ResetObservation {
  return {
    kind: 'reset',
    connection: numbers[at + 1]! | 0,
    atNs: numbers[at + 2]!,
    packet: wholeOf(numbers[at + 3]!),
    from,
    repeated: numbers[at + 4] === 1,
    timeToLive: orNull(numbers[at + 5]!),
    usualTimeToLive: orNull(numbers[at + 6]!),
    identification: orNull(numbers[at + 7]!),
    lastIdentification: orNull(numbers[at + 8]!),
    unacknowledgedByteCount: wholeOf(numbers[at + 9]!),
  };
}
