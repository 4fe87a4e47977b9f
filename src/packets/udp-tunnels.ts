/**
 * UDP (RFC 768), and the tunnels that are told by its ports. UDP that is no tunnel is counted as UDP.
 *
 * A tunnel's own header must hold (its version, its reserved bits): ports alone prove nothing.
 */
import { short } from './big-endian.js';
import { type Cursor, Layer, type LayerCode, other, skip, tooShort } from './cursor.js';
import { afterEtherType } from './ethernet.js';
import { afterIp } from './ip.js';
import { OtherProtocol, ProtocolSpace } from './protocol-name.js';
import { afterNextProtocol } from './tunnels.js';

const udpProtocol = ProtocolSpace.ip | 17;
/** GTP-U extension headers in one packet (3GPP TS 29.281 §5.2 has a handful of kinds). */
const maximumGtpExtensions = 16;
const maximumTzspTags = 64;

export function decodeUdp(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 8 > cursor.end) return tooShort(cursor);
  const sourcePort = short(cursor.data, at);
  const destinationPort = short(cursor.data, at + 2);
  cursor.position = at + 8;
  const byDestination = decodeTunnel(cursor, destinationPort);
  const isTunnel = byDestination !== Layer.other || cursor.protocol !== udpProtocol;
  return isTunnel ? byDestination : decodeTunnel(cursor, sourcePort);
}

function decodeTunnel(cursor: Cursor, port: number): LayerCode {
  switch (port) {
    case 4789: // VXLAN
    case 8472: // VXLAN before its port was assigned (Linux)
      return decodeVxlan(cursor, false);
    case 4790: // VXLAN-GPE
      return decodeVxlan(cursor, true);
    case 6081:
      return decodeGeneve(cursor);
    case 2152:
      return decodeGtp(cursor);
    case 3544:
      return decodeTeredo(cursor);
    case 5072:
      return decodeAyiya(cursor);
    case 1701:
      return decodeL2tp(cursor);
    case 37008:
      return decodeTzsp(cursor);
    case 6635: // RFC 7510
      return cursor.position < cursor.end ? Layer.mpls : notATunnel(cursor);
    case 4754: // RFC 8086
      return cursor.position < cursor.end ? Layer.gre : notATunnel(cursor);
    case 4341: // LISP data, RFC 9300 §5.1
      return looksLikeIp(cursor, cursor.position + 8) ? skip(cursor, 8, Layer.ip) : notATunnel(cursor);
    default:
      return notATunnel(cursor);
  }
}

function notATunnel(cursor: Cursor): LayerCode {
  return other(cursor, udpProtocol);
}

function looksLikeIp(cursor: Cursor, at: number): boolean {
  if (at >= cursor.end) return false;
  const version = cursor.data[at]! >> 4;
  return version === 4 || version === 6;
}

/** RFC 7348 §5; draft-ietf-nvo3-vxlan-gpe: bit 2 says that the fourth byte is the next protocol, other bits are ignored. */
function decodeVxlan(cursor: Cursor, isGeneric: boolean): LayerCode {
  const at = cursor.position;
  if (at + 8 > cursor.end) return notATunnel(cursor);
  const flags = cursor.data[at]!;
  if ((flags & 0x08) === 0) return notATunnel(cursor);
  cursor.position = at + 8;
  return isGeneric && (flags & 0x04) !== 0 ? afterNextProtocol(cursor, cursor.data[at + 3]!) : Layer.ethernet;
}

/** RFC 8926 §3.4: version 0, options in 4-byte words, an Ethernet type. */
function decodeGeneve(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 8 > cursor.end || cursor.data[at]! >> 6 !== 0) return notATunnel(cursor);
  cursor.position = at + 8 + (cursor.data[at]! & 0x3f) * 4;
  if (cursor.position > cursor.end) return tooShort(cursor);
  return afterEtherType(cursor, short(cursor.data, at + 2));
}

