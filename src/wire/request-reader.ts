/**
 * Reads requests (RFC 9112 §3):
 *
 *     request-line = method SP request-target SP HTTP-version CRLF
 *
 * Strict takes exactly that, in HTTP/1.x, and no fragment in the target, because servers differ in where such a target ends.
 * Observing takes a line that is near to it, too: more white space, raw spaces or bytes in the target, other line ends and
 * versions, and HTTP/0.9's line without version.
 *
 * Bytes behind a request with `Upgrade`, or a CONNECT, may not be HTTP: a server pauses there until it has decided.
 */

import * as characters from './characters.js';
import { matches } from './characters.js';
import type { FieldSection } from './field-section.js';
import { frameRequest } from './framing.js';
import { incomplete, notHttp, stopped } from './judge.js';
import { latin1 } from './latin1.js';
import type { Framing, RequestHandler, RequestHead } from './message.js';
import { findRequestStart, knownMethods } from './message-start.js';
import { type Persistence, type PersistenceVersion, persistenceOf } from './persistence.js';
import { MessageReader } from './reader.js';
import type { ReaderOptions } from './reader-core.js';

// An imported binding is looked up at each use; a constant of the module's own is folded into the code. This is the hot path.
const { CR, LF, SP, targetBytes, tokenBytes } = characters;

class RequestHeadView implements RequestHead {
  method = '';
  target = '';
  version = '';
  framing: Framing = 'none';
  contentLength = -1;
  persistence: Persistence = persistenceOf('request', '1.1', 'none', 'none');
  saysClose = false;
  saysKeepAlive = false;
  saysUpgrade = false;
  hasKeepAliveField = false;
  expectsContinue = false;
  byteCount = 0;
  hostLine = -1;

  constructor(readonly fields: FieldSection) {}

  /** Nearly always the same as in the request before: then the same string. */
  private lastHost = '';

  get host(): string | null {
    if (this.hostLine === -1) return null;
    if (!this.fields.valueIs(this.hostLine, this.lastHost)) this.lastHost = this.fields.value(this.hostLine);
    return this.lastHost;
  }

  keep(): this {
    this.fields.keep();
    return this;
  }
}

type LinePhase = 'method' | 'target' | 'version' | 'odd-line';

export class RequestReader extends MessageReader<RequestHead> {
  protected override readonly toleratesEmptyLines = true;
  private head: RequestHeadView;
  private linePhase: LinePhase = 'method';
  /** Places in the start line, from its first byte on. */
  private at = 0;
  private methodEnd = 0;
  private targetEnd = 0;
  private version = '1.1';
  private method = 'GET';
  private target = '/';
  /** Observing: method and target were taken from an odd line. */
  private fromOddLine = false;

  constructor(options: ReaderOptions<RequestHandler>) {
    super(options.manner, options.handler, options.limits, findRequestStart);
    this.head = new RequestHeadView(this.fields);
  }

  protected override statusFor(status: number): number {
    return status;
  }

  protected override beginStartLine(): void {
    this.linePhase = 'method';
    this.at = 0;
    this.fromOddLine = false;
  }

  protected override scanStartLine(bytes: Uint8Array, base: number, end: number): number {
    const { strict } = this;
    let pos = base + this.at;
    while (pos < end) {
      switch (this.linePhase) {
        case 'method': {
          const stop = Math.min(end, base + this.limits.methodByteCount + 1);
          while (pos < stop && tokenBytes[bytes[pos]!] === 1) pos++;
          if (pos === end && pos - base <= this.limits.methodByteCount) break;
          if (pos === stop && pos - base > this.limits.methodByteCount) {
            if (strict) return this.refuse('method-too-long', pos - 1 - base);
            this.linePhase = 'odd-line';
            continue;
          }
          if (bytes[pos] !== SP || pos === base) {
            if (strict) return this.refuseMethod(bytes[pos]!, pos - base);
            this.linePhase = 'odd-line';
            continue;
          }
          this.methodEnd = pos - base;
          this.linePhase = 'target';
          pos++;
          continue;
        }
        case 'target': {
          const targetStart = base + this.methodEnd + 1;
          const stop = Math.min(end, targetStart + this.limits.targetByteCount + 1);
          while (pos < stop && targetBytes[bytes[pos]!] === 1) pos++;
          if (pos - targetStart > this.limits.targetByteCount) {
            if (strict) return this.refuse('target-too-long', pos - 1 - base);
            this.linePhase = 'odd-line';
            continue;
          }
          if (pos === end) break;
          if (bytes[pos] !== SP || pos === targetStart) {
            if (strict) return this.refuseTarget(bytes[pos]!, pos - base);
            this.linePhase = 'odd-line';
            continue;
          }
          this.targetEnd = pos - base;
          this.linePhase = 'version';
          pos++;
          continue;
        }
        case 'version': {
          const versionStart = base + this.targetEnd + 1;
          const lineEnd = this.scanVersion(bytes, base, versionStart, end);
          if (lineEnd === notHttp) {
            this.linePhase = 'odd-line';
            continue;
          }
          if (lineEnd === incomplete) break;
          if (lineEnd === stopped) return stopped;
          return this.finishRequestLine(bytes, base, lineEnd);
        }
        case 'odd-line':
          while (pos < end && bytes[pos] !== LF) pos++;
          if (pos === end) break;
          return this.takeOddLine(latin1(bytes, base, pos)) ? pos + 1 : notHttp;
      }
      break;
    }
    this.at = pos - base;
    return incomplete;
  }

