/**
 * Small good captures for the fuzzer: every file format, and packets of every layer the decoder follows.
 */
import { firstSecond, pcap, pcapngBlocks } from './build-captures.js';
import { bytes, ethernet, flag, hex, ipv4, ipv6, tcp, tcpPacket, u16, u32, udp } from './build-packets.js';

export function fuzzCorpus(): Uint8Array[] {
  const nanosecondsAndCooked = { magic: 0xa1b23c4d, linkType: 113, bigEndian: true };
  const cooked = bytes(u16(0), u16(1), u16(6), new Uint8Array(8), u16(0x0800));
  return [
    pcap(connection),
    pcap(tunnels),
    pcap(fragments, { linkType: 101 }),
    pcap(
      connection.map((packet) => bytes(cooked, packet.subarray(14))),
      nanosecondsAndCooked,
    ),
    pcap(connection, { magic: 0xa1b2cd34, extraRecordHeader: new Uint8Array(8) }),
    pcapng(false),
    pcapng(true),
    snoop(),
  ];
}

const reversed = { source: '10.0.0.2', destination: '10.0.0.1', sourcePort: 80, destinationPort: 40_000 };
const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const response = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const options = hex('0204 05b4 0402 080a 00000102 00000000 01 0303 07');
const { syn, ack, psh, fin } = flag;

const connection: readonly Uint8Array[] = [
  ethernet(ipv4(tcp({ flags: syn, sequence: 1000, options }))),
  ethernet(ipv4(tcp({ ...reversed, flags: syn | ack, sequence: 5000, acknowledgment: 1001, options }), reversed)),
  tcpPacket({ sequence: 1001, acknowledgment: 5001 }),
  tcpPacket({ flags: psh | ack, sequence: 1001, acknowledgment: 5001 }, request),
  tcpPacket({ ...reversed, flags: psh | ack, sequence: 5001, acknowledgment: 1001 + request.length }, response),
  tcpPacket({ flags: fin | ack, sequence: 1001 + request.length, acknowledgment: 5001 + response.length }),
  tcpPacket({ ...reversed, flags: fin | ack, sequence: 5001 + response.length, acknowledgment: 1002 + request.length }),
];

const inner = ipv4(tcp({}, 'payload'));
const inUdp = (port: number, payload: Uint8Array): Uint8Array => ethernet(ipv4(udp(9999, port, payload), { protocol: 17 }));

const tunnels: readonly Uint8Array[] = [
  ethernet(bytes(hex('0005 8100 0006 0800'), inner), 0x88a8),
  ethernet(bytes(hex('00001140'), inner), 0x8847),
  ethernet(bytes(hex('11 00 0001'), u16(inner.length + 2), hex('0021'), inner), 0x8864),
  ethernet(ipv4(bytes(hex('b000 0800'), u32(0), u32(7), u32(1), inner), { protocol: 47 })),
  ethernet(ipv4(bytes(hex('1000 88be'), u32(1), new Uint8Array(8), ethernet(inner)), { protocol: 47 })),
  inUdp(4789, bytes(hex('08000000 00000100'), ethernet(inner))),
  inUdp(6081, bytes(hex('0100 6558 00000100 00000000'), ethernet(inner))),
  inUdp(2152, bytes(hex('34ff 0030 00000001 0000 00 85 01 000b 00'), inner)),
  inUdp(3544, bytes(hex('0000 1234 01020304'), ipv6(tcp({}, 'payload')))),
  inUdp(1701, bytes(hex('4002 0040 0001 0001 ff03 0021'), inner)),
  inUdp(37_008, bytes(hex('01 00 0001 0a01c5 01'), ethernet(inner))),
  ethernet(
    ipv6(bytes(hex('2b00000000000000 0602000100000000'), new Uint8Array(16), tcp({}, 'routed')), { nextHeader: 0 }),
    0x86dd,
  ),
  ethernet(bytes(hex('aaaa03 000000 0800'), inner), 8 + inner.length),
];

const datagram = tcp({}, 'abcdefghijklmnopqrstuvwx');
const fragments: readonly Uint8Array[] = [
  ipv4(datagram.subarray(0, 16), { moreFragments: true }),
  ipv4(datagram.subarray(32), { fragmentOffset: 32 }),
  ipv4(datagram.subarray(8, 32), { fragmentOffset: 8, moreFragments: true }),
  ipv6(bytes(6, 0, u16(16), u32(7), datagram.subarray(16)), { nextHeader: 44 }),
  ipv6(bytes(6, 0, u16(1), u32(7), datagram.subarray(0, 16)), { nextHeader: 44 }),
];

function pcapng(bigEndian: boolean): Uint8Array {
  const blocks = pcapngBlocks(bigEndian);
  const other = pcapngBlocks(!bigEndian);
  const now = BigInt(firstSecond);
  return bytes(
    blocks.sectionHeader(),
    blocks.interfaceDescription(),
    blocks.interfaceDescription(101, [blocks.option(9, bytes(9))]),
    blocks.interfaceDescription(1, [blocks.option(9, bytes(0x80 | 20))]),
    ...connection.map((packet, index) => blocks.enhancedPacket(packet, now * 1_000_000n + BigInt(index))),
    blocks.enhancedPacket(inner, now * 1_000_000_000n, 1),
    blocks.enhancedPacket(connection[0]!, now << 20n, 2),
    blocks.block(5, new Uint8Array(12)),
    blocks.block(0xbad, new Uint8Array(12)),
    other.sectionHeader(),
    other.interfaceDescription(),
    other.simplePacket(connection[3]!),
    other.obsoletePacket(connection[4]!, now * 1_000_000n),
  );
}

function snoop(): Uint8Array {
  const record = (data: Uint8Array): Uint8Array =>
    bytes(u32(data.length), u32(data.length), u32(24 + data.length), u32(0), u32(firstSecond), u32(5), data);
  return bytes('snoop', 0, 0, 0, u32(2), u32(4), ...connection.map(record));
}
