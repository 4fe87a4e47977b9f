/**
 * Names the protocol of one connection by its first bytes, and what goes through a CONNECT tunnel by its own.
 */
import type { Side } from '../base/index.js';
import type { Connection } from './model.js';
import { httpProtocol, isUnfinishedClientHello, sniffLimit, sniffProtocol, unknownProtocol } from './sniff.js';

export class ProtocolNaming {
  /** First bytes of a TLS handshake whose ClientHello is not whole yet. */
  private helloBytes: Uint8Array | null = null;

  first(connection: Connection, data: Uint8Array, start: number, end: number, from: Side): void {
    const found = sniffProtocol(data, start, end, from);
    connection.protocol = found ?? unknownProtocol;
    if (found?.name === 'tls' && from === 'client' && isUnfinishedClientHello(data, start, end)) {
      this.helloBytes = data.slice(start, end);
    }
  }

  /** More bytes of the client, while its ClientHello is not whole. */
  more(connection: Connection, data: Uint8Array, start: number, end: number): void {
    const held = this.helloBytes;
    if (held === null) return;
    const room = Math.max(0, sniffLimit - held.length);
    const more = data.subarray(start, Math.min(end, start + room));
    const bytes = new Uint8Array(held.length + more.length);
    bytes.set(held);
    bytes.set(more, held.length);
    const found = sniffProtocol(bytes, 0, bytes.length, 'client');
    if (found !== null) connection.protocol = found;
    this.helloBytes = isUnfinishedClientHello(bytes, 0, bytes.length) ? bytes : null;
  }
}

/** HTTP was read on it. */
export function becomeHttp(connection: Connection): void {
  const { name } = connection.protocol;
  if (name === 'http/1') return;
  connection.protocol = name === 'socks' ? { ...httpProtocol, detail: 'through SOCKS' } : httpProtocol;
}

/** Names what goes through a CONNECT tunnel by its first bytes. True: it is not HTTP. */
export function nameTunnel(connection: Connection, data: Uint8Array, start: number, end: number, from: Side): boolean {
  const inner = sniffProtocol(data, start, end, from);
  if (inner === null) return false;
  connection.protocol = { ...connection.protocol, detail: `CONNECT, inside: ${inner.name}`, serverName: inner.serverName };
  return true;
}
