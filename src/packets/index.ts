export { CaptureReader, type CaptureReaderOptions } from './capture-reader.js';
export { type Container, sniffByteCount, sniffContainer } from './container.js';
export { Segment, TcpFlag } from './segment.js';
