/** Where frames of zstd end, on frames made by hand after RFC 8878 and, where this Node makes them, on real ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { ZstdFrames } from '#dist/cli/zstd-frames.js';

const magic = [0x28, 0xb5, 0x2f, 0xfd];
/** A single segment of three bytes, in one raw block, the last; with a checksum. */
const raw = [...magic, 0x24, 3, 0x19, 0, 0, 0x61, 0x62, 0x63, 9, 9, 9, 9];
/** A window, a dictionary of two bytes, a content size of four; a block of one byte repeated 500 times, then an empty last one. */
const repeated = [...magic, 0x82, 0x40, 1, 2, 0xf4, 1, 0, 0, 0xa2, 0x0f, 0, 0x7a, 1, 0, 0];
const skippable = [0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7];

function isWhole(bytes: readonly number[], step: number): boolean {
  const frames = new ZstdFrames();
  for (let at = 0; at < bytes.length; at += step) frames.push(Uint8Array.from(bytes.slice(at, at + step)));
  return frames.isWhole;
}

for (const [name, frame] of Object.entries({ raw, repeated, skippable, 'several frames': [...raw, ...skippable, ...repeated] })) {
  test(`${name}: whole only at its end`, () => {
    const ends = new Set(name === 'several frames' ? [raw.length, raw.length + skippable.length] : []);
    for (const step of [1, 3, 100]) {
      assert.ok(isWhole(frame, step));
      for (let length = 1; length < frame.length; length++)
        assert.equal(isWhole(frame.slice(0, length), step), ends.has(length), `${length} of ${frame.length} bytes`);
    }
  });
}

test('what is no zstd is left to the decompressor', () => {
  assert.ok(isWhole([1, 2, 3, 4, 5], 2));
  assert.ok(isWhole([], 1));
});

test('frames of this Node', (t) => {
  const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Uint8Array) => Uint8Array };
  if (zstdCompressSync === undefined) return t.skip('this Node has no zstd');
  for (const content of ['', 'a', 'abc'.repeat(100_000)]) {
    const compressed = [...zstdCompressSync(Buffer.from(content))];
    assert.ok(isWhole(compressed, 1000));
    assert.ok(!isWhole(compressed.slice(0, -1), 1000));
  }
});
