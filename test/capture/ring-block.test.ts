/** Blocks of TPACKET_V3 made by hand, as the kernel lays them out (linux/if_packet.h), and what becomes of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PacketFraming, RingBlockReader } from '#dist/capture/ring-block.js';
import { readPackets } from './own-pcapng.js';

const blockByteCount = 1 << 20;
const ethernetFraming: PacketFraming = { cooked: false, ethernet: true, directions: false };

interface Slot {
  readonly data: Uint8Array;
  readonly second?: number;
  readonly nanosecond?: number;
  readonly original?: number;
  readonly status?: number;
  readonly tag?: number;
  readonly tagProtocol?: number;
  readonly packetType?: number;
  /** Offset of the bytes in the slot, as the kernel has it for the kind of socket. */
  readonly dataOffset?: number;
}

/** The second block of a ring of three. */
function blockOf(slots: readonly Slot[]): ArrayBuffer {
  const ring = new ArrayBuffer(3 * blockByteCount);
  const view = new DataView(ring, blockByteCount);
  new Uint8Array(ring).fill(0xee);
  view.setUint32(8, 1, true);
  view.setUint32(12, slots.length, true);
  view.setUint32(16, 48, true);
  let at = 48;
  for (const [index, slot] of slots.entries()) {
    const { data, second = 1_700_000_000, nanosecond = index, dataOffset = 84 } = slot;
    const next = (dataOffset + data.length + 7) & ~7;
    const words = [
      index === slots.length - 1 ? 0 : next,
      second,
      nanosecond,
      data.length,
      slot.original ?? data.length,
      slot.status ?? 1,
    ];
    for (const [place, word] of words.entries()) view.setUint32(at + place * 4, word, true);
    view.setUint16(at + 24, dataOffset, true);
    view.setUint16(at + 26, dataOffset, true);
    view.setUint32(at + 32, slot.tag ?? 0, true);
    view.setUint16(at + 36, slot.tagProtocol ?? 0, true);
    view.setUint16(at + 48, 17, true);
    view.setUint16(at + 50, 0x0800);
    view.setInt32(at + 52, 0x01020304, true);
    view.setUint16(at + 56, 1, true);
    view.setUint8(at + 58, slot.packetType ?? 0);
    view.setUint8(at + 59, 6);
    new Uint8Array(ring, blockByteCount + at + 60, 8).set([1, 2, 3, 4, 5, 6, 0, 0]);
    new Uint8Array(ring, blockByteCount + at + dataOffset, data.length).set(data);
    at += next;
  }
  return ring;
}

function packetsOf(slots: readonly Slot[], framing = ethernetFraming) {
  const ring = blockOf(slots);
  const reader = new RingBlockReader(ring, blockByteCount, framing);
  reader.begin(blockByteCount);
  reader.take(Number.POSITIVE_INFINITY);
  assert.equal(reader.taken, slots.length);
  assert.equal(reader.left, 0);
  const isUntouched = (block: number): boolean =>
    new Uint8Array(ring, block * blockByteCount, blockByteCount).every((byte) => byte === 0xee);
  assert.ok(isUntouched(0) && isUntouched(2), "the blocks beside it are the kernel's");
  return readPackets(piecesOf(ring, reader));
}

function piecesOf(ring: ArrayBuffer, { pieces }: RingBlockReader): Buffer {
  const parts: Buffer[] = [];
  for (let piece = 0; piece < pieces.length; piece += 2) {
    const [from, to] = [pieces[piece]!, pieces[piece + 1]!];
    readPackets(new Uint8Array(ring, from, to - from));
    parts.push(Buffer.from(ring, from, to - from));
  }
  return Buffer.concat(parts);
}

const filled = (length: number, seed = length): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 7 + seed * 31) & 0xff);

test('packets of every length, close together, come out as they went in', () => {
  const slots = [...Array.from({ length: 400 }, (_, length) => length), 1514, 9014, 65_549].map((length) => ({
    data: filled(length),
  }));
  for (const framing of [ethernetFraming, { ...ethernetFraming, directions: true }]) {
    const packets = packetsOf(slots, framing);
    assert.equal(packets.length, slots.length);
    for (const [index, { data }] of slots.entries())
      assert.deepEqual(packets[index]!.data, Buffer.from(data), `length ${data.length}`);
  }
});

test('large packets stay where they are, between small ones and beside each other', () => {
  const lengths = [60, 20_000, 61, 16_384, 16_385, 16_386, 16_387, 0, 1, 65_549, 30_000, 30_001, 16_383, 54, 40_003];
  const slots = lengths.map((length, index) => ({ data: filled(length, index), original: length + index }));
  for (const dataOffset of [84, 82, 96, 97])
    for (const framing of [
      ethernetFraming,
      { ...ethernetFraming, directions: true },
      { cooked: true, ethernet: false, directions: false },
    ]) {
      if (framing.cooked && dataOffset < 96) continue;
      const extra = framing.cooked ? 20 : 0;
      const packets = packetsOf(
        slots.map((slot) => ({ ...slot, dataOffset })),
        framing,
      );
      for (const [index, { data, original }] of slots.entries()) {
        assert.deepEqual(packets[index]!.data.subarray(extra), Buffer.from(data), `${data.length} at ${dataOffset}`);
        assert.equal(packets[index]!.original, original + extra);
      }
    }
});

