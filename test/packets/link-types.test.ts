import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pcap } from './build-captures.js';
import { bytes, ethernet, hex, ipv4, ipv6, tcp, u16, u32 } from './build-packets.js';
import { check } from './read-capture.js';

const v4 = ipv4(tcp({}, 'hello'));
const v6 = ipv6(tcp({}, 'hello'));
const line4 = '1 10.0.0.1:40000>10.0.0.2:80 A 5 hello';
const line6 = '1 2001:db8::1:40000>2001:db8::2:80 A 5 hello';

function checkFrames(linkType: number, ipv4Frames: readonly Uint8Array[], ipv6Frames: readonly Uint8Array[] = []): void {
  for (const frame of ipv4Frames) check(pcap([frame], { linkType }), { segments: [line4] });
  for (const frame of ipv6Frames) check(pcap([frame], { linkType }), { segments: [line6] });
}

test('Ethernet with tags of any depth', () => {
  const tag = (etherType: number): Uint8Array => bytes(u16(5), u16(etherType));
  checkFrames(
    1,
    [
      ethernet(v4),
      ethernet(bytes(tag(0x0800), v4), 0x8100),
      ethernet(bytes(tag(0x8100), tag(0x9100), tag(0x9200), tag(0x0800), v4), 0x88a8),
      ethernet(bytes(...Array.from({ length: 50 }, () => tag(0x8100)), tag(0x0800), v4), 0x8100),
      ethernet(bytes(hex('80010002 0800'), v4), 0x8926),
      ethernet(bytes(hex('0000 0000 0000 0800'), v4), 0x893f),
      ethernet(bytes(hex('00000005'), ethernet(v4)), 0x88e7),
      ethernet(bytes(hex('1234'), ethernet(v4)), 0x8903),
      ethernet(bytes(hex('0040 0001 0002 00000000'), ethernet(v4)), 0x22f3),
    ],
    [ethernet(v6, 0x86dd), ethernet(bytes(tag(0x86dd), v6), 0x8100)],
  );
});

test('LLC with SNAP, and IP straight on LLC', () => {
  const snap = bytes(hex('aaaa03 000000 0800'), v4);
  checkFrames(1, [ethernet(bytes(snap, 'padding'), snap.length), ethernet(snap, 0x8870)]);
  const bridged = bytes(hex('aaaa03 0080c2 0007 0000'), ethernet(v4));
  checkFrames(1, [ethernet(bridged, bridged.length)]);
  checkFrames(11, [snap]);
  const plain = bytes(hex('060603'), v4);
  checkFrames(1, [ethernet(plain, plain.length)]);
});

test('raw IP', () => {
  for (const linkType of [12, 14, 101]) checkFrames(linkType, [v4], [v6]);
  checkFrames(228, [v4]);
  checkFrames(229, [], [v6]);
});

test('BSD loopback in both byte orders and with every family of IPv6', () => {
  checkFrames(0, [bytes(hex('02000000'), v4), bytes(hex('00000002'), v4)]);
  checkFrames(108, [bytes(hex('00000002'), v4)], [bytes(hex('00000018'), v6)]);
  for (const family of [10, 23, 24, 28, 30]) checkFrames(0, [], [bytes(family, 0, 0, 0, v6), bytes(0, 0, 0, family, v6)]);
  check(pcap([hex('07000000 00')], { linkType: 0 }), { other: { 'BSD loopback': 1 } });
});

test('Linux cooked, both versions', () => {
  const cooked = (type: number, hardware = 1): Uint8Array => bytes(u16(0), u16(hardware), u16(6), new Uint8Array(8), u16(type));
  const cooked2 = (type: number): Uint8Array => bytes(u16(type), u16(0), u32(2), u16(1), 0, 6, new Uint8Array(8));
  checkFrames(
    113,
    [bytes(cooked(0x0800), v4), bytes(cooked(0x8100), hex('0005 0800'), v4), bytes(cooked(0x0800, 778), v4)],
    [bytes(cooked(0x86dd), v6)],
  );
  checkFrames(113, [bytes(cooked(4), hex('aaaa03 000000 0800'), v4)]);
  checkFrames(276, [bytes(cooked2(0x0800), v4), bytes(cooked2(0x8100), hex('0005 0800'), v4)], [bytes(cooked2(0x86dd), v6)]);
  check(pcap([bytes(cooked(0x0003), 'x'), bytes(cooked(0x0010, 824), 'x')], { linkType: 113 }), {
    other: { 'Ethernet type 0x0003': 1, Netlink: 1 },
  });
});

