/** What sockets say, in the engine's words: endpoints, errors by name, and heads as field lines for observations. */

import type { Socket } from 'node:net';

import type { Endpoint, FieldLine } from '../base/index.js';
import { HoldfastError } from './errors.js';

/** IPv4 addresses that came in over an IPv6 socket are said as IPv4. */
const plainAddress = (address: string): string =>
  address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;

/** The client's end of an accepted socket; port 0 when the socket is gone and was never asked before. */
export const clientOf = (socket: Socket): Endpoint => ({
  address: plainAddress(socket.remoteAddress ?? ''),
  port: socket.remotePort ?? 0,
});

/** Our end of an accepted socket. */
export const serverOf = (socket: Socket): Endpoint => ({
  address: plainAddress(socket.localAddress ?? ''),
  port: socket.localPort ?? 0,
});

const networkCodes = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN']);

/** Names an error of an accepted socket. */
export function nameSocketError(cause: Error & { code?: string }): HoldfastError {
  if (cause instanceof HoldfastError) return cause;
  const { code = '' } = cause;
  if (networkCodes.has(code)) return new HoldfastError('client-unreachable', { cause });
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) return new HoldfastError('tls-handshake-failed', { cause });
  return new HoldfastError('client-reset', { cause });
}

/** A response head that the engine wrote, read back for an observer. */
export function readResponseHead(text: string): { version: string; status: number; reason: string; fields: FieldLine[] } {
  const [line = '', ...rest] = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
  return {
    version: line.slice(5, 8),
    status: Number(line.slice(9, 12)),
    reason: line.slice(13),
    fields: rest.map((each): FieldLine => {
      const colon = each.indexOf(':');
      return [each.slice(0, colon), each.slice(colon + 1).trim()];
    }),
  };
}
