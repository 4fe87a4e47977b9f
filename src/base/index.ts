/** Time, the observation vocabulary and what sources say of themselves: what all layers share. This file is the layer's whole public face. */
export { AssertionError, assert, unreachable } from './assert.js';
export type {
  CaptureName,
  ClockComparison,
  ComparedConnection,
  Comparison,
  DelaySummary,
  OneSidedConnection,
  OneSidedCounts,
  OneSidedPacket,
  OneSidedWhy,
  PacketKind,
} from './comparison.js';
export { groupedBy } from './grouped-by.js';
export type {
  AckObservation,
  BytesObservation,
  CallObservation,
  ClosedObservation,
  ConnectionId,
  Endpoint,
  FieldLine,
  FinObservation,
  GapObservation,
  MessageEndObservation,
  Observation,
  Observer,
  OpenedObservation,
  RequestHeadObservation,
  ResetObservation,
  ResponseHeadObservation,
  SegmentCall,
  Side,
  SynObservation,
} from './observation.js';
export { otherSide } from './observation.js';
export { BatchReader, BatchWriter, type ObservationBatch } from './observation-batch.js';
export { gatherLimits, ObservationGatherer } from './observation-gatherer.js';
export { ObservationReader } from './observation-log.js';
export {
  type ListenCounters,
  type PortSettings,
  type SocketFinding,
  type SocketMeasures,
  type SocketOwner,
  type SocketPeer,
  type SocketReport,
  type SocketState,
  type SocketTable,
  type SocketTimer,
  socketStates,
  type TcpSocket,
} from './socket-table.js';
export type { SourceProblem, SourceSummary } from './source.js';
export { formatIsoTime, nsPerMs, nsPerSecond, zeroNs } from './time.js';
