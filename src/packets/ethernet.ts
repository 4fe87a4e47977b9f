/**
 * Ethernet (IEEE 802.3), what an Ethernet type leads to, and LLC with SNAP (IEEE 802.2, RFC 1042).
 *
 * Tags are skipped to any depth the packet has room for: VLAN (802.1Q, 802.1ad and the older 0x9100 and 0x9200), VN-Tag,
 * 802.1BR E-Tag, Cisco metadata.
 */
import { short } from './big-endian.js';
import { type Cursor, Layer, type LayerCode, malformed, narrow, other, skip, tooShort } from './cursor.js';
import { ProtocolSpace } from './protocol-name.js';

// Here because an imported binding costs a look-up at each use and this runs for every packet.
const ipv4Layer = Layer.ipv4;
const etherTypeLayer = Layer.etherType;

/** Values below are the length of an 802.3 frame with an LLC header. */
const smallestEtherType = 0x0600;

export function decodeEthernet(cursor: Cursor): LayerCode {
  const typeAt = cursor.position + 12;
  if (typeAt + 2 > cursor.end) return tooShort(cursor);
  if (cursor.view.getUint16(typeAt) === 0x0800) {
    cursor.position = typeAt + 2;
    return ipv4Layer;
  }
  cursor.position = typeAt;
  return etherTypeLayer;
}

export function decodeEtherType(cursor: Cursor): LayerCode {
  const data = cursor.data;
  for (;;) {
    const at = cursor.position;
    if (at + 2 > cursor.end) return tooShort(cursor);
    const etherType = short(data, at);
    cursor.position = at + 2;
    const tag = tagByteCount(etherType);
    if (tag === 0) return afterEtherType(cursor, etherType);
    cursor.position += tag;
  }
}

/** Bytes between a tag's own Ethernet type and the next one; 0 when it is no tag. */
function tagByteCount(etherType: number): number {
  switch (etherType) {
    case 0x8100:
    case 0x88a8:
    case 0x9100:
    case 0x9200:
      return 2;
    case 0x8926: // VN-Tag
      return 4;
    case 0x893f: // 802.1BR
    case 0x8909: // Cisco metadata
      return 6;
    default:
      return 0;
  }
}

/** What an Ethernet type leads to, wherever it stood. The cursor stands at its payload. */
export function afterEtherType(cursor: Cursor, etherType: number): LayerCode {
  switch (etherType) {
    case 0x0800:
      return Layer.ipv4;
    case 0x86dd:
      return Layer.ipv6;
    case 0x8847:
    case 0x8848:
      return Layer.mpls;
    case 0x8864:
      return Layer.pppoe;
    case 0x880b:
      return Layer.ppp;
    case 0x894f:
      return Layer.nsh;
    case 0x6558:
      return Layer.ethernet;
    case 0x88e7: // 802.1ah: an instance tag, then a whole frame
      return skip(cursor, 4, Layer.ethernet);
    case 0x8903: // FabricPath: tag and time to live, then a whole frame
      return skip(cursor, 2, Layer.ethernet);
    case 0x22f3:
      return Layer.trill;
    case 0x8870: // jumbo frames with LLC
      return Layer.llc;
    default: {
      const tag = tagByteCount(etherType);
      if (tag !== 0) return skip(cursor, tag, Layer.etherType);
      if (etherType >= smallestEtherType) return other(cursor, ProtocolSpace.etherType | etherType);
      if (etherType !== 0 && cursor.position + etherType <= cursor.wireEnd) narrow(cursor, cursor.position + etherType);
      return Layer.llc;
    }
  }
}

export function decodeLlc(cursor: Cursor): LayerCode {
  const data = cursor.data;
  const at = cursor.position;
  if (at + 3 > cursor.end) return tooShort(cursor);
  const destinationService = data[at]!;
  if (destinationService === 0xaa && data[at + 1] === 0xaa && data[at + 2] === 0x03) {
    if (at + 8 > cursor.end) return tooShort(cursor);
    const organisation = (data[at + 3]! << 16) | short(data, at + 4);
    cursor.position = at + 6;
    // RFC 1042, and 802.1H's bridge tunnel.
    if (organisation === 0 || organisation === 0x0000f8) return Layer.etherType;
    // RFC 2684 bridged Ethernet: with (1) or without (7) the check sequence behind, two bytes of padding.
    if (organisation === 0x0080c2 && (short(data, at + 6) === 1 || short(data, at + 6) === 7))
      return skip(cursor, 4, Layer.ethernet);
    return other(cursor, ProtocolSpace.llc | destinationService);
  }
  // RFC 948: IP straight on LLC.
  if (destinationService === 0x06 && data[at + 2] === 0x03) return skip(cursor, 3, Layer.ip);
  return other(cursor, ProtocolSpace.llc | destinationService);
}

/** TRILL (RFC 6325): a six-byte header, options in 4-byte units, a whole frame. */
export function decodeTrill(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 6 > cursor.end) return tooShort(cursor);
  const optionWords = (short(cursor.data, at) >> 6) & 0x1f;
  if (cursor.data[at]! >> 6 !== 0) return malformed(cursor);
  return skip(cursor, 6 + 4 * optionWords, Layer.ethernet);
}
