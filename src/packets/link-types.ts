/**
 * The first layer of a packet by its file's link type (tcpdump.org's LINKTYPE_ list), and the short headers that only exist in
 * capture files: Linux cooked, BSD loopback, per-packet information, Netfilter log, PKTAP and the like.
 */
import { short } from './big-endian.js';
import { type Cursor, Layer, type LayerCode, malformed, other, skip, tooShort } from './cursor.js';
import { afterEtherType } from './ethernet.js';
import { decodeCiscoHdlc, decodeFrameRelay, decodePppInHdlc } from './ppp.js';
import { ProtocolSpace } from './protocol-name.js';

/** Attributes before the packet in one Netfilter log record. */
const maximumNetfilterAttributes = 64;

export function firstLayer(cursor: Cursor, linkType: number): LayerCode {
  switch (linkType) {
    case 1:
      return Layer.ethernet;
    case 0:
    case 108:
      return decodeBsdLoopback(cursor, linkType);
    case 6:
      return decodeTokenRing(cursor);
    case 7:
      return decodeArcnet(cursor, 2);
    case 9:
      return Layer.ppp;
    case 10:
      return skip(cursor, 13, Layer.llc); // FDDI: frame control, two addresses
    case 11: // ATM, RFC 1483
    case 19: // Linux classical IP over ATM
      return Layer.llc;
    case 12:
    case 14:
    case 101:
      return Layer.ip;
    case 50:
      return decodePppInHdlc(cursor);
    case 51:
      return Layer.pppoe;
    case 104:
      return decodeCiscoHdlc(cursor);
    case 105:
      return Layer.wlan;
    case 107:
      return decodeFrameRelay(cursor);
    case 109:
      return skip(cursor, 12, Layer.ip); // OpenBSD's encapsulated
    case 113:
      return decodeLinuxCooked(cursor);
    case 117:
      return decodePacketFilterLog(cursor);
    case 119:
    case 163:
      return Layer.prism;
    case 127:
      return Layer.radiotap;
    case 129:
      return decodeArcnet(cursor, 4);
    case 138:
      return skip(cursor, 16, Layer.etherType); // Apple's IP over FireWire
    case 166:
    case 204:
      return skip(cursor, 1, Layer.ppp); // a byte of direction
    case 178:
      return decodeJuniperEthernet(cursor);
    case 192:
      return decodePerPacketInformation(cursor);
    case 228:
      return Layer.ipv4;
    case 229:
      return Layer.ipv6;
    case 239:
      return decodeNetfilterLog(cursor);
    case 240:
      return skip(cursor, 4, Layer.ethernet); // netANALYZER
    case 242:
      return decodeIpOverInfiniband(cursor);
    case 258:
      return decodePktap(cursor);
    case 276:
      return decodeLinuxCooked2(cursor);
    case 281:
      return skip(cursor, 16, Layer.etherType); // Broadcom tag behind the addresses
    case 282:
      return skip(cursor, 4, Layer.ethernet); // Broadcom tag before them
    case 284:
      return skip(cursor, 16, Layer.etherType); // Marvell DSA
    case 285:
      return skip(cursor, 20, Layer.etherType); // Marvell EDSA
    default:
      return other(cursor, ProtocolSpace.linkType | linkType);
  }
}

/** Address family in the byte order of the machine that captured (0) or of the network (108). Values differ by system. */
function decodeBsdLoopback(cursor: Cursor, linkType: number): LayerCode {
  const data = cursor.data;
  const at = cursor.position;
  if (at + 4 > cursor.end) return tooShort(cursor);
  cursor.position = at + 4;
  const family = data[at]! !== 0 ? data[at]! | (data[at + 1]! << 8) : short(data, at + 2);
  switch (family) {
    case 2:
      return Layer.ipv4;
    case 10: // Linux
    case 23: // Windows
    case 24: // NetBSD, OpenBSD
    case 28: // FreeBSD
    case 30: // macOS
      return Layer.ipv6;
    default:
      return other(cursor, ProtocolSpace.linkType | linkType);
  }
}

/** Access and frame control, two addresses, a source route when the first bit of the source address says so; then LLC. */
function decodeTokenRing(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 16 > cursor.end) return tooShort(cursor);
  const hasRoute = (cursor.data[at + 8]! & 0x80) !== 0;
  return skip(cursor, 14 + (hasRoute ? cursor.data[at + 14]! & 0x1f : 0), Layer.llc);
}

/** RFC 1201 (system code 212, ARP 213, IPv6 196) with its split flag and sequence number; RFC 1051 (240) without. */
function decodeArcnet(cursor: Cursor, addressByteCount: number): LayerCode {
  const data = cursor.data;
  const at = cursor.position + addressByteCount;
  if (at + 5 > cursor.end) return tooShort(cursor);
  const systemCode = data[at]!;
  const splitFlag = data[at + 1]!;
  cursor.position = at;
  switch (systemCode) {
    case 240:
      return skip(cursor, 1, Layer.ipv4);
    case 212:
      return skip(cursor, splitFlag === 0xff ? 8 : 4, Layer.ipv4);
    case 196:
      return skip(cursor, splitFlag === 0xff ? 8 : 4, Layer.ipv6);
    default:
      return other(cursor, ProtocolSpace.linkType | 7);
  }
}

