/**
 * Ethernet (IEEE 802.3), and what an Ethernet type leads to. VLAN tags (802.1Q, 802.1ad and the older 0x9100 and 0x9200) are
 * skipped to any depth.
 */
import { type Cursor, Layer, type LayerCode, other, tooShort } from './cursor.js';
import { ProtocolSpace } from './protocol-name.js';

/** Values below are the length of an 802.3 frame with an LLC header. */
const smallestEtherType = 0x0600;

export function decodeEthernet(cursor: Cursor): LayerCode {
  const typeAt = cursor.position + 12;
  if (typeAt + 2 > cursor.end) return tooShort(cursor);
  const data = cursor.data;
  if (data[typeAt] === 0x08 && data[typeAt + 1] === 0x00) {
    cursor.position = typeAt + 2;
    return Layer.ipv4;
  }
  cursor.position = typeAt;
  return Layer.etherType;
}

export function decodeEtherType(cursor: Cursor): LayerCode {
  const data = cursor.data;
  for (;;) {
    const at = cursor.position;
    if (at + 2 > cursor.end) return tooShort(cursor);
    const etherType = (data[at]! << 8) | data[at + 1]!;
    cursor.position = at + 2;
    switch (etherType) {
      case 0x0800:
        return Layer.ipv4;
      case 0x86dd:
        return Layer.ipv6;
      case 0x8100:
      case 0x88a8:
      case 0x9100:
      case 0x9200:
        cursor.position = at + 4;
        break;
      case 0x8847:
      case 0x8848:
        return Layer.mpls;
      case 0x8864:
        return Layer.pppoe;
      default:
        if (etherType < smallestEtherType) return Layer.llc;
        return other(cursor, ProtocolSpace.etherType | etherType);
    }
  }
}
