/**
 * 802.11 data frames that are not encrypted, and the headers that monitors put before them: radiotap, Prism, AVS, PPI.
 *
 *     frame control 2 │ duration 2 │ three addresses 18 │ sequence 2 │ (fourth address 6) (QoS 2) (HT 4) │ LLC …
 *
 * Numbers in 802.11, radiotap and PPI are little-endian. Management, control and encrypted frames are counted only; fragments
 * of a frame and aggregates (A-MSDU) are not taken apart.
 */
import { word } from './big-endian.js';
import { type Cursor, Layer, type LayerCode, malformed, other, skip, tooShort } from './cursor.js';
import { OtherProtocol } from './protocol-name.js';

const avsMagic = 0x80211001 | 0;
const prismHeaderByteCount = 144;

export function decodeWlan(cursor: Cursor): LayerCode {
  const data = cursor.data;
  const at = cursor.position;
  if (at + 2 > cursor.end) return tooShort(cursor);
  const control = data[at]!;
  const flags = data[at + 1]!;
  const subtype = control >> 4;
  if ((control & 0x0c) !== 0x08) return other(cursor, OtherProtocol.wlanManagement);
  if ((subtype & 4) !== 0) return other(cursor, OtherProtocol.wlanNoData);
  if ((flags & 0x40) !== 0) return other(cursor, OtherProtocol.wlanEncrypted);
  if (at + 24 > cursor.end) return tooShort(cursor);
  const isFragment = (flags & 0x04) !== 0 || (data[at + 22]! & 0x0f) !== 0;
  if (isFragment) return other(cursor, OtherProtocol.wlanFragment);
  let byteCount = (flags & 3) === 3 ? 30 : 24;
  if ((subtype & 8) !== 0) {
    if (at + byteCount + 2 > cursor.end) return tooShort(cursor);
    const isAggregate = (data[at + byteCount]! & 0x80) !== 0;
    if (isAggregate) return other(cursor, OtherProtocol.wlanAggregate);
    byteCount += (flags & 0x80) !== 0 ? 6 : 2;
  }
  const llcAt = at + byteCount;
  // Some drivers pad the header to four bytes; the SNAP header then begins two bytes later.
  const isPadded = (byteCount & 3) !== 0 && llcAt + 4 <= cursor.end && data[llcAt] === 0 && data[llcAt + 2] === 0xaa;
  return skip(cursor, byteCount + (isPadded ? 2 : 0), Layer.llc);
}

/** radiotap.org: version 0, pad, length of the whole header. */
export function decodeRadiotap(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 4 > cursor.end) return tooShort(cursor);
  const byteCount = cursor.data[at + 2]! | (cursor.data[at + 3]! << 8);
  if (cursor.data[at] !== 0 || byteCount < 8) return malformed(cursor);
  return skip(cursor, byteCount, Layer.wlan);
}

/** Prism's 144 bytes, or the AVS header that took its link type over (big-endian, its length in the second word). */
export function decodePrism(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 8 > cursor.end) return tooShort(cursor);
  if (word(cursor.data, at) !== avsMagic) return skip(cursor, prismHeaderByteCount, Layer.wlan);
  const byteCount = word(cursor.data, at + 4);
  return byteCount < 8 || byteCount > 1024 ? malformed(cursor) : skip(cursor, byteCount, Layer.wlan);
}
