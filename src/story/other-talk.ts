/**
 * What is known of a connection that is not HTTP: its protocol by its first bytes, and, of TLS, how it is used. And what goes through a
 * CONNECT tunnel, by its first bytes.
 */
import type { Side } from '../base/index.js';
import { EncryptedTurns } from './encrypted-use.js';
import type { Connection, Moment } from './model.js';
import { httpProtocol, isUnfinishedClientHello, sniffLimit, sniffProtocol, unknownProtocol } from './sniff.js';

export class OtherTalk {
  /** First bytes of a TLS handshake whose ClientHello is not whole yet. */
  private helloBytes: Uint8Array | null = null;
  private encrypted: EncryptedTurns | null = null;

  /** The first bytes of either side name the protocol. */
  first(connection: Connection, data: Uint8Array, start: number, end: number, from: Side, at: Moment): void {
    const found = sniffProtocol(data, start, end, from);
    connection.protocol = found ?? unknownProtocol;
    if (found?.name !== 'tls') return;
    if (from === 'client' && isUnfinishedClientHello(data, start, end)) this.helloBytes = data.slice(start, end);
    this.encrypted = new EncryptedTurns();
    connection.encrypted = this.encrypted;
    this.encrypted.bytes(from, data, start, end, at);
  }

  /** More bytes of either side. */
  more(connection: Connection, data: Uint8Array, start: number, end: number, from: Side, at: Moment): void {
    if (this.helloBytes !== null && from === 'client') this.moreOfHello(connection, this.helloBytes, data, start, end);
    this.encrypted?.bytes(from, data, start, end, at);
  }

  gap(from: Side, byteCount: number): void {
    this.helloBytes = null;
    this.encrypted?.gap(from, byteCount);
  }

  private moreOfHello(connection: Connection, held: Uint8Array, data: Uint8Array, start: number, end: number): void {
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
