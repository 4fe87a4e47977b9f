/**
 * The hot loop of the ring: the packets of one TPACKET_V3 block become pcapng's enhanced packet blocks, in place.
 *
 * A packet's slot in the ring has more room before the bytes than a packet block needs around them:
 *
 *     slot:    tpacket3_hdr 48 │ sockaddr_ll 20 │ to alignment │ bytes ─────────────── │ to eight
 *     becomes: head 28 │ bytes ─────────────── │ to four │ options 12 │ length 4
 *
 * so writing from the block's beginning never overtakes reading, nothing is allocated, and what comes out is few pieces of memory, mostly one,
 * that a write(2) or a copy takes away. Packets of loopback and of cards that join segments are up to 64 KiB: they are not moved,
 * their head is put before them where they lie, and a new piece begins. The kernel does not look at a block while it is ours.
 *
 * Rules
 * - Everything read here was written by the kernel, and is believed.
 * - A VLAN tag that the kernel or the card took off is put back, as libpcap does; cooked packets stay without, also as there.
 * - Words are little-endian like the machines this runs on (openRing checks).
 */
import { PcapngType, packetHeadByteCount, packetTailByteCount } from './pcapng-blocks.js';

/** What a packet looks like behind the head of its block. */
export interface PacketFraming {
  /** Put a Linux cooked header, version 2, before the packet. */
  readonly cooked: boolean;
  /** The link has MAC addresses at the place where a VLAN tag belongs behind them. */
  readonly ethernet: boolean;
  /** Say the direction of each packet (epb_flags); for loopback it says nothing. */
  readonly directions: boolean;
}

/** In a block's descriptor. */
export const blockStatusOffset = 8;
const packetCountOffset = 12;
const firstPacketOffset = 16;
const blockHeadByteCount = 48;

const vlanTagValid = 0x10;
const vlanProtocolValid = 0x40;
const etherTypeVlan = 0x8100;
const cookedByteCount = 20;
const vlanByteCount = 4;
const addressesByteCount = 12;
const flagsOptionByteCount = 12;
const flagsOption = 0x0004_0002;
/** epb_flags by sll_pkttype: to us, broadcast, multicast, to somebody else, from us. */
const flagsByType = Uint32Array.of(0b00101, 0b01101, 0b01001, 0b10001, 0b00010, 0, 0, 0);

/** Packets of so many bytes are not moved: to write them as a piece of their own costs less. */
const leftInPlace = 16_384;
/** Behind such a packet: padding, options, length. At the end of the ring's block there may be no room for it. */
const mostBehind = 3 + flagsOptionByteCount + packetTailByteCount;

/** Reads the blocks of one ring, one after the other. */
export class RingBlockReader {
  /** What was made by the last `take`: beginning and end of each piece as offsets in the ring, each of whole blocks. */
  readonly pieces: number[] = [];
  /** Packets in it. */
  taken = 0;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #blockByteCount: number;
  readonly #framing: PacketFraming;
  /** Where the ring's block ends. */
  #end = 0;
  #slot = 0;
  #left = 0;
  /** Where the next packet block goes, if it is moved. */
  #out = 0;
  #ahead = { next: 0, second: 0, nanosecond: 0, captured: 0, length: 0 };
  /** The time of a second's beginning, in two words. */
  #second = -1;
  #secondHigh = 0;
  #secondLow = 0;

  constructor(ring: ArrayBuffer, blockByteCount: number, framing: PacketFraming) {
    this.#blockByteCount = blockByteCount;
    this.#words = new Uint32Array(ring);
    this.#bytes = new Uint8Array(ring);
    this.#framing = framing;
  }

  /** Begins with a block that the kernel has handed over; `start` is its offset in the ring. */
  begin(start: number): void {
    const words = this.#words;
    this.#end = start + this.#blockByteCount;
    this.#left = words[(start + packetCountOffset) >>> 2]!;
    this.#slot = start + words[(start + firstPacketOffset) >>> 2]!;
    this.#out = start + blockHeadByteCount;
    this.#readAhead();
  }

  /** Packets of the block that were not taken yet. */
  get left(): number {
    return this.#left;
  }

