/** Why a relay cannot reach its server, and whose fault that is. */

export interface TapFailure {
  readonly code: 'refused' | 'no-such-host' | 'unreachable' | 'connect-timeout' | 'failed';
  /** Who has to look: the server's side, the network between, or whoever started the relay. */
  readonly fault: 'server' | 'network' | 'caller';
  /** One sentence for a person. */
  readonly text: string;
}

export function tapFailureOf(error: NodeJS.ErrnoException, to: { readonly host: string; readonly port: number }): TapFailure {
  const server = `${to.host.includes(':') ? `[${to.host}]` : to.host}:${to.port}`;
  switch (error.code) {
    case 'ECONNREFUSED':
    case 'ECONNRESET':
      return { code: 'refused', fault: 'server', text: `${server} refuses connections: nothing listens there` };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { code: 'no-such-host', fault: 'caller', text: `the name ${to.host} does not resolve` };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return { code: 'unreachable', fault: 'network', text: `there is no way to ${server}` };
    case 'ETIMEDOUT':
      return { code: 'connect-timeout', fault: 'network', text: `${server} did not answer in time` };
    default:
      return { code: 'failed', fault: 'network', text: `the connection to ${server} failed: ${error.message}` };
  }
}
