/**
 * A fuzzer of capture files: seeded, so that every find can be repeated from its two numbers. It damages good captures the way
 * disks, transfers and attackers do, and hands each mutant to `run`, which throws when an invariant does not hold.
 *
 * It knows nothing of what is behind `run`: the reader alone (`checkReader`), or the whole chain up to the report.
 */
import assert from 'node:assert/strict';
import { CaptureReader, type Segment } from 'holdfast/packets';

export interface FuzzOptions {
  readonly count: number;
  readonly seed: number;
  /** Good captures, not compressed. */
  readonly corpus: readonly Uint8Array[];
  /** Throws when an invariant does not hold. `random` for its own choices (chunk sizes). */
  readonly run: (mutant: Uint8Array, random: Random) => void;
}

/** Throws an Error that names seed and number of the mutant, and holds its bytes, when `run` does. */
export function fuzzCaptures({ count, seed, corpus, run }: FuzzOptions): void {
  for (let index = 0; index < count; index += 1) {
    // A generator of its own for each mutant: any of them can be made again without those before it.
    const random = randomFrom(seed * 1_000_003 + index);
    const mutant = mutate(corpus, random);
    try {
      run(mutant, random);
    } catch (error) {
      const bytes = Buffer.from(mutant).toString('base64');
      throw new Error(`seed ${seed}, mutant ${index}, ${mutant.length} bytes: ${String(error)}\n${bytes}`, { cause: error });
    }
  }
}

/**
 * The reader's invariants: it never throws and never hangs; packets are numbered upwards from 1 and each number is told at most
 * once; segments are always valid (see `assertValid`); no more packets and problems than the bytes can hold; the result does
 * not depend on how the bytes are cut into chunks; the reader keeps nothing of a chunk behind the call.
 */
export function checkReader(mutant: Uint8Array, random: Random): void {
  const whole = readAll(mutant, mutant.length);
  const chunked = readAll(mutant, 1 + random(random(2) === 0 ? 40 : 4000));
  assert.equal(chunked, whole, 'chunks change the result');
}

/** Smallest record: a pcap record header without data. */
const smallestRecordByteCount = 12;
/** Reading so few bytes takes milliseconds; whoever needs this long hangs. */
const hangMs = 20_000;

function readAll(mutant: Uint8Array, chunkByteCount: number): string {
  const started = performance.now();
  let lastPacket = 0;
  let told = 0;
  let sum = 0;
  const onSegment = (segment: Segment): void => {
    assert.ok(segment.packet > lastPacket, 'packet numbers ascend');
    lastPacket = segment.packet;
    told += 1;
    assertValid(segment);
    sum = (Math.imul(sum, 31) + checksum(segment)) | 0;
  };
  const reader = new CaptureReader({ onSegment });
  for (let at = 0; at < mutant.length; at += chunkByteCount) {
    const chunk = mutant.slice(at, at + chunkByteCount);
    reader.push(chunk);
    chunk.fill(0xa5);
  }
  const summary = reader.end();
  assert.ok(performance.now() - started < hangMs, 'hangs');
  assert.equal(summary.bytes, mutant.length);
  assert.equal(summary.tcpPackets, told);
  assert.ok(lastPacket <= summary.packets);
  assert.ok(summary.packets <= mutant.length / smallestRecordByteCount + 1, 'more packets than bytes');
  const others = Object.values(summary.otherPackets).reduce((total, count) => total + count, 0);
  assert.ok(told + others <= summary.packets, 'every packet counts once');
  for (const { count, firstPacket } of summary.problems) {
    assert.ok(count > 0 && count <= mutant.length + 1);
    assert.ok(firstPacket >= 0 && firstPacket <= summary.packets + 1);
  }
  assert.deepEqual(reader.end(), summary, 'the end can be told twice');
  return JSON.stringify({ summary, sum });
}

function assertValid(segment: Segment): void {
  const { data, payloadStart, payloadEnd, payloadLength } = segment;
  assert.ok(payloadStart >= 0 && payloadStart <= payloadEnd && payloadEnd <= data.length, 'payload lies in the data');
  assert.ok(payloadLength >= payloadEnd - payloadStart, 'no more captured than was on the wire');
  assert.ok(Number.isFinite(segment.atNs));
  for (const port of [segment.sourcePort, segment.destinationPort]) assert.ok(port >= 0 && port <= 65_535);
  for (const name of wordFields) assert.equal(segment[name], segment[name] | 0, `${name} is a 32-bit integer`);
  assert.ok(segment.flags >= 0 && segment.flags <= 511);
  assert.ok(segment.sackBlockCount >= 0 && segment.sackBlockCount <= 4);
  assert.ok(segment.ipVersion === 4 || segment.ipVersion === 6);
}

