/**
 * Hosts and ports of a listing, numbers or names, as the numbers that a `Segment` has.
 *
 * - A host by name gets an address of its own from 100::/64 (the discard prefix, RFC 6666: no real host has one), and its name back
 *   when the connection is told. Names are kept to letters, digits, dots, dashes and underscores.
 * - When only one end has a name, the other end's IPv4 address becomes ::ffff:a.b.c.d for the pair, and dotted again when told.
 * - Port names are those of IANA's registry and of the usual /etc/services. One that is not known gets a number above 65535: wrong, but
 *   its own, and the source says so.
 */
import { formatIpv4, formatIpv6 } from './address.js';
import type { Segment } from './segment.js';
import type { ListedEnd } from './tcpdump-text-line.js';

const nameLimits = {
  /** Different host names, and different port names that are not known. */
  hosts: 65_536,
  ports: 4096,
} as const;

const discardPrefix = 0x0100_0000;
const mappedPrefix = 0xffff;
const firstUnknownPort = 65_536;

/** name=port, in order of ports. */
const services =
  'echo=7 discard=9 systat=11 daytime=13 netstat=15 qotd=17 chargen=19 ftp-data=20 ftp=21 ssh=22 telnet=23 smtp=25 mail=25 time=37 ' +
  'nameserver=42 whois=43 tacacs=49 domain=53 gopher=70 finger=79 http=80 www=80 www-http=80 kerberos=88 kerberos-sec=88 hostname=101 ' +
  'iso-tsap=102 pop2=109 pop3=110 sunrpc=111 auth=113 ident=113 nntp=119 epmap=135 netbios-ssn=139 imap=143 imap2=143 snmp=161 ' +
  'bgp=179 irc=194 ldap=389 svrloc=427 https=443 microsoft-ds=445 kpasswd=464 submissions=465 smtps=465 urd=465 ssmtp=465 exec=512 ' +
  'login=513 shell=514 printer=515 uucp=540 afpovertcp=548 rtsp=554 nntps=563 submission=587 http-alt-591=591 ipp=631 ldaps=636 ' +
  'kerberos-adm=749 domain-s=853 rsync=873 ftps-data=989 ftps=990 telnets=992 imaps=993 ircs=994 pop3s=995 cap=1026 blackjack=1025 ' +
  'socks=1080 openvpn=1194 rmiregistry=1099 lotusnote=1352 ms-sql-s=1433 ms-sql-m=1434 ncube-lm=1521 pptp=1723 radius=1812 ' +
  'mqtt=1883 cisco-sccp=2000 nfs=2049 nfsd=2049 zookeeper=2181 eforward=2181 docker=2375 docker-s=2376 etcd-client=2379 ' +
  'etcd-server=2380 squid=3128 ndl-aas=3128 iscsi-target=3260 mysql=3306 ms-wbt-server=3389 hbci=3000 remoteware-cl=3000 ppp=3000 ' +
  'nut=3493 distcc=3632 svn=3690 epmd=4369 commplex-main=5000 upnp=5000 commplex-link=5001 sip=5060 sip-tls=5061 sips=5061 ' +
  'xmpp-client=5222 xmpp-server=5269 postgresql=5432 postgres=5432 personal-agent=5555 amqps=5671 amqp=5672 wsman=5985 wsmans=5986 ' +
  'x11=6000 x11-1=6001 x11-2=6002 redis=6379 ircd=6667 ircs-u=6697 afs3-fileserver=7000 bbs=7000 cbt=7777 irdmi=8000 intu-ec-svcdisc=8020 ' +
  'http-alt=8080 webcache=8080 http-proxy=8080 tproxy=8081 sunproxyadmin=8081 us-cli=8082 us-srv=8083 websnp=8084 radan-http=8088 ' +
  'omniorb=8088 xprint-server=8100 puppet=8140 pcsync-https=8443 ddi-tcp-1=8888 sun-answerbook=8888 cslistener=9000 etlservicemgr=9001 ' +
  'websm=9090 xmltec-xmlmail=9091 XmlIpcRegSvc=9092 bacula-dir=9101 wap-wsp=9200 vlsi-lm=1500 git=9418 ismserver=9500 ' +
  'webmin=10000 ndmp=10000 zabbix-agent=10050 zabbix-trapper=10051 memcache=11211 hkp=11371 mongodb=27017 sentinel=26379';

const servicePorts: ReadonlyMap<string, number> = new Map(
  services.split(' ').map((entry) => {
    const equals = entry.lastIndexOf('=');
    return [entry.slice(0, equals), Number(entry.slice(equals + 1))];
  }),
);