/** 3GPP TS 29.281 §5.1: version 1, message type 255 carries a user's packet. */
function decodeGtp(cursor: Cursor): LayerCode {
  const data = cursor.data;
  const at = cursor.position;
  if (at + 8 > cursor.end || (data[at]! & 0xf0) !== 0x30) return notATunnel(cursor);
  if (data[at + 1] !== 255) return other(cursor, OtherProtocol.tunnelControl);
  cursor.position = at + 8;
  if ((data[at]! & 7) !== 0) {
    cursor.position = at + 12;
    if (cursor.position > cursor.end) return tooShort(cursor);
    const hasExtension = (data[at]! & 4) !== 0;
    let next = hasExtension ? data[at + 11]! : 0;
    for (let count = 0; next !== 0; count += 1) {
      const extensionAt = cursor.position;
      if (extensionAt >= cursor.end || count === maximumGtpExtensions) return tooShort(cursor);
      const byteCount = data[extensionAt]! * 4;
      if (byteCount === 0 || extensionAt + byteCount > cursor.end) return tooShort(cursor);
      next = data[extensionAt + byteCount - 1]!;
      cursor.position = extensionAt + byteCount;
    }
  }
  return looksLikeIp(cursor, cursor.position) ? Layer.ip : other(cursor, OtherProtocol.tunnelControl);
}

/** RFC 4380 §5.1.1: authentication and origin indications may stand before the IPv6 header. */
function decodeTeredo(cursor: Cursor): LayerCode {
  const data = cursor.data;
  let at = cursor.position;
  if (at + 4 <= cursor.end && short(data, at) === 1) at += 13 + data[at + 2]! + data[at + 3]!;
  if (at + 8 <= cursor.end && short(data, at) === 0) at += 8;
  if (at >= cursor.end || data[at]! >> 4 !== 6) return notATunnel(cursor);
  cursor.position = at;
  return Layer.ipv6;
}

/** draft-massar-v6ops-ayiya §3: identity and signature of stated lengths, operation 1 forwards. */
function decodeAyiya(cursor: Cursor): LayerCode {
  const data = cursor.data;
  const at = cursor.position;
  if (at + 8 > cursor.end || (data[at + 2]! & 0x0f) !== 1) return notATunnel(cursor);
  const identityByteCount = 1 << (data[at]! >> 4);
  const signatureByteCount = (data[at + 1]! >> 4) * 4;
  cursor.position = at + 8 + identityByteCount + signatureByteCount;
  if (cursor.position > cursor.end) return tooShort(cursor);
  return afterIp(cursor, data[at + 3]!);
}

/** RFC 2661 §3.1 (version 2); RFC 3931 over UDP has other headers and is left as UDP. */
function decodeL2tp(cursor: Cursor): LayerCode {
  const data = cursor.data;
  const at = cursor.position;
  if (at + 6 > cursor.end) return notATunnel(cursor);
  const flags = short(data, at);
  if ((flags & 0x0f) !== 2) return notATunnel(cursor);
  if ((flags & 0x8000) !== 0) return other(cursor, OtherProtocol.tunnelControl);
  let next = at + 6;
  if ((flags & 0x4000) !== 0) next += 2;
  if ((flags & 0x0800) !== 0) next += 4;
  if ((flags & 0x0200) !== 0) next += next + 2 <= cursor.end ? 2 + short(data, next) : 2;
  cursor.position = next;
  return next > cursor.end ? tooShort(cursor) : Layer.ppp;
}

/** TaZmen Sniffer Protocol: version 1, encapsulation, tags up to the end tag. */
function decodeTzsp(cursor: Cursor): LayerCode {
  const data = cursor.data;
  const at = cursor.position;
  if (at + 4 > cursor.end || data[at] !== 1) return notATunnel(cursor);
  const encapsulation = short(data, at + 2);
  cursor.position = at + 4;
  for (let count = 0; ; count += 1) {
    if (cursor.position >= cursor.end || count === maximumTzspTags) return tooShort(cursor);
    const tag = data[cursor.position]!;
    cursor.position += 1;
    if (tag === 1) break;
    if (tag !== 0) cursor.position += 1 + (cursor.position < cursor.end ? data[cursor.position]! : 0);
  }
  switch (encapsulation) {
    case 1:
      return Layer.ethernet;
    case 18:
      return Layer.wlan;
    case 119:
      return Layer.prism;
    case 127:
      return Layer.radiotap;
    default:
      return other(cursor, OtherProtocol.tunnelControl);
  }
}
