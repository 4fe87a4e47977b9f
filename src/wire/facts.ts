/**
 * What the field lines say about framing and the connection, picked up while they are scanned: Content-Length,
 * Transfer-Encoding, Connection, Keep-Alive, Host, Expect, Upgrade. Nothing is judged here; framing.ts does that when the head
 * is whole.
 */

import * as characters from './characters.js';
import { caseless, isName } from './characters.js';

// An imported binding is looked up at each use; a constant of the module's own is folded into the code. This is the hot path.
const { HT, hostBytes, SP } = characters;

const continueExpectation = caseless('100-continue');
const chunkedName = caseless('chunked');
const closeName = caseless('close');
const connectionName = caseless('connection');
const contentLengthName = caseless('content-length');
const expectName = caseless('expect');
const hostName = caseless('host');
const keepAliveName = caseless('keep-alive');
const transferEncodingName = caseless('transfer-encoding');
const upgradeName = caseless('upgrade');

const COLON = 0x3a;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const ZERO = 0x30;
const NINE = 0x39;
const COMMA = 0x2c;

export class Facts {
  hostLineCount = 0;
  /** Index of the first Host line, or −1. */
  hostLine = -1;
  hostInvalid = false;
  /** The first good Content-Length, or −1. */
  contentLength = -1;
  /** How many values were said, in how many lines ever. */
  lengthCount = 0;
  lengthInvalid = false;
  lengthsDiffer = false;
  transferEncodingCount = 0;
  /** Every Transfer-Encoding line so far is `chunked` and nothing else. */
  plainlyChunked = true;
  expectsContinue = false;
  expectsOther = false;
  saysClose = false;
  saysKeepAlive = false;
  saysUpgrade = false;
  hasUpgradeField = false;
  hasKeepAliveField = false;

  reset(): void {
    this.hostLineCount = 0;
    this.hostLine = -1;
    this.hostInvalid = false;
    this.contentLength = -1;
    this.lengthCount = 0;
    this.lengthInvalid = false;
    this.lengthsDiffer = false;
    this.transferEncodingCount = 0;
    this.plainlyChunked = true;
    this.expectsContinue = false;
    this.expectsOther = false;
    this.saysClose = false;
    this.saysKeepAlive = false;
    this.saysUpgrade = false;
    this.hasUpgradeField = false;
    this.hasKeepAliveField = false;
  }

  /** Takes one field line; `line` is its index. The value has no white space around it. */
  recognise(bytes: Uint8Array, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number, line: number): void {
    switch (nameEnd - nameStart) {
      case 4:
        if (isName(bytes, nameStart, nameEnd, hostName)) this.host(bytes, valueStart, valueEnd, line);
        break;
      case 6:
        if (isName(bytes, nameStart, nameEnd, expectName)) {
          if (isName(bytes, valueStart, valueEnd, continueExpectation)) this.expectsContinue = true;
          else this.expectsOther = true;
        }
        break;
      case 7:
        if (isName(bytes, nameStart, nameEnd, upgradeName)) this.hasUpgradeField = true;
        break;
      case 10:
        if (isName(bytes, nameStart, nameEnd, connectionName)) this.connection(bytes, valueStart, valueEnd);
        else if (isName(bytes, nameStart, nameEnd, keepAliveName)) this.hasKeepAliveField = true;
        break;
      case 14:
        if (isName(bytes, nameStart, nameEnd, contentLengthName)) this.lengths(bytes, valueStart, valueEnd);
        break;
      case 17:
        if (isName(bytes, nameStart, nameEnd, transferEncodingName)) {
          this.transferEncodingCount++;
          this.plainlyChunked &&= isName(bytes, valueStart, valueEnd, chunkedName);
        }
        break;
    }
  }

  /** `uri-host [ ":" port ]` (RFC 9112 §3.2, RFC 3986 §3.2.2, §3.2.3); what is in brackets is only looked over. */
  private host(bytes: Uint8Array, start: number, end: number, line: number): void {
    if (this.hostLineCount++ === 0) this.hostLine = line;
    let at = start;
    if (bytes[at] === OPENING_BRACKET && at < end) {
      do at++;
      while (at < end && (hostBytes[bytes[at]!] === 1 || bytes[at] === COLON));
      if (at === end || bytes[at++] !== CLOSING_BRACKET) this.hostInvalid = true;
    } else while (at < end && hostBytes[bytes[at]!] === 1) at++;
    if (at < end && bytes[at] === COLON) {
      do at++;
      while (at < end && bytes[at]! >= ZERO && bytes[at]! <= NINE);
    }
    if (at < end) this.hostInvalid = true;
  }

  private connection(bytes: Uint8Array, start: number, end: number): void {
    if (isName(bytes, start, end, keepAliveName)) {
      this.saysKeepAlive = true;
      return;
    }
    let at = start;
    while (at < end) {
      let optionEnd = at;
      while (optionEnd < end && bytes[optionEnd] !== COMMA) optionEnd++;
      const next = optionEnd + 1;
      while (at < optionEnd && isSpace(bytes[at]!)) at++;
      while (optionEnd > at && isSpace(bytes[optionEnd - 1]!)) optionEnd--;
      if (isName(bytes, at, optionEnd, keepAliveName)) this.saysKeepAlive = true;
      else if (isName(bytes, at, optionEnd, closeName)) this.saysClose = true;
      else if (isName(bytes, at, optionEnd, upgradeName)) this.saysUpgrade = true;
      at = next;
    }
  }

  /** One line may hold a list, when a middleman joined several lines (RFC 9110 §8.6). */
  private lengths(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    do {
      let valueEnd = at;
      while (valueEnd < end && bytes[valueEnd] !== COMMA) valueEnd++;
      const next = valueEnd + 1;
      while (at < valueEnd && isSpace(bytes[at]!)) at++;
      while (valueEnd > at && isSpace(bytes[valueEnd - 1]!)) valueEnd--;
      const length = decimal(bytes, at, valueEnd);
      this.lengthCount++;
      if (length === -1) this.lengthInvalid = true;
      else if (this.contentLength === -1) this.contentLength = length;
      else if (this.contentLength !== length) this.lengthsDiffer = true;
      at = next;
    } while (at <= end);
  }
}

/** A plain decimal number up to 2^53 − 1, or −1. */
function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > Number.MAX_SAFE_INTEGER) return -1;
  }
  return value;
}

const isSpace = (byte: number): boolean => byte === SP || byte === HT;