test('PPP, in HDLC framing, with direction, over Ethernet', () => {
  checkFrames(9, [bytes(hex('ff03 0021'), v4), bytes(hex('0021'), v4), bytes(hex('21'), v4)], [bytes(hex('ff03 0057'), v6)]);
  checkFrames(50, [bytes(hex('ff03 0021'), v4), bytes(hex('0f00 0800'), v4)]);
  for (const linkType of [166, 204]) checkFrames(linkType, [bytes(1, hex('ff03 0021'), v4)]);
  const session = bytes(hex('11 00 0001'), u16(v4.length + 2), hex('0021'), v4);
  checkFrames(51, [session]);
  checkFrames(1, [ethernet(bytes(session, 'padding'), 0x8864)]);
  const padded = ipv4(tcp({}, 'padding'), { totalByteCount: 46 });
  const withPadding = bytes(hex('11 00 0001'), u16(42), hex('0021'), padded);
  check(pcap([ethernet(withPadding, 0x8864)]), { segments: ['1 10.0.0.1:40000>10.0.0.2:80 A 0'] });
  check(pcap([ethernet(hex('11 a7 0001 0000'), 0x8864), ethernet(hex('11 00 0001 0004 c021 0000'), 0x8864)]), {
    other: { 'tunnel control': 1, 'PPP LCP': 1 },
  });
});

test('Cisco HDLC and Frame Relay', () => {
  checkFrames(104, [bytes(hex('0f00 0800'), v4)], [bytes(hex('8f00 86dd'), v6)]);
  check(pcap([hex('8f00 8035 00000000')], { linkType: 104 }), { other: { 'HDLC control': 1 } });
  checkFrames(
    107,
    [
      bytes(hex('1841 03 cc'), v4),
      bytes(hex('1841 03 00 80 000000 0800'), v4),
      bytes(hex('1841 0800'), v4),
      bytes(hex('18400041 03 cc'), v4),
    ],
    [bytes(hex('1841 03 8e'), v6)],
  );
  checkFrames(107, [bytes(hex('1841 03 00 80 0080c2 0007'), ethernet(v4)), bytes(hex('1841 03 cf 0021'), v4)]);
});

test('802.11 data frames, with the headers of monitors', () => {
  const addresses = new Uint8Array(18);
  const llc = bytes(hex('aaaa03 000000 0800'), v4);
  const data = bytes(hex('0801 0000'), addresses, u16(0), llc);
  const fourAddresses = bytes(hex('0803 0000'), addresses, u16(0), new Uint8Array(6), llc);
  const quality = bytes(hex('8801 0000'), addresses, u16(0), u16(0), llc);
  const padded = bytes(hex('8801 0000'), addresses, u16(0), u16(0), u16(0), llc);
  const highThroughput = bytes(hex('8881 0000'), addresses, u16(0), u16(0), u32(0), llc);
  checkFrames(105, [data, fourAddresses, quality, padded, highThroughput]);
  checkFrames(127, [bytes(hex('00 00 0a00 00000000 0000'), data)]);
  checkFrames(119, [bytes(new Uint8Array(144), data), bytes(hex('80211001 00000040'), new Uint8Array(56), data)]);
  checkFrames(163, [bytes(hex('80211001 00000040'), new Uint8Array(56), data)]);
  checkFrames(192, [bytes(hex('00 00 0800 69000000'), data), bytes(hex('00 00 0a00 01000000 0000'), ethernet(v4))]);
  const encrypted = bytes(hex('0841 0000'), addresses, u16(0), 'xxxxxxxx');
  const fragment = bytes(hex('0805 0000'), addresses, u16(0), llc);
  check(
    pcap(
      [hex('8000 0000'), hex('4801 0000'), encrypted, fragment, bytes(hex('8801 0000'), addresses, u16(0), hex('8000'), llc)],
      { linkType: 105 },
    ),
    {
      other: {
        '802.11 management or control': 1,
        '802.11 without data': 1,
        '802.11 encrypted data': 1,
        '802.11 fragment': 1,
        '802.11 aggregate': 1,
      },
    },
  );
});

