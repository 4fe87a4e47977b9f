import { test } from 'node:test';
import { pcap } from './build-captures.js';
import { bytes, ethernet, hex, ipv4, ipv6, tcp, u16, u32, udp } from './build-packets.js';
import { check } from './read-capture.js';

const v4 = ipv4(tcp({}, 'hello'));
const v6 = ipv6(tcp({}, 'hello'));
const frame = ethernet(v4);
const line4 = '1 10.0.0.1:40000>10.0.0.2:80 A 5 hello';
const line6 = '1 2001:db8::1:40000>2001:db8::2:80 A 5 hello';
const outer = { source: '192.0.2.1', destination: '192.0.2.2' };

const inIpv4 = (protocol: number, payload: Uint8Array): Uint8Array => ethernet(ipv4(payload, { ...outer, protocol }));
const inUdp = (port: number, payload: Uint8Array): Uint8Array => inIpv4(17, udp(50_000, port, payload));

function leadsTo(line: string, ...packets: readonly Uint8Array[]): void {
  for (const packet of packets) check(pcap([packet]), { segments: [line] });
}

function isOther(name: string, ...packets: readonly Uint8Array[]): void {
  for (const packet of packets) check(pcap([packet]), { segments: [], other: { [name]: 1 } });
}

test('IP in IP, in every pairing: the innermost addresses count', () => {
  leadsTo(line4, inIpv4(4, v4), inIpv4(94, v4), ethernet(ipv6(v4, { source: 8, destination: 9, nextHeader: 4 }), 0x86dd));
  leadsTo(line6, inIpv4(41, v6), ethernet(ipv6(v6, { source: 8, destination: 9, nextHeader: 41 }), 0x86dd));
  leadsTo(line4, inIpv4(4, ipv4(ipv6(v4, { nextHeader: 4 }), { protocol: 41 })));
});

test('Ethernet and MPLS in IP', () => {
  leadsTo(line4, inIpv4(97, bytes(hex('3000'), frame)), inIpv4(143, frame), inIpv4(137, bytes(hex('00001140'), v4)));
});

test('GRE with every optional field', () => {
  leadsTo(line4, inIpv4(47, bytes(hex('0000 0800'), v4)));
  leadsTo(line6, inIpv4(47, bytes(hex('0000 86dd'), v6)));
  leadsTo(line4, inIpv4(47, bytes(hex('b000 0800'), u32(0), u32(7), u32(1), v4)));
  leadsTo(line4, inIpv4(47, bytes(hex('4000 0800'), u32(0), hex('0800 00 04'), u32(1), hex('0000 00 00'), v4)));
  leadsTo(line4, inIpv4(47, bytes(hex('2000 6558'), u32(7), frame)), inIpv4(47, bytes(hex('0000 8847 00001140'), v4)));
  leadsTo(line4, inIpv4(47, bytes(hex('0000 8100 0005 0800'), v4)));
  leadsTo(line4, inIpv4(47, bytes(hex('0000 883e'), v4)), inIpv4(47, bytes(hex('0000 883e'), u32(0), v4)));
  isOther('tunnel control', inIpv4(47, hex('0000 0000')));
});

test('PPTP', () => {
  leadsTo(line4, inIpv4(47, bytes(hex('3081 880b 0000 0001'), u32(1), u32(2), hex('ff03 0021'), v4)));
  leadsTo(line4, inIpv4(47, bytes(hex('3001 880b 0000 0001'), u32(1), hex('0021'), v4)));
  isOther('tunnel control', inIpv4(47, bytes(hex('2081 880b 0000 0001'), u32(2))));
});

test('ERSPAN types I, II and III', () => {
  leadsTo(line4, inIpv4(47, bytes(hex('0000 88be'), frame)));
  leadsTo(line4, inIpv4(47, bytes(hex('1000 88be'), u32(1), new Uint8Array(8), frame)));
  leadsTo(line4, inIpv4(47, bytes(hex('1000 22eb'), u32(1), new Uint8Array(12), frame)));
  leadsTo(line4, inIpv4(47, bytes(hex('1000 22eb'), u32(1), new Uint8Array(11), 1, new Uint8Array(8), frame)));
});

test('802.11 in GRE', () => {
  const wlan = bytes(hex('0801 0000'), new Uint8Array(18), u16(0), hex('aaaa03 000000 0800'), v4);
  leadsTo(line4, inIpv4(47, bytes(hex('0000 8200'), wlan)), inIpv4(47, bytes(hex('0000 8210'), wlan)));
});