/** Global route header 40, Ethernet type 2, reserved 2. */
function decodeIpOverInfiniband(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 44 > cursor.end) return tooShort(cursor);
  cursor.position = at + 44;
  return afterEtherType(cursor, short(cursor.data, at + 40));
}

/** Packet type 2, ARPHRD 2, address length 2, address 8, protocol 2. */
function decodeLinuxCooked(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 16 > cursor.end) return tooShort(cursor);
  cursor.position = at + 16;
  return afterCooked(cursor, short(cursor.data, at + 2), short(cursor.data, at + 14));
}

/** Protocol 2, reserved 2, interface 4, ARPHRD 2, packet type 1, address length 1, address 8. */
function decodeLinuxCooked2(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 20 > cursor.end) return tooShort(cursor);
  cursor.position = at + 20;
  return afterCooked(cursor, short(cursor.data, at + 8), short(cursor.data, at));
}

function afterCooked(cursor: Cursor, hardwareType: number, protocol: number): LayerCode {
  switch (hardwareType) {
    case 778: // ARPHRD_IPGRE: the protocol is GRE's
      return afterEtherType(cursor, protocol);
    case 803: // ARPHRD_IEEE80211_RADIOTAP
      return Layer.radiotap;
    case 824: // ARPHRD_NETLINK
      return other(cursor, ProtocolSpace.linkType | 253);
    default:
  }
  // ETH_P_802_2 and ETH_P_802_3 are no lengths.
  if (protocol === 4) return Layer.llc;
  if (protocol < 0x0600) return other(cursor, ProtocolSpace.etherType | protocol);
  return afterEtherType(cursor, protocol);
}

/** OpenBSD's and FreeBSD's pf: the first byte is the header's length without its padding to four. */
function decodePacketFilterLog(cursor: Cursor): LayerCode {
  if (cursor.position >= cursor.end) return tooShort(cursor);
  const byteCount = (cursor.data[cursor.position]! + 3) & ~3;
  return skip(cursor, byteCount, Layer.ip);
}

/** 'MGC', flags; an extension of stated length unless bit 1 is off; no link header when bit 1 of the flags is set. */
function decodeJuniperEthernet(cursor: Cursor): LayerCode {
  const data = cursor.data;
  const at = cursor.position;
  if (at + 6 > cursor.end) return tooShort(cursor);
  if (data[at] !== 0x4d || data[at + 1] !== 0x47 || data[at + 2] !== 0x43) return malformed(cursor);
  const flags = data[at + 3]!;
  const hasExtension = (flags & 0x80) !== 0;
  const headerByteCount = hasExtension ? 6 + short(data, at + 4) : 4;
  const hasNoLinkHeader = (flags & 0x02) !== 0;
  if (!hasNoLinkHeader) return skip(cursor, headerByteCount, Layer.ethernet);
  return skip(cursor, headerByteCount + 4, Layer.ip);
}

/** CACE's PPI: version, flags, header length 2 and link type 4, both little-endian. */
function decodePerPacketInformation(cursor: Cursor): LayerCode {
  const data = cursor.data;
  const at = cursor.position;
  if (at + 8 > cursor.end) return tooShort(cursor);
  const byteCount = data[at + 2]! | (data[at + 3]! << 8);
  const linkType = data[at + 4]! | (data[at + 5]! << 8);
  if (byteCount < 8) return malformed(cursor);
  return thenLinkType(cursor, byteCount, linkType);
}

/** Apple's PKTAP: header length 4, next record 4, link type 4, little-endian. */
function decodePktap(cursor: Cursor): LayerCode {
  const data = cursor.data;
  const at = cursor.position;
  if (at + 12 > cursor.end) return tooShort(cursor);
  const byteCount = data[at]! | (data[at + 1]! << 8);
  const linkType = data[at + 8]! | (data[at + 9]! << 8);
  if (byteCount < 12) return malformed(cursor);
  return thenLinkType(cursor, byteCount, linkType);
}

/** Headers that name a link type of their own; not inside each other. */
function thenLinkType(cursor: Cursor, byteCount: number, linkType: number): LayerCode {
  if (linkType === 192 || linkType === 258) return malformed(cursor);
  cursor.position += byteCount;
  return cursor.position > cursor.end ? tooShort(cursor) : firstLayer(cursor, linkType);
}

/** nfnetlink_log: family, version, resource; then attributes of length 2, type 2 in the byte order of the machine. */
function decodeNetfilterLog(cursor: Cursor): LayerCode {
  const data = cursor.data;
  let at = cursor.position + 4;
  const payloadAttribute = 9;
  for (let count = 0; count < maximumNetfilterAttributes; count += 1) {
    if (at + 4 > cursor.end) return tooShort(cursor);
    // Types stay below 256: the zero byte tells the order.
    const isLittle = data[at + 3] === 0;
    const byteCount = isLittle ? data[at]! | (data[at + 1]! << 8) : short(data, at);
    const type = isLittle ? data[at + 2]! : data[at + 3]!;
    if (byteCount < 4) return malformed(cursor);
    if (type === payloadAttribute) {
      cursor.position = at + 4;
      return Layer.ip;
    }
    at += (byteCount + 3) & ~3;
  }
  return malformed(cursor);
}
