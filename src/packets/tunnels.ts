/**
 * Tunnels that ride on IP or Ethernet: GRE and ERSPAN, MPLS and pseudowires, network service headers, Ethernet in IP, L2TPv3.
 * (Those on UDP: udp-tunnels.ts.) Each ends with the layer inside: the innermost addresses are the connection's.
 */
import { short } from './big-endian.js';
import { type Cursor, Layer, type LayerCode, malformed, other, skip, tooShort } from './cursor.js';
import { afterEtherType } from './ethernet.js';
import { OtherProtocol } from './protocol-name.js';

const GreProtocol = { keepAlive: 0, erspan: 0x88be, erspan3: 0x22eb, wccp: 0x883e, ppp: 0x880b } as const;
/** RFC 1701 source routes; nobody sends them. */
const maximumGreRoutes = 16;
/** RFC 3032 sets none; each label is 4 bytes. */
const maximumMplsLabels = 32;

/** RFC 2784, RFC 2890, RFC 1701; version 1 is PPTP's, RFC 2637 §4.1. */
export function decodeGre(cursor: Cursor): LayerCode {
  const data = cursor.data;
  const at = cursor.position;
  if (at + 4 > cursor.end) return tooShort(cursor);
  const flags = short(data, at);
  const protocol = short(data, at + 2);
  const version = flags & 7;
  if (version > 1) return malformed(cursor);
  const hasSequence = (flags & 0x1000) !== 0;
  const hasRoutes = (flags & 0x4000) !== 0;
  let byteCount = 4;
  if ((flags & 0x8000) !== 0 || hasRoutes) byteCount += 4;
  if ((flags & 0x2000) !== 0) byteCount += 4;
  if (hasSequence) byteCount += 4;
  if (version === 1 && (flags & 0x0080) !== 0) byteCount += 4;
  cursor.position = at + byteCount;
  if (cursor.position > cursor.end || (hasRoutes && !skipGreRoutes(cursor))) return tooShort(cursor);
  switch (protocol) {
    case GreProtocol.keepAlive:
      return other(cursor, OtherProtocol.tunnelControl);
    case GreProtocol.ppp:
      // Without a sequence number PPTP's packet carries an acknowledgement only.
      return version === 1 && !hasSequence ? other(cursor, OtherProtocol.tunnelControl) : Layer.ppp;
    case GreProtocol.erspan:
      // Type I has neither a sequence number nor a header of its own; type II has both (8 bytes).
      return hasSequence ? skip(cursor, 8, Layer.ethernet) : Layer.ethernet;
    case GreProtocol.erspan3:
      return decodeErspan3(cursor);
    case GreProtocol.wccp:
      return decodeWccp(cursor);
    default:
      // Aruba's access points: 802.11 frames, one type per station queue.
      return (protocol & 0xfe0f) === 0x8200 ? Layer.wlan : afterEtherType(cursor, protocol);
  }
}

function skipGreRoutes(cursor: Cursor): boolean {
  for (let count = 0; count < maximumGreRoutes; count += 1) {
    const at = cursor.position;
    if (at + 4 > cursor.end) return false;
    const byteCount = cursor.data[at + 3]!;
    cursor.position = at + 4 + byteCount;
    if (byteCount === 0) return true;
  }
  return false;
}

/** draft-foschiano-erspan §4.3: 12 bytes, 8 more when the last bit is set; the frame type says what follows. */
function decodeErspan3(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 12 > cursor.end) return tooShort(cursor);
  const frameType = (cursor.data[at + 10]! >> 2) & 0x1f;
  const hasSubheader = (cursor.data[at + 11]! & 1) === 1;
  return skip(cursor, hasSubheader ? 20 : 12, frameType === 2 ? Layer.ip : Layer.ethernet);
}

/** WCCP's redirected IPv4, with version 2's four-byte header or without. */
function decodeWccp(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 5 > cursor.end) return tooShort(cursor);
  return cursor.data[at]! >> 4 === 4 ? Layer.ipv4 : skip(cursor, 4, Layer.ipv4);
}

