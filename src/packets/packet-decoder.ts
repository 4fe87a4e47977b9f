/**
 * One packet → at most one TCP segment. The hot path of the layer: a loop over header after header, one cursor, no allocation.
 *
 * What is not TCP is counted by protocol; what cannot be decoded is a problem, counted with its first packet. Nothing throws on
 * any bytes, and nesting is bounded.
 */
import { Cursor, Layer, type LayerCode, noLimit, other, readFrom } from './cursor.js';
import { decodeEthernet, decodeEtherType, decodeLlc, decodeTrill } from './ethernet.js';
import { FragmentTable } from './fragments.js';
import { afterIp, decodeIp, decodeIpv4, decodeIpv6, isFollowable } from './ip.js';
import { firstLayer } from './link-types.js';
import { decodePpp, decodePppoe } from './ppp.js';
import type { ProblemList } from './problems.js';
import { linkTypeName, OtherProtocol, ProtocolSpace, protocolName } from './protocol-name.js';
import type { Segment } from './segment.js';
import { decodeTcp } from './tcp.js';
import { decodeEtherIp, decodeGre, decodeL2tpOverIp, decodeMpls, decodeNsh } from './tunnels.js';
import { decodeUdp } from './udp-tunnels.js';
import { decodePrism, decodeRadiotap, decodeWlan } from './wlan.js';

// The usual layers, here because an imported binding costs a look-up at each use and this runs for every packet.
const segmentLayer = Layer.segment;
/** The first four end a packet. */
const lastEndingLayer = Layer.doubtfulSegment;
const ipv4Layer = Layer.ipv4;
const ipv6Layer = Layer.ipv6;
const etherTypeLayer = Layer.etherType;
const tcpLayer = Layer.tcp;

/** Headers inside each other, each tag, tunnel and IP header counting one. Real nesting stays below ten. */
const maximumNesting = 32;
/** Different protocols counted by name; more than this are counted together. */
const maximumProtocolsCounted = 1024;
const maximumLinkTypesNamed = 64;
/** A record may claim any 32-bit length for the wire; what is claimed beyond this is not believed. */
const maximumWireByteCount = 16 * 1024 * 1024;

export class PacketDecoder {
  packets = 0;
  tcpPackets = 0;
  /** Filled anew for each packet. Whoever calls `decode` sets its time before. */
  readonly segment: Segment;
  readonly #cursor = new Cursor();
  readonly #problems: ProblemList;
  readonly #onSegment: (segment: Segment) => void;
  readonly #otherPackets = new Map<number, number>();
  readonly #linkTypes = new Set<number>();
  #lastLinkType = -1;
  readonly #fragments: FragmentTable;

  constructor(problems: ProblemList, onSegment: (segment: Segment) => void) {
    this.#problems = problems;
    this.#onSegment = onSegment;
    this.#fragments = new FragmentTable(problems);
    this.segment = this.#cursor.segment;
  }

  /** `data[start, end)` is what was captured of a packet of `wireByteCount` bytes; its time stands in the segment. */
  decode(data: Uint8Array, start: number, end: number, wireByteCount: number, linkType: number): void {
    const cursor = this.#cursor;
    this.packets += 1;
    if (linkType !== this.#lastLinkType) this.#noteLinkType(linkType);
    if (data !== cursor.data) readFrom(cursor, data);
    cursor.position = start;
    cursor.end = end;
    cursor.wireEnd = Math.max(start + Math.min(wireByteCount, maximumWireByteCount), end);
    cursor.limit = noLimit;
    cursor.segment.packet = this.packets;
    const outcome = linkType === 1 ? this.#followEthernet() : this.#follow(firstLayer(cursor, linkType), 0);
    if (outcome === segmentLayer) {
      this.tcpPackets += 1;
      this.#onSegment(cursor.segment);
    } else this.#tellRarer(outcome);
  }

  #tellRarer(outcome: LayerCode): void {
    const cursor = this.#cursor;
    if (outcome === Layer.doubtfulSegment) {
      this.tcpPackets += 1;
      this.#onSegment(cursor.segment);
    } else if (outcome === Layer.other) this.#countOther(cursor.protocol);
    if (outcome !== Layer.other) this.#problems.report(cursor.problem, this.packets);
  }

