/**
 * Where messages begin: for streams that are joined in their middle, and behind gaps. A start line is recognised by what no
 * other text is likely to have: `HTTP/1.x` in its place.
 */

import { CR, LF, matches, SP, targetBytes, tokenBytes } from './characters.js';

/** `maybe`: all bytes fit so far, but they are too few to tell. */
export type Likelihood = 'yes' | 'no' | 'maybe';

/** Methods that are recognised without seeing the version: RFC 9110 §9, RFC 5789, WebDAV (RFC 4918, 3253, 3744, 5323), caches, UPnP. */
export const knownMethods: readonly string[] = [
  'GET',
  'POST',
  'PUT',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'CONNECT',
  'TRACE',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
  'REPORT',
  'SEARCH',
  'ACL',
  'MKCALENDAR',
  'CHECKOUT',
  'CHECKIN',
  'MERGE',
  'MKACTIVITY',
  'VERSION-CONTROL',
  'LINK',
  'UNLINK',
  'BIND',
  'PURGE',
  'BAN',
  'QUERY',
  'NOTIFY',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'M-SEARCH',
];

const longestMethodByteCount = 32;

/**
 * Whether data[start, end) begins a request: a method (any token), one space, a target, one space, `HTTP/1.` and a digit; or,
 * with the version not in sight or not in its place, a known method and the beginning of a usual target. Empty lines before it
 * are passed over.
 */
export function looksLikeRequestStart(data: Uint8Array, start: number, end: number): Likelihood {
  let at = start;
  while (at < end && (data[at] === CR || data[at] === LF)) at++;
  const methodStart = at;
  const methodLimit = Math.min(end, methodStart + longestMethodByteCount);
  while (at < methodLimit && tokenBytes[data[at]!] === 1) at++;
  if (at === end) return 'maybe';
  if (at === methodStart || data[at] !== SP) return 'no';
  const methodEnd = at;
  // More than one space, as some clients send them, behind a method that is no ordinary word.
  do at++;
  while (at < end && data[at] === SP && isKnownMethod(data, methodStart, methodEnd));
  const targetStart = at;
  while (at < end && targetBytes[data[at]!] === 1) at++;
  const known = isKnownMethod(data, methodStart, methodEnd) && isUsualTarget(data, targetStart, at);
  if (at < end && (data[at] !== SP || at === targetStart)) return known && at > targetStart ? 'yes' : 'no';
  const version = at === end ? 'maybe' : looksLikeVersion(data, at + 1, end);
  if (version === 'yes' || !known) return version;
  return version === 'no' && isOtherVersion(data, at + 1, end) ? 'no' : 'yes';
}

/**
 * Whether data[start, end) begins a response as real servers send it, good or bad: `HTTP/` or `ICY `. Empty lines are passed
 * over. For the first bytes of a stream; in the midst of one, `findResponseStart` wants a whole status line.
 */
export function looksLikeResponseStart(data: Uint8Array, start: number, end: number): Likelihood {
  let at = start;
  while (at < end && (data[at] === CR || data[at] === LF)) at++;
  if (at === end) return 'maybe';
  const name = data[at] === 0x49 ? 'ICY ' : 'HTTP/';
  const seen = Math.min(end - at, name.length);
  if (!matches(data, at, at + seen, name.slice(0, seen))) return 'no';
  return seen === name.length ? 'yes' : 'maybe';
}

/** Whether data[start, end) begins a regular status line: `HTTP/1.`, a digit, a space and three digits. */
function isStatusLineStart(data: Uint8Array, start: number, end: number): Likelihood {
  let at = start;
  while (at < end && (data[at] === CR || data[at] === LF)) at++;
  const version = looksLikeVersion(data, at, end);
  if (version !== 'yes') return version;
  at += 8;
  if (at < end && data[at] !== SP) return 'no';
  for (let digit = at + 1; digit < Math.min(end, at + 4); digit++) {
    if (!isDigit(data[digit]!)) return 'no';
  }
  if (end - at < 4) return 'maybe';
  return end - at === 4 || isStatusEnd(data[at + 4]!) ? 'yes' : 'no';
}

function looksLikeVersion(data: Uint8Array, start: number, end: number): Likelihood {
  const prefixEnd = Math.min(end, start + 7);
  if (!matches(data, start, prefixEnd, 'HTTP/1.'.slice(0, prefixEnd - start))) return 'no';
  if (end - start < 8) return 'maybe';
  return isDigit(data[start + 7]!) ? 'yes' : 'no';
}

/** The version of a protocol that looks alike: `RTSP/1.0`, `SIP/2.0`, `ICAP/1.0`. */
function isOtherVersion(data: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && data[at]! >= 0x41 && data[at]! <= 0x5a) at++;
  return at > start && at < end && data[at] === 0x2f && !matches(data, start, Math.min(at, start + 4), 'HTTP');
}

function isKnownMethod(data: Uint8Array, start: number, end: number): boolean {
  for (const method of knownMethods) {
    if (matches(data, start, end, method)) return true;
  }
  return false;
}

/** `/…`, `*`, or the beginning of an absolute URL. */
function isUsualTarget(data: Uint8Array, start: number, end: number): boolean {
  if (start === end) return false;
  return (
    data[start] === 0x2f ||
    data[start] === 0x2a ||
    matches(data, start, Math.min(end, start + 7), 'http://'.slice(0, end - start))
  );
}

/**
 * Where a request begins in one whole line (without its line end) that may have other bytes before it, or −1. A method of
 * capitals at the line's start counts as it is, if that is a possible start; else a known method that other bytes run into;
 * else any token at a possible start.
 */
export function findRequestStart(line: Uint8Array, start: number, end: number, startCounts: boolean): number {
  const versionStart = end - 8;
  if (versionStart - 1 <= start || looksLikeVersion(line, versionStart, end) !== 'yes' || line[versionStart - 1] !== SP)
    return -1;
  const startFits = startCounts && looksLikeRequestStart(line, start, end) === 'yes';
  if (startFits && hasCapitalMethod(line, start)) return start;
  let methodEnd = versionStart - 2;
  while (methodEnd > start && line[methodEnd] !== SP) methodEnd--;
  if (line[methodEnd] !== SP || methodEnd + 1 >= versionStart - 1) return -1;
  let longest = -1;
  for (const method of knownMethods) {
    const methodStart = methodEnd - method.length;
    if (methodStart < start || !matches(line, methodStart, methodEnd, method)) continue;
    if (longest !== -1 && longest <= methodStart) continue;
    if (looksLikeRequestStart(line, methodStart, end) === 'yes') longest = methodStart;
  }
  return longest === -1 && startFits ? start : longest;
}

function hasCapitalMethod(line: Uint8Array, start: number): boolean {
  let at = start;
  while ((line[at]! >= 0x41 && line[at]! <= 0x5a) || line[at] === 0x2d) at++;
  return line[at] === SP;
}

/** Where a response begins in one whole line that may have other bytes before it (the last such place), or −1. */
export function findResponseStart(line: Uint8Array, start: number, end: number): number {
  for (let at = end - 12; at >= start; at--) {
    if (line[at] === 0x48 && isStatusLineStart(line, at, end) === 'yes') return at;
  }
  return -1;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isStatusEnd = (byte: number): boolean => byte === SP || byte === CR || byte === LF;