/** RFC 3032. What follows the labels is told by its first four bits (RFC 4928), as routers guess it. */
export function decodeMpls(cursor: Cursor): LayerCode {
  const data = cursor.data;
  for (let count = 0; count < maximumMplsLabels; count += 1) {
    const at = cursor.position;
    if (at + 5 > cursor.end) return tooShort(cursor);
    cursor.position = at + 4;
    if ((data[at + 2]! & 1) === 1) return afterMpls(cursor);
  }
  return malformed(cursor);
}

function afterMpls(cursor: Cursor): LayerCode {
  const at = cursor.position;
  switch (cursor.data[at]! >> 4) {
    case 4:
      return Layer.ipv4;
    case 6:
      return Layer.ipv6;
    case 1: // RFC 4385 §5: associated channel
      return other(cursor, OtherProtocol.tunnelControl);
    case 0:
      // RFC 4385 §3: a control word; or, without one, a station address that begins with a zero.
      return looksLikeEthernet(cursor, at) && !looksLikeEthernet(cursor, at + 4)
        ? Layer.ethernet
        : skip(cursor, 4, Layer.ethernet);
    default:
      return looksLikeEthernet(cursor, at) ? Layer.ethernet : other(cursor, OtherProtocol.pseudowire);
  }
}

/** A known Ethernet type, or a length that fits, where one must stand. */
function looksLikeEthernet(cursor: Cursor, at: number): boolean {
  if (hasKnownEtherType(cursor, at)) return true;
  return at + 14 <= cursor.end && at + 14 + short(cursor.data, at + 12) <= cursor.wireEnd && short(cursor.data, at + 12) <= 1500;
}

function hasKnownEtherType(cursor: Cursor, at: number): boolean {
  if (at + 14 > cursor.end) return false;
  switch (short(cursor.data, at + 12)) {
    case 0x0800:
    case 0x0806:
    case 0x86dd:
    case 0x8100:
    case 0x88a8:
    case 0x8847:
    case 0x8864:
      return true;
    default:
      return false;
  }
}

/** RFC 8300 §2: the length of the whole header in 4-byte words, then what follows. */
export function decodeNsh(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 8 > cursor.end) return tooShort(cursor);
  const byteCount = (cursor.data[at + 1]! & 0x3f) * 4;
  if (byteCount < 8) return malformed(cursor);
  return skip(cursor, byteCount, afterNextProtocol(cursor, cursor.data[at + 3]!));
}

/** The next-protocol numbers that NSH and VXLAN-GPE share. */
export function afterNextProtocol(cursor: Cursor, nextProtocol: number): LayerCode {
  switch (nextProtocol) {
    case 1:
      return Layer.ipv4;
    case 2:
      return Layer.ipv6;
    case 3:
      return Layer.ethernet;
    case 4:
      return Layer.nsh;
    case 5:
      return Layer.mpls;
    default:
      return other(cursor, OtherProtocol.tunnelControl);
  }
}

/** RFC 3378: version 3 in four bits, twelve reserved. */
export function decodeEtherIp(cursor: Cursor): LayerCode {
  if (cursor.position + 2 > cursor.end) return tooShort(cursor);
  return skip(cursor, 2, Layer.ethernet);
}

/** RFC 3931 §4.1.1: a session identifier, 0 for control; cookies (0, 4 or 8 bytes) are agreed elsewhere, so each is tried. */
export function decodeL2tpOverIp(cursor: Cursor): LayerCode {
  const at = cursor.position;
  if (at + 4 > cursor.end) return tooShort(cursor);
  if (short(cursor.data, at) === 0 && short(cursor.data, at + 2) === 0) return other(cursor, OtherProtocol.tunnelControl);
  for (const byteCount of [4, 8, 12, 16]) {
    if (hasKnownEtherType(cursor, at + byteCount)) return skip(cursor, byteCount, Layer.ethernet);
  }
  return other(cursor, OtherProtocol.pseudowire);
}
