/**
 * Everything that can be wrong with a message, by stable code: what a person reads, and what a server answers.
 *
 * The strict manner stops at the first problem (RFC 9112 names most of them as errors; the others are safety limits). The
 * observing manner notes a problem once a message and goes on. Codes are part of the public face: extend, never rename.
 */

/** `status` is what a server answers before it closes; the same problem in a response is a 502 at a gateway. */
interface ProblemKind {
  readonly status: number;
  readonly text: string;
}

export const problemKinds = {
  // Start lines: RFC 9112 §2.2, §3, §4.
  'not-http': { status: 400, text: 'The bytes are not an HTTP/1 message.' },
  'method-invalid': { status: 400, text: 'The method is not a token.' },
  'method-too-long': { status: 501, text: 'The method is longer than any known one.' },
  'target-invalid': { status: 400, text: 'The request target is empty or has a byte or a form that is not allowed.' },
  'target-too-long': { status: 414, text: 'The request target is too long.' },
  'request-line-invalid': { status: 400, text: 'The request line is not method, one space, target, one space, version.' },
  'version-missing': { status: 400, text: 'The request line has no version (HTTP/0.9).' },
  'version-invalid': { status: 400, text: 'The version is not HTTP/ and two digits.' },
  'version-unsupported': { status: 505, text: 'The version is not HTTP/1.' },
  'status-line-invalid': { status: 400, text: 'The status line is not version, space, three digits, space, reason.' },
  'empty-line-before-message': { status: 400, text: 'Empty lines stand before the message.' },
  'too-many-empty-lines': { status: 400, text: 'Too many empty lines stand before the message.' },
  // Field lines: RFC 9112 §2.2, §5; RFC 9110 §5.5.
  'bare-cr': { status: 400, text: 'A carriage return stands without its line feed.' },
  'bare-lf': { status: 400, text: 'A line ends in a line feed without a carriage return.' },
  'obs-fold': { status: 400, text: 'A field value is folded over several lines.' },
  'space-before-colon': { status: 400, text: 'White space stands between a field name and its colon.' },
  'field-name-invalid': { status: 400, text: 'A field name is empty or not a token.' },
  'field-without-colon': { status: 400, text: 'A field line has no colon.' },
  'control-in-value': { status: 400, text: 'A field value or a reason has a control byte.' },
  'head-too-large': { status: 431, text: 'The head is too large.' },
  'too-many-fields': { status: 431, text: 'The message has too many field lines.' },
  // Host, Expect: RFC 9112 §3.2, RFC 9110 §10.1.1.
  'host-missing': { status: 400, text: 'An HTTP/1.1 request has no Host.' },
  'host-repeated': { status: 400, text: 'A request has more than one Host.' },
  'host-invalid': { status: 400, text: 'The Host is not a host with an optional port.' },
  'expectation-unknown': { status: 417, text: 'The Expect field asks for something other than 100-continue.' },
  // Framing: RFC 9112 §6.
  'length-invalid': { status: 400, text: 'The Content-Length is not a plain decimal number, or is too large.' },
  'length-repeated': { status: 400, text: 'The Content-Length is said more than once, always the same.' },
  'lengths-differ': { status: 400, text: 'The Content-Length is said more than once, with different values.' },
  'length-with-transfer-encoding': { status: 400, text: 'Both Content-Length and Transfer-Encoding are there.' },
  'transfer-encoding-invalid': { status: 400, text: 'The Transfer-Encoding is not a plain list of transfer codings.' },
  'transfer-encoding-not-chunked': { status: 400, text: 'The last transfer coding is not chunked.' },
  'transfer-encoding-chunked-twice': { status: 400, text: 'The transfer coding chunked is applied more than once.' },
  'transfer-encoding-unknown': { status: 501, text: 'A transfer coding other than chunked is applied.' },
  'transfer-encoding-in-http-1-0': { status: 400, text: 'An HTTP/1.0 message has a Transfer-Encoding.' },
  'framing-without-body': { status: 400, text: 'A message that has no body (CONNECT, 1xx, 204) says how its body is framed.' },
  // Chunks: RFC 9112 §7.1.
  'chunk-size-invalid': { status: 400, text: 'A chunk size is not hexadecimal digits.' },
  'chunk-size-too-large': { status: 400, text: 'A chunk size has too many digits.' },
  'chunk-extension-invalid': { status: 400, text: 'A chunk extension is not name, or name = value.' },
  'chunk-extensions-too-large': { status: 400, text: 'The chunk extensions of a message are too large.' },
  'chunk-unterminated': { status: 400, text: 'The data of a chunk are not followed by an empty line.' },
  'trailers-too-large': { status: 431, text: 'The trailer section is too large.' },
  // The stream around messages.
  'cut-short': { status: 400, text: 'The stream ended within a message.' },
  'bytes-after-close': { status: 400, text: 'Bytes follow the message that said it was the last one.' },
  'gap-in-message': { status: 400, text: 'Bytes are missing where the framing of a message was to be read.' },
} as const satisfies Record<string, ProblemKind>;

/** Stable name of a problem. */
export type ProblemCode = keyof typeof problemKinds;

/** One problem at one place of the stream. */
export interface MessageProblem {
  readonly code: ProblemCode;
  /** The status that a server answers (before it closes), or 502 where the message is a response. */
  readonly status: number;
  /** One sentence for a person; holds no bytes of the peer's. */
  readonly text: string;
  /** Bytes of the stream (gaps counted) before the offending byte, as exactly as is known. */
  readonly offset: number;
}
