/**
 * Where things stand in a packet of a link type (https://www.tcpdump.org/linktypes.html), for filters.
 *
 * `cooked` is no link type but what a Linux packet socket of type SOCK_DGRAM shows to its filter: a packet from its network header
 * on, and the protocol by the kernel's own word at a negative offset (SKF_AD_OFF + SKF_AD_PROTOCOL, linux/filter.h). It is for a
 * socket on all interfaces, where every interface has another link header; libpcap rewrites its programs to the same form
 * (fix_program of pcap-linux.c). As there, `len` does not count a link header, and the link header itself cannot be asked for.
 */
import { allOf, anyOf, type Condition, constant, equals, loadAt, not, test } from './bpf-condition.js';
import { bpf } from './bpf-instruction.js';

export type FilterLink = number | 'cooked';

export interface LinkLayout {
  /** Bytes before the network header. */
  readonly networkOffset: number;
  /** The packet's network header is of this EtherType. */
  isType(etherType: number): Condition;
  /** What is known of the link header: MAC addresses as of Ethernet, only that it is there, or nothing. */
  readonly header: 'ethernet' | 'any' | 'none';
}

export const etherType = { ipv4: 0x0800, ipv6: 0x86dd, arp: 0x0806, rarp: 0x8035 } as const;

/** Values up to here in the type field of Ethernet are lengths of a frame of IEEE 802.3, and numbers up to here are SAPs. */
const longestFrame = 1500;
/** SKF_AD_OFF + SKF_AD_PROTOCOL. */
const kernelsProtocol = 0xffff_f000;

/** Null: filters for this link type are not made here. */
export function linkLayoutOf(link: FilterLink): LinkLayout | null {
  switch (link) {
    case 'cooked':
      return { networkOffset: 0, header: 'none', isType: typeField(kernelsProtocol) };
    case 0: // NULL
      return { networkOffset: 4, header: 'any', isType: familyWord('any-order') };
    case 1: // ETHERNET
      return { networkOffset: 14, header: 'ethernet', isType: typeField(12) };
    case 12: // RAW, as BSD numbers it
    case 14: // RAW, as OpenBSD numbers it
    case 101: // RAW
      return { networkOffset: 0, header: 'any', isType: isRawType };
    case 108: // LOOP
      return { networkOffset: 4, header: 'any', isType: familyWord('big-endian') };
    case 113: // LINUX_SLL
      return { networkOffset: 16, header: 'any', isType: typeField(14) };
    case 228: // IPV4
      return { networkOffset: 0, header: 'any', isType: (type) => constant(type === etherType.ipv4) };
    case 229: // IPV6
      return { networkOffset: 0, header: 'any', isType: (type) => constant(type === etherType.ipv6) };
    case 276: // LINUX_SLL2
      return { networkOffset: 20, header: 'any', isType: typeField(0) };
    default:
      return null;
  }
}

/** Whether a number is an EtherType: smaller ones mean frames of IEEE 802.2, which carry no IP on these links. */
export const isEtherType = (type: number): boolean => type > longestFrame && type <= 0xffff;

const typeField =
  (offset: number) =>
  (type: number): Condition =>
    equals([loadAt(offset, 2)], type);

/** Raw packets have nothing but the version in the first byte. */
function isRawType(type: number): Condition {
  if (type === etherType.ipv4) return equals([loadAt(0, 1)], 0x40, 0xf0);
  return type === etherType.ipv6 ? equals([loadAt(0, 1)], 0x60, 0xf0) : constant(false);
}

/** Numbers of AF_INET6: Linux, then NetBSD and OpenBSD, FreeBSD, Darwin. AF_INET is 2 everywhere. */
const inet6Families = [10, 24, 28, 30];

/** The word before a loopback packet is an address family of the capturing host: of NULL in that host's byte order, of LOOP in the network's. */
const familyWord =
  (order: 'any-order' | 'big-endian') =>
  (type: number): Condition => {
    if (type !== etherType.ipv4 && type !== etherType.ipv6) return constant(false);
    const families = type === etherType.ipv4 ? [2] : inet6Families;
    const words = order === 'big-endian' ? families : families.flatMap((family) => [family, family * 0x0100_0000]);
    const [first, ...others] = words.map((word) => equals([loadAt(0, 4)], word));
    return anyOf(first!, ...others);
  };

/** The network header is of this type, and more holds of it. */
export const ofType = (layout: LinkLayout, type: number, more: Condition): Condition => {
  const isType = layout.isType(type);
  return isType.kind === 'constant' && !isType.holds ? isType : allOf(isType, more);
};

/** Only the first fragment has the transport header. */
export const notLaterFragment = ({ networkOffset }: LinkLayout): Condition =>
  not(test([loadAt(networkOffset + 6, 2)], bpf.jset, 0x1fff));
