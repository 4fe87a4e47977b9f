/** Words of filter expressions that mean a protocol, a number or a port. The numbers are IANA's, the words pcap-filter(7)'s. */
import type { FilterProtocol } from './bpf-expression.js';

const protocolWords: Readonly<Record<string, FilterProtocol>> = {
  ether: 'link',
  link: 'link',
  ip: 'ip',
  ip6: 'ip6',
  arp: 'arp',
  rarp: 'rarp',
  tcp: 'tcp',
  udp: 'udp',
  sctp: 'sctp',
  icmp: 'icmp',
  icmp6: 'icmp6',
  igmp: 'igmp',
  pim: 'pim',
  ah: 'ah',
  esp: 'esp',
  vrrp: 'vrrp',
};

export const protocolOfWord = (word: string): FilterProtocol | null =>
  Object.hasOwn(protocolWords, word) ? protocolWords[word]! : null;

/** Numbers of the protocols on IP, for `ip proto`. */
export const protocolNumbers: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['igmp', 2],
  ['tcp', 6],
  ['udp', 17],
  ['esp', 50],
  ['ah', 51],
  ['icmp6', 58],
  ['ipv6-icmp', 58],
  ['pim', 103],
  ['vrrp', 112],
  ['sctp', 132],
]);

/** Keywords of libpcap that are left to it. */
export const unsupportedWords: ReadonlySet<string> = new Set(
  (
    'fddi tr wlan ppp slip igrp carp radio atalk aarp decnet lat sca moprc mopdl iso esis es-is isis is-is l1 l2 iih lsp snp csnp ' +
    'psnp clnp stp ipx netbeui protochain gateway type subtype direction dir ra ta addr1 addr2 addr3 addr4 address1 address2 ' +
    'address3 address4 byte inbound outbound ifindex vlan mpls pppoed pppoes geneve vxlan lane llc on ifname rset ruleset rnr ' +
    'rulenum srnr subrulenum reason action'
  ).split(' '),
);

/** Names for what is compared with `tcp[tcpflags]`, `icmp[icmptype]` and `icmp6[icmp6type]`. */
export const namedNumbers: ReadonlyMap<string, number> = new Map([
  ['tcpflags', 13],
  ['tcp-fin', 0x01],
  ['tcp-syn', 0x02],
  ['tcp-rst', 0x04],
  ['tcp-push', 0x08],
  ['tcp-ack', 0x10],
  ['tcp-urg', 0x20],
  ['tcp-ece', 0x40],
  ['tcp-cwr', 0x80],
  ['icmptype', 0],
  ['icmpcode', 1],
  ['icmp-echoreply', 0],
  ['icmp-unreach', 3],
  ['icmp-sourcequench', 4],
  ['icmp-redirect', 5],
  ['icmp-echo', 8],
  ['icmp-routeradvert', 9],
  ['icmp-routersolicit', 10],
  ['icmp-timxceed', 11],
  ['icmp-paramprob', 12],
  ['icmp-tstamp', 13],
  ['icmp-tstampreply', 14],
  ['icmp-ireq', 15],
  ['icmp-ireqreply', 16],
  ['icmp-maskreq', 17],
  ['icmp-maskreply', 18],
  ['icmp6type', 0],
  ['icmp6code', 1],
  ['icmp6-destinationunreach', 1],
  ['icmp6-packettoobig', 2],
  ['icmp6-timeexceeded', 3],
  ['icmp6-parameterproblem', 4],
  ['icmp6-echo', 128],
  ['icmp6-echoreply', 129],
  ['icmp6-routersolicit', 133],
  ['icmp6-routeradvert', 134],
  ['icmp6-neighborsolicit', 135],
  ['icmp6-neighboradvert', 136],
  ['icmp6-redirect', 137],
]);

interface Service {
  readonly port: number;
  /** Null: all that have ports, as for a name that is both TCP's and UDP's. */
  readonly protocols: readonly FilterProtocol[] | null;
}

/** The few names that are typed instead of numbers, on the protocols that /etc/services of Debian gives them. */
const services: Readonly<Record<string, Service>> = {
  ssh: { port: 22, protocols: ['tcp'] },
  smtp: { port: 25, protocols: ['tcp'] },
  domain: { port: 53, protocols: null },
  http: { port: 80, protocols: ['tcp'] },
  https: { port: 443, protocols: null },
  mysql: { port: 3306, protocols: ['tcp'] },
  postgresql: { port: 5432, protocols: ['tcp'] },
  redis: { port: 6379, protocols: ['tcp'] },
  'http-alt': { port: 8080, protocols: null },
};

export const serviceOf = (name: string): Service | null => (Object.hasOwn(services, name) ? services[name]! : null);
