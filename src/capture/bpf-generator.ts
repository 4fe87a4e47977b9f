/**
 * From what a filter expression says to conditions on a packet of one link type, with the meaning that libpcap gives them.
 *
 * Rules
 * - A transport header behind IPv4 is found by the header's own length and looked for only in packets that are not later
 *   fragments. Behind IPv6 it is expected at once: extension headers are not walked, save that `tcp` and its like also look behind a
 *   fragment header.
 * - `host` and `net` with an IPv4 address also mean the addresses in ARP and RARP.
 * - `port` without a protocol means TCP, UDP and SCTP.
 */
import { relationCondition } from './bpf-arithmetic.js';
import { allOf, anyOf, type Condition, constant, equals, loadAt, loadBehindIpv4, macEquals, not, test } from './bpf-condition.js';
import type { FilterDirection, FilterExpression, FilterNetwork, FilterProtocol, Qualifiers } from './bpf-expression.js';
import { bpf } from './bpf-instruction.js';
import { etherType, isEtherType, type LinkLayout, notLaterFragment, ofType } from './bpf-link-layout.js';
import { protocolNumbers } from './bpf-names.js';
import { FilterRefusal } from './bpf-refusal.js';

export function conditionOf(expression: FilterExpression, layout: LinkLayout): Condition {
  switch (expression.kind) {
    case 'everything':
      return constant(true);
    case 'and':
    case 'or':
      return {
        kind: expression.kind,
        left: conditionOf(expression.left, layout),
        right: conditionOf(expression.right, layout),
      };
    case 'not':
      return not(conditionOf(expression.inner, layout));
    case 'protocol':
      return protocolCondition(expression.protocol, layout, expression.position);
    case 'network':
      return networkCondition(expression, layout);
    case 'mac':
      return macCondition(expression, layout);
    case 'ports':
      return portsCondition(expression, layout);
    case 'proto':
      return protoCondition(expression, layout);
    case 'group-address':
      return groupCondition(expression, layout);
    case 'relation':
      return relationCondition(expression, layout);
  }
}

/** The source, the destination, one of them or both. */
function directed(direction: FilterDirection, at: (end: 'src' | 'dst') => Condition): Condition {
  if (direction === 'either') return anyOf(at('src'), at('dst'));
  return direction === 'both' ? allOf(at('src'), at('dst')) : at(direction);
}

function protocolCondition(protocol: FilterProtocol, layout: LinkLayout, position: number): Condition {
  switch (protocol) {
    case 'ip':
      return layout.isType(etherType.ipv4);
    case 'ip6':
      return layout.isType(etherType.ipv6);
    case 'arp':
    case 'rarp':
      return layout.isType(etherType[protocol]);
    case 'tcp':
    case 'udp':
    case 'sctp':
    case 'pim':
    case 'ah':
    case 'esp':
      return anyOf(onIpv6(numberOf(protocol), layout), onIpv4(numberOf(protocol), layout));
    case 'icmp':
    case 'igmp':
    case 'vrrp':
      return onIpv4(numberOf(protocol), layout);
    case 'icmp6':
      return onIpv6(numberOf(protocol), layout);
    case 'link':
      throw new FilterRefusal('wrong', 'ether is true of nothing by itself', position);
  }
}

const numberOf = (protocol: FilterProtocol): number => protocolNumbers.get(protocol)!;

const ipv4Protocol = (number: number, { networkOffset }: LinkLayout): Condition => equals([loadAt(networkOffset + 9, 1)], number);
const ipv6Next = (number: number, { networkOffset }: LinkLayout): Condition => equals([loadAt(networkOffset + 6, 1)], number);

const onIpv4 = (number: number, layout: LinkLayout): Condition => ofType(layout, etherType.ipv4, ipv4Protocol(number, layout));

const fragmentHeader = 44;
const ipv6HeaderLength = 40;

function onIpv6(number: number, layout: LinkLayout): Condition {
  const behindFragment = equals([loadAt(layout.networkOffset + ipv6HeaderLength, 1)], number);
  const next = anyOf(ipv6Next(number, layout), allOf(ipv6Next(fragmentHeader, layout), behindFragment));
  return ofType(layout, etherType.ipv6, next);
}

/** Where the addresses stand, in bytes behind the network header's beginning. */
const addressPlaces = {
  ip: { src: 12, dst: 16 },
  ip6: { src: 8, dst: 24 },
  arp: { src: 14, dst: 24 },
  rarp: { src: 14, dst: 24 },
} as const;
const typeOfProtocol = { ip: etherType.ipv4, ip6: etherType.ipv6, arp: etherType.arp, rarp: etherType.rarp } as const;

function networkCondition(expression: FilterExpression & { kind: 'network' }, layout: LinkLayout): Condition {
  const { qualifiers, network, position } = expression;
  const { protocol, direction } = qualifiers;
  const on = (carrier: keyof typeof addressPlaces): Condition =>
    ofType(
      layout,
      typeOfProtocol[carrier],
      directed(direction, (end) => addressCondition(network, layout.networkOffset + addressPlaces[carrier][end])),
    );
  if (network.words.length === 4) {
    if (protocol === null || protocol === 'ip6') return on('ip6');
  } else if (protocol === null) return anyOf(on('ip'), on('arp'), on('rarp'));
  else if (protocol === 'ip' || protocol === 'arp' || protocol === 'rarp') return on(protocol);
  throw new FilterRefusal('wrong', `${protocol} has no such address`, position);
}

