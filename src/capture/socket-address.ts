/** Addresses of sockets as text. An IPv4 address inside an IPv6 one is written as what it is; no address at all is `*`. */
import { formatIpv4, formatIpv6 } from '../packets/index.js';

const wordAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

export function formatIpv4Bytes(bytes: Uint8Array, at: number): string {
  const word = wordAt(bytes, at);
  return word === 0 ? '*' : formatIpv4(word);
}

export function formatIpv6Bytes(bytes: Uint8Array, at: number): string {
  const [a, b, c, d] = [wordAt(bytes, at), wordAt(bytes, at + 4), wordAt(bytes, at + 8), wordAt(bytes, at + 12)];
  if (a === 0 && b === 0 && c === 0xffff) return formatIpv4Bytes(bytes, at + 12);
  return (a | b | c | d) === 0 ? '*' : formatIpv6(a, b, c, d);
}
