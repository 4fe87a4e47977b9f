/**
 * IPv4 (RFC 791) and IPv6 (RFC 8200) headers. Addresses go straight into the segment: of nested headers the innermost wins.
 *
 * - The stated length narrows both ends, so that Ethernet padding never counts as payload. A stated length of 0 is what
 *   segmentation offload leaves behind in captures taken before the network card (in IPv6 also a jumbogram, RFC 2675): the
 *   frame's length is used.
 * - Checksums are not verified: offload leaves them wrong in most captures.
 * - IPv6 extension headers are walked: hop-by-hop, routing, destination options, mobility, HIP, shim6, authentication. ESP ends
 *   the walk. ICMP errors quote the header of another packet: that is no packet of its own and is not looked at.
 */
import { short, word } from './big-endian.js';
import { type Cursor, Layer, type LayerCode, malformed, narrow, other, tooShort } from './cursor.js';
import { ProtocolSpace } from './protocol-name.js';

// Here because an imported binding costs a look-up at each use and this runs for every packet.
const tcpLayer = Layer.tcp;

/** RFC 8200 sets no limit; real packets have at most a handful. */
const maximumExtensionHeaders = 16;

const IpProtocol = {
  hopByHop: 0,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  authentication: 51,
  destinationOptions: 60,
  /** KA9Q's IP in IP. */
  ipip: 94,
  etherIp: 97,
  l2tp: 115,
  mobility: 135,
  mplsInIp: 137,
  hip: 139,
  shim6: 140,
  ethernet: 143,
} as const;

const followable: ReadonlySet<number> = new Set(Object.values(IpProtocol));

/** What an IP protocol number leads to. The cursor stands behind the IP header. */
export function afterIp(cursor: Cursor, first: number): LayerCode {
  let protocol = first;
  for (let count = 0; count < maximumExtensionHeaders; count += 1) {
    switch (protocol) {
      case IpProtocol.tcp:
        return Layer.tcp;
      case IpProtocol.udp:
        return Layer.udp;
      case IpProtocol.ipv4:
      case IpProtocol.ipip:
        return Layer.ipv4;
      case IpProtocol.ipv6:
        return Layer.ipv6;
      case IpProtocol.gre:
        return Layer.gre;
      case IpProtocol.mplsInIp:
        return Layer.mpls;
      case IpProtocol.ethernet:
        return Layer.ethernet;
      case IpProtocol.etherIp:
        return Layer.etherIp;
      case IpProtocol.l2tp:
        return Layer.l2tpOverIp;
      case IpProtocol.hopByHop:
      case IpProtocol.routing:
      case IpProtocol.destinationOptions:
      case IpProtocol.mobility:
      case IpProtocol.hip:
      case IpProtocol.shim6:
      case IpProtocol.authentication: {
        const at = cursor.position;
        if (at + 2 > cursor.end) return tooShort(cursor);
        const lengthField = cursor.data[at + 1]!;
        cursor.position = at + (protocol === IpProtocol.authentication ? (lengthField + 2) * 4 : (lengthField + 1) * 8);
        if (cursor.position > cursor.end) return tooShort(cursor);
        if (protocol === IpProtocol.routing) followRoutingHeader(cursor, at, cursor.position);
        protocol = cursor.data[at]!;
        break;
      }
      case IpProtocol.fragment: {
        const at = cursor.position;
        if (at + 8 > cursor.end) return tooShort(cursor);
        protocol = cursor.data[at]!;
        cursor.position = at + 8;
        const offsetAndMore = short(cursor.data, at + 2);
        // Offset 0 and nothing more: an atomic fragment, RFC 6946.
        if ((offsetAndMore & 0xfff9) === 0) break;
        return toFragment(cursor, offsetAndMore & 0xfff8, (offsetAndMore & 1) === 0, word(cursor.data, at + 4), protocol);
      }
      default:
        return other(cursor, ProtocolSpace.ip | protocol);
    }
  }
  return malformed(cursor);
}

/** Whether a protocol is TCP or can carry it: only fragments of such datagrams are put together. */
export function isFollowable(protocol: number): boolean {
  return followable.has(protocol);
}

function toFragment(cursor: Cursor, offset: number, isLast: boolean, key: number, protocol: number): LayerCode {
  cursor.fragmentOffset = offset;
  cursor.fragmentIsLast = isLast;
  cursor.fragmentKey = key;
  cursor.fragmentProtocol = protocol;
  return Layer.fragment;
}

export function decodeIp(cursor: Cursor): LayerCode {
  if (cursor.position >= cursor.end) return tooShort(cursor);
  const version = cursor.data[cursor.position]! >> 4;
  return version === 4 ? Layer.ipv4 : version === 6 ? Layer.ipv6 : malformed(cursor);
}

