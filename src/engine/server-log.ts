/**
 * The access log: one entry a response, as a value, and as a line for people who grep.
 *
 * The entry has what keep-alive questions need and other logs leave out: the client's port, the connection's number and the request's
 * number on it, so that log lines and packets can be put side by side.
 */

import type { ErrorCode } from './errors.js';

export interface AccessEntry {
  readonly clientAddress: string;
  readonly clientPort: number;
  /** Number of the connection on this server, counted from 1. */
  readonly connectionNumber: number;
  /** Number of the request on its connection, counted from 1; 0 when the connection was refused before its first. */
  readonly requestNumber: number;
  /** When the request's head had been read. */
  readonly at: Date;
  /** '' where the request could not be read. */
  readonly method: string;
  readonly target: string;
  readonly version: string;
  /** 0 when the connection was lost before there was a response. */
  readonly status: number;
  readonly requestBodyByteCount: number;
  readonly responseBodyByteCount: number;
  /** From the end of the request's head to the end of the response. */
  readonly durationMs: number;
  /** The connection stays for another request. */
  readonly persists: boolean;
  /** Why the exchange failed, or null. */
  readonly error: ErrorCode | null;
}

/** Bytes of the client's that could break the line or fool a terminal, as `\xHH`. */
const escaped = (text: string): string =>
  text.replace(/[^\x21\x23-\x5b\x5d-\x7e]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);

/**
 * One line, without its line end:
 *
 *     2026-01-02T03:04:05.678Z 127.0.0.1:40312 #12/3 "GET /a HTTP/1.1" 200 5 0.8ms keep
 *
 * `#12/3` is the third request on connection 12; the words at the end are `keep` or `close`, and the error's code if there was one.
 */
export function accessLogLine(entry: AccessEntry): string {
  const client = entry.clientAddress.includes(':') ? `[${entry.clientAddress}]` : entry.clientAddress;
  const request = entry.method === '' ? '-' : `${escaped(entry.method)} ${escaped(entry.target)} HTTP/${escaped(entry.version)}`;
  return (
    `${entry.at.toISOString()} ${client}:${entry.clientPort} #${entry.connectionNumber}/${entry.requestNumber} "${request}" ` +
    `${entry.status} ${entry.responseBodyByteCount} ${entry.durationMs.toFixed(1)}ms ${entry.persists ? 'keep' : 'close'}` +
    (entry.error === null ? '' : ` ${entry.error}`)
  );
}