  /** Turns as many packets into packet blocks, or what the block has left. */
  take(most: number): void {
    const words = this.#words;
    const bytes = this.#bytes;
    const { cooked, ethernet, directions } = this.#framing;
    const pieces = this.pieces;
    const count = Math.min(this.#left, most);
    const extra = cooked ? cookedByteCount : 0;
    const tail = directions ? packetTailByteCount + flagsOptionByteCount : packetTailByteCount;
    const lastInPlace = this.#end - mostBehind;
    let slot = this.#slot;
    let out = this.#out;
    let from = out;
    let { next, second, nanosecond, captured, length } = this.#ahead;
    pieces.length = 0;
    for (let taken = 0; taken < count; taken += 1) {
      const at = slot >>> 2;
      const tagged = ethernet && (words[at + 5]! & vlanTagValid) !== 0 && captured >= addressesByteCount;
      const added = tagged ? vlanByteCount : extra;
      const kept = captured + added;
      const byteCount = packetHeadByteCount + ((kept + 3) & ~3) + tail;
      if (second !== this.#second) this.#beginSecond(second);
      let low = this.#secondLow + nanosecond;
      let high = this.#secondHigh;
      if (low > 0xffff_ffff) {
        low -= 0x1_0000_0000;
        high += 1;
      }
      const source = slot + (words[at + 6]! & 0xffff);
      const type = (words[at + 14]! >>> 16) & 7;
      const inPlace = captured >= leftInPlace && !tagged && (source & 3) === 0 && source + captured <= lastInPlace;
      if (inPlace) {
        if (out > from) pieces.push(from, out);
        out = source - extra - packetHeadByteCount;
        from = out;
      }
      let data = out + packetHeadByteCount;
      // From here on the slot's own words may be written over: what is still needed of them is read first.
      if (tagged) {
        this.#moveTagged(data, source, captured, at);
      } else {
        if (cooked) {
          this.#cookedHead(data, at);
          data += cookedByteCount;
        }
        if (!inPlace) bytes.copyWithin(data, source, source + captured);
      }
      const head = out >>> 2;
      words[head] = PcapngType.enhancedPacket;
      words[head + 1] = byteCount;
      words[head + 2] = 0;
      words[head + 3] = high;
      words[head + 4] = low;
      words[head + 5] = kept;
      words[head + 6] = length + added;
      // Behind a packet in place its tail reaches into the next slot's first words.
      slot += next;
      const ahead = slot >>> 2;
      next = words[ahead]!;
      second = words[ahead + 1]!;
      nanosecond = words[ahead + 2]!;
      captured = words[ahead + 3]!;
      length = words[ahead + 4]!;
      const end = out + packetHeadByteCount + kept;
      for (let pad = end; (pad & 3) !== 0; pad += 1) bytes[pad] = 0;
      let foot = (end + 3) >>> 2;
      if (directions) {
        words[foot] = flagsOption;
        words[foot + 1] = flagsByType[type]!;
        words[foot + 2] = 0;
        foot += 3;
      }
      words[foot] = byteCount;
      out += byteCount;
    }
    if (out > from) pieces.push(from, out);
    this.#slot = slot;
    this.#left -= count;
    this.#out = out;
    this.#ahead = { next, second, nanosecond, captured, length };
    this.taken = count;
  }

  /** The first words of the next slot. */
  #readAhead(): void {
    const words = this.#words;
    const at = this.#slot >>> 2;
    this.#ahead = {
      next: words[at]!,
      second: words[at + 1]!,
      nanosecond: words[at + 2]!,
      captured: words[at + 3]!,
      length: words[at + 4]!,
    };
  }

  #beginSecond(second: number): void {
    const ns = BigInt(second) * 1_000_000_000n;
    this.#second = second;
    this.#secondHigh = Number(ns >> 32n);
    this.#secondLow = Number(ns & 0xffff_ffffn);
  }

  /** Protocol 2, reserved 2, interface 4, ARPHRD 2, packet type 1, address length 1, address 8; big-endian, from the slot's sockaddr_ll. */
  #cookedHead(data: number, at: number): void {
    const words = this.#words;
    const to = data >>> 2;
    const familyAndProtocol = words[at + 12]!;
    const index = words[at + 13]!;
    const kinds = words[at + 14]!;
    const addressHigh = words[at + 15]!;
    const addressLow = words[at + 16]!;
    words[to] = familyAndProtocol >>> 16;
    words[to + 1] = (index >>> 24) | ((index >>> 8) & 0xff00) | ((index & 0xff00) << 8) | (index << 24);
    words[to + 2] = (kinds & 0xffff_0000) | ((kinds >>> 8) & 0xff) | ((kinds & 0xff) << 8);
    words[to + 3] = addressHigh;
    words[to + 4] = addressLow;
  }

  /** The packet with its VLAN tag between the addresses and the type. */
  #moveTagged(data: number, source: number, captured: number, at: number): void {
    const bytes = this.#bytes;
    const tag = this.#words[at + 8]! & 0xffff;
    const protocol = (this.#words[at + 5]! & vlanProtocolValid) === 0 ? etherTypeVlan : this.#words[at + 9]! & 0xffff;
    bytes.copyWithin(data, source, source + addressesByteCount);
    bytes.copyWithin(data + addressesByteCount + vlanByteCount, source + addressesByteCount, source + captured);
    bytes[data + addressesByteCount] = protocol >>> 8;
    bytes[data + addressesByteCount + 1] = protocol;
    bytes[data + addressesByteCount + 2] = tag >>> 8;
    bytes[data + addressesByteCount + 3] = tag;
  }
}
