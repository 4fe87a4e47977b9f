/**
 * IPv4 (RFC 791) and IPv6 (RFC 8200) headers. Addresses go straight into the segment: of nested headers the innermost wins.
 *
 * - The stated length narrows both ends, so that Ethernet padding never counts as payload. A stated length of 0 is what
 *   segmentation offload leaves behind in captures taken before the network card: the frame's length is used.
 * - Checksums are not verified: offload leaves them wrong in most captures.
 * - IPv6 extension headers are walked: hop-by-hop, routing, destination options, mobility, HIP, shim6, authentication.
 *   ESP ends the walk.
 */
import { type Cursor, Layer, type LayerCode, malformed, other, tooShort } from './cursor.js';
import { ProtocolSpace } from './protocol-name.js';

/** RFC 8200 sets no limit; real packets have at most a handful. */
const maximumExtensionHeaders = 16;

export const IpProtocol = {
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
  etherIp: 97,
  l2tp: 115,
  mobility: 135,
  mplsInIp: 137,
  hip: 139,
  shim6: 140,
  ethernet: 143,
} as const;

/** What an IP protocol number leads to. The cursor stands behind the IP header. */
export function afterIp(cursor: Cursor, protocol: number): LayerCode {
  if (protocol === IpProtocol.tcp) return Layer.tcp;
  if (protocol === IpProtocol.udp) return Layer.udp;
  switch (protocol) {
    case IpProtocol.ipv4:
      return Layer.ipv4;
    case IpProtocol.ipv6:
      return Layer.ipv6;
    case IpProtocol.gre:
      return Layer.gre;
    case IpProtocol.mplsInIp:
      return Layer.mpls;
    case IpProtocol.ethernet:
      return Layer.ethernet;
    default:
      return other(cursor, ProtocolSpace.ip | protocol);
  }
}

export function decodeIp(cursor: Cursor): LayerCode {
  if (cursor.position >= cursor.end) return tooShort(cursor);
  const version = cursor.data[cursor.position]! >> 4;
  return version === 4 ? Layer.ipv4 : version === 6 ? Layer.ipv6 : malformed(cursor);
}

export function decodeIpv4(cursor: Cursor): LayerCode {
  const data = cursor.data;
  const start = cursor.position;
  if (cursor.end - start < 20) return tooShort(cursor);
  const versionAndLength = data[start]!;
  const headerByteCount = (versionAndLength & 15) << 2;
  if (versionAndLength >> 4 !== 4 || headerByteCount < 20) return malformed(cursor);
  const totalByteCount = (data[start + 2]! << 8) | data[start + 3]!;
  if (totalByteCount !== 0) {
    if (totalByteCount < headerByteCount) return malformed(cursor);
    cursor.wireEnd = start + totalByteCount;
    if (cursor.end > cursor.wireEnd) cursor.end = cursor.wireEnd;
  }
  const segment = cursor.segment;
  segment.ipVersion = 4;
  segment.identification = (data[start + 4]! << 8) | data[start + 5]!;
  segment.timeToLive = data[start + 8]!;
  segment.source0 = (data[start + 12]! << 24) | (data[start + 13]! << 16) | (data[start + 14]! << 8) | data[start + 15]!;
  segment.source1 = 0;
  segment.source2 = 0;
  segment.source3 = 0;
  segment.destination0 = (data[start + 16]! << 24) | (data[start + 17]! << 16) | (data[start + 18]! << 8) | data[start + 19]!;
  segment.destination1 = 0;
  segment.destination2 = 0;
  segment.destination3 = 0;
  cursor.position = start + headerByteCount;
  if (cursor.position > cursor.end) return tooShort(cursor);
  const fragment = ((data[start + 6]! & 0x3f) << 8) | data[start + 7]!;
  if (fragment !== 0) return other(cursor, ProtocolSpace.ip | data[start + 9]!);
  return afterIp(cursor, data[start + 9]!);
}

function word(data: Uint8Array, at: number): number {
  return (data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!;
}

export function decodeIpv6(cursor: Cursor): LayerCode {
  const data = cursor.data;
  const start = cursor.position;
  if (cursor.end - start < 40) return tooShort(cursor);
  if (data[start]! >> 4 !== 6) return malformed(cursor);
  const payloadByteCount = (data[start + 4]! << 8) | data[start + 5]!;
  if (payloadByteCount !== 0) {
    cursor.wireEnd = start + 40 + payloadByteCount;
    if (cursor.end > cursor.wireEnd) cursor.end = cursor.wireEnd;
  }
  const segment = cursor.segment;
  segment.ipVersion = 6;
  segment.identification = -1;
  segment.timeToLive = data[start + 7]!;
  segment.source0 = word(data, start + 8);
  segment.source1 = word(data, start + 12);
  segment.source2 = word(data, start + 16);
  segment.source3 = word(data, start + 20);
  segment.destination0 = word(data, start + 24);
  segment.destination1 = word(data, start + 28);
  segment.destination2 = word(data, start + 32);
  segment.destination3 = word(data, start + 36);
  cursor.position = start + 40;
  return afterIpv6Header(cursor, data[start + 6]!);
}

function afterIpv6Header(cursor: Cursor, first: number): LayerCode {
  let next = first;
  for (let count = 0; count < maximumExtensionHeaders; count += 1) {
    if (next === IpProtocol.tcp) return Layer.tcp;
    switch (next) {
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
        cursor.position = at + (next === IpProtocol.authentication ? (lengthField + 2) * 4 : (lengthField + 1) * 8);
        if (cursor.position > cursor.end) return tooShort(cursor);
        next = cursor.data[at]!;
        break;
      }
      case IpProtocol.fragment:
        return other(cursor, ProtocolSpace.ip | cursor.data[cursor.position]!);
      default:
        return afterIp(cursor, next);
    }
  }
  return malformed(cursor);
}
