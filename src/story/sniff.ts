/**
 * Names a protocol by the first bytes of each direction. HTTP/1 itself is recognised by `wire`; this file knows the others, so
 * that their connections are told by name, size, time and ending, and never read as HTTP.
 *
 * A name is given only to bytes that are hard to mistake. Sources: RFC 8446 §4 and §5.1 (TLS), RFC 9113 §3.4 (HTTP/2 preface),
 * RFC 4253 §4.2 (SSH), RFC 6066 §3 (server name), RFC 7301 (ALPN), the PROXY protocol specification, and each protocol's own.
 */
import type { Side } from '../base/index.js';
import type { Protocol, ProtocolName } from './model.js';

/** How many first bytes of a direction are looked at; a ClientHello with large key shares fits. */
export const sniffLimit = 4096;

const named = (name: ProtocolName, detail: string | null = null, serverName: string | null = null): Protocol => ({
  name,
  serverName,
  detail,
});

export const noProtocol: Protocol = named('none');
export const unknownProtocol: Protocol = named('unknown');
export const httpProtocol: Protocol = named('http/1');

/** The protocol that the first bytes `data[start, end)` sent by `from` show, or null when they show none. */
export function sniffProtocol(data: Uint8Array, start: number, end: number, from: Side): Protocol | null {
  const length = end - start;
  if (length === 0) return null;
  const first = data[start];
  if (length >= 3 && first >= 0x14 && first <= 0x17 && data[start + 1] === 3 && data[start + 2] <= 4) {
    return sniffTls(data, start, end);
  }
  const text = latin1(data, start, Math.min(end, start + 48));
  if (text.startsWith('PRI * HTTP/2.0\r\n')) return named('http/2', 'prior knowledge');
  if (text.startsWith('SSH-')) return named('ssh', text.split(/[\r\n]/, 1)[0]);
  if (/^PROXY (TCP4|TCP6|UNKNOWN)[ \r]/.test(text)) return named('proxy-protocol', 'version 1');
  if (text.startsWith('\r\n\r\n\0\r\nQUIT\n')) return named('proxy-protocol', 'version 2');
  if (text.startsWith('\x13BitTorrent protocol')) return named('bittorrent');
  if (text.startsWith('AMQP')) return named('amqp');
  if (length >= 8 && first === 0 && /^(\xffSMB|\xfeSMB)$/.test(text.slice(4, 8))) return named('smb');
  if (from === 'server') return sniffServerText(data, start, text);
  return sniffClient(data, start, end, text);
}

function sniffServerText(data: Uint8Array, start: number, text: string): Protocol | null {
  if (/^220[ -]/.test(text)) return /ftp/i.test(text) ? named('ftp') : named('smtp');
  if (text.startsWith('* OK')) return named('imap');
  if (text.startsWith('+OK')) return named('pop3');
  if (/^:\S+ (NOTICE|\d{3}) /.test(text)) return named('irc');
  if (text.length > 6 && data[start + 3] === 0 && data[start + 4] === 10 && /^\d+\.\d+/.test(text.slice(5))) {
    return named('mysql', text.slice(5).split('\0', 1)[0]);
  }
  return null;
}

function sniffClient(data: Uint8Array, start: number, end: number, text: string): Protocol | null {
  const length = end - start;
  if (/^(EHLO|HELO) /i.test(text)) return named('smtp');
  if (/^(NICK|USER) \S/.test(text)) return named('irc');
  if (/^\*\d+\r\n\$\d+\r\n/.test(text)) return named('redis');
  if (length >= 8 && data[start] === 0 && data[start + 1] === 0 && uint32(data, start) <= length) {
    const code = uint32(data, start + 4);
    if (code === 80877103 || code === 196608) return named('postgresql');
  }
  if (length >= 16 && data[start + 12] === 0xdd && data[start + 13] === 7 && data[start + 14] === 0) return named('mongodb');
  if (length >= 11 && data[start] === 3 && data[start + 1] === 0 && data[start + 5] === 0xe0) return named('rdp');
  if (length >= 10 && data[start] === 0x10 && /^(MQTT|MQIsdp)/.test(text.slice(4))) return named('mqtt');
  if (data[start] === 5 && length === 2 + data[start + 1] && length >= 3) return named('socks', 'version 5');
  if (data[start] === 4 && (data[start + 1] === 1 || data[start + 1] === 2) && data[end - 1] === 0)
    return named('socks', 'version 4');
  if (length >= 14 && data[start] === 0x30 && data[start + 2] === 2 && data[start + 3] === 1 && data[start + 5] === 0x60) {
    return named('ldap');
  }
  return null;
}

/** Whether `data` may be the beginning of a TLS ClientHello that more bytes would complete. */
export function isUnfinishedClientHello(data: Uint8Array, start: number, end: number): boolean {
  if (end - start < 6) return end > start && data[start] === 0x16;
  if (data[start] !== 0x16 || data[start + 5] !== 1) return false;
  return end - start < 5 + ((data[start + 3] << 8) | data[start + 4]) && end - start < sniffLimit;
}

function sniffTls(data: Uint8Array, start: number, end: number): Protocol {
  if (end - start < 44 || data[start] !== 0x16) return named('tls');
  const kind = data[start + 5];
  if (kind !== 1 && kind !== 2) return named('tls');
  let place = start + 43;
  place += 1 + data[place];
  if (kind === 1) {
    place += 2 + uint16(data, place, end);
    if (place >= end) return named('tls');
    place += 1 + data[place];
  } else {
    place += 3;
  }
  let serverName: string | null = null;
  let detail: string | null = null;
  const listEnd = Math.min(end, place + 2 + uint16(data, place, end));
  place += 2;
  // Each step moves on by at least four bytes.
  while (place + 4 <= listEnd) {
    const type = uint16(data, place, end);
    const size = uint16(data, place + 2, end);
    const body = place + 4;
    if (type === 0 && kind === 1 && body + 5 <= end) {
      const nameLength = uint16(data, body + 3, end);
      serverName = latin1(data, body + 5, Math.min(body + 5 + nameLength, end, body + size));
    } else if (type === 16 && body + 3 <= end && kind === 2) {
      detail = latin1(data, body + 3, Math.min(body + 3 + data[body + 2], end));
    }
    place = body + size;
  }
  return named('tls', detail, serverName);
}

const uint16 = (data: Uint8Array, at: number, end: number): number => (at + 2 <= end ? (data[at] << 8) | data[at + 1] : 0);

const uint32 = (data: Uint8Array, at: number): number =>
  data[at] * 0x1000000 + ((data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3]);

function latin1(data: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) text += String.fromCharCode(data[at]);
  return text;
}