test('MPLS with IP, and pseudowires with and without a control word', () => {
  const labels = hex('00001040 00002040 00003140');
  leadsTo(line4, ethernet(bytes(labels, v4), 0x8847), ethernet(bytes(labels, u32(0), frame), 0x8847));
  leadsTo(line6, ethernet(bytes(labels, v6), 0x8848));
  leadsTo(line4, ethernet(bytes(labels, 0xf0, frame.subarray(1)), 0x8847), ethernet(bytes(labels, frame), 0x8847));
  isOther('tunnel control', ethernet(bytes(labels, hex('10000021 00')), 0x8847));
  check(pcap([ethernet(new Uint8Array(400), 0x8847)]), { segments: [], problems: ['packet-malformed×1@1'] });
});

test('network service headers', () => {
  const nsh = (next: number): Uint8Array => bytes(hex('0fc2 01'), next, u32(0x100));
  leadsTo(
    line4,
    ethernet(bytes(nsh(1), v4), 0x894f),
    ethernet(bytes(nsh(3), frame), 0x894f),
    ethernet(bytes(nsh(4), nsh(1), v4), 0x894f),
  );
});

test('VXLAN on its old and new port, and its generic extension', () => {
  const vxlan = (flags: number, next = 0): Uint8Array => bytes(flags, 0, 0, next, u32(0x0b00));
  leadsTo(line4, inUdp(4789, bytes(vxlan(0x08), frame)), inUdp(8472, bytes(vxlan(0x08), frame)));
  leadsTo(
    line4,
    inUdp(4789, bytes(vxlan(0xff), frame)),
    inUdp(4790, bytes(vxlan(0x0c, 3), frame)),
    inUdp(4790, bytes(vxlan(0x0c, 1), v4)),
  );
  isOther('UDP', inUdp(4789, bytes(vxlan(0), frame)), inUdp(4788, bytes(vxlan(8), frame)));
});

test('Geneve with options', () => {
  leadsTo(line4, inUdp(6081, bytes(hex('0000 6558 00000100'), frame)));
  leadsTo(line6, inUdp(6081, bytes(hex('0200 86dd 00000100'), new Uint8Array(8), v6)));
});

test('GTP-U with sequence numbers and extension headers', () => {
  leadsTo(line4, inUdp(2152, bytes(hex('30ff'), u16(v4.length), u32(1), v4)));
  leadsTo(line6, inUdp(2152, bytes(hex('32ff'), u16(v6.length + 4), u32(1), hex('0001 00 00'), v6)));
  leadsTo(
    line4,
    inUdp(2152, bytes(hex('34ff'), u16(v4.length + 12), u32(1), hex('0000 00 85'), hex('01 000b c0'), hex('01 1234 00'), v4)),
  );
  isOther('tunnel control', inUdp(2152, hex('3001 0000 00000000')));
});

test('Teredo with indications before the packet', () => {
  leadsTo(line6, inUdp(3544, v6), inUdp(3544, bytes(hex('0000 1234 01020304'), v6)));
  leadsTo(
    line6,
    inUdp(3544, bytes(hex('0001 02 01'), bytes('id'), bytes('x'), new Uint8Array(9), hex('0000 1234 01020304'), v6)),
  );
  isOther('UDP', inUdp(3544, hex('40 00')));
});

test('AYIYA, L2TP, TZSP, LISP, MPLS and GRE over UDP', () => {
  leadsTo(line6, inUdp(5072, bytes(hex('40 52 11 29'), u32(0), new Uint8Array(16 + 20), v6)));
  leadsTo(line4, inUdp(1701, bytes(hex('0002 0001 0001 ff03 0021'), v4)));
  leadsTo(line4, inUdp(1701, bytes(hex('4a02 0040 0001 0001 0000 0000 0002 0000 0021'), v4)));
  isOther('tunnel control', inUdp(1701, hex('c802 000c 0000 0000 0000 0000')));
  leadsTo(line4, inUdp(37_008, bytes(hex('01 00 0001'), hex('0a01c5'), 0, 1, frame)));
  leadsTo(line4, inUdp(4341, bytes(u32(0), u32(0), v4)));
  leadsTo(line4, inUdp(6635, bytes(hex('00001140'), v4)), inUdp(4754, bytes(hex('0000 0800'), v4)));
});

test('L2TP version 3 over IP, its cookie of any length', () => {
  leadsTo(
    line4,
    inIpv4(115, bytes(u32(7), frame)),
    inIpv4(115, bytes(u32(7), u32(0x99), frame)),
    inIpv4(115, bytes(u32(7), u32(1), u32(2), frame)),
  );
  isOther('tunnel control', inIpv4(115, bytes(u32(0), u32(0))));
});

test('padding and snap length reach through tunnels', () => {
  const packet = inUdp(4789, bytes(hex('08000000 00000b00'), ethernet(bytes(v4, 'pad'))));
  leadsTo(line4, bytes(packet, 'trailer'));
  const cut = { data: packet.subarray(0, packet.length - 5), wireByteCount: packet.length };
  check(pcap([cut]), { segments: ['1 10.0.0.1:40000>10.0.0.2:80 A 5 hel'] });
});
