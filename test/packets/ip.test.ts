import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CapturedPacket, firstSecond, pcap } from './build-captures.js';
import { bytes, ethernet, hex, type Ipv4Fields, ipv4, ipv6, ipv6Address, tcp, u16, u32, udp } from './build-packets.js';
import { check } from './read-capture.js';

const v4 = '10.0.0.1:40000>10.0.0.2:80 A';
const v6 = '2001:db8::1:40000>2001:db8::2:80 A';
const hello = tcp({}, 'hello');
const rawIp = { linkType: 101 };

test('padding behind the stated length is no payload', () => {
  check(pcap([ethernet(bytes(ipv4(hello), 'padding'))]), { segments: [`1 ${v4} 5 hello`] });
  check(pcap([ethernet(bytes(ipv6(hello), 'padding'), 0x86dd)]), { segments: [`1 ${v6} 5 hello`] });
});

test('a length of 0 from segmentation offload means the whole frame', () => {
  check(pcap([ethernet(ipv4(hello, { totalByteCount: 0 }))]), { segments: [`1 ${v4} 5 hello`] });
  check(pcap([ethernet(ipv6(hello, { payloadByteCount: 0 }), 0x86dd)]), { segments: [`1 ${v6} 5 hello`] });
});

test('a stated length beyond the frame counts what is there as captured', () => {
  check(pcap([ethernet(ipv4(hello, { totalByteCount: 100 }))]), { segments: [`1 ${v4} 60 hello`] });
});

test('lengths and versions that cannot be are problems', () => {
  check(pcap([ethernet(ipv4(hello, { totalByteCount: 19 }))]), { segments: [], problems: ['packet-malformed×1@1'] });
  check(pcap([ethernet(bytes(0x43, ipv4(hello).subarray(1)))]), { segments: [], problems: ['packet-malformed×1@1'] });
  check(pcap([ethernet(bytes(0x75, ipv4(hello).subarray(1)))]), { segments: [], problems: ['packet-malformed×1@1'] });
});

test('options are skipped; of a source route the last address is the destination', () => {
  check(pcap([ethernet(ipv4(hello, { options: hex('01 94 04 00 00 00 00 00') }))]), { segments: [`1 ${v4} 5 hello`] });
  const route = hex('83 0b 04 05060708 090a0b0c 00');
  check(pcap([ethernet(ipv4(hello, { options: route }))]), { segments: ['1 10.0.0.1:40000>9.10.11.12:80 A 5 hello'] });
  const usedUp = hex('89 0b 0c 05060708 090a0b0c 00');
  check(pcap([ethernet(ipv4(hello, { options: usedUp }))]), { segments: [`1 ${v4} 5 hello`] });
});

test('what is not TCP is counted by name', () => {
  const packets = [
    ...[
      ethernet(ipv4(udp(1, 2, bytes('x')), { protocol: 17 })),
      ethernet(ipv4(bytes('x'), { protocol: 1 })),
      ethernet(bytes('x'), 0x0806),
    ],
    ...[ethernet(ipv4(bytes('x'), { protocol: 200 })), ethernet(bytes('x'), 0x1234), ethernet(hex('424203'), 3)],
  ];
  check(pcap(packets), {
    packets: 6,
    segments: [],
    other: { UDP: 1, ICMP: 1, ARP: 1, 'IP protocol 200': 1, 'Ethernet type 0x1234': 1, STP: 1 },
  });
});

test('a header quoted in an ICMP error is no packet', () => {
  const quoted = bytes(3, 4, u16(0), u32(0), ipv4(hello));
  check(pcap([ethernet(ipv4(quoted, { protocol: 1 }))]), { segments: [], other: { ICMP: 1 } });
});

const extension = (next: number, byteCount = 8): Uint8Array => bytes(next, byteCount / 8 - 1, new Uint8Array(byteCount - 2));

test('IPv6 extension headers are walked', () => {
  const chain = bytes(extension(60), extension(43, 16), extension(135), extension(6), hello);
  check(pcap([ipv6(chain, { nextHeader: 0 })], rawIp), { segments: [`1 ${v6} 5 hello`] });
  const authentication = bytes(6, 4, new Uint8Array(22), hello);
  check(pcap([ipv6(authentication, { nextHeader: 51 })], rawIp), { segments: [`1 ${v6} 5 hello`] });
  check(pcap([ipv4(authentication, { protocol: 51 })], rawIp), { segments: [`1 ${v4} 5 hello`] });
  check(pcap([ipv6(extension(59), { nextHeader: 0 })], rawIp), { other: { 'IPv6 no next header': 1 } });
});

