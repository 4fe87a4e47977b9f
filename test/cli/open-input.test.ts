import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as zlib from 'node:zlib';
import { CommandFailure } from '#dist/cli/failure.js';
import { openInput } from '#dist/cli/open-input.js';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-input-'));
after(() => rmSync(folder, { recursive: true }));

/** Bytes that do not compress well, so that there are many pieces. */
const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (Math.imul(index, 2_654_435_761) >>> 13) & 255));
const gzipped = zlib.gzipSync(content);

async function read(file: Uint8Array) {
  const path = join(folder, 'capture');
  writeFileSync(path, file);
  const input = await openInput(path);
  const chunks: Buffer[] = [];
  for await (const chunk of input.chunks) chunks.push(Buffer.from(chunk));
  assert.equal(input.size, file.length);
  assert.equal(input.bytesRead(), file.length);
  return { bytes: Buffer.concat(chunks), problems: input.problems().map(({ code }) => code) };
}

async function check(file: Uint8Array, expected: Uint8Array, problems: readonly string[] = []): Promise<void> {
  const found = await read(file);
  assert.equal(found.bytes.length, expected.length);
  assert.ok(found.bytes.equals(expected));
  assert.deepEqual(found.problems, problems);
}

test('plain files of any size', async () => {
  await check(content, content);
  await check(new Uint8Array(0), new Uint8Array(0));
  await check(Uint8Array.of(0x1f), Uint8Array.of(0x1f));
  const large = Buffer.alloc(5_000_000, content);
  await check(large, large);
});

test('gzip of one and of several members', async () => {
  await check(gzipped, content);
  await check(Buffer.concat([gzipped, gzipped, gzipped]), Buffer.concat([content, content, content]));
});

test('a gzip file that is cut tells all that it holds', async () => {
  for (const length of [2, 10, 11, 5000, gzipped.length >> 1, gzipped.length - 8, gzipped.length - 1]) {
    const { bytes, problems } = await read(gzipped.subarray(0, length));
    assert.deepEqual(problems, ['compression-cut-short'], `${length} bytes`);
    assert.ok(bytes.equals(content.subarray(0, bytes.length)));
    // Deflate looks ahead by less than a block of literals.
    assert.ok(length < 5000 || bytes.length > length / 2, `${bytes.length} of ${length}`);
  }
});

test('a gzip file with a wrong check sum tells all that it holds', async () => {
  const damaged = Buffer.from(gzipped);
  damaged[damaged.length - 6]! ^= 1;
  await check(damaged, content, ['compression-damaged']);
});

test('a damaged member tells what stands before the damage', async () => {
  // A block of a type that does not exist, right behind a whole block and an empty one.
  const good = zlib.deflateRawSync(content, { finishFlush: zlib.constants.Z_FULL_FLUSH });
  const damaged = Buffer.concat([gzipped.subarray(0, 10), good, Buffer.alloc(100, 0xff), gzipped]);
  await check(damaged, content, ['compression-damaged']);
});

test('garbage behind a gzip member is told, and the member is whole', async () => {
  await check(Buffer.concat([gzipped, Buffer.from('garbage')]), content, ['compression-damaged']);
});

test('zstd where this Node has it, and what to do where not', async () => {
  const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Uint8Array) => Uint8Array };
  if (zstdCompressSync !== undefined) {
    const compressed = zstdCompressSync(content);
    await check(compressed, content);
    for (const length of [compressed.length >> 1, compressed.length - 1, 5]) {
      const { problems } = await read(compressed.subarray(0, length));
      assert.deepEqual(problems, ['compression-cut-short'], `${length} bytes`);
    }
    return;
  }
  await assert.rejects(
    read(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0])),
    (error) => error instanceof CommandFailure && /zstd -dc FILE/.test(error.message),
  );
});

test('what cannot be read is a failure with a reason', async () => {
  await assert.rejects(openInput(join(folder, 'missing')), /no such file/);
  await assert.rejects(openInput(folder), /is a directory/);
});

test('a reader that stops early leaves nothing open', async () => {
  const path = join(folder, 'early');
  writeFileSync(path, Buffer.alloc(4_000_000, gzipped));
  const input = await openInput(path);
  for await (const chunk of input.chunks) {
    assert.ok(chunk.length > 0);
    break;
  }
  assert.ok(input.bytesRead() < 4_000_000);
});
