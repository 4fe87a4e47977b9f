/**
 * Where the decoder and tshark 4.0.17 differ on the shared captures: packets counted, TCP streams by their two ends. Everything
 * that is not listed must agree, and everything listed must still differ.
 */

export interface DecodeDifference {
  readonly why: string;
  /** Counted here and there, when that differs. */
  readonly packets?: { readonly here: number; readonly tshark: number };
  /** Streams that only tshark has: the ends in order of their text. */
  readonly missing?: readonly string[];
  /** Streams that only the decoder has. */
  readonly extra?: readonly string[];
}

const laterVersion = 'the version is unknown, and tshark reads no further; the records are those of the known version';
const laterLinkType = 'tshark 4.0 does not know the link type and reads nothing';

export const decodeDifferences: Readonly<Record<string, DecodeDifference>> = {
  'gopacket/pcapgo/tests/le/test901.pcapng': { why: laterVersion, packets: { here: 3, tshark: 1 } },
  'libpcap/tests/pcapng-invalid-vers-2.pcapng': { why: laterVersion, packets: { here: 1, tshark: 0 } },
  'libpcap/tests/pcap-invalid-version-1.pcap': { why: laterVersion, packets: { here: 1, tshark: 0 } },
  'libpcap/tests/filter/brcm-tag-stp.pcap': { why: laterLinkType, packets: { here: 4, tshark: 0 } },
  'libpcap/tests/filter/brcm-tag.pcap': { why: laterLinkType, packets: { here: 15, tshark: 0 } },
  'tcpdump/tests/dsa-high-vid.pcap': { why: laterLinkType, packets: { here: 4, tshark: 0 } },
  'tcpdump/tests/edsa.pcap': { why: laterLinkType, packets: { here: 10, tshark: 0 } },
  'tcpdump/tests/hoobr_juniper3.pcap': { why: laterLinkType, packets: { here: 1, tshark: 0 } },
  'tcpdump/tests/juniper_monitor_invalid_cookie_length.pcap': { why: laterLinkType, packets: { here: 1, tshark: 0 } },
  'tcpdump/tests/vtp_asan-3.pcap': { why: laterLinkType, packets: { here: 1, tshark: 0 } },
  'suricata-verify/tests/smtp-to-comma/10.7.29.101_49898-178.63.41.150_25.pcap': {
    why: 'record 19 claims 3,925,868,813 bytes: tshark stops there, 181 good records of the same stream follow',
    packets: { here: 199, tshark: 18 },
  },
  'suricata-verify/tests/bug-6875-01/fuzz.pcap': {
    why:
      'record 1 claims 188 bytes and has 124: tshark takes packet bytes for record 2 (1,048,576 bytes on the wire) and stops; ' +
      'the true record 2 stands at offset 164, and the header of a third at 334, cut by the end of the file',
    extra: ['192.168.10.30:445 192.168.10.31:49266'],
  },
  'tcpdump/tests/sflow_expanded.pcap': {
    why: 'packet 1 is UDP: tshark takes the header quoted in an sFlow sample for a packet of a stream',
    missing: ['52.52.52.52:22 53.53.53.53:52237'],
  },
  'zeek/testing/btest/Traces/chksums/ip6-route0-tcp-bad-chksum.pcap': {
    why: 'packet 1 has a routing header with 2 segments left: its destination is the last address of the route (RFC 8200 §4.4)',
    missing: ['2001:4f8:4:7:2e0:81ff:fe52:9a6b:80 2001:4f8:4:7:2e0:81ff:fe52:ffff:30000'],
    extra: ['2001:4f8:4:7:2e0:81ff:fe52:ffff:30000 2001:78:1:32::2:80'],
  },
};