  /** `HTTP/1.1` CRLF from its start. `notHttp`: (observing) look at the whole line. */
  private scanVersion(bytes: Uint8Array, base: number, start: number, end: number): number {
    if (end - start >= 10 && bytes[start + 7] === 0x31 && matches(bytes, start, start + 7, 'HTTP/1.')) {
      if (bytes[start + 8] === CR && bytes[start + 9] === LF) {
        this.version = '1.1';
        return start + 10;
      }
    }
    for (let pos = start; pos < Math.min(end, start + 10); pos++) {
      const byte = bytes[pos]!;
      const place = pos - start;
      const fits =
        place < 5
          ? byte === 'HTTP/'.charCodeAt(place)
          : place === 5 || place === 7
            ? byte >= 0x30 && byte <= 0x39
            : byte === (place === 6 ? 0x2e : place === 8 ? CR : LF);
      if (!fits) {
        if (!this.strict) return notHttp;
        if (place < 8) return this.refuse('version-invalid', pos - base);
        if (place === 9) return this.refuse('bare-cr', pos - 1 - base);
        return this.refuse(byte === LF ? 'bare-lf' : byte === SP ? 'request-line-invalid' : 'version-invalid', pos - base);
      }
      if (place === 7 && bytes[start + 5] !== 0x31) {
        return this.strict ? this.refuse('version-unsupported', start - base) : notHttp;
      }
    }
    if (end - start < 10) return incomplete;
    const minor = bytes[start + 7]!;
    this.version = minor === 0x31 ? '1.1' : `1.${minor - 0x30}`;
    return start + 10;
  }

  private finishRequestLine(bytes: Uint8Array, base: number, lineEnd: number): number {
    const methodEnd = base + this.methodEnd;
    const targetEnd = base + this.targetEnd;
    if (!matches(bytes, base, methodEnd, this.method)) this.method = methodName(bytes, base, methodEnd);
    if (!matches(bytes, methodEnd + 1, targetEnd, this.target)) this.target = latin1(bytes, methodEnd + 1, targetEnd);
    if (bytes[methodEnd + 1] !== 0x2f || this.method === 'CONNECT' || (this.strict && this.target.includes('#'))) {
      const valid = isTarget(this.method, this.target) && !(this.strict && this.target.includes('#'));
      if (!valid && this.object('target-invalid', this.methodEnd + 1)) return stopped;
    }
    return lineEnd;
  }

  private refuse(code: Parameters<RequestReader['object']>[0], at: number): number {
    this.object(code, at);
    return stopped;
  }

  private refuseMethod(byte: number, at: number): number {
    if (byte === CR || byte === LF) return this.refuse('request-line-invalid', at);
    if (at === 0 && (byte < SP || byte > 0x7e)) return this.refuse('not-http', at);
    return this.refuse('method-invalid', at);
  }

  private refuseTarget(byte: number, at: number): number {
    if (byte === SP) return this.refuse('request-line-invalid', at);
    if (byte === CR || byte === LF) return this.refuse(at === this.methodEnd + 1 ? 'target-invalid' : 'version-missing', at);
    return this.refuse('target-invalid', at);
  }

