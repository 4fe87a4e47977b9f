export { Client, type OriginStatistics } from './client.js';
export type { CollectOptions, ResponseBody } from './client-body.js';
export { type DispatchHandler, type DispatchOptions, HoldfastDispatcher } from './client-dispatcher.js';
export type { Exchange, ExchangeConnection, ExchangeTimings, ResponseTaker } from './client-exchange.js';
export type { ClientOptions, ClientSettings, ClientTimeouts, ConnectionWitness, ProxyOptions } from './client-options.js';
export type { ClientRequest, RequestBody } from './client-request.js';
export type { ClientResponse } from './client-response.js';
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
