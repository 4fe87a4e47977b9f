/** Protocols as people write them. */
import type { ProtocolName } from '../story/index.js';

const titles: Readonly<Record<ProtocolName, string>> = {
  'http/1': 'HTTP',
  tls: 'TLS',
  'http/2': 'HTTP/2',
  websocket: 'WebSocket',
  tunnel: 'tunnel',
  ssh: 'SSH',
  smtp: 'SMTP',
  ftp: 'FTP',
  imap: 'IMAP',
  pop3: 'POP3',
  irc: 'IRC',
  redis: 'Redis',
  postgresql: 'PostgreSQL',
  mysql: 'MySQL',
  mongodb: 'MongoDB',
  dns: 'DNS',
  smb: 'SMB',
  rdp: 'RDP',
  mqtt: 'MQTT',
  amqp: 'AMQP',
  ldap: 'LDAP',
  socks: 'SOCKS',
  bittorrent: 'BitTorrent',
  'proxy-protocol': 'PROXY',
  unknown: 'unknown',
  none: 'no data',
};

export const protocolTitle = (name: ProtocolName): string => titles[name];
