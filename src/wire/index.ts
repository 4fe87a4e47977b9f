/** HTTP/1.x messages and persistence, without sockets, clocks or timers. This file is the layer's whole public face. */

export type { KeepAliveHint } from './connection-fields.js';
export { parseConnectionOptions, parseKeepAlive } from './connection-fields.js';
export type { Limits } from './limits.js';
export { observingLimits, strictLimits } from './limits.js';
export type {
  AnsweredRequest,
  Fields,
  Framing,
  Manner,
  MessageHandler,
  MessageOutcome,
  RequestHandler,
  RequestHead,
  ResponseHandler,
  ResponseHead,
} from './message.js';
export type { Likelihood } from './message-start.js';
export { looksLikeRequestStart, looksLikeResponseStart } from './message-start.js';
export type {
  ConnectionWish,
  MessageKind,
  Persistence,
  PersistenceReason,
  PersistenceRule,
  PersistenceVersion,
} from './persistence.js';
export { persistenceOf, persistenceTable } from './persistence.js';
export type { MessageProblem, ProblemCode } from './problem.js';
export { problemKinds } from './problem.js';
export type { MessageReader } from './reader.js';
export type { ReaderOptions, ReaderState } from './reader-core.js';
export { RequestReader } from './request-reader.js';
export { ResponseReader } from './response-reader.js';
export type { WrittenFraming } from './write-body.js';
export { BodyWriter, chunkEnd, lastChunk, writeChunkStart, writeLastChunk } from './write-body.js';
export type { FieldsToWrite, RequestHeadToWrite, ResponseHeadToWrite } from './write-head.js';
export {
  assertFieldName,
  assertFieldValue,
  eachField,
  reasonPhrase,
  writeFieldLine,
  writeFields,
  writeRequestHead,
  writeRequestLine,
  writeResponseHead,
  writeStatusLine,
} from './write-head.js';
export type { WriteProblemCode } from './write-problem.js';
export { MessageWriteError, writeProblemKinds } from './write-problem.js';
