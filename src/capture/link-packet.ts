/**
 * An IPv4 packet on the link: what is read of it, the swap of its addresses, and the reset that a middlebox makes.
 *
 * Swapping source and destination leaves every checksum as it is, since sums do not depend on the order of what is added (RFC 1071).
 * An ICMP error carries the head of the packet that it is about; that is swapped too, or its receiver would not know it again.
 */

export const protocols = { icmp: 1, tcp: 6, udp: 17 } as const;
export const tcpFlags = { syn: 0x02, rst: 0x04, ack: 0x10 } as const;
const icmpErrors: readonly number[] = [3, 4, 5, 11, 12];

/** Behind the IP header in its least form: what ports, flags and ICMP types need. */
const leastHeader = 20;

/** Whether these bytes are an IPv4 packet with a whole header. */
export const isIpv4 = (packet: Uint8Array): boolean =>
  packet.length >= leastHeader &&
  packet[0]! >> 4 === 4 &&
  headerLength(packet) >= leastHeader &&
  packet.length >= headerLength(packet);

export const headerLength = (packet: Uint8Array): number => (packet[0]! & 15) * 4;

/** The first fragment or a whole packet: only there are ports. */
const startsPayload = (packet: Uint8Array): boolean => (((packet[6]! & 0x1f) << 8) | packet[7]!) === 0;

/** Where the TCP or UDP header begins, or −1 when it is not here. */
export function transportOffset(packet: Uint8Array): number {
  const offset = headerLength(packet);
  const needed = packet[9] === protocols.tcp ? 20 : packet[9] === protocols.udp ? 8 : Number.POSITIVE_INFINITY;
  return startsPayload(packet) && packet.length >= offset + needed ? offset : -1;
}

/** Where the packet begins that an ICMP error is about, or −1. */
export function quotedOffset(packet: Uint8Array): number {
  const offset = headerLength(packet);
  if (packet[9] !== protocols.icmp || !startsPayload(packet) || packet.length < offset + 8 + leastHeader) return -1;
  return icmpErrors.includes(packet[offset]!) && packet[offset + 8]! >> 4 === 4 ? offset + 8 : -1;
}

/** Swaps source and destination address, in place. */
export function swapAddresses(packet: Uint8Array): void {
  swapAt(packet, 0);
  const quoted = quotedOffset(packet);
  if (quoted >= 0) swapAt(packet, quoted);
}

function swapAt(packet: Uint8Array, start: number): void {
  for (let place = start + 12; place < start + 16; place++) {
    const byte = packet[place]!;
    packet[place] = packet[place + 4]!;
    packet[place + 4] = byte;
  }
}

/** A box on the way has a stack of its own, and resets from there can be told by their time to live. */
const resetTimeToLive = 255;

/** The reset that answers a TCP segment as its receiver would that knows no such connection (RFC 9293 §3.10.7.1). */
export function resetAgainst(packet: Uint8Array): Buffer {
  const sent = Buffer.from(packet.buffer, packet.byteOffset, packet.length);
  const tcp = headerLength(sent);
  const flags = sent[tcp + 13]!;
  const reset = Buffer.alloc(40);
  reset.writeUInt16BE(0x4500, 0);
  reset.writeUInt16BE(reset.length, 2);
  reset[8] = resetTimeToLive;
  reset[9] = protocols.tcp;
  sent.copy(reset, 12, 16, 20);
  sent.copy(reset, 16, 12, 16);
  sent.copy(reset, 20, tcp + 2, tcp + 4);
  sent.copy(reset, 22, tcp, tcp + 2);
  reset[32] = 5 << 4;
  if ((flags & tcpFlags.ack) !== 0) {
    sent.copy(reset, 24, tcp + 8, tcp + 12);
    reset[33] = tcpFlags.rst;
  } else {
    const payload = sent.length - tcp - (sent[tcp + 12]! >> 4) * 4;
    const sequenceLength = payload + (flags & tcpFlags.syn ? 1 : 0) + (flags & 1);
    reset.writeUInt32BE((sent.readUInt32BE(tcp + 4) + sequenceLength) >>> 0, 28);
    reset[33] = tcpFlags.rst | tcpFlags.ack;
  }
  reset.writeUInt16BE(checksum(reset.subarray(0, 20), 0), 10);
  const pseudoHeader = sumOf(reset.subarray(12, 20)) + protocols.tcp + 20;
  reset.writeUInt16BE(checksum(reset.subarray(20), pseudoHeader), 36);
  return reset;
}

function sumOf(bytes: Buffer): number {
  let total = 0;
  for (let place = 0; place < bytes.length; place += 2) total += bytes.readUInt16BE(place);
  return total;
}

function checksum(bytes: Buffer, more: number): number {
  let total = sumOf(bytes) + more;
  while (total > 0xffff) total = (total >>> 16) + (total & 0xffff);
  return ~total & 0xffff;
}
