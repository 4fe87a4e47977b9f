import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sniffContainer } from 'holdfast/packets';
import { pcap, pcapngBlocks } from './build-captures.js';
import { bytes, hex, tcpPacket, u32 } from './build-packets.js';
import { check } from './read-capture.js';

test('the first bytes say what the file is', () => {
  const table: readonly [ReturnType<typeof sniffContainer>, Uint8Array][] = [
    ['pcap', pcap([])],
    ['pcap', pcap([], { bigEndian: true, magic: 0xa1b23c4d })],
    ['pcapng', pcapngBlocks(true).sectionHeader()],
    ['gzip', hex('1f8b')],
    ['zstd', hex('28b52ffd')],
    ['zstd', hex('502a4d18')],
    ['snoop', bytes('snoop', 0, 0, 0, u32(2), u32(4))],
    ['text', bytes('20:36:50.792731 IP 192.0.2.1.43052 > 192.0.2.2.80: Flags [S]')],
    ['unknown', bytes(1, 2, 3, 4, 5)],
    ['unknown', new Uint8Array(0)],
  ];
  for (const [expected, first] of table) assert.equal(sniffContainer(first), expected);
});

test('snoop', () => {
  const packet = tcpPacket({}, 'hello');
  const record = (data: Uint8Array, padding: number): Uint8Array =>
    bytes(
      u32(data.length),
      u32(data.length),
      u32(24 + data.length + padding),
      u32(0),
      u32(1_000_000_000),
      u32(5),
      data,
      new Uint8Array(padding),
    );
  const file = bytes('snoop', 0, 0, 0, u32(2), u32(4), record(packet, 1), record(packet, 5));
  const line = '10.0.0.1:40000>10.0.0.2:80 A 5 hello';
  const { segments, summary } = check(file, { segments: [`1 ${line}`, `2 ${line}`] });
  assert.equal(segments[0]!.atNs, 5000);
  assert.equal(summary.originSeconds, 1_000_000_000);
  check(file.subarray(0, file.length - 1), { segments: [`1 ${line}`], problems: ['file-cut-short×1@2'] });
  check(bytes(file.subarray(0, 16), record(packet, 1), u32(1), u32(0xffff), u32(40), new Uint8Array(40)), {
    segments: [`1 ${line}`],
    problems: ['record-damaged×1@2'],
  });
});
