/** The value that a comparison of two captures gives (it belongs to `base`, since views draw it), and how much of it is kept. */
export type {
  CaptureName,
  ComparedConnection,
  Comparison,
  DelaySummary,
  OneSidedConnection,
  OneSidedCounts,
  OneSidedPacket,
  OneSidedWhy,
  PacketKind,
} from '../base/index.js';

export const comparisonLimits = {
  connections: 10_000,
  packetsPerConnection: 64,
  oneSidedConnections: 1000,
} as const;
