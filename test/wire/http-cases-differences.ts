/**
 * Where we read a case of another parser's tests differently from what that parser expects, case by case, and why. The test
 * fails on a difference that is not here, and on an entry that is no difference any more.
 */

export const reasons = {
  'bare-lf': 'RFC 9112 §2.2 lets a recipient take a bare LF as a line end; strict does not, because others do not.',
  'target-form': 'RFC 9112 §3.2 has four forms of target; this is none of them, or not one for this method.',
  fragment: 'RFC 9112 §3.2 has no fragment in a target; servers differ in where one ends, so strict refuses it.',
  'other-protocol': 'Neither ICE nor RTSP is HTTP/1.',
  'http-0.9': 'A request without version is HTTP/0.9, which strict does not speak.',
  'empty-line-before-response':
    'RFC 9112 §2.2 lets servers pass over empty lines, not clients: bytes between responses poison a connection.',
  'chunked-not-last': 'RFC 9112 §6.3 has the client read to the close; nothing that we read would be content, so strict refuses.',
  'after-upgrade':
    'Whether the upgrade happens is the server’s to decide, by pausing behind this request; the parser cannot know.',
  'upgrade-body': 'The body of a request with Upgrade is still HTTP (RFC 9110 §7.8); llhttp hands it over with what follows.',
  'head-not-ended': 'Framing is judged when the head is whole; llhttp judges each digit of a length.',
  'told-to-skip': 'The test tells llhttp to skip the body; our reader cannot be told to.',
  'connect-with-length': 'A CONNECT that says it has a body is refused: servers disagree on what follows it.',
  'bare-cr': 'A bare CR is not a line end, not even in observing: no current server takes it as one.',
  'observing-bare-lf': 'Observing reads bare LF as most servers do; llhttp’s relaxed mode is about other bytes.',
  'length-beats-unknown-coding': 'Observing: an unknown coding that is no framing leaves Content-Length to frame the request.',
  'chunked-anyway': 'Observing: a request with chunked among its codings can only end by it, so it is read as chunked.',
} as const;

export type Reason = keyof typeof reasons;

/** Id of the case → what we make of it (the verdict, with the problem where it is refused or noted first) and why. */
export const differences: Readonly<Record<string, readonly [ours: string, reason: Reason]>> = {
  'llhttp: Parsing multiple tokens > Multiple tokens with folding and LWS': ['error version-invalid', 'after-upgrade'],
  'llhttp: Parsing multiple tokens > Multiple tokens with folding, LWS, and CRLF': ['partial obs-fold', 'after-upgrade'],
  'llhttp: Parsing multiple tokens > Invalid whitespace token with `Connection` header field (lenient)': [
    'partial space-before-colon',
    'upgrade-body',
  ],
  'llhttp: `upgrade` > Emitting part of body and pausing': ['partial', 'upgrade-body'],
  'llhttp: `upgrade` > Upgrade POST request': ['error version-invalid', 'after-upgrade'],
  'llhttp: Error on `Content-Length` overflow': ['partial', 'head-not-ended'],
  'llhttp: Invalid whitespace token with `Content-Length` header field (lenient)': ['partial space-before-colon', 'upgrade-body'],
  'llhttp: Content-Length reset when no body is received': ['complete', 'told-to-skip'],
  'llhttp: Missing CRLF-CRLF before body (lenient)': ['partial', 'bare-cr'],
  'llhttp: LF in header value should be rejected even with relaxed flag': ['complete bare-lf', 'observing-bare-lf'],
  'llhttp: CONNECT with body': ['error framing-without-body', 'connect-with-length'],
  'llhttp: M-SEARCH request': ['error target-invalid', 'target-form'],
  'llhttp: SOURCE request with ICE': ['error version-invalid', 'other-protocol'],
  'llhttp: ANNOUNCE request with RTSP': ['error version-invalid', 'other-protocol'],
  'llhttp: PRI request HTTP2': ['error target-invalid', 'target-form'],
  'llhttp: No HTTP version': ['error version-missing', 'http-0.9'],
  'llhttp: POST with `Transfer-Encoding` and `Content-Length` (lenient)': ['partial host-missing', 'length-beats-unknown-coding'],
  'llhttp: POST with `chunked` before other transfer-coding (lenient)': ['complete host-missing', 'chunked-anyway'],
  'llhttp: POST with `chunked` and duplicate transfer-encoding (lenient)': ['complete host-missing', 'chunked-anyway'],
  'llhttp: POST with `chunked` as last transfer-encoding (multiple headers)': ['error target-invalid', 'fragment'],
  'llhttp: Should parse multiple events': ['error empty-line-before-message', 'empty-line-before-response'],
  'llhttp: ICE response': ['error not-http', 'other-protocol'],
  'llhttp: Response starting with CRLF': ['error empty-line-before-message', 'empty-line-before-response'],
  'llhttp: `chunked` before other transfer-encoding': ['error transfer-encoding-not-chunked', 'chunked-not-last'],
  'llhttp: multiple transfer-encoding where chunked is not the last one': [
    'error transfer-encoding-not-chunked',
    'chunked-not-last',
  ],
  'httparse: test_request_newlines': ['error bare-lf', 'bare-lf'],
  'httparse: test_request_empty_lines_prefix_lf_only': ['error bare-lf', 'bare-lf'],
  'httparse: test_response_newlines': ['error bare-lf', 'bare-lf'],
  'httparse: test_response_no_cr': ['error bare-lf', 'bare-lf'],
  'httparse: urltest_056': ['error target-invalid', 'target-form'],
  'httparse: urltest_057': ['error target-invalid', 'target-form'],
  'httparse: urltest_058': ['error target-invalid', 'target-form'],
  'httparse: urltest_059': ['error target-invalid', 'target-form'],
  'httparse: urltest_060': ['error target-invalid', 'target-form'],
  'httparse: urltest_129': ['error target-invalid', 'target-form'],
  'httparse: urltest_130': ['error target-invalid', 'target-form'],
  'httparse: urltest_131': ['error target-invalid', 'target-form'],
  'httparse: urltest_132': ['error target-invalid', 'target-form'],
  'httparse: urltest_133': ['error target-invalid', 'target-form'],
  'httparse: urltest_169': ['error target-invalid', 'target-form'],
  'httparse: urltest_176': ['error target-invalid', 'target-form'],
  'httparse: urltest_177': ['error target-invalid', 'target-form'],
  'httparse: urltest_231': ['error target-invalid', 'target-form'],
  'httparse: urltest_232': ['error target-invalid', 'target-form'],
  'httparse: urltest_245': ['error target-invalid', 'target-form'],
  'httparse: urltest_248': ['error target-invalid', 'target-form'],
};

/**
 * Mutations of Transfer-Encoding that are exactly right by RFC 9112 §5.1 and §7 (names and codings ignore case, SP and HT may
 * stand around a value), and so are read as chunked.
 */
export const exactlyRight = /^transfer-encoding:[ \t]*chunked[ \t]*$/i;

/** Mutations that leave a good field that is not Transfer-Encoding, to everyone who takes a line for a line: no framing. */
export const otherFields: readonly string[] = [
  'te_default: xprespace-09',
  'te_default: xprespace-20',
  'te_default: xprespace-a0',
  'te_default: xprespace-ff',
  'te_exhaustive: contentEnc',
];
