/** Settings that more than one rule about sockets recommends. */
import type { SocketFinding } from '../base/index.js';

type Fixes = SocketFinding['fixes'];

export const reuseConnections: Fixes = [
  {
    for: 'the client',
    setting: 'keep connections and use them again: one pool for the life of the process',
    why: 'each connection that is closed holds its port for 60 s',
  },
  {
    for: 'Node.js client',
    setting: 'new http.Agent({ keepAlive: true }), one for all requests',
    why: 'a new Agent keeps nothing',
  },
  {
    for: 'Go net/http client',
    setting: 'MaxIdleConnsPerHost: 100 in one http.Transport; read bodies to the end',
    why: 'its default keeps 2 idle connections a host and closes the others',
  },
  {
    for: 'nginx as proxy',
    setting: 'upstream { … keepalive 64; }  proxy_http_version 1.1; proxy_set_header Connection "";',
    why: 'without it every request opens a connection',
  },
];

export const moreLocalPorts: Fixes = [
  { for: 'Linux', setting: 'net.ipv4.ip_local_port_range = 1024 65535', why: 'twice as many ports to each destination' },
  {
    for: 'Linux',
    setting: 'net.ipv4.tcp_tw_reuse = 1',
    why: 'an outgoing connection may take the port of a TIME_WAIT after a second; safe with timestamps',
  },
  { for: 'the client', setting: 'more destination or source addresses', why: 'each pair of addresses has ports of its own' },
];