/** Four words of an address, or null when it is no number. */
type Words = readonly [number, number, number, number];

export class ListedNames {
  readonly #hosts = new Map<string, number>();
  /** Name by the text of its stand-in address. */
  readonly #names = new Map<string, string>();
  readonly #ports = new Map<string, number>();
  /** Names of ports that are not known, for the source to tell. */
  get unknownPorts(): readonly string[] {
    return [...this.#ports.keys()];
  }

  get hasNames(): boolean {
    return this.#names.size > 0;
  }

  /** Fills the ends of the segment; false when a limit is reached or a port is no port. */
  fill(segment: Segment, source: ListedEnd, destination: ListedEnd, ipVersion: 0 | 4 | 6): boolean {
    const sourcePort = this.#port(source.port);
    const destinationPort = this.#port(destination.port);
    if (sourcePort < 0 || destinationPort < 0) return false;
    segment.sourcePort = sourcePort;
    segment.destinationPort = destinationPort;
    const from4 = parseIpv4(source.host);
    const to4 = parseIpv4(destination.host);
    if (from4 !== null && to4 !== null && ipVersion !== 6) {
      setAddresses(segment, 4, [from4, 0, 0, 0], [to4, 0, 0, 0]);
      return true;
    }
    const from = this.#words(source.host, from4);
    const to = this.#words(destination.host, to4);
    if (from === null || to === null) return false;
    setAddresses(segment, 6, from, to);
    return true;
  }

  /** The name behind a stand-in address, or dotted decimal for one that stood beside a name; else the address itself. */
  told(address: string, peer: string): string {
    const name = this.#names.get(address);
    if (name !== undefined) return name;
    return this.#names.has(peer) && address.startsWith('::ffff:') ? address.slice(7) : address;
  }

  #words(host: string, ipv4: number | null): Words | null {
    if (ipv4 !== null) return [0, 0, mappedPrefix, ipv4];
    if (host.includes(':')) return parseIpv6(host);
    const known = this.#hosts.get(host);
    if (known !== undefined) return [discardPrefix, 0, 0, known];
    if (this.#hosts.size >= nameLimits.hosts || !/^[\w.-]+$/.test(host)) return null;
    const number = this.#hosts.size + 1;
    this.#hosts.set(host, number);
    this.#names.set(formatIpv6(discardPrefix, 0, 0, number), host);
    return [discardPrefix, 0, 0, number];
  }

  #port(port: string): number {
    if (/^\d{1,5}$/.test(port)) return Number(port) <= 65_535 ? Number(port) : -1;
    const service = servicePorts.get(port) ?? this.#ports.get(port);
    if (service !== undefined) return service;
    if (this.#ports.size >= nameLimits.ports) return -1;
    const stand = firstUnknownPort + this.#ports.size;
    this.#ports.set(port, stand);
    return stand;
  }
}

function setAddresses(segment: Segment, ipVersion: 4 | 6, from: Words, to: Words): void {
  segment.ipVersion = ipVersion;
  [segment.source0, segment.source1, segment.source2, segment.source3] = from;
  [segment.destination0, segment.destination1, segment.destination2, segment.destination3] = to;
}

/** One signed word, or null. Four decimal parts of at most 255, without leading zeros. */
function parseIpv4(text: string): number | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (parts === null) return null;
  const [a, b, c, d] = parts.slice(1).map(Number);
  const word = (a! << 24) | (b! << 16) | (c! << 8) | d! | 0;
  return formatIpv4(word) === text ? word : null;
}

/** RFC 4291 §2.2. */
function parseIpv6(text: string): Words | null {
  if (!/^[0-9a-fA-F:.]{2,45}$/.test(text)) return null;
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const groups = halves.map(groupsOf);
  const [first, second = []] = groups;
  if (first === undefined || first === null || second === null) return null;
  const missing = 8 - first.length - second.length;
  if (halves.length === 1 ? missing !== 0 : missing < 0) return null;
  const all = [...first, ...new Array<number>(missing).fill(0), ...second];
  const word = (at: number): number => (all[2 * at]! << 16) | all[2 * at + 1]! | 0;
  return [word(0), word(1), word(2), word(3)];
}

function groupsOf(half: string): number[] | null {
  if (half === '') return [];
  const groups: number[] = [];
  for (const part of half.split(':')) {
    const ipv4 = part.includes('.') ? parseIpv4(part) : null;
    if (ipv4 !== null) groups.push((ipv4 >>> 16) & 0xffff, ipv4 & 0xffff);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}
