/** Live sources of packets, the table of sockets, the relay and the link. This file is the layer's whole public face. */
export { CaptureError, type CaptureErrorCode } from './capture-error.js';
export type { PacketSource, PacketSourceStatistics } from './packet-source.js';