export function decodeIpv4(cursor: Cursor): LayerCode {
  const view = cursor.view;
  const start = cursor.position;
  if (cursor.end - start < 20) return tooShort(cursor);
  // Version 4 bits, header length 4 in words, type of service 8, total length 16.
  const first = view.getInt32(start);
  const headerByteCount = (first >>> 22) & 0x3c;
  if (first >>> 28 !== 4 || headerByteCount < 20) return malformed(cursor);
  const totalByteCount = first & 0xffff;
  if (totalByteCount !== 0) {
    if (totalByteCount < headerByteCount) return malformed(cursor);
    narrow(cursor, Math.min(start + totalByteCount, cursor.limit));
  }
  // Identification 16, flags and fragment offset 16, time to live 8, protocol 8, checksum 16.
  const second = view.getInt32(start + 4);
  const third = view.getUint16(start + 8);
  const segment = cursor.segment;
  segment.ipVersion = 4;
  segment.identification = second >>> 16;
  segment.timeToLive = third >>> 8;
  segment.source0 = view.getInt32(start + 12);
  segment.source1 = 0;
  segment.source2 = 0;
  segment.source3 = 0;
  segment.destination0 = view.getInt32(start + 16);
  segment.destination1 = 0;
  segment.destination2 = 0;
  segment.destination3 = 0;
  cursor.position = start + headerByteCount;
  if (cursor.position > cursor.end) return tooShort(cursor);
  if (headerByteCount > 20) followSourceRoute(cursor, start + 20);
  const protocol = third & 0xff;
  const flagsAndOffset = second & 0xffff;
  if ((flagsAndOffset & 0x3fff) !== 0) {
    const isLast = (flagsAndOffset & 0x2000) === 0;
    return toFragment(cursor, (flagsAndOffset & 0x1fff) << 3, isLast, segment.identification, protocol);
  }
  return protocol === IpProtocol.tcp ? tcpLayer : afterIp(cursor, protocol);
}

/** RFC 791 §3.1: loose (131) and strict (137) source routes. Until the route is used up, its last address is the destination. */
function followSourceRoute(cursor: Cursor, from: number): void {
  const data = cursor.data;
  for (let at = from; at < cursor.position; ) {
    const kind = data[at]!;
    if (kind === 0) return;
    if (kind === 1) {
      at += 1;
      continue;
    }
    const byteCount = at + 1 < cursor.position ? data[at + 1]! : 0;
    if (byteCount < 2 || at + byteCount > cursor.position) return;
    const isSourceRoute = kind === 131 || kind === 137;
    if (isSourceRoute && byteCount >= 7 && data[at + 2]! <= byteCount)
      cursor.segment.destination0 = word(data, at + byteCount - 4);
    at += byteCount;
  }
}

/**
 * RFC 8200 §4.4: while segments are left, the destination is the last address of the route. Types 0 (RFC 5095) and 2 (RFC 6275)
 * have it at the end, type 4 (RFC 8754) in front.
 */
function followRoutingHeader(cursor: Cursor, at: number, next: number): void {
  const data = cursor.data;
  const type = data[at + 2]!;
  const addressAt = type === 4 ? at + 8 : type === 0 || type === 2 ? next - 16 : -1;
  if (data[at + 3] === 0 || addressAt < at + 8 || addressAt + 16 > next) return;
  const segment = cursor.segment;
  segment.destination0 = word(data, addressAt);
  segment.destination1 = word(data, addressAt + 4);
  segment.destination2 = word(data, addressAt + 8);
  segment.destination3 = word(data, addressAt + 12);
}

export function decodeIpv6(cursor: Cursor): LayerCode {
  const view = cursor.view;
  const start = cursor.position;
  if (cursor.end - start < 40) return tooShort(cursor);
  if (view.getUint8(start) >> 4 !== 6) return malformed(cursor);
  // Payload length 16, next header 8, hop limit 8.
  const second = view.getInt32(start + 4);
  const payloadByteCount = second >>> 16;
  if (payloadByteCount !== 0) narrow(cursor, Math.min(start + 40 + payloadByteCount, cursor.limit));
  const segment = cursor.segment;
  segment.ipVersion = 6;
  segment.identification = -1;
  segment.timeToLive = second & 0xff;
  segment.source0 = view.getInt32(start + 8);
  segment.source1 = view.getInt32(start + 12);
  segment.source2 = view.getInt32(start + 16);
  segment.source3 = view.getInt32(start + 20);
  segment.destination0 = view.getInt32(start + 24);
  segment.destination1 = view.getInt32(start + 28);
  segment.destination2 = view.getInt32(start + 32);
  segment.destination3 = view.getInt32(start + 36);
  cursor.position = start + 40;
  const next = (second >>> 8) & 0xff;
  return next === IpProtocol.tcp ? tcpLayer : afterIp(cursor, next);
}
