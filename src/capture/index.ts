/** Live sources of packets, the table of sockets, the relay and the link. This file is the layer's whole public face. */
export type { PacketSource, PacketSourceStatistics } from './packet-source.js';
