/**
 * Heads as they stand on the wire: start line, field lines, empty line (RFC 9112 §3, §4, §5).
 *
 * Rules
 * - Everything that the caller hands over is checked before the first character is written: tokens where tokens must be, no CR,
 *   LF, NUL or other control byte, no character that is more than one byte. A bad value throws `MessageWriteError`.
 * - The result is a string with one character a byte: write it as Latin-1. Names and values stand as given, in the order given.
 * - Obsolete folding, spaces around names and HTTP/0.9 cannot be written.
 *
 * What is not here: which fields a message ought to have (Host, Content-Length, Connection, Date). That is the engine's decision.
 */

import { MessageWriteError } from './write-problem.js';

/**
 * Field lines to write: pairs in order (a `Headers` and a `Map` are such), or an object whose values are one value or several,
 * which become several lines.
 */
export type FieldsToWrite =
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string | readonly string[]>>;

/** RFC 9110 §5.6.2: token. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110 §5.5: visible characters, obs-text, space and tab. */
const notInValue = /[^\t\x20-\x7e\x80-\xff]/;
/** RFC 9112 §3.2: no white space and nothing that is not US-ASCII; a fragment never goes on the wire. */
const notInTarget = /[^\x21\x22\x24-\x7e]/;

export function assertFieldName(name: string): void {
  if (!token.test(name)) throw new MessageWriteError('field-name-invalid', name);
}

/** `name` is only for the message of the error. */
export function assertFieldValue(value: string, name: string): void {
  if (notInValue.test(value)) throw new MessageWriteError('field-value-invalid', name);
}

/** One checked field line with its line end. */
export function writeFieldLine(name: string, value: string): string {
  if (!token.test(name)) throw new MessageWriteError('field-name-invalid', name);
  if (notInValue.test(value)) throw new MessageWriteError('field-value-invalid', name);
  return `${name}: ${value}\r\n`;
}

/** Calls `take` for every line of `fields`, in order. */
export function eachField(fields: FieldsToWrite, take: (name: string, value: string) => void): void {
  if (Symbol.iterator in fields) {
    for (const [name, value] of fields as Iterable<readonly [string, string]>) take(name, value);
    return;
  }
  for (const name of Object.keys(fields)) {
    const value = (fields as Readonly<Record<string, string | readonly string[]>>)[name]!;
    if (typeof value === 'string') take(name, value);
    else for (const each of value) take(name, each);
  }
}

/** Checked field lines, each with its line end; '' when there are none. */
export function writeFields(fields: FieldsToWrite): string {
  let text = '';
  eachField(fields, (name, value) => {
    text += writeFieldLine(name, value);
  });
  return text;
}

export interface RequestHeadToWrite {
  readonly method: string;
  /** Request target: origin, absolute, authority or asterisk form, ready for the wire (percent-encoded). */
  readonly target: string;
  readonly version?: '1.1' | '1.0';
  readonly fields?: FieldsToWrite;
}

/** A request line alone, with its line end. */
export function writeRequestLine(method: string, target: string, version: '1.1' | '1.0' = '1.1'): string {
  if (!token.test(method)) throw new MessageWriteError('method-invalid');
  if (target === '' || notInTarget.test(target)) throw new MessageWriteError('target-invalid');
  return `${method} ${target} HTTP/${version}\r\n`;
}

/** A whole request head. Throws `MessageWriteError`. */
export function writeRequestHead(head: RequestHeadToWrite): string {
  return `${writeRequestLine(head.method, head.target, head.version)}${head.fields === undefined ? '' : writeFields(head.fields)}\r\n`;
}

export interface ResponseHeadToWrite {
  readonly status: number;
  /** The registered phrase where it is not said. '' is allowed. */
  readonly reason?: string;
  readonly version?: '1.1' | '1.0';
  readonly fields?: FieldsToWrite;
}

/** A status line alone, with its line end (RFC 9112 §4). */
export function writeStatusLine(status: number, reason?: string, version: '1.1' | '1.0' = '1.1'): string {
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new MessageWriteError('status-invalid');
  if (reason !== undefined && notInValue.test(reason)) throw new MessageWriteError('reason-invalid');
  return `HTTP/${version} ${status} ${reason ?? reasonPhrase(status)}\r\n`;
}

/** A whole response head. Throws `MessageWriteError`. */
export function writeResponseHead(head: ResponseHeadToWrite): string {
  return `${writeStatusLine(head.status, head.reason, head.version)}${head.fields === undefined ? '' : writeFields(head.fields)}\r\n`;
}

/** The phrase that IANA's registry has for a status, '' where it has none. */
export const reasonPhrase = (status: number): string => reasonPhrases[status] ?? '';

/** IANA HTTP Status Code Registry. */
const reasonPhrases: Readonly<Record<number, string>> = {
  100: 'Continue',
  101: 'Switching Protocols',
  102: 'Processing',
  103: 'Early Hints',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  203: 'Non-Authoritative Information',
  204: 'No Content',
  205: 'Reset Content',
  206: 'Partial Content',
  207: 'Multi-Status',
  208: 'Already Reported',
  226: 'IM Used',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  305: 'Use Proxy',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  423: 'Locked',
  424: 'Failed Dependency',
  425: 'Too Early',
  426: 'Upgrade Required',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  506: 'Variant Also Negotiates',
  507: 'Insufficient Storage',
  508: 'Loop Detected',
  511: 'Network Authentication Required',
};