const addressCondition = ({ words, masks }: FilterNetwork, offset: number): Condition =>
  words
    .map((word, index) => equals([loadAt(offset + 4 * index, 4)], word, masks[index]!))
    .reduceRight((right, left) => allOf(left, right));

function macCondition({ qualifiers, bytes, position }: FilterExpression & { kind: 'mac' }, layout: LinkLayout): Condition {
  const { protocol, type, direction } = qualifiers;
  if (protocol !== 'link' || (type !== null && type !== 'host'))
    throw new FilterRefusal('wrong', 'a hardware address wants ether host before it', position);
  needEthernet(layout, position);
  return directed(direction, (end) => macEquals(end === 'src' ? 6 : 0, bytes));
}

function needEthernet({ header }: LinkLayout, position: number): void {
  if (header !== 'ethernet') throw new FilterRefusal('unsupported', 'this link has no addresses of Ethernet', position);
}

const portCarriers: readonly FilterProtocol[] = ['sctp', 'tcp', 'udp'];

function portsCondition(expression: FilterExpression & { kind: 'ports' }, layout: LinkLayout): Condition {
  const protocols = carriersOf(expression);
  const { networkOffset } = layout;
  const ports = (load: (offset: number) => Condition): Condition =>
    directed(expression.qualifiers.direction, (end) => load(end === 'src' ? 0 : 2));
  const onIpv6Header = ports((offset) => inRange([loadAt(networkOffset + ipv6HeaderLength + offset, 2)], expression));
  const onIpv4Header = allOf(
    notLaterFragment(layout),
    ports((offset) => inRange(loadBehindIpv4(networkOffset, offset, 2), expression)),
  );
  // A way of its own for each protocol: what a second condition then asks of the same header is known on it.
  const each = (header: (number: number, layout: LinkLayout) => Condition, more: Condition): Condition => {
    const [first, ...others] = protocols.map((protocol) => allOf(header(numberOf(protocol), layout), more));
    return anyOf(first!, ...others);
  };
  return anyOf(
    ofType(layout, etherType.ipv6, each(ipv6Next, onIpv6Header)),
    ofType(layout, etherType.ipv4, each(ipv4Protocol, onIpv4Header)),
  );
}

/** The protocols that the ports are looked for in: those of the qualifier, or of the service, or all. */
function carriersOf({ qualifiers, service, position }: FilterExpression & { kind: 'ports' }): readonly FilterProtocol[] {
  const { protocol } = qualifiers;
  if (protocol === null) return service ?? portCarriers;
  if (!portCarriers.includes(protocol)) throw new FilterRefusal('wrong', `${protocol} has no ports`, position);
  if (service === null || service.includes(protocol)) return [protocol];
  throw new FilterRefusal('wrong', `this service is not on ${protocol}`, position);
}

function inRange(load: Parameters<typeof equals>[0], { from, to }: { readonly from: number; readonly to: number }): Condition {
  if (from === to) return equals(load, from);
  return allOf(test(load, bpf.jge, from), not(test(load, bpf.jgt, to)));
}

function protoCondition(
  { qualifiers, number, position }: FilterExpression & { kind: 'proto'; qualifiers: Qualifiers },
  layout: LinkLayout,
): Condition {
  const { protocol } = qualifiers;
  if (protocol === 'link') {
    if (isEtherType(number)) return layout.isType(number);
    throw new FilterRefusal('unsupported', `${number} is no EtherType`, position);
  }
  if (number > 255) throw new FilterRefusal('wrong', `${number} is no protocol of IP`, position);
  switch (protocol) {
    case null:
      return anyOf(onIpv4(number, layout), onIpv6(number, layout));
    case 'ip':
      return onIpv4(number, layout);
    case 'ip6':
      return onIpv6(number, layout);
    default:
      throw new FilterRefusal('wrong', `${protocol} carries no protocols`, position);
  }
}

function groupCondition(
  { address, protocol, position }: FilterExpression & { kind: 'group-address' },
  layout: LinkLayout,
): Condition {
  const { networkOffset } = layout;
  if (protocol === null || protocol === 'link') {
    needEthernet(layout, position);
    return address === 'broadcast' ? macEquals(0, [255, 255, 255, 255, 255, 255]) : test([loadAt(0, 1)], bpf.jset, 1);
  }
  if (address === 'multicast' && protocol === 'ip')
    return ofType(layout, etherType.ipv4, test([loadAt(networkOffset + 16, 1)], bpf.jge, 224));
  if (address === 'multicast' && protocol === 'ip6')
    return ofType(layout, etherType.ipv6, equals([loadAt(networkOffset + 24, 1)], 255));
  throw new FilterRefusal('unsupported', `${protocol} ${address} is not known here`, position);
}
