/**
 * Names of what is not TCP, for counting. A protocol is one number: its name space in the upper bits, its number in that space
 * in the lower 16, so that the hot path counts in a Map of small integers and names are made once, at the end.
 */

export const ProtocolSpace = {
  ip: 0,
  etherType: 1 << 16,
  linkType: 2 << 16,
  llc: 3 << 16,
  ppp: 4 << 16,
  other: 5 << 16,
} as const;

/** Things that have no number of their own. */
export const OtherProtocol = {
  wlanManagement: ProtocolSpace.other | 0,
  wlanEncrypted: ProtocolSpace.other | 1,
  wlanNoData: ProtocolSpace.other | 2,
  fragment: ProtocolSpace.other | 3,
  empty: ProtocolSpace.other | 4,
  tunnelControl: ProtocolSpace.other | 5,
  hdlcControl: ProtocolSpace.other | 6,
  wlanAggregate: ProtocolSpace.other | 7,
  pseudowire: ProtocolSpace.other | 8,
  wlanFragment: ProtocolSpace.other | 11,
  customBlock: ProtocolSpace.other | 9,
  systemdJournal: ProtocolSpace.other | 10,
} as const;

const otherNames: Readonly<Record<number, string>> = {
  [OtherProtocol.wlanManagement]: '802.11 management or control',
  [OtherProtocol.wlanEncrypted]: '802.11 encrypted data',
  [OtherProtocol.wlanNoData]: '802.11 without data',
  [OtherProtocol.fragment]: 'IP fragment',
  [OtherProtocol.empty]: 'empty packet',
  [OtherProtocol.tunnelControl]: 'tunnel control',
  [OtherProtocol.hdlcControl]: 'HDLC control',
  [OtherProtocol.wlanAggregate]: '802.11 aggregate',
  [OtherProtocol.pseudowire]: 'pseudowire',
  [OtherProtocol.wlanFragment]: '802.11 fragment',
  [OtherProtocol.customBlock]: 'pcapng custom block',
  [OtherProtocol.systemdJournal]: 'systemd journal entry',
};

const ipNames: Readonly<Record<number, string>> = {
  0: 'IPv6 hop-by-hop options',
  1: 'ICMP',
  2: 'IGMP',
  6: 'TCP',
  17: 'UDP',
  33: 'DCCP',
  46: 'RSVP',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'ICMPv6',
  59: 'IPv6 no next header',
  88: 'EIGRP',
  89: 'OSPF',
  103: 'PIM',
  108: 'IPComp',
  112: 'VRRP',
  115: 'L2TP',
  132: 'SCTP',
  136: 'UDP-Lite',
};

const etherTypeNames: Readonly<Record<number, string>> = {
  2054: 'ARP',
  32821: 'RARP',
  33079: 'IPX',
  34525: 'IPv6',
  34824: 'Ethernet flow control',
  34825: 'LACP',
  34915: 'PPPoE discovery',
  34916: 'PPPoE session',
  34958: 'EAPOL',
  34978: 'ATA over Ethernet',
  35006: 'EtherCAT',
  35020: 'LLDP',
  35045: 'MACsec',
  35063: 'PTP',
  36864: 'Ethernet loopback',
};

const llcNames: Readonly<Record<number, string>> = {
  66: 'STP',
  224: 'NetWare',
  240: 'NetBIOS',
  254: 'OSI',
};

const pppNames: Readonly<Record<number, string>> = {
  32801: 'PPP IPCP',
  32855: 'PPP IPV6CP',
  33023: 'PPP CCP',
  49185: 'PPP LCP',
  49187: 'PPP PAP',
  49699: 'PPP CHAP',
};

const linkTypeNames: Readonly<Record<number, string>> = {
  0: 'BSD loopback',
  1: 'Ethernet',
  6: 'Token Ring',
  7: 'ARCNET',
  8: 'SLIP',
  9: 'PPP',
  10: 'FDDI',
  11: 'ATM RFC 1483',
  12: 'Raw IP',
  14: 'Raw IP',
  50: 'PPP in HDLC framing',
  51: 'PPPoE',
  101: 'Raw IP',
  104: 'Cisco HDLC',
  105: '802.11',
  107: 'Frame Relay',
  108: 'BSD loopback',
  113: 'Linux cooked',
  117: 'PF log',
  119: '802.11 with Prism header',
  127: '802.11 with radiotap header',
  129: 'ARCNET (Linux)',
  163: '802.11 with AVS header',
  166: 'PPP with direction',
  178: 'Juniper Ethernet',
  187: 'Bluetooth HCI',
  189: 'USB (Linux)',
  192: 'Per-packet information',
  195: 'IEEE 802.15.4',
  201: 'Bluetooth HCI with direction',
  204: 'PPP with direction',
  220: 'USB (Linux, padded)',
  228: 'Raw IPv4',
  229: 'Raw IPv6',
  231: 'D-Bus',
  239: 'Netfilter log',
  249: 'USBPcap',
  253: 'Netlink',
  258: 'PKTAP',
  276: 'Linux cooked v2',
};

export const linkTypeName = (linkType: number): string => linkTypeNames[linkType] ?? `link type ${linkType}`;

export function protocolName(protocol: number): string {
  const space = protocol & ~0xffff;
  const value = protocol & 0xffff;
  switch (space) {
    case ProtocolSpace.ip:
      return ipNames[value] ?? `IP protocol ${value}`;
    case ProtocolSpace.etherType:
      return etherTypeNames[value] ?? `Ethernet type 0x${value.toString(16).padStart(4, '0')}`;
    case ProtocolSpace.linkType:
      return linkTypeName(value);
    case ProtocolSpace.llc:
      return llcNames[value] ?? `LLC 0x${value.toString(16).padStart(2, '0')}`;
    case ProtocolSpace.ppp:
      return pppNames[value] ?? `PPP 0x${value.toString(16).padStart(4, '0')}`;
    default:
      return otherNames[protocol] ?? 'other';
  }
}
