/**
 * Reads responses (RFC 9112 §4):
 *
 *     status-line = HTTP-version SP status-code SP [ reason-phrase ] CRLF
 *
 * The space behind the status may be missing when there is no reason, as every client takes it. Observing takes other
 * versions, more white space, other line ends, `ICY`, and an answer to HTTP/0.9 without any head.
 */

import * as characters from './characters.js';
import { matches } from './characters.js';
import type { FieldSection } from './field-section.js';
import { frameResponse } from './framing.js';
import { incomplete, notHttp, stopped } from './judge.js';
import { latin1 } from './latin1.js';
import type { Framing, ResponseHandler, ResponseHead } from './message.js';
import { findResponseStart } from './message-start.js';
import { type Persistence, type PersistenceVersion, persistenceOf } from './persistence.js';
import { MessageReader } from './reader.js';
import type { ReaderOptions } from './reader-core.js';

// An imported binding is looked up at each use; a constant of the module's own is folded into the code. This is the hot path.
const { CR, LF, SP, valueBytes } = characters;

class ResponseHeadView implements ResponseHead {
  version = '';
  status = 0;
  reason = '';
  isInterim = false;
  framing: Framing = 'none';
  contentLength = -1;
  persistence: Persistence = persistenceOf('response', '1.1', 'none', 'none');
  saysClose = false;
  saysKeepAlive = false;
  saysUpgrade = false;
  hasKeepAliveField = false;
  byteCount = 0;

  constructor(readonly fields: FieldSection) {}

  keep(): this {
    this.fields.keep();
    return this;
  }
}

type LinePhase = 'status' | 'reason' | 'line-feed' | 'odd-line';

/** `HTTP/1.1 200`: what comes before the reason. */
const statusEnd = 12;

export class ResponseReader extends MessageReader<ResponseHead> {
  protected override readonly toleratesEmptyLines = false;
  private head: ResponseHeadView;
  private readonly responseHandler: ResponseHandler;
  private linePhase: LinePhase = 'status';
  /** Place in the start line, from its first byte on. */
  private at = 0;
  private version = '1.1';
  private status = 0;
  private reason = 'OK';

  constructor(options: ReaderOptions<ResponseHandler>) {
    super(options.manner, options.handler, options.limits, findResponseStart);
    this.responseHandler = options.handler;
    this.head = new ResponseHeadView(this.fields);
  }

  /** The fault is the server's: whoever stands between answers 502. */
  protected override statusFor(): number {
    return 502;
  }

  protected override beginStartLine(): void {
    this.linePhase = 'status';
    this.at = 0;
  }

