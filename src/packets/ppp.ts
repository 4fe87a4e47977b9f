/**
 * Point-to-point links: PPP (RFC 1661, RFC 1662 framing, RFC 2516 over Ethernet), Cisco HDLC, Frame Relay (RFC 2427).
 * Multilink fragments and compressed headers are not put together.
 */
import { short } from './big-endian.js';
import { type Cursor, Layer, type LayerCode, malformed, narrow, other, skip, tooShort } from './cursor.js';
import { OtherProtocol, ProtocolSpace } from './protocol-name.js';

/** PPP with or without address and control, its protocol field of one or two bytes. */
export function decodePpp(cursor: Cursor): LayerCode {
  const data = cursor.data;
  let at = cursor.position;
  if (at + 2 > cursor.end) return tooShort(cursor);
  if (data[at] === 0xff && data[at + 1] === 0x03) at += 2;
  if (at + 2 > cursor.end) return tooShort(cursor);
  // Protocol numbers are odd in their last byte and even in their first: an odd first byte is all there is.
  const isCompressed = (data[at]! & 1) === 1;
  const protocol = isCompressed ? data[at]! : short(data, at);
  cursor.position = at + (isCompressed ? 1 : 2);
  switch (protocol) {
    case 0x0021:
      return Layer.ipv4;
    case 0x0057:
      return Layer.ipv6;
    case 0x0281:
      return Layer.mpls;
    default:
      return other(cursor, ProtocolSpace.ppp | protocol);
  }
}

/** RFC 2516 §4: version and type 1, code, session, length, PPP. */
export function decodePppoe(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 6 > cursor.end) return tooShort(cursor);
  if (cursor.data[at] !== 0x11) return malformed(cursor);
  if (cursor.data[at + 1] !== 0) return other(cursor, OtherProtocol.tunnelControl);
  cursor.position = at + 6;
  const byteCount = short(cursor.data, at + 4);
  if (byteCount !== 0 && cursor.position + byteCount <= cursor.wireEnd) {
    narrow(cursor, cursor.position + byteCount);
    // Some devices count Ethernet's padding into the length of the IP header inside; nobody cuts packets short here.
    cursor.limit = cursor.wireEnd;
  }
  return Layer.ppp;
}

/** PPP in HDLC framing, and Cisco's frames on the same links. */
export function decodePppInHdlc(cursor: Cursor): LayerCode {
  if (cursor.position + 2 > cursor.end) return tooShort(cursor);
  const address = cursor.data[cursor.position]!;
  return address === 0x0f || address === 0x8f ? decodeCiscoHdlc(cursor) : Layer.ppp;
}

/** Address, control, Ethernet type. */
export function decodeCiscoHdlc(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 4 > cursor.end) return tooShort(cursor);
  const protocol = short(cursor.data, at + 2);
  if (protocol === 0x8035) return other(cursor, OtherProtocol.hdlcControl);
  return skip(cursor, 2, Layer.etherType);
}

/** RFC 2427: address of two to four bytes, control, then NLPID; Cisco's form has an Ethernet type at once. */
export function decodeFrameRelay(cursor: Cursor): LayerCode {
  const data = cursor.data;
  let at = cursor.position;
  for (let count = 0; ; count += 1) {
    if (at >= cursor.end) return tooShort(cursor);
    if (count === 4) return malformed(cursor);
    const isLast = (data[at]! & 1) === 1;
    at += 1;
    if (isLast) break;
  }
  if (at + 2 > cursor.end) return tooShort(cursor);
  if (data[at] !== 0x03) {
    cursor.position = at;
    return Layer.etherType;
  }
  at += 1;
  if (data[at] === 0) at += 1;
  if (at >= cursor.end) return tooShort(cursor);
  const networkLayer = data[at]!;
  cursor.position = at + 1;
  switch (networkLayer) {
    case 0xcc:
      return Layer.ipv4;
    case 0x8e:
      return Layer.ipv6;
    case 0xcf:
      return Layer.ppp;
    case 0x80: {
      if (at + 6 > cursor.end) return tooShort(cursor);
      const organisation = (data[at + 1]! << 16) | short(data, at + 2);
      cursor.position = at + 4;
      if (organisation === 0) return Layer.etherType;
      if (organisation === 0x0080c2 && short(data, at + 4) === 7) return skip(cursor, 2, Layer.ethernet);
      return other(cursor, ProtocolSpace.llc | 0xaa);
    }
    default:
      return other(cursor, ProtocolSpace.llc | networkLayer);
  }
}
