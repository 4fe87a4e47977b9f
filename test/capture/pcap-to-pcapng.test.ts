import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CaptureError } from 'holdfast/capture';
import { PcapToPcapng } from '#dist/capture/pcap-to-pcapng.js';
import { firstSecond, type PcapOptions, pcap } from '../packets/build-captures.js';
import { readWritten } from './own-pcapng.js';

const description = { interfaceName: 'eth0', filter: 'port 80', operatingSystem: 'Linux' };
const packets = [0, 1, 59, 60, 61, 62, 63, 1514].map((length, index) => ({
  data: new Uint8Array(length).fill(index + 1),
  seconds: firstSecond + index,
  fraction: 999_999 - index,
  wireByteCount: length + index,
}));

function convert(file: Uint8Array, chunkByteCount: number): Buffer {
  const form = new PcapToPcapng(description);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < file.length; at += chunkByteCount) {
    const blocks = form.push(Buffer.from(file.subarray(at, at + chunkByteCount)));
    if (blocks !== null) parts.push(blocks);
    if (blocks !== null) readWritten(blocks);
  }
  assert.equal(form.packets, packets.length);
  return Buffer.concat(parts);
}

for (const [name, options, nsPerUnit] of [
  ['microseconds', {}, 1000n],
  ['nanoseconds', { magic: 0xa1b23c4d }, 1n],
  ['big-endian', { bigEndian: true }, 1000n],
] as [string, PcapOptions, bigint][]) {
  test(`pcap becomes pcapng, packet by packet: ${name}`, () => {
    const file = pcap(packets, { ...options, linkType: 276 });
    const written = readWritten(convert(file, file.length));
    assert.equal(written.linkType, 276);
    assert.deepEqual(
      written.packets.map(({ timeNs, original, data }) => ({ timeNs, original, data })),
      packets.map(({ data, seconds, fraction, wireByteCount }) => ({
        timeNs: BigInt(seconds) * 1_000_000_000n + BigInt(fraction) * nsPerUnit,
        original: wireByteCount,
        data: Buffer.from(data),
      })),
    );
  });
}

test('the same however it is cut, and every piece holds whole blocks', () => {
  const file = pcap(packets);
  const whole = convert(file, file.length);
  for (const chunkByteCount of [1, 7, 23, 24, 25, 100]) assert.deepEqual(convert(file, chunkByteCount), whole);
});

test('what is no pcap, or holds a packet of impossible size, is a failure', () => {
  const isFailure = (error: unknown): boolean => error instanceof CaptureError && error.code === 'failed';
  assert.throws(() => new PcapToPcapng(description).push(Buffer.alloc(24, 'x')), isFailure);
  const file = Buffer.from(pcap(packets));
  file.writeUInt32LE(0x7fffffff, 24 + 8);
  assert.throws(() => new PcapToPcapng(description).push(file), isFailure);
});
