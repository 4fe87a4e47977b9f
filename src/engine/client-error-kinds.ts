/**
 * What can go wrong with a request, by stable code: part of the engine's one table of errors (errors.ts says the rules).
 *
 * A server that closes or resets is `fault: 'server'`, also when the client would have done better not to be there: the pool's
 * business is to make that rare, and the retry rules' to make it harmless (client-retry.ts).
 */

export const clientErrorKinds = {
  // What the application does.
  aborted: { fault: 'caller', text: 'The request was aborted.' },
  'client-closed': { fault: 'caller', text: 'The client was closed.' },
  'pending-limit': { fault: 'caller', text: 'As many requests wait for a connection as may wait.' },
  'queue-timeout': { fault: 'caller', text: 'No connection became free in time.' },
  'request-body-failed': { fault: 'caller', text: 'The source of the request body failed.' },
  'response-not-read': { fault: 'caller', text: 'The body of the response was not read in time; its connection was dropped.' },
  'response-already-used': { fault: 'caller', text: 'The body of the response is being read or has been read already.' },
  'response-too-large': { fault: 'caller', text: 'The body of the response is larger than the limit.' },
  'response-handler-failed': { fault: 'caller', text: 'The handler of the response threw an error.' },
  'request-total-timeout': { fault: 'caller', text: 'The whole exchange did not end in the time given to it.' },
  // Until there is a connection.
  'name-not-found': { fault: 'network', text: 'The name of the server has no address.' },
  'connect-refused': { fault: 'server', text: 'The server refused the connection.' },
  'connect-timeout': { fault: 'network', text: 'The server did not answer the attempt to connect in time.' },
  'connect-failed': { fault: 'network', text: 'The connection could not be made.' },
  'tls-failed': { fault: 'server', text: 'The TLS handshake with the server failed.' },
  'tls-timeout': { fault: 'server', text: 'The TLS handshake with the server did not end in time.' },
  'proxy-refused': { fault: 'server', text: 'The proxy did not open the tunnel.' },
  'proxy-timeout': { fault: 'server', text: 'The proxy did not answer CONNECT in time.' },
  // What servers do.
  'request-send-timeout': { fault: 'server', text: 'The server did not take the request in time.' },
  'response-head-timeout': { fault: 'server', text: 'The server did not begin its response in time.' },
  'response-body-timeout': { fault: 'server', text: 'The server stopped in the middle of its response.' },
  'closed-before-response': { fault: 'server', text: 'The server closed the connection before the first byte of a response.' },
  'reset-before-response': { fault: 'server', text: 'The server reset the connection before the first byte of a response.' },
  'response-cut': { fault: 'server', text: 'The server closed the connection in the middle of its response.' },
  'response-reset': { fault: 'server', text: 'The server reset the connection in the middle of its response.' },
  'response-refused': { fault: 'server', text: 'The server sent a response that must not be read.' },
  // What lies between.
  'server-unreachable': { fault: 'network', text: 'The network lost the server.' },
} as const;
