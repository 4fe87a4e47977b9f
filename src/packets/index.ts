export { formatIpv4, formatIpv6 } from './address.js';
export { CaptureReader, type CaptureReaderOptions } from './capture-reader.js';
export { CaptureComparer } from './compare-captures.js';
export { comparisonLimits } from './comparison.js';
export { type Container, sniffByteCount, sniffContainer } from './container.js';
export { flowLimits } from './flow-table.js';
export { type CaptureObservation, type CaptureObservationOptions, observeCapture, type SegmentTap } from './observe-capture.js';
export { reassemblyLimits } from './reassembly.js';
export { Segment, TcpFlag } from './segment.js';