  /** A record that is no packet of a network but has a packet number. */
  countRecord(protocol: number): void {
    this.packets += 1;
    this.#countOther(protocol);
  }

  /** The capture is over. */
  end(): void {
    this.#fragments.end();
  }

  linkTypeNames(): string[] {
    return [...new Set([...this.#linkTypes].map(linkTypeName))];
  }

  otherPackets(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [protocol, count] of this.#otherPackets) {
      const name = protocolName(protocol);
      counts[name] = (counts[name] ?? 0) + count;
    }
    return counts;
  }

  /** Ethernet, IP and TCP follow each other in most packets: without asking at each what follows. */
  #followEthernet(): LayerCode {
    const cursor = this.#cursor;
    const network = decodeEthernet(cursor);
    if (network !== ipv4Layer) return this.#follow(network, 1);
    const transport = decodeIpv4(cursor);
    return transport === tcpLayer ? decodeTcp(cursor) : this.#follow(transport, 2);
  }

  /** From this layer on, which stands so deep inside others. */
  #follow(first: LayerCode, nesting: number): LayerCode {
    const cursor = this.#cursor;
    let layer = first;
    for (let depth = nesting; depth < maximumNesting; depth += 1) {
      if (layer <= lastEndingLayer) return layer;
      switch (layer) {
        case tcpLayer:
          return decodeTcp(cursor);
        case ipv4Layer:
          layer = decodeIpv4(cursor);
          break;
        case ipv6Layer:
          layer = decodeIpv6(cursor);
          break;
        case etherTypeLayer:
          layer = decodeEtherType(cursor);
          break;
        case Layer.ethernet:
          layer = decodeEthernet(cursor);
          break;
        case Layer.fragment:
          layer = this.#addFragment();
          break;
        default:
          layer = decodeRarer(cursor, layer);
      }
    }
    cursor.problem = 'nesting-limit';
    return Layer.broken;
  }

  /** Only what can lead to TCP is put together. */
  #addFragment(): LayerCode {
    const cursor = this.#cursor;
    if (!isFollowable(cursor.fragmentProtocol)) return other(cursor, ProtocolSpace.ip | cursor.fragmentProtocol);
    return this.#fragments.add(cursor) ? afterIp(cursor, cursor.fragmentProtocol) : other(cursor, OtherProtocol.fragment);
  }

  #noteLinkType(linkType: number): void {
    this.#lastLinkType = linkType;
    if (this.#linkTypes.size < maximumLinkTypesNamed) this.#linkTypes.add(linkType);
  }

  #countOther(protocol: number): void {
    const count = this.#otherPackets.get(protocol);
    if (count === undefined && this.#otherPackets.size >= maximumProtocolsCounted) {
      this.#otherPackets.set(ProtocolSpace.other | 0xffff, (this.#otherPackets.get(ProtocolSpace.other | 0xffff) ?? 0) + 1);
    } else this.#otherPackets.set(protocol, (count ?? 0) + 1);
  }
}

/** Apart from the loop above, which stays small enough for the compiler's best. */
function decodeRarer(cursor: Cursor, layer: LayerCode): LayerCode {
  switch (layer) {
    case Layer.ip:
      return decodeIp(cursor);
    case Layer.udp:
      return decodeUdp(cursor);
    case Layer.llc:
      return decodeLlc(cursor);
    case Layer.gre:
      return decodeGre(cursor);
    case Layer.mpls:
      return decodeMpls(cursor);
    case Layer.ppp:
      return decodePpp(cursor);
    case Layer.pppoe:
      return decodePppoe(cursor);
    case Layer.nsh:
      return decodeNsh(cursor);
    case Layer.l2tpOverIp:
      return decodeL2tpOverIp(cursor);
    case Layer.etherIp:
      return decodeEtherIp(cursor);
    case Layer.wlan:
      return decodeWlan(cursor);
    case Layer.radiotap:
      return decodeRadiotap(cursor);
    case Layer.prism:
      return decodePrism(cursor);
    case Layer.trill:
      return decodeTrill(cursor);
    default:
      return other(cursor, OtherProtocol.empty);
  }
}
