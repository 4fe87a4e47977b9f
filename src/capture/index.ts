/** Live sources of packets, the table of sockets, the relay and the link. This file is the layer's whole public face. */
export { type CompiledFilter, compileFilter } from './bpf-compile.js';
export { type BpfInstruction, encodeProgram } from './bpf-instruction.js';
export type { FilterLink } from './bpf-link-layout.js';
export { runFilter } from './bpf-machine.js';
export { CaptureError, type CaptureErrorCode } from './capture-error.js';
export type { PacketSourceOptions } from './capture-options.js';
export { captureDefaults, captureLimits } from './capture-options.js';
export { type Link, type LinkOptions, linkAddresses, openLink } from './link.js';
export type { LinkStatistics, LinkWayStatistics } from './link-counts.js';
export { enterOwnNetwork, inOwnNetwork } from './link-namespace.js';
export { measurePingPong, type PassedOneWay, type PingPong, type PingPongOptions, pingPacketBytes } from './link-ping-pong.js';
export type { LinkEnd } from './link-recording.js';
export type { LinkMiddlebox, LinkSettings, LinkWay } from './link-settings.js';
export { openPacketSource } from './open-packet-source.js';
export type { PacketSource, PacketSourceStatistics } from './packet-source.js';
export { openRecording, type Recording, type RecordingOptions, type RecordingStatistics } from './recording.js';
