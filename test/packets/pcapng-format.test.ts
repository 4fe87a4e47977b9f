import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstSecond, pcapngBlocks } from './build-captures.js';
import { bytes, ipv4, tcp, tcpPacket } from './build-packets.js';
import { check } from './read-capture.js';

const hello = tcpPacket({}, 'hello');
const line = (packet: number, payload = 'hello'): string =>
  `${packet} 10.0.0.1:40000>10.0.0.2:80 A ${payload.length} ${payload}`.trimEnd();
const little = pcapngBlocks();
const big = pcapngBlocks(true);
const microseconds = BigInt(firstSecond) * 1_000_000n;
const start = [little.sectionHeader(), little.interfaceDescription()];

test('enhanced, simple and obsolete packet blocks in both byte orders', () => {
  for (const { sectionHeader, interfaceDescription, enhancedPacket, simplePacket, obsoletePacket } of [little, big]) {
    const file = bytes(
      ...[sectionHeader(), interfaceDescription()],
      ...[enhancedPacket(hello, microseconds + 5n), simplePacket(hello), obsoletePacket(hello, microseconds + 7n)],
    );
    const { segments, summary } = check(file, { segments: [line(1), line(2), line(3)] });
    assert.deepEqual(
      segments.map(({ atNs }) => atNs),
      [5000, 5000, 7000],
    );
    assert.equal(summary.originSeconds, firstSecond);
    assert.equal(summary.format, 'pcapng');
  }
});

test('resolutions and offsets of interfaces', () => {
  const clocks: readonly [name: string, resolution: number, offset: number, ticks: bigint, atNs: number][] = [
    ['seconds', 0, 0, 3n, 3e9],
    ['milliseconds', 3, 0, 1_500n, 1.5e9],
    ['nanoseconds', 9, 0, 1_234_567_891n, 1_234_567_891],
    ['picoseconds', 12, 0, 1_234_567_891_999n, 1_234_567_891],
    ['10^-19', 19, 0, 10_000_000_050_000_000_000n - 10_000_000_000_000_000_000n, 5],
    ['2^-10', 0x80 | 10, 0, 1536n, 1.5e9],
    ['2^-32', 0x80 | 32, 0, (1n << 32n) + (1n << 31n), 1.5e9],
    ['microseconds, a day behind', 6, 86_400, 2_500_000n, 2.5e9],
  ];
  for (const [name, resolution, offset, ticks, atNs] of clocks) {
    for (const { sectionHeader, interfaceDescription, enhancedPacket, option, long } of [little, big]) {
      const offsetHalves = [long(0), long(offset)];
      if (long === little.long) offsetHalves.reverse();
      const options = [option(9, bytes(resolution)), option(14, bytes(...offsetHalves))];
      const file = bytes(
        sectionHeader(),
        interfaceDescription(1, options),
        enhancedPacket(hello, 0n),
        enhancedPacket(hello, ticks),
      );
      const { segments, summary } = check(file, { packets: 2 });
      assert.equal(segments[1]!.atNs, atNs, name);
      assert.equal(summary.originSeconds, offset, name);
    }
  }
});

test('nanoseconds of today keep all their digits', () => {
  const now = 1_700_000_123n * 1_000_000_000n;
  const nano = little.interfaceDescription(1, [little.option(9, bytes(9))]);
  const file = bytes(
    little.sectionHeader(),
    nano,
    ...[1n, 999_999_999n, 86_400_000_000_123n].map((ns) => little.enhancedPacket(hello, now + ns)),
  );
  const { segments, summary } = check(file, {});
  assert.deepEqual(
    segments.map(({ atNs }) => atNs),
    [1, 999_999_999, 86_400_000_000_123],
  );
  assert.equal(summary.timeDecimals, 9);
});

test('interfaces of different clocks and link types share one scale of time', () => {
  const file = bytes(
    ...[little.sectionHeader(), little.interfaceDescription(), little.interfaceDescription(101, [little.option(9, bytes(9))])],
    little.enhancedPacket(hello, microseconds + 1n, 0),
    little.enhancedPacket(ipv4(tcp({}, 'raw')), BigInt(firstSecond) * 1_000_000_000n + 1500n, 1),
  );
  const { segments, summary } = check(file, { segments: [line(1), line(2, 'raw')] });
  assert.deepEqual(
    segments.map(({ atNs }) => atNs),
    [1000, 1500],
  );
  assert.deepEqual(summary.linkTypes, ['Ethernet', 'Raw IP']);
  assert.equal(summary.timeDecimals, 9);
});

