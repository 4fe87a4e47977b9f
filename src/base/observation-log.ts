/**
 * What one connection had to say, noted as numbers: to be told later and at once, or by another thread.
 *
 *     record   │ kind and side │ atNs │ packet │ what the kind adds … │        float64 each
 *
 * - Payload and the text of addresses lie in memory that outlasts the note; a record says where.
 * - Observations that no capture gives (heads of a source that knows messages) have no numbers: those go into `others`.
 * - What is read is filled into one object a kind, again and again: like bytes, an observation is borrowed for the call.
 */
import type {
  AckObservation,
  BytesObservation,
  CallObservation,
  ClosedObservation,
  ConnectionId,
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

// Kinds, as the first number of a record says them, times two; the side of the server adds one.
const openedCode = 0;
const synCode = 1;
const bytesCode = 2;
const ackCode = 3;
const callCode = 4;
const finCode = 5;
const closedCode = 6;
const gapCode = 7;
const resetCode = 8;
const otherCode = 9;

/** The longest record has so many numbers. */
export const longestRecord = 10;

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
const headOf = (code: number, from: Side): number => code * 2 + (from === 'server' ? 1 : 0);

/** A stretch of what was noted of a connection: numbers[start, end). */
export interface NotedObservations {
  readonly connection: ConnectionId;
  readonly numbers: Float64Array;
  readonly start: number;
  readonly end: number;
  /** The memory that the bytes lie in. */
  readonly memory: Uint8Array;
  readonly others: readonly Observation[];
  /** Place in `others` of the first of this stretch. */
  readonly othersStart: number;
}

const noNumbers = new Float64Array(0);
const noOthers: Observation[] = [];

/** The observations of one connection that have not been told yet. Whoever notes them sees to it that there is room. */
export class ObservationLog {
  readonly connection: ConnectionId;
  numbers: Float64Array = noNumbers;
  count = 0;
  others: Observation[] = noOthers;
  /** For whoever keeps the memory that the bytes lie in: from where on it is needed, or −1. */
  firstPlace = -1;

  constructor(connection: ConnectionId) {
    this.connection = connection;
  }

  /** All of it, to be read. */
  noted(memory: Uint8Array): NotedObservations {
    const { connection, numbers, count, others } = this;
    return { connection, numbers, start: 0, end: count, memory, others, othersStart: 0 };
  }

  /** Begins again, without room. */
  clear(): void {
    this.numbers = noNumbers;
    this.count = 0;
    this.others = noOthers;
    this.firstPlace = -1;
  }

  /** `offset`: where the bytes lie. */
  noteBytes(observation: BytesObservation, offset: number): void {
    const { numbers, count } = this;
    numbers[count] = headOf(bytesCode, observation.from);
    numbers[count + 1] = observation.atNs;
    numbers[count + 2] = observation.packet;
    numbers[count + 3] = offset;
    numbers[count + 4] = observation.end - observation.start;
    numbers[count + 5] = observation.cutByteCount ?? 0;
    this.count = count + 6;
  }

  noteAck(observation: AckObservation): void {
    const { numbers, count } = this;
    numbers[count] = headOf(ackCode, observation.from);
    numbers[count + 1] = observation.atNs;
    numbers[count + 2] = observation.packet;
    numbers[count + 3] = (observation.pure ? 1 : 0) + (observation.coversAll ? 2 : 0);
    numbers[count + 4] = observation.roundTripNs ?? none;
    this.count = count + 5;
  }

  noteSyn(observation: SynObservation): void {
    const { numbers, count } = this;
    numbers[count] = headOf(synCode, observation.from);
    numbers[count + 1] = observation.atNs;
    numbers[count + 2] = observation.packet;
    numbers[count + 3] = (observation.acknowledges ? 1 : 0) + (observation.repeated ? 2 : 0);
    numbers[count + 4] = observation.maximumSegmentSize ?? none;
    this.count = count + 5;
  }

  noteFin(observation: FinObservation): void {
    const { numbers, count } = this;
    numbers[count] = headOf(finCode, observation.from);
    numbers[count + 1] = observation.atNs;
    numbers[count + 2] = observation.packet;
    numbers[count + 3] = observation.repeated ? 1 : 0;
    numbers[count + 4] = observation.unacknowledgedByteCount;
    this.count = count + 5;
  }

  noteCall(observation: CallObservation): void {
    const { numbers, count } = this;
    numbers[count] = headOf(callCode, observation.from);
    numbers[count + 1] = observation.atNs;
    numbers[count + 2] = observation.packet;
    numbers[count + 3] = calls.indexOf(observation.call);
    numbers[count + 4] = observation.byteCount;
    this.count = count + 5;
  }

  /** `offset`: where the text of both addresses lies, one behind the other. Addresses and host names are ASCII. */
  noteOpened({ atNs, packet, evidence, client, server }: OpenedObservation, offset: number): void {
    const { numbers, count } = this;
    numbers[count] = headOf(openedCode, 'client');
    numbers[count + 1] = atNs;
    numbers[count + 2] = packet;
    numbers[count + 3] = evidences.indexOf(evidence);
    numbers[count + 4] = client.port;
    numbers[count + 5] = server.port;
    numbers[count + 6] = offset;
    numbers[count + 7] = client.address.length;
    numbers[count + 8] = server.address.length;
    this.count = count + 9;
  }

  noteClosed(observation: ClosedObservation): void {
    const { numbers, count } = this;
    numbers[count] = headOf(closedCode, 'client');
    numbers[count + 1] = observation.atNs;
    numbers[count + 2] = observation.packet;
    numbers[count + 3] = closeReasons.indexOf(observation.why);
    this.count = count + 4;
  }

  noteGap(observation: GapObservation): void {
    const { numbers, count } = this;
    numbers[count] = headOf(gapCode, observation.from);
    numbers[count + 1] = observation.atNs;
    numbers[count + 2] = observation.packet;
    numbers[count + 3] = gapReasons.indexOf(observation.why);
    numbers[count + 4] = observation.byteCount;
    this.count = count + 5;
  }

  noteReset(observation: ResetObservation): void {
    const { numbers, count } = this;
    numbers[count] = headOf(resetCode, observation.from);
    numbers[count + 1] = observation.atNs;
    numbers[count + 2] = observation.packet;
    numbers[count + 3] = (observation.repeated ? 1 : 0) + (observation.acknowledges === false ? 2 : 0);
    numbers[count + 4] = observation.timeToLive ?? none;
    numbers[count + 5] = observation.usualTimeToLive ?? none;
    numbers[count + 6] = observation.identification ?? none;
    numbers[count + 7] = observation.lastIdentification ?? none;
    numbers[count + 8] = observation.unacknowledgedByteCount ?? 0;
    this.count = count + 9;
  }

  noteOther(observation: Observation): void {
    const { numbers, count } = this;
    if (this.others.length === 0) this.others = [];
    numbers[count] = headOf(otherCode, 'client');
    numbers[count + 1] = 0;
    numbers[count + 2] = 0;
    numbers[count + 3] = this.others.push(observation) - 1;
    this.count = count + 4;
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const common = { connection: 0, atNs: 0.5, packet: 0, from: 'client' as Side };
/** Addresses kept as text (a power of two). */
const knownAddresses = 1024;

/** Tells what was noted, in order. */
export class ObservationReader {
  private readonly bytes: Writable<BytesObservation> = {
    kind: 'bytes',
    ...common,
    data: new Uint8Array(0),
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
  private readonly addresses: string[] = new Array<string>(knownAddresses).fill('');
  private readonly observe: Observer;

  constructor(observe: Observer) {
    this.observe = observe;
  }

  read(noted: NotedObservations): void {
    const { observe, bytes, ack, syn, fin, call } = this;
    const { connection, numbers, end } = noted;
    bytes.connection = connection;
    bytes.data = noted.memory;
    ack.connection = connection;
    syn.connection = connection;
    fin.connection = connection;
    call.connection = connection;
    let at = noted.start;
    while (at < end) {
      const head = numbers[at]! | 0;
      const from: Side = (head & 1) === 1 ? 'server' : 'client';
      const atNs = numbers[at + 1]!;
      const packet = wholeOf(numbers[at + 2]!);
      switch (head >> 1) {
        case bytesCode:
          bytes.atNs = atNs;
          bytes.packet = packet;
          bytes.from = from;
          bytes.start = numbers[at + 3]! | 0;
          bytes.end = bytes.start + (numbers[at + 4]! | 0);
          bytes.cutByteCount = numbers[at + 5]! | 0;
          at += 6;
          observe(bytes);
          break;
        case ackCode:
          ack.atNs = atNs;
          ack.packet = packet;
          ack.from = from;
          ack.pure = (numbers[at + 3]! & 1) === 1;
          ack.coversAll = (numbers[at + 3]! & 2) === 2;
          ack.roundTripNs = orNull(numbers[at + 4]!);
          at += 5;
          observe(ack);
          break;
        case synCode:
          syn.atNs = atNs;
          syn.packet = packet;
          syn.from = from;
          syn.acknowledges = (numbers[at + 3]! & 1) === 1;
          syn.repeated = (numbers[at + 3]! & 2) === 2;
          syn.maximumSegmentSize = orNull(numbers[at + 4]!);
          at += 5;
          observe(syn);
          break;
        case finCode:
          fin.atNs = atNs;
          fin.packet = packet;
          fin.from = from;
          fin.repeated = numbers[at + 3] === 1;
          fin.unacknowledgedByteCount = wholeOf(numbers[at + 4]!);
          at += 5;
          observe(fin);
          break;
        case callCode:
          call.atNs = atNs;
          call.packet = packet;
          call.from = from;
          call.call = calls[numbers[at + 3]! | 0]!;
          call.byteCount = numbers[at + 4]! | 0;
          at += 5;
          observe(call);
          break;
        case openedCode:
          observe(this.openedOf(noted, at));
          at += 9;
          break;
        case closedCode:
          observe({ kind: 'closed', connection, atNs, packet, why: closeReasons[numbers[at + 3]! | 0]! });
          at += 4;
          break;
        case gapCode:
          observe({
            kind: 'gap',
            connection,
            atNs,
            packet,
            from,
            byteCount: wholeOf(numbers[at + 4]!),
            why: gapReasons[numbers[at + 3]! | 0]!,
          });
          at += 5;
          break;
        case resetCode:
          observe(resetOf(noted, at, from));
          at += 9;
          break;
        default:
          observe(noted.others[noted.othersStart + (numbers[at + 3]! | 0)]!);
          at += 4;
      }
    }
  }

  private openedOf({ connection, numbers, memory }: NotedObservations, at: number): OpenedObservation {
    const clientStart = numbers[at + 6]! | 0;
    const serverStart = clientStart + (numbers[at + 7]! | 0);
    return {
      kind: 'opened',
      connection,
      atNs: numbers[at + 1]!,
      packet: wholeOf(numbers[at + 2]!),
      client: { address: this.addressOf(memory, clientStart, serverStart), port: numbers[at + 4]! | 0 },
      server: { address: this.addressOf(memory, serverStart, serverStart + (numbers[at + 8]! | 0)), port: numbers[at + 5]! | 0 },
      evidence: evidences[numbers[at + 3]! | 0]!,
    };
  }

  /** The same string for the same address, as long as no other has taken its place. */
  private addressOf(bytes: Uint8Array, start: number, end: number): string {
    let hash = end - start;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
    const { addresses } = this;
    const place = (hash ^ (hash >>> 10)) & (knownAddresses - 1);
    if (isText(addresses[place]!, bytes, start, end)) return addresses[place]!;
    // Two that meet in one place have both theirs.
    const second = place ^ 1;
    if (isText(addresses[second]!, bytes, start, end)) return addresses[second]!;
    addresses[second] = addresses[place]!;
    addresses[place] = String.fromCharCode.apply(null, bytes.subarray(start, end) as unknown as number[]);
    return addresses[place]!;
  }
}

function isText(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) !== bytes[start + index]) return false;
  return true;
}

function resetOf({ connection, numbers }: NotedObservations, at: number, from: Side): ResetObservation {
  return {
    kind: 'reset',
    connection,
    atNs: numbers[at + 1]!,
    packet: wholeOf(numbers[at + 2]!),
    from,
    repeated: (numbers[at + 3]! & 1) === 1,
    acknowledges: (numbers[at + 3]! & 2) === 0,
    timeToLive: orNull(numbers[at + 4]!),
    usualTimeToLive: orNull(numbers[at + 5]!),
    identification: orNull(numbers[at + 6]!),
    lastIdentification: orNull(numbers[at + 7]!),
    unacknowledgedByteCount: wholeOf(numbers[at + 8]!),
  };
}