test('headers that exist in captures only', () => {
  const attribute = (type: number, value: Uint8Array): Uint8Array =>
    bytes((4 + value.length) & 255, (4 + value.length) >> 8, type, 0, value, new Uint8Array((4 - (value.length & 3)) & 3));
  checkFrames(239, [
    bytes(hex('02 00 0000'), attribute(1, hex('080003 00')), attribute(10, bytes('prefix\0')), attribute(9, v4)),
  ]);
  checkFrames(239, [], [bytes(hex('0a 00 0000'), u16(4 + v6.length), u16(9), v6)]);
  checkFrames(258, [bytes(hex('10000000 01000000 01000000 00000000'), ethernet(v4))]);
  checkFrames(117, [bytes(61, new Uint8Array(63), v4)]);
  checkFrames(109, [bytes(new Uint8Array(12), v4)], [bytes(new Uint8Array(12), v6)]);
  checkFrames(240, [bytes(new Uint8Array(4), ethernet(v4))]);
  checkFrames(242, [bytes(new Uint8Array(40), hex('0800 0000'), v4)]);
});

test('rarer hardware', () => {
  checkFrames(6, [bytes(hex('1040'), new Uint8Array(12), hex('aaaa03 000000 0800'), v4)]);
  checkFrames(6, [
    bytes(hex('1040'), new Uint8Array(6), 0x80, new Uint8Array(5), hex('06 00 0011 0022'), hex('aaaa03 000000 0800'), v4),
  ]);
  checkFrames(10, [bytes(0x50, new Uint8Array(12), hex('aaaa03 000000 0800'), v4)]);
  checkFrames(7, [bytes(hex('0102 d4 00 0001'), v4), bytes(hex('0102 f0'), v4), bytes(hex('0102 d4 ff 0000 00000000'), v4)]);
  checkFrames(129, [bytes(hex('0102 0000 d4 00 0001'), v4)]);
  checkFrames(138, [bytes(new Uint8Array(16), hex('0800'), v4)]);
  checkFrames(178, [
    bytes('MGC', 0x01, ethernet(v4)),
    bytes('MGC', 0x81, u16(4), u32(0), ethernet(v4)),
    bytes('MGC', 0x02, u32(0), v4),
  ]);
  const [addresses, rest] = [ethernet(v4).subarray(0, 12), ethernet(v4).subarray(12)];
  checkFrames(281, [bytes(addresses, u32(0), rest)]);
  checkFrames(282, [bytes(u32(0), ethernet(v4))]);
  checkFrames(284, [bytes(addresses, u32(0), rest)]);
  checkFrames(285, [bytes(addresses, new Uint8Array(8), rest)]);
});

test('every header cut short is a problem or another protocol, never a segment', () => {
  for (let linkType = 0; linkType <= 300; linkType += 1) {
    for (const byteCount of [0, 1, 3, 5, 8, 13]) {
      const { summary } = check(pcap([new Uint8Array(byteCount).fill(0x11)], { linkType }), {
        segments: [],
        problems: undefined,
      });
      assert.equal(summary.packets, 1);
    }
  }
});

test('a link type that is not supported is counted by its name', () => {
  const { summary } = check(pcap([hex('00'), hex('00')], { linkType: 189 }), { other: { 'USB (Linux)': 2 } });
  assert.deepEqual(summary.linkTypes, ['USB (Linux)']);
  check(pcap([hex('00')], { linkType: 9999 }), { other: { 'link type 9999': 1 } });
});
