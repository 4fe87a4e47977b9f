/** A strict reader of the pcapng that we write: whole blocks, lengths that agree, padding of zeros. It shares nothing with the reader of files. */
import assert from 'node:assert/strict';

export interface WrittenPacket {
  readonly timeNs: bigint;
  readonly original: number;
  readonly data: Buffer;
  /** The body of its first option; null without options. */
  readonly flags: number | null;
}

export interface WrittenCapture {
  readonly linkType: number;
  readonly packets: readonly WrittenPacket[];
  /** Counts of the statistics block by option code. */
  readonly statistics: ReadonlyMap<number, bigint>;
  /** Types of all blocks in order. */
  readonly types: readonly number[];
}

const sectionHeader = 0x0a0d0d0a;

export function readWritten(file: Uint8Array): WrittenCapture {
  const data = Buffer.from(file.buffer, file.byteOffset, file.length);
  const packets: WrittenPacket[] = [];
  const types: number[] = [];
  const statistics = new Map<number, bigint>();
  let linkType = -1;
  let position = 0;
  while (position < data.length) {
    const type = data.readUInt32LE(position);
    const length = data.readUInt32LE(position + 4);
    assert.equal(length % 4, 0);
    assert.ok(position + length <= data.length, 'a block goes over the end');
    assert.equal(data.readUInt32LE(position + length - 4), length);
    types.push(type);
    const body = data.subarray(position + 8, position + length - 4);
    if (type === sectionHeader) assert.equal(body.readUInt32LE(0), 0x1a2b3c4d);
    if (type === 1) linkType = body.readUInt16LE(0);
    if (type === 5)
      for (const [code, value] of options(body, 12)) if (value.length === 8) statistics.set(code, value.readBigUInt64LE());
    if (type === 6) packets.push(packetOf(body));
    position += length;
  }
  return { linkType, packets, statistics, types };
}

/** As `readWritten`, for packet blocks without a head. */
export const readPackets = (blocks: Uint8Array): readonly WrittenPacket[] => readWritten(blocks).packets;

function packetOf(body: Buffer): WrittenPacket {
  assert.equal(body.readUInt32LE(0), 0);
  const captured = body.readUInt32LE(12);
  const padded = (captured + 3) & ~3;
  assert.ok(
    body.subarray(20 + captured, 20 + padded).every((byte) => byte === 0),
    'padding of zeros',
  );
  const told = options(body, 20 + padded);
  return {
    timeNs: (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8)),
    original: body.readUInt32LE(16),
    data: Buffer.from(body.subarray(20, 20 + captured)),
    flags: told.get(2)?.readUInt32LE() ?? null,
  };
}

function options(body: Buffer, from: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = from; at + 4 <= body.length; ) {
    const code = body.readUInt16LE(at);
    const length = body.readUInt16LE(at + 2);
    if (code === 0) {
      assert.equal(at + 4, body.length, 'nothing behind the end of options');
      break;
    }
    found.set(code, body.subarray(at + 4, at + 4 + length));
    at += 4 + ((length + 3) & ~3);
  }
  return found;
}