test('a large packet at the very end of a block leaves the next block alone', () => {
  for (const short of [0, 1, 3, 7, 8, 15, 16, 18, 19, 20, 24]) {
    const data = filled(blockByteCount - 48 - 84 - short);
    for (const directions of [false, true]) {
      const [packet] = packetsOf([{ data }], { ...ethernetFraming, directions });
      assert.deepEqual(packet!.data, Buffer.from(data));
    }
  }
});

test('packets of raw IP begin where no word begins', () => {
  for (const dataOffset of [96, 97, 98, 99]) {
    const slots = [20, 40, 41, 1500].map((length) => ({ data: filled(length), dataOffset }));
    const packets = packetsOf(slots, { cooked: false, ethernet: false, directions: true });
    assert.deepEqual(
      packets.map(({ data }) => data),
      slots.map(({ data }) => Buffer.from(data)),
    );
  }
});

test('times are nanoseconds in two words, over the end of the low one and of a second', () => {
  const times: [number, number][] = [
    [1_700_000_000, 0],
    [1_700_000_000, 999_999_999],
    [1_700_000_001, 0],
    [1_700_000_003, 294_967_295],
    [1_700_000_000, 5],
    [4_294_967_295, 999_999_999],
    [0, 1],
  ];
  // A second of which the nanoseconds go over the low word.
  for (let second = 1_700_000_000; second < 1_700_000_010; second += 1) times.push([second, 999_999_998], [second, 1]);
  const packets = packetsOf(times.map(([second, nanosecond]) => ({ data: filled(60), second, nanosecond })));
  assert.deepEqual(
    packets.map(({ timeNs }) => timeNs),
    times.map(([second, nanosecond]) => BigInt(second) * 1_000_000_000n + BigInt(nanosecond)),
  );
});

test('the length on the wire stays when the snap length cut the packet', () => {
  const [packet] = packetsOf([{ data: filled(96), original: 1514 }]);
  assert.equal(packet!.original, 1514);
  assert.equal(packet!.data.length, 96);
});

test('a VLAN tag that was taken off is put back behind the addresses', () => {
  const data = filled(64);
  const tagged = { data, status: 0x11, tag: 0x2064 };
  const packets = packetsOf([
    { data },
    tagged,
    { ...tagged, status: 0x51, tagProtocol: 0x88a8 },
    { data },
    { ...tagged, data: filled(11) },
  ]);
  const withTag = (protocol: number[]): Buffer =>
    Buffer.concat([data.subarray(0, 12), Uint8Array.from([...protocol, 0x20, 0x64]), data.subarray(12)]);
  assert.deepEqual(packets[1]!.data, withTag([0x81, 0x00]));
  assert.equal(packets[1]!.original, 68);
  assert.deepEqual(packets[2]!.data, withTag([0x88, 0xa8]));
  for (const untouched of [0, 3]) assert.deepEqual(packets[untouched]!.data, Buffer.from(data));
  assert.equal(packets[4]!.data.length, 11, 'too short for addresses: left as it is');
});

test('cooked packets get the header of LINUX_SLL2', () => {
  const slots = [0, 20, 61, 1500].map((length) => ({
    data: filled(length),
    dataOffset: 96,
    packetType: 4,
    status: 0x11,
    tag: 7,
  }));
  const packets = packetsOf(slots, { cooked: true, ethernet: false, directions: false });
  for (const [index, { data }] of slots.entries()) {
    const written = packets[index]!;
    assert.equal(written.data.subarray(0, 20).toString('hex'), '0800000001020304000104060102030405060000');
    assert.deepEqual(written.data.subarray(20), Buffer.from(data));
    assert.equal(written.original, data.length + 20);
  }
});

test('directions are flags of the packet block', () => {
  const slots = [0, 1, 2, 3, 4].map((packetType) => ({ data: filled(61), packetType }));
  const packets = packetsOf(slots, { ...ethernetFraming, directions: true });
  assert.deepEqual(
    packets.map(({ flags }) => flags),
    [0b00101, 0b01101, 0b01001, 0b10001, 0b00010],
  );
});

test('a block taken in parts is the same as taken whole', () => {
  const slots = Array.from({ length: 50 }, (_, index) => ({ data: filled(40 + index * 3) }));
  const ring = blockOf(slots);
  const reader = new RingBlockReader(ring, blockByteCount, ethernetFraming);
  reader.begin(blockByteCount);
  const parts: Uint8Array[] = [];
  for (let most = 1; reader.left > 0; most += 3) {
    reader.take(most);
    assert.ok(reader.taken <= most);
    parts.push(piecesOf(ring, reader));
  }
  assert.deepEqual(
    readPackets(Buffer.concat(parts)).map(({ data }) => data),
    slots.map(({ data }) => Buffer.from(data)),
  );
});