  /**
   * Observing: reads an irregular request line (without its line feed). False when it is none. Without expressions that could
   * take quadratic time: the line may be as long as a head.
   */
  private takeOddLine(line: string): boolean {
    const text = line.slice(0, blankEnd(line, line.length));
    const methodEnd = text.search(/[^!#$%&'*+\-.^_`|~0-9A-Za-z]/);
    if (methodEnd <= 0 || (text[methodEnd] !== ' ' && text[methodEnd] !== '\t')) return false;
    const method = text.slice(0, methodEnd);
    const versionStart = Math.max(text.lastIndexOf(' '), text.lastIndexOf('\t')) + 1;
    const version = /^HTTP\/(\d{1,3}\.\d{1,3})$/.exec(text.slice(versionStart))?.[1];
    if (version !== undefined) {
      const target = text.slice(blankStart(text, methodEnd), Math.max(blankStart(text, methodEnd), blankEnd(text, versionStart)));
      this.takeOdd(method, versionStart === blankStart(text, methodEnd) ? '' : target, version);
      if (text !== `${method} ${this.target} HTTP/${version}`) this.object('request-line-invalid', 0);
      if (!version.startsWith('1.')) this.object('version-unsupported', versionStart + 5);
    } else {
      const target = text.slice(blankStart(text, methodEnd));
      if (!knownMethods.includes(method) || !/^(?:[/*]|[a-z]+:)[^ \t]*$/.test(target)) return false;
      this.takeOdd(method, target, '0.9');
      this.object('version-missing', text.length);
    }
    if (!line.endsWith('\r')) this.object('bare-lf', line.length);
    if (text.includes('\r')) this.object('bare-cr', text.indexOf('\r'));
    if (!isTarget(this.method, this.target) || /[^\x21-\x7e]/.test(this.target))
      this.object('target-invalid', this.method.length + 1);
    return true;
  }

  private takeOdd(method: string, target: string, version: string): void {
    this.fromOddLine = true;
    this.method = method;
    this.target = target;
    this.version = version;
  }

  /** HTTP/0.9: the line is the whole request. */
  protected override get endsWithStartLine(): boolean {
    return this.fromOddLine && this.version === '0.9';
  }

  protected override takeHead(_bytes: Uint8Array, base: number, headEnd: number): Framing | null {
    const { facts } = this.scanner;
    const version: PersistenceVersion = this.version === '1.0' ? '1.0' : this.version === '0.9' ? '0.9' : '1.1';
    const framing = frameRequest(facts, this.fields, this, headEnd - base, version, this.method);
    if (framing === null) return null;
    if (this.head.fields !== this.fields) this.head = new RequestHeadView(this.fields);
    const { head } = this;
    head.method = this.method;
    head.target = this.target;
    head.version = this.version;
    head.framing = framing;
    head.contentLength = facts.contentLength;
    const wish = facts.saysClose ? 'close' : facts.saysKeepAlive ? 'keep-alive' : 'none';
    head.persistence = persistenceOf('request', version, wish, framing);
    head.saysClose = facts.saysClose;
    head.saysKeepAlive = facts.saysKeepAlive;
    head.saysUpgrade = facts.saysUpgrade && facts.hasUpgradeField;
    head.hasKeepAliveField = facts.hasKeepAliveField;
    head.expectsContinue = facts.expectsContinue && version === '1.1';
    head.byteCount = headEnd - base;
    head.hostLine = facts.hostLine;
    this.handler.onHead(head);
    return framing;
  }

  protected override bodyLength(): number {
    return this.head.contentLength;
  }

  protected override persistence(): Persistence {
    return this.head.persistence;
  }
}

const isBlank = (character: string | undefined): boolean => character === ' ' || character === '\t' || character === '\r';

/** Where the blanks that `text` has from `from` on end. */
function blankStart(text: string, from: number): number {
  let at = from;
  while (isBlank(text[at])) at++;
  return at;
}

/** Where the blanks that stand before `until` begin. */
function blankEnd(text: string, until: number): number {
  let at = until;
  while (at > 0 && isBlank(text[at - 1])) at--;
  return at;
}

function methodName(bytes: Uint8Array, start: number, end: number): string {
  for (const method of knownMethods) {
    if (matches(bytes, start, end, method)) return method;
  }
  return latin1(bytes, start, end);
}

/**
 * RFC 9112 §3.2: origin-form; absolute-form (RFC 3986 §4.3; http and https need a host, RFC 9110 §4.2.1); authority-form for CONNECT
 * alone; asterisk-form for OPTIONS alone.
 */
function isTarget(method: string, target: string): boolean {
  if (method === 'CONNECT') return /^(?:[\w\-.~%!$&'()*+,;=]+|\[[\w:.%]+\]):\d{1,5}$/.test(target);
  if (target.startsWith('/')) return true;
  if (target === '*') return method === 'OPTIONS';
  if (/^https?:/i.test(target)) return /^https?:\/\/(?:[^/?#@]*@)?[^/?#:@][^/?#@]*(?:[/?#]|$)/i.test(target);
  return /^[A-Za-z][A-Za-z0-9+\-.]*:./.test(target);
}
