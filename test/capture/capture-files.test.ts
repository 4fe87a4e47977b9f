import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CaptureError } from 'holdfast/capture';
import { CaptureFiles } from '#dist/capture/capture-files.js';
import { PcapToPcapng } from '#dist/capture/pcap-to-pcapng.js';
import { headByteCount, pcapngStatistics, statisticsByteCount } from '#dist/capture/pcapng-blocks.js';
import { pcap } from '../packets/build-captures.js';
import { readWritten } from './own-pcapng.js';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-files-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const nowSecond = Math.floor(Date.now() / 1000);
const statistics = (): Uint8Array =>
  pcapngStatistics({ startNs: 1n, endNs: 2n ** 60n, received: Number.MAX_SAFE_INTEGER, droppedByKernel: 1, delivered: 3 });

/** The head of a capture, and its packets as blocks. */
function blocksOf(packets: Parameters<typeof pcap>[0]): { head: Uint8Array; blocks: Uint8Array } {
  const whole = new PcapToPcapng({ interfaceName: 'lo', filter: '', operatingSystem: 'Linux' }).push(Buffer.from(pcap(packets)))!;
  const from = headByteCount(whole);
  return { head: whole.slice(0, from), blocks: whole.slice(from) };
}

const errorCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof CaptureError && error.code === code;

test('one file: head, packets, counts', () => {
  const { head, blocks } = blocksOf([new Uint8Array(60), new Uint8Array(61)]);
  const path = join(folder, 'one.pcapng');
  const files = new CaptureFiles({ path }, head);
  files.write(blocks, 0, blocks.length, statistics);
  files.end(statistics());
  const written = readWritten(readFileSync(path));
  assert.deepEqual(written.types, [0x0a0d0d0a, 1, 6, 6, 5]);
  assert.equal(written.statistics.get(4), BigInt(Number.MAX_SAFE_INTEGER));
  assert.equal(files.byteCount, statSync(path).size);
  assert.equal(statSync(path).mode & 0o777, 0o600, 'for its owner only');
});

test('the block of counts is never longer than what is kept free for it', () => {
  assert.ok(statistics().length <= statisticsByteCount);
});

test('rotation by size: every file complete and within the size, no packet lost or twice', () => {
  const packets = Array.from({ length: 100 }, (_, index) => new Uint8Array(100 + index).fill(index));
  const { head, blocks } = blocksOf(packets);
  const path = join(folder, 'size.pcapng');
  const files = new CaptureFiles({ path, rotateBytes: 2000 }, head);
  // In three writes that do not care where files end.
  const third = Math.floor(packets.length / 3);
  const ends = [third, 2 * third, packets.length].map((count) => blocksOf(packets.slice(0, count)).blocks.length);
  for (const [index, end] of ends.entries()) files.write(blocks, ends[index - 1] ?? 0, end, statistics);
  files.end(statistics());
  const names = readdirSync(folder).filter((name) => name.startsWith('size_'));
  assert.equal(names.length, files.begun);
  const all = names.sort().flatMap((name) => {
    assert.match(name, /^size_\d{5}_\d{14}\.pcapng$/);
    const file = readFileSync(join(folder, name));
    assert.ok(file.length <= 2000, `${file.length} bytes`);
    const { types, packets: inside } = readWritten(file);
    assert.equal(types.at(-1), 5);
    return inside.map(({ data }) => data);
  });
  assert.deepEqual(
    all,
    packets.map((data) => Buffer.from(data)),
  );
});

test('a packet larger than the size has a file of its own', () => {
  const { head, blocks } = blocksOf([new Uint8Array(60), new Uint8Array(5000), new Uint8Array(60)]);
  const files = new CaptureFiles({ path: join(folder, 'large.pcapng'), rotateBytes: 2000 }, head);
  files.write(blocks, 0, blocks.length, statistics);
  files.end(statistics());
  assert.equal(files.begun, 3);
});

test('rotation by time goes by the time of the packets', () => {
  const at = (seconds: number) => ({ data: new Uint8Array(60), seconds: nowSecond + seconds });
  const { head, blocks } = blocksOf([at(0), at(9), at(20), at(21), at(29), at(30), at(100)]);
  const files = new CaptureFiles({ path: join(folder, 'time.pcapng'), rotateSeconds: 10 }, head);
  files.write(blocks, 0, blocks.length, statistics);
  files.end(statistics());
  const counts = readdirSync(folder)
    .filter((name) => name.startsWith('time_'))
    .sort()
    .map((name) => readWritten(readFileSync(join(folder, name))).packets.length);
  assert.deepEqual(counts, [2, 3, 1, 1]);
});

test('only the newest files are kept', () => {
  const { head, blocks } = blocksOf(Array.from({ length: 40 }, () => new Uint8Array(300)));
  const files = new CaptureFiles({ path: join(folder, 'ring.pcapng'), rotateBytes: 2000, files: 3 }, head);
  files.write(blocks, 0, blocks.length, statistics);
  files.end(statistics());
  const names = readdirSync(folder).filter((name) => name.startsWith('ring_'));
  assert.ok(files.begun > 3);
  assert.deepEqual(
    names.sort().map((name) => Number(name.slice(5, 10))),
    [files.begun - 2, files.begun - 1, files.begun],
  );
});

test('a full disk is a named error, with the count of what did not get in', {
  skip: existsSync('/dev/full') ? false : 'no /dev/full',
}, () => {
  const { head } = blocksOf([new Uint8Array(60)]);
  assert.throws(() => new CaptureFiles({ path: '/dev/full' }, head), errorCode('disk-full'));
});

test('files that cannot be written are named', (context) => {
  const { head } = blocksOf([new Uint8Array(60)]);
  assert.throws(() => new CaptureFiles({ path: join(folder, 'nowhere', 'x.pcapng') }, head), errorCode('unwritable-file'));
  assert.throws(() => new CaptureFiles({ path: folder }, head), errorCode('unwritable-file'));
  if (process.geteuid?.() === 0) {
    context.diagnostic('root may write everywhere: permission is not tested');
    return;
  }
  chmodSync(folder, 0o500);
  assert.throws(() => new CaptureFiles({ path: join(folder, 'refused.pcapng') }, head), errorCode('unwritable-file'));
  chmodSync(folder, 0o700);
});