  protected override scanStartLine(bytes: Uint8Array, base: number, end: number): number {
    const { strict } = this;
    let pos = base + this.at;
    while (pos < end) {
      switch (this.linePhase) {
        case 'status': {
          const result = this.scanStatus(bytes, base, end);
          if (result === stopped) return stopped;
          if (result === incomplete) break;
          if (result === notHttp) {
            this.linePhase = 'odd-line';
            continue;
          }
          pos = result;
          this.linePhase = 'reason';
          continue;
        }
        case 'reason':
          while (pos < end && valueBytes[bytes[pos]!] === 1) pos++;
          if (pos === end) break;
          if (bytes[pos] !== CR) {
            if (strict) return this.refuse(bytes[pos] === LF ? 'bare-lf' : 'control-in-value', pos - base);
            this.linePhase = 'odd-line';
            continue;
          }
          pos++;
          this.linePhase = 'line-feed';
          continue;
        case 'line-feed': {
          if (bytes[pos] !== LF) {
            if (strict) return this.refuse('bare-cr', pos - 1 - base);
            this.linePhase = 'odd-line';
            continue;
          }
          const reasonStart = Math.min(base + statusEnd + 1, pos - 1);
          if (!matches(bytes, reasonStart, pos - 1, this.reason)) this.reason = latin1(bytes, reasonStart, pos - 1);
          return pos + 1;
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

  /** Version and status, up to the byte behind them (SP or CR). `notHttp`: (observing) look at the whole line. */
  private scanStatus(bytes: Uint8Array, base: number, end: number): number {
    const available = Math.min(end - base, statusEnd + 1);
    for (let place = 0; place < available; place++) {
      const byte = bytes[base + place]!;
      const isDigit = byte >= 0x30 && byte <= 0x39;
      if (place < 5) {
        if (byte !== 'HTTP/'.charCodeAt(place)) return this.strict ? this.refuse('not-http', place) : notHttp;
      } else if (place < 8) {
        if (place === 6 ? byte !== 0x2e : !isDigit) return this.strict ? this.refuse('version-invalid', place) : notHttp;
        if (place === 7 && bytes[base + 5] !== 0x31) return this.strict ? this.refuse('version-unsupported', 5) : notHttp;
      } else {
        const fits =
          place === 8 ? byte === SP : place < statusEnd ? isDigit && (place > 9 || byte !== 0x30) : byte === SP || byte === CR;
        if (!fits) {
          if (!this.strict) return notHttp;
          return this.refuse(place === statusEnd && byte === LF ? 'bare-lf' : 'status-line-invalid', place);
        }
      }
    }
    if (available <= statusEnd) return incomplete;
    const minor = bytes[base + 7]!;
    this.version = minor === 0x31 ? '1.1' : `1.${minor - 0x30}`;
    this.status = (bytes[base + 9]! - 0x30) * 100 + (bytes[base + 10]! - 0x30) * 10 + (bytes[base + 11]! - 0x30);
    return base + statusEnd;
  }

  private refuse(code: Parameters<ResponseReader['object']>[0], at: number): number {
    this.object(code, at);
    return stopped;
  }

  /** Observing: reads an irregular status line (without its line feed). False when it is none. */
  private takeOddLine(line: string): boolean {
    let textEnd = line.length;
    while (textEnd > 0 && line[textEnd - 1] === '\r') textEnd--;
    const text = line.slice(0, textEnd);
    const match = /^(?:HTTP\/([^ \t\r]{0,8})|ICY|ICE\/1\.[01])(?:[ \t\r]+(\d{3})(?!\d)[ \t\r]?)?(.*)$/s.exec(text);
    if (match === null) return false;
    this.version = match[1] ?? '1.0';
    this.status = Number(match[2] ?? 0);
    this.reason = match[3] ?? '';
    if (!/^HTTP\/\d\.\d [1-9]\d\d(?: |$)/.test(text)) this.object('status-line-invalid', 0);
    if (match[1] !== undefined && !match[1].startsWith('1.')) this.object('version-unsupported', 5);
    if (!line.endsWith('\r')) this.object('bare-lf', line.length);
    const bareCr = line.indexOf('\r');
    if (bareCr !== -1 && bareCr < line.length - 1) this.object('bare-cr', bareCr);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control bytes are what is looked for
    if (/[\0-\x08\x0a-\x0c\x0e-\x1f\x7f]/.test(this.reason)) this.object('control-in-value', text.length - this.reason.length);
    return true;
  }

  /** An answer without head, to a request without version (RFC 1945 §6). */
  protected override takeBareBody(): boolean {
    if (this.responseHandler.answeredRequest()?.version !== '0.9') return false;
    this.version = '0.9';
    this.status = 200;
    this.reason = '';
    return true;
  }

  protected override takeHead(_bytes: Uint8Array, base: number, headEnd: number): Framing | null {
    const { facts } = this.scanner;
    const { status } = this;
    // Observing, a status that can not be read frames like an ordinary one.
    const framedAs = status === 0 ? 200 : status;
    const version: PersistenceVersion = this.version === '1.0' ? '1.0' : this.version === '0.9' ? '0.9' : '1.1';
    const method = framedAs >= 200 ? (this.responseHandler.answeredRequest()?.method ?? null) : null;
    const framing = frameResponse(facts, this.fields, this, headEnd - base, version, framedAs, method);
    if (framing === null) return null;
    if (this.head.fields !== this.fields) this.head = new ResponseHeadView(this.fields);
    const { head } = this;
    const isInterim = framedAs < 200 && framedAs !== 101;
    head.version = this.version;
    head.status = status;
    head.reason = this.reason;
    head.isInterim = isInterim;
    head.framing = framing;
    head.contentLength = facts.contentLength;
    const wish = facts.saysClose ? 'close' : facts.saysKeepAlive ? 'keep-alive' : 'none';
    head.persistence = persistenceOf(isInterim ? 'interim-response' : 'response', version, wish, framing);
    head.saysClose = facts.saysClose;
    head.saysKeepAlive = facts.saysKeepAlive;
    head.saysUpgrade = facts.saysUpgrade && facts.hasUpgradeField;
    head.hasKeepAliveField = facts.hasKeepAliveField;
    head.byteCount = headEnd - base;
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