test('each section has its own byte order and interfaces', () => {
  const file = bytes(
    ...[...start, little.enhancedPacket(hello, microseconds)],
    ...[big.sectionHeader(), big.interfaceDescription(101), big.enhancedPacket(ipv4(tcp({}, 'raw')), microseconds)],
    ...[little.sectionHeader(), little.enhancedPacket(hello, microseconds)],
  );
  check(file, { segments: [line(1), line(2, 'raw')], problems: ['unknown-interface×1@3'] });
});

test('other blocks are skipped; custom blocks and journal entries have packet numbers, as in Wireshark', () => {
  const { block, long } = little;
  const file = bytes(
    ...start,
    ...[block(4, long(0)), block(5, long(0), new Uint8Array(8)), block(10, long(1), long(0)), block(0x77777777, 'anything')],
    little.enhancedPacket(hello, microseconds),
    ...[block(0xbad, long(1), 'custom'), block(0x40000bad, long(1), 'custom'), block(9, 'MESSAGE=x\n')],
    little.enhancedPacket(hello, microseconds),
  );
  check(file, { segments: [line(1), line(5)], packets: 5, other: { 'pcapng custom block': 2, 'systemd journal entry': 1 } });
});

test('a simple packet is cut by the snap length of the first interface', () => {
  const file = bytes(
    little.sectionHeader(),
    little.interfaceDescription(1, [], 56),
    little.simplePacket(hello.subarray(0, 56), hello.length),
  );
  check(file, { segments: ['1 10.0.0.1:40000>10.0.0.2:80 A 5 he'] });
});

test('packets without a time before the first with one do not set the origin', () => {
  const file = bytes(...start, little.simplePacket(hello), little.enhancedPacket(hello, microseconds + 3n));
  const { summary, segments } = check(file, { segments: [line(1), line(2)] });
  assert.equal(summary.originSeconds, firstSecond);
  assert.equal(segments[1]!.atNs, 3000);
});

test('blocks that contradict themselves are skipped and reported', () => {
  const { block, long, short } = little;
  const tooMuch = block(6, long(0), long(0), long(0), long(5000), long(5000), hello);
  const badOption = block(1, short(1), short(0), long(0), short(9), short(500));
  check(bytes(...start, tooMuch, block(6, long(0)), block(3), block(1), little.enhancedPacket(hello, microseconds)), {
    segments: [line(1)],
    problems: ['block-malformed×4@1'],
  });
  check(bytes(little.sectionHeader(), badOption, little.enhancedPacket(hello, microseconds)), {
    segments: [line(1)],
    problems: ['option-malformed×1@1'],
  });
  check(bytes(little.sectionHeader([2, 0]), little.interfaceDescription(), little.enhancedPacket(hello, microseconds)), {
    segments: [line(1)],
    problems: ['unknown-version×1@1'],
  });
});

test('damaged lengths lose no block that is whole', () => {
  const packet = little.enhancedPacket(hello, microseconds);
  const lines = [line(1), line(2), line(3)];
  const damaged = (at: number, value: readonly number[]): Uint8Array => {
    const middle = packet.slice();
    middle.set(value, at);
    return bytes(...start, packet, middle, packet);
  };
  const last = packet.length - 4;
  check(damaged(last, [1, 2, 3, 4]), { segments: lines, problems: ['block-trailer-wrong×1@2'] });
  check(damaged(4, [0xff, 0xff, 0xff, 0xff]), { segments: lines, problems: ['record-length-repaired×1@2'] });
  check(damaged(4, [5]), { segments: lines, problems: ['record-length-repaired×1@2'] });
  check(damaged(0, [0x0a, 0x0d, 0x0d, 0x0a]), { segments: [line(1), line(2)], problems: ['block-damaged×1@2'] });
  const garbage = Uint8Array.from({ length: 777 }, (_, index) => (index * 31) & 255);
  check(bytes(...start, packet, garbage, packet, packet), { segments: lines, problems: ['block-damaged×1@2'] });
});

test('a file cut at any byte keeps its whole packets', () => {
  const packet = little.enhancedPacket(hello, microseconds);
  const head = bytes(...start);
  const file = bytes(head, packet, packet);
  for (let length = head.length; length <= file.length; length += 1) {
    const whole = Math.floor((length - head.length) / packet.length);
    const isCut = (length - head.length) % packet.length !== 0;
    const segments = [line(1), line(2)].slice(0, whole);
    check(file.subarray(0, length), { segments, problems: isCut ? [`file-cut-short×1@${whole + 1}`] : [] });
  }
});
