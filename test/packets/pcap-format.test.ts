import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstSecond, pcap, pcapHeader, pcapRecord } from './build-captures.js';
import { bytes, ethernet, hex, tcpPacket } from './build-packets.js';
import { check, readCapture } from './read-capture.js';

const hello = tcpPacket({}, 'hello');
const answer = tcpPacket({ source: '10.0.0.2', destination: '10.0.0.1', sourcePort: 80, destinationPort: 40000 }, 'hi');
const segments = ['1 10.0.0.1:40000>10.0.0.2:80 A 5 hello', '2 10.0.0.2:80>10.0.0.1:40000 A 2 hi'];
const repeated = (count: number): Uint8Array[] => Array.from({ length: count }, () => hello);
const linesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${index + 1} 10.0.0.1:40000>10.0.0.2:80 A 5 hello`);

test('both byte orders and every magic number', () => {
  for (const bigEndian of [false, true]) {
    check(pcap([hello, answer], { bigEndian }), { segments });
    check(pcap([hello, answer], { bigEndian, magic: 0xa1b23c4d }), { segments });
    check(pcap([hello, answer], { bigEndian, magic: 0xa1b234cd }), { segments });
    check(pcap([hello, answer], { bigEndian, magic: 0xa12b3c4d }), { segments });
    check(pcap([hello, answer], { bigEndian, magic: 0x1c0001ac, extraFileHeader: new Uint8Array(4) }), { segments });
  }
});

test('record headers of patched libpcaps are recognised by their length', () => {
  for (const [magic, byteCount] of [
    [0xa1b2cd34, 8],
    [0xa1b2cd34, 12],
    [0xa1b2c3d4, 8],
    [0xa1b2c3d4, 4],
  ] as const) {
    const file = pcap([hello, answer, hello], {
      magic,
      extraRecordHeader: hex('01 00 00 00 08 00 04 00 00 00 00 00').subarray(0, byteCount),
    });
    check(file, { segments: [...segments, '3 10.0.0.1:40000>10.0.0.2:80 A 5 hello'] });
  }
});

test('versions before 2.3 have the two lengths swapped, 2.3 perhaps', () => {
  const cut = { data: hello.subarray(0, 56), wireByteCount: hello.length };
  const expected = { segments: ['1 10.0.0.1:40000>10.0.0.2:80 A 5 he'] };
  check(pcap([cut], { version: [2, 2], swapLengths: true }), expected);
  check(pcap([cut], { version: [2, 3], swapLengths: true }), expected);
  check(pcap([cut], { version: [2, 3] }), expected);
  check(pcap([cut], { version: [543, 0], swapLengths: true }), expected);
});

test('an unknown version is read as the usual one and reported', () => {
  check(pcap([hello], { version: [3, 1] }), { segments: [segments[0]!], problems: ['unknown-version×1@0'] });
});

test('times are exact nanoseconds from the whole second of the first packet, and may run backwards', () => {
  const times = [
    { data: hello, seconds: firstSecond, fraction: 999_999_999 },
    { data: hello, seconds: firstSecond + 4_000_000, fraction: 1 },
    { data: hello, seconds: firstSecond - 2, fraction: 5 },
  ];
  const nano = check(pcap(times, { magic: 0xa1b23c4d }), {});
  assert.deepEqual(
    nano.segments.map(({ atNs }) => atNs),
    [999_999_999, 4_000_000_000_000_001, -1_999_999_995],
  );
  assert.equal(nano.summary.originSeconds, firstSecond);
  assert.equal(nano.summary.timeDecimals, 9);
  assert.equal(nano.summary.firstAtNs, -1_999_999_995);
  assert.equal(nano.summary.lastAtNs, 4_000_000_000_000_001);
  const micro = check(pcap([{ data: hello, fraction: 999_999 }]), {});
  assert.equal(micro.segments[0]!.atNs, 999_999_000);
  assert.equal(micro.summary.timeDecimals, 6);
});

test('check sequences behind the frames are cut off when the header says how long they are', () => {
  const frame = ethernet(
    hex('45 00 00 00 00 07 00 00 40 06 00 00 0a000001 0a000002 9c40 0050 00000001 00000002 50 10 0200 0000 0000'),
  );
  const withCheck = bytes(frame, hex('de ad be ef'));
  // The IP length is 0, so the frame's own length counts.
  const linkType = (0x24000000 | 1) >>> 0;
  check(pcap([withCheck], { linkType }), { segments: ['1 10.0.0.1:40000>10.0.0.2:80 A 0'] });
  check(pcap([withCheck]), { segments: ['1 10.0.0.1:40000>10.0.0.2:80 A 4 \xde\xad\xbe\xef'] });
});

test('a packet cut by the snap length tells what was captured and what was on the wire', () => {
  check(pcap([{ data: hello.subarray(0, 57), wireByteCount: hello.length }]), {
    segments: ['1 10.0.0.1:40000>10.0.0.2:80 A 5 hel'],
  });
});

test('empty, short and strange inputs are problems, not errors', () => {
  check(new Uint8Array(0), { packets: 0, problems: ['empty-input×1@0'] });
  check(pcapHeader().subarray(0, 20), { packets: 0, problems: ['file-cut-short×1@0'] });
  check(pcapHeader(), { packets: 0 });
  check(bytes('GET / HTTP/1.1\r\n\r\n'), { packets: 0, problems: ['unknown-format×1@0'] });
});

test('a file cut at any byte keeps its whole packets', () => {
  const file = pcap(repeated(3));
  const recordByteCount = 16 + hello.length;
  for (let length = 24; length <= file.length; length += 1) {
    const whole = Math.floor((length - 24) / recordByteCount);
    const isCut = (length - 24) % recordByteCount !== 0;
    check(file.subarray(0, length), { segments: linesOf(whole), problems: isCut ? [`file-cut-short×1@${whole + 1}`] : [] });
  }
});

test('a packet limit ends the reading', () => {
  const { summary } = check(pcap(repeated(5)), { segments: linesOf(2), packets: 2 }, { maxPackets: 2 });
  assert.equal(summary.packets, 2);
});

test('live input tells a packet as soon as it is whole', () => {
  const seen: number[] = [];
  const file = bytes(pcapHeader(), pcapRecord(hello));
  const { segments: told } = readCapture(file, { live: true });
  seen.push(told.length);
  assert.deepEqual(seen, [1]);
});

test('behind a record header that cannot be, reading goes on at the next chain of records', () => {
  const good = repeated(8);
  const file = pcap(good);
  const recordByteCount = 16 + hello.length;
  const fourth = 24 + 3 * recordByteCount;
  file.set([0xff, 0xff, 0xff, 0x7f], fourth + 8);
  // The length on the wire is undamaged, and leads to the next record.
  check(file, { segments: linesOf(8), problems: ['record-length-repaired×1@4'] });
  file.set([0xff, 0xff, 0xff, 0x7f], fourth + 12);
  check(file, { segments: linesOf(7), problems: ['record-damaged×1@4'] });
});

test('a damaged time loses no record', () => {
  const file = pcap(repeated(8));
  file.set([0, 0, 0, 0], 24 + 3 * (16 + hello.length));
  check(file, { segments: linesOf(8) });
});

test('garbage between records is skipped', () => {
  const [a, b] = [pcap(repeated(4)), pcap(repeated(4)).subarray(24)];
  const garbage = Uint8Array.from({ length: 5000 }, (_, index) => (index * 7919 + (index >> 3)) & 255);
  const { summary } = check(bytes(a, garbage, b), { problems: ['record-damaged×1@5'] });
  assert.equal(summary.packets, 8);
});

test('a record that claims too many bytes loses none of those behind it', () => {
  const file = pcap(repeated(8));
  const third = 24 + 2 * (16 + hello.length);
  file.set([0xff, 0x00], third + 8);
  check(file, { segments: linesOf(8), problems: ['record-length-repaired×1@3'] });
  file.set([0xff, 0x00], third + 12);
  check(file, { segments: linesOf(8), problems: ['record-length-repaired×1@3'] });
});

test('a record that claims too few bytes loses none behind it', () => {
  const file = pcap(repeated(8));
  file.set([30], 24 + 2 * (16 + hello.length) + 8);
  const { summary } = check(file, { problems: ['packet-cut-in-headers×1@3', 'record-damaged×1@4'] });
  assert.equal(summary.packets, 8);
});

test('a wrong length in one of the last records is found out at the end of the file', () => {
  const file = pcap(repeated(4));
  file.set([0xff, 0x20, 0, 0, 0xff, 0x20], 24 + (16 + hello.length) + 8);
  check(file, { segments: linesOf(4), problems: ['record-length-repaired×1@2'] });
});

test('a capture that carries a capture as payload is not torn apart', () => {
  const inner = pcap(repeated(12));
  const outer = tcpPacket({}, inner);
  check(pcap([outer, outer, outer]), { packets: 3 });
  // Damage right behind it: the search must not take the payload for records.
  const damaged = pcap([outer, outer, ...repeated(4)]);
  damaged.set([0xff, 0xff, 0xff, 0x7f], 24 + 16 + outer.length + 8);
  const { segments: told } = readCapture(damaged);
  assert.equal(told[0]!.payloadLength, inner.length);
});

test('odd but regular records are believed', () => {
  // Fractions beyond a second, leaps of years and more captured than was on the wire: strange, and consistently so.
  const odd = [
    { data: hello, seconds: 5, fraction: 2_000_000 },
    { data: hello, seconds: 900_000_000, fraction: 3_000_000 },
    { data: hello, seconds: 7, wireByteCount: 10 },
    { data: hello, seconds: 7, wireByteCount: 10 },
  ];
  check(pcap(odd), { segments: linesOf(4) });
});