test('of a routing header with segments left the last address is the destination', () => {
  const route = (type: number, left: number, ...addresses: number[]): Uint8Array =>
    bytes(6, addresses.length * 2, type, left, u32(0), ...addresses.map(ipv6Address), hello);
  check(pcap([ipv6(route(0, 1, 7, 8), { nextHeader: 43 })], rawIp), {
    segments: ['1 2001:db8::1:40000>2001:db8::8:80 A 5 hello'],
  });
  check(pcap([ipv6(route(4, 1, 7, 8), { nextHeader: 43 })], rawIp), {
    segments: ['1 2001:db8::1:40000>2001:db8::7:80 A 5 hello'],
  });
  check(pcap([ipv6(route(0, 0, 7, 8), { nextHeader: 43 })], rawIp), { segments: [`1 ${v6} 5 hello`] });
});

test('extension headers without end and tunnels without end are given up', () => {
  check(pcap([ipv6(bytes(...Array.from({ length: 40 }, () => extension(0))), { nextHeader: 0 })], rawIp), {
    problems: ['packet-malformed×1@1'],
  });
  let nested = ipv4(hello);
  for (let depth = 0; depth < 60; depth += 1) nested = ipv4(nested, { protocol: 4 });
  check(pcap([nested], rawIp), { segments: [], problems: ['nesting-limit×1@1'] });
});

// Fragments

const datagram = tcp({}, 'abcdefghijklmnopqrstuvwx');

function fragment(start: number, end: number, fields: Ipv4Fields = {}): Uint8Array {
  return ipv4(datagram.subarray(start, end), { fragmentOffset: start, moreFragments: end < datagram.length, ...fields });
}

const whole = (packet: number): string[] => [`${packet} ${v4} 24 abcdefghijklmnopqrstuvwx`];
const [a, b, c] = [fragment(0, 16), fragment(16, 32), fragment(32, 44)];

test('fragments make a datagram in any order, told at the packet that completes it', () => {
  for (const order of [
    [a, b, c],
    [c, b, a],
    [b, a, c],
    [a, a, c, c, b],
  ]) {
    check(pcap(order, rawIp), { segments: whole(order.length), other: { 'IP fragment': order.length - 1 } });
  }
});

test('fragments of different datagrams are kept apart', () => {
  const other = (part: Uint8Array): Uint8Array => bytes(part.subarray(0, 5), 99, part.subarray(6));
  check(pcap([a, other(a), b, other(c), c, other(b)], rawIp), { segments: [...whole(5), ...whole(6)] });
});

test('where fragments overlap, the bytes that came first stay', () => {
  const late = ipv4(bytes('XXXXXXXXXXXXXXXX'), { fragmentOffset: 24, moreFragments: true });
  const mixed = `4 ${v4} 24 abcdefghijklXXXXXXXXuvwx`;
  check(pcap([a, b, late, c], rawIp), { segments: [mixed], problems: ['fragment-overlap×2@3'] });
  const early = ipv4(bytes(datagram.subarray(0, 24), '########'), { moreFragments: true });
  const first = `4 ${v4} 24 abcd########mnopqrstuvwx`;
  check(pcap([early, fragment(16, 40), a, c], rawIp), { segments: [first], problems: ['fragment-overlap×2@2'] });
});

test('fragments that wait too long or in vain are given up', () => {
  const late: CapturedPacket[] = [a, b, c].map((data, index) => ({ data, seconds: firstSecond + 100 * index }));
  check(pcap(late, rawIp), { segments: [], problems: ['fragments-incomplete×3@1'] });
});

test('more datagrams than can wait push out the oldest', () => {
  const many = Array.from({ length: 600 }, (_, index) =>
    ipv4(datagram.subarray(0, 16), { moreFragments: true, identification: index }),
  );
  const { summary } = check(
    pcap(
      many.map((data) => ({ data, seconds: firstSecond })),
      rawIp,
    ),
    {
      segments: [],
      problems: ['fragment-limit×88@1', 'fragments-incomplete×512@89'],
    },
  );
  assert.equal(summary.packets, 600);
});

test('a first fragment that the snap length cut is told as it is', () => {
  const long = fragment(0, 32);
  check(pcap([{ data: long.subarray(0, 44), wireByteCount: long.length }], rawIp), { segments: [`1 ${v4} 12 abcd`] });
});

test('a fragment that ends behind the largest datagram is malformed', () => {
  check(pcap([ipv4(new Uint8Array(64), { fragmentOffset: 65_528 })], rawIp), { problems: ['packet-malformed×1@1'] });
});

test('IPv6 fragments, and an atomic one', () => {
  const part = (start: number, end: number): Uint8Array => {
    const more = end < datagram.length ? 1 : 0;
    return ipv6(bytes(6, 0, u16(start | more), u32(0xabcdef01), datagram.subarray(start, end)), { nextHeader: 44 });
  };
  check(pcap([part(16, 44), part(0, 16)], rawIp), { segments: [`2 ${v6} 24 abcdefghijklmnopqrstuvwx`] });
  check(pcap([part(0, 44)], rawIp), { segments: [`1 ${v6} 24 abcdefghijklmnopqrstuvwx`] });
});
