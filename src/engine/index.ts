export { type ErrorCode, type Fault, HoldfastError } from './errors.js';
export { engineOriginSeconds } from './observe.js';
export { type RequestRefusal, type Server, type ServerCounts, type StopOptions, serve } from './server.js';
export { type AccessEntry, accessLogLine } from './server-log.js';
export type {
  ConnectionInfo,
  ErrorContext,
  FetchHandler,
  NativeHandler,
  ServerOptions,
  ServerSettings,
  TakeOver,
  TcpKeepAlive,
} from './server-options.js';
export type { ServerRequest } from './server-request.js';
export type { ServerResponse } from './server-response.js';
