/** Live sources of packets, the table of sockets, the relay and the link. This file is the layer's whole public face. */
export { CaptureError, type CaptureErrorCode } from './capture-error.js';
export type { PacketSourceOptions } from './capture-options.js';
export { openPacketSource } from './open-packet-source.js';
export type { PacketSource, PacketSourceStatistics } from './packet-source.js';