const wordFields = [
  ...(['source0', 'source1', 'source2', 'source3', 'destination0', 'destination1', 'destination2', 'destination3'] as const),
  ...(['sequence', 'acknowledgment', 'timestampValue', 'timestampEcho', 'payloadLength', 'identification', 'window'] as const),
] as const;

function checksum(segment: Segment): number {
  let sum = segment.packet;
  for (const name of wordFields) sum = (Math.imul(sum, 31) + segment[name]) | 0;
  for (let at = segment.payloadStart; at < segment.payloadEnd; at += 1) sum = (Math.imul(sum, 31) + segment.data[at]!) | 0;
  return (Math.imul(sum, 31) + (segment.atNs % 0x7fffffff)) | 0;
}

// Mutations

/** An integer from 0 up to, not including, the limit. */
export type Random = (limit: number) => number;

/** Mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit);
  };
}

type Mutation = (bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]) => Uint8Array;

const interestingBytes = [0, 1, 0x7f, 0x80, 0xff, 0x45, 0x60, 6, 17, 47];
const interestingWords = [0, 1, 0xff, 0xffff, 0x10000, 0x40000, 0x40001, 0x7fffffff, 0x80000000, 0xffffffff, 12, 16, 20, 32];
const maximumInsertedByteCount = 600;

const mutations: readonly Mutation[] = [
  function flipBits(bytes, random) {
    for (let count = 1 + random(8); count > 0; count -= 1) {
      const at = random(bytes.length);
      bytes[at] = bytes[at]! ^ (1 << random(8));
    }
    return bytes;
  },
  function setBytes(bytes, random) {
    for (let count = 1 + random(4); count > 0; count -= 1) bytes[random(bytes.length)] = choose(interestingBytes, random);
    return bytes;
  },
  function damageLength(bytes, random) {
    const at = placeOfSmallWord(bytes, random);
    const value = choose(interestingWords, random);
    const littleEndian = random(4) > 0;
    if (at + 4 <= bytes.length) new DataView(bytes.buffer).setUint32(at, value, littleEndian);
    return bytes;
  },
  function cutEnd(bytes, random) {
    return bytes.slice(0, random(bytes.length + 1));
  },
  function cutOut(bytes, random) {
    const [from, to] = range(bytes.length, random);
    return joined(bytes.subarray(0, from), bytes.subarray(to));
  },
  function insertGarbage(bytes, random) {
    const at = random(bytes.length + 1);
    const garbage = Uint8Array.from({ length: 1 + random(maximumInsertedByteCount) }, () => random(256));
    return joined(bytes.subarray(0, at), garbage, bytes.subarray(at));
  },
  function repeat(bytes, random) {
    const [from, to] = range(bytes.length, random);
    return joined(bytes.subarray(0, to), bytes.subarray(from));
  },
  function fill(bytes, random) {
    const [from, to] = range(bytes.length, random);
    return bytes.fill(choose(interestingBytes, random), from, to);
  },
  function splice(bytes, random, corpus) {
    const donor = choose(corpus, random);
    const [from, to] = range(donor.length, random);
    const at = random(bytes.length + 1);
    return joined(bytes.subarray(0, at), donor.subarray(from, to), bytes.subarray(at));
  },
];

function mutate(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  let mutant: Uint8Array = choose(corpus, random).slice();
  for (let count = 1 + random(3); count > 0 && mutant.length > 0; count -= 1) {
    mutant = choose(mutations, random)(mutant, random, corpus);
  }
  return mutant;
}

/** Lengths are small numbers in 32-bit words: two zero bytes side by side are likely part of one. */
function placeOfSmallWord(bytes: Uint8Array, random: Random): number {
  const from = random(bytes.length);
  for (let at = from; at + 4 <= bytes.length && at < from + 200; at += 1) {
    if (bytes[at + 2] === 0 && bytes[at + 3] === 0) return at;
  }
  return from;
}

function range(length: number, random: Random): [from: number, to: number] {
  const from = random(length);
  return [from, Math.min(length, from + 1 + random(random(4) === 0 ? length : 64))];
}

const choose = <Item>(items: readonly Item[], random: Random): Item => items[random(items.length)]!;

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
