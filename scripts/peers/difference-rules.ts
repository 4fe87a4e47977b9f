/**
 * Why servers differ: each rule explains one kind of difference with one place of the RFCs, or one known habit of another server, and only where the
 * bytes show the cause. A difference that no rule explains is a find.
 *
 * A refusal of ours is never dangerous: nothing behind it is read. It must be deliberate all the same, so each code that is stricter than one of
 * the others has a rule, with what the bytes must show for it.
 */

import type { Difference } from './difference.js';
import type { PeerName } from './start.js';

export interface DifferenceRule {
  readonly id: string;
  readonly why: string;
  readonly kind: Difference['kind'];
  /** The peers that have this habit; all when not said. */
  readonly peers?: readonly PeerName[];
  /** Our codes, for `we-refuse`. */
  readonly codes?: readonly string[];
  /** What we, and what they, must have made of it. */
  readonly ours?: string;
  readonly theirs?: string;
  /** What the bytes must show. */
  readonly evidence: RegExp;
}

/** A Connection field that says close, and is no list of tokens. */
const closeInNoList = /connection:(?=[^\r\n]*close)[^\r\n]*(?:[^\w ,\t\r\n-]|\w[ \t]+\w)/i;
/** A Connection field that is no list of tokens. */
const noList = /connection:[^\r\n]*(?:[^\w ,\t\r\n-]|\w[ \t]+\w)/i;
/** An option that close begins with. */
const closePrefix = /connection:[^\r\n]*(?<![\w-])c(?:l(?:os?)?)?(?![\w-])/i;
/** An option of HTTP/1.0 that keep-alive begins with. */
const keepAlivePrefix = /HTTP\/1\.0[\s\S]*connection:[^\r\n]*(?<![\w-])k(?:e(?:ep?(?:-(?:a(?:l(?:iv?)?)?)?)?)?)?(?![\w-])/i;
const bothLengths = /content-length[\s\S]*transfer-encoding|transfer-encoding[\s\S]*content-length/i;

/** Ours refuses. */
const refusals: readonly [id: string, why: string, codes: readonly string[], evidence: RegExp][] = [
  [
    'method',
    'RFC 9110 §9.1: a method that is not registered is answered 501, one that is not allowed 405; others leave both to the application.',
    ['method-unknown', 'method-not-allowed', 'method-too-long', 'method-invalid'],
    /./,
  ],
  [
    'body-limit',
    'RFC 9110 §15.5.14: a length beyond the limit is refused before the body comes; others wait for it.',
    ['request-body-too-large'],
    /content-length:[ \t]*\d{8}/i,
  ],
  [
    'both-lengths',
    'RFC 9112 §6.1: a request with Content-Length and Transfer-Encoding may be refused as a smuggling attempt.',
    ['length-with-transfer-encoding'],
    bothLengths,
  ],
  [
    'bare-lf',
    'RFC 9112 §2.2: a bare LF may be taken as a line end; that others do not is what smugglers live on.',
    ['bare-lf'],
    /\n/,
  ],
  ['bare-cr', 'RFC 9112 §2.2: a bare CR is invalid or a space; never a line end.', ['bare-cr'], /\r(?:[^\n]|$)/],
  ['fold', 'RFC 9112 §5.2: a folded line is refused, or replaced by spaces.', ['obs-fold'], /\n[ \t]/],
  [
    'name',
    'RFC 9112 §5, §5.1: a field line is a token, a colon at once, and a value.',
    ['field-without-colon', 'field-name-invalid', 'space-before-colon'],
    /\n/,
  ],
  [
    'control',
    'RFC 9110 §5.5: control bytes in a value are refused or replaced.',
    ['control-in-value'],
    /[^\t\r\n\x20-\x7e\x80-\xff]/,
  ],
  ['target', 'RFC 9112 §3.2: four forms of target, in visible US-ASCII, without fragment.', ['target-invalid'], /[^\r\n ]+ /],
  [
    'request-line',
    'RFC 9112 §3: one space on each side of the target; nothing behind the version.',
    ['request-line-invalid'],
    / |\r\n/,
  ],
  [
    'version',
    'RFC 9112 §2.3: HTTP, in capitals, one digit, a point, one digit; and 505 for a major version that is not 1.',
    ['version-missing', 'version-invalid', 'version-unsupported'],
    /./,
  ],
  ['not-http', 'Bytes that begin no request line are refused.', ['not-http'], /./],
  [
    'old-chunked',
    'RFC 9112 §6.1: Transfer-Encoding in HTTP/1.0 is faulty framing.',
    ['transfer-encoding-in-http-1-0'],
    /HTTP\/1\.0/,
  ],
  [
    'coding',
    'RFC 9112 §6.1, §7: only chunked, once, last; another coding is 501.',
    [
      'transfer-encoding-unknown',
      'transfer-encoding-invalid',
      'transfer-encoding-not-chunked',
      'transfer-encoding-chunked-twice',
    ],
    /transfer-encoding/i,
  ],
  [
    'length',
    'RFC 9110 §8.6: Content-Length is one number in digits.',
    ['length-invalid', 'lengths-differ', 'length-repeated'],
    /content-length/i,
  ],
  [
    'host',
    'RFC 9112 §3.2: exactly one valid Host in HTTP/1.1.',
    ['host-invalid', 'host-repeated', 'host-missing'],
    /host|HTTP\/1\./i,
  ],
  ['expectation', 'RFC 9110 §10.1.1: an expectation that is not known is 417.', ['expectation-unknown'], /expect/i],
  [
    'chunk',
    'RFC 9112 §7.1: chunk-size in at most 14 digits, extensions as in the grammar, CRLF behind data.',
    ['chunk-size-invalid', 'chunk-size-too-large', 'chunk-extension-invalid', 'chunk-unterminated'],
    /chunked/i,
  ],
  [
    'tunnel',
    'CONNECT with a body, and bodies where there are none: servers disagree on what follows.',
    ['framing-without-body'],
    /CONNECT/,
  ],
  [
    'empty-lines',
    'RFC 9112 §2.2: at least one empty line is passed over, and not for ever.',
    ['too-many-empty-lines'],
    /(?:\r\n){8}/,
  ],
];

export const differenceRules: readonly DifferenceRule[] = [
  {
    id: 'head-refused',
    why: 'A refusal of ours to HEAD has no body, so it does not say here which rule it is; its code is in the log.',
    kind: 'we-refuse',
    codes: [''],
    evidence: /HEAD /,
  },
  ...refusals.map(([id, why, codes, evidence]): DifferenceRule => ({ id, why, kind: 'we-refuse', codes, evidence })),

  {
    id: 'node-drops-answers',
    why: 'node:http destroys the connection at a bad request, and the answers to the good ones before it are lost.',
    kind: 'answers-lost',
    peers: ['node:http'],
    evidence: /\r\n\r\n/,
  },
  {
    id: 'node-trailer-length',
    why: 'node:http refuses Content-Length among the trailers; RFC 9110 §6.5.1 has it ignored.',
    kind: 'other-refuses',
    peers: ['node:http'],
    evidence: /\r\n0[^\r\n]*\r\nContent-Length/i,
  },
  {
    id: 'node-version',
    why: 'node:http knows HTTP/1.0 and HTTP/1.1 only; RFC 9110 §2.5: a higher minor version is treated as the highest known.',
    kind: 'other-refuses',
    peers: ['node:http', 'Go'],
    evidence: /HTTP\/1\.[2-9]/,
  },
  {
    id: 'go-empty-line',
    why: 'Go refuses an empty line before a request line; RFC 9112 §2.2: it should be ignored.',
    kind: 'other-refuses',
    peers: ['Go'],
    evidence: /(?:^|\r\n\r\n|[\s\S])\r\n/,
  },
  {
    id: 'nginx-tab',
    why: 'nginx takes no tab before a value; RFC 9110 §5.6.3: optional white space is spaces and tabs.',
    kind: 'other-refuses',
    peers: ['nginx'],
    evidence: /:[ ]*\t|\t[ ]*\r\n/,
  },
  {
    id: 'empty-host',
    why: 'An empty Host is valid (RFC 9112 §3.2: an authority that is empty or undefined); these refuse it.',
    kind: 'other-refuses',
    peers: ['node:http', 'Go', 'nginx', 'Apache'],
    evidence: /host:[ \t]*:?[ \t]*\r\n/i,
  },
  {
    id: 'apache-continue',
    why: 'Apache closes after a request that expected 100-continue and had no body.',
    kind: 'other-place',
    peers: ['Apache'],
    evidence: /expect:[ \t]*100-continue/i,
  },
  {
    id: 'apache-continue-behind',
    why: 'And it answers nothing behind that request.',
    kind: 'other-request',
    peers: ['Apache'],
    theirs: 'closed',
    evidence: /expect:[ \t]*100-continue/i,
  },
  {
    id: 'early-answer',
    why: 'nginx answers here without waiting for the body, which our handler reads first; both stand within it.',
    kind: 'other-request',
    peers: ['nginx'],
    ours: 'within',
    evidence: /content-length|transfer-encoding/i,
  },
  {
    id: 'nginx-last-connection',
    why: 'nginx goes by the last of several Connection fields; RFC 9110 §7.6.1: close in any of them closes.',
    kind: 'other-place',
    peers: ['nginx'],
    theirs: 'between',
    evidence: /connection: *close[\s\S]*connection:/i,
  },
  {
    id: 'nginx-last-connection-behind',
    why: 'And it reads on behind such a request.',
    kind: 'other-refuses',
    peers: ['nginx'],
    evidence: /connection: *close[\s\S]*connection:/i,
  },
  {
    id: 'nginx-last-connection-persists',
    why: 'And it answers what comes behind it.',
    kind: 'other-request',
    peers: ['nginx'],
    ours: 'closed',
    evidence: /connection: *close[\s\S]*connection:/i,
  },
  {
    id: 'nginx-expect-twice',
    why: 'nginx refuses Expect said twice; RFC 9110 §10.1.1 makes it a list.',
    kind: 'other-refuses',
    peers: ['nginx'],
    evidence: /expect:[\s\S]*expect:/i,
  },
  {
    id: 'close-in-no-list',
    why: 'These look for close anywhere in Connection; a value that is no list of tokens says nothing (RFC 9110 §7.6.1).',
    kind: 'other-place',
    theirs: 'closed',
    evidence: closeInNoList,
  },
  {
    id: 'close-in-no-list-behind',
    why: 'And they answer nothing behind that request.',
    kind: 'other-request',
    theirs: 'closed',
    evidence: closeInNoList,
  },
  {
    id: 'apache-close-prefix',
    why: 'Apache takes any beginning of the word close for close.',
    kind: 'other-place',
    peers: ['Apache'],
    theirs: 'closed',
    evidence: closePrefix,
  },
  {
    id: 'apache-close-prefix-behind',
    why: 'And it answers nothing behind that request.',
    kind: 'other-request',
    peers: ['Apache'],
    theirs: 'closed',
    evidence: closePrefix,
  },
  {
    id: 'apache-keep-alive-prefix',
    why: 'And any beginning of keep-alive for keep-alive.',
    kind: 'other-place',
    peers: ['Apache'],
    ours: 'closed',
    evidence: keepAlivePrefix,
  },
  {
    id: 'apache-keep-alive-prefix-behind',
    why: 'And it answers what comes behind such a request.',
    kind: 'other-request',
    peers: ['Apache'],
    ours: 'closed',
    evidence: keepAlivePrefix,
  },
  {
    id: 'go-first-connection',
    why: 'In HTTP/1.0 Go goes by keep-alive, also beside close; RFC 9112 §9.3: close decides.',
    kind: 'other-place',
    peers: ['Go'],
    theirs: 'between',
    evidence: /HTTP\/1\.0\r\n(?=[\s\S]*connection:[^\r\n]*keep-alive)[\s\S]*connection:[^\r\n]*close/i,
  },
  {
    id: 'nginx-close-within',
    why: 'nginx takes any option that contains close for close.',
    kind: 'other-place',
    peers: ['nginx'],
    theirs: 'closed',
    evidence: /connection:[^\r\n]*(?:[\w-]close|close[\w-])/i,
  },
  {
    id: 'nginx-close-within-behind',
    why: 'And it answers nothing behind that request.',
    kind: 'other-request',
    peers: ['nginx'],
    theirs: 'closed',
    evidence: /connection:[^\r\n]*(?:[\w-]close|close[\w-])/i,
  },
  {
    id: 'apache-connection',
    why: 'Apache closes when Connection is no list of tokens.',
    kind: 'other-place',
    peers: ['Apache'],
    theirs: 'closed',
    evidence: noList,
  },
  {
    id: 'apache-connection-behind',
    why: 'And it answers nothing behind that request.',
    kind: 'other-request',
    peers: ['Apache'],
    theirs: 'closed',
    evidence: noList,
  },
  {
    id: 'nginx-percent',
    why: 'nginx refuses a target with a percent sign that begins no pair of digits; it needs to decode it, we do not.',
    kind: 'other-refuses',
    peers: ['nginx'],
    evidence: /%(?![0-9a-f]{2})/i,
  },
  {
    id: 'nginx-authority',
    why: 'nginx takes fewer characters in the authority of an absolute target than RFC 3986 §3.2.2.',
    kind: 'other-refuses',
    peers: ['nginx'],
    evidence: /[a-z]+:\/\/[^/\s]*[^\w.:/\s-]/i,
  },
  {
    id: 'no-authority',
    why: 'An absolute URI without an authority is a valid target (RFC 9112 §3.2.2, RFC 3986 §3); these refuse it.',
    kind: 'other-refuses',
    evidence: /[A-Z]+ [a-z][\w+.-]*:(?!\/\/)/i,
  },
  {
    id: 'node-tab-after-close',
    why: 'node:http does not know close when a tab follows it.',
    kind: 'other-place',
    peers: ['node:http'],
    theirs: 'between',
    evidence: /connection:[^\r\n]*\t *\r/i,
  },
  {
    id: 'node-tab',
    why: 'node:http takes no tab behind the value of a framing field; RFC 9110 §5.6.3: optional white space is spaces and tabs.',
    kind: 'other-refuses',
    peers: ['node:http'],
    evidence: /(?:content-length|transfer-encoding):[^\r\n]*\t *\r/i,
  },
  {
    id: 'node-old-keep-alive',
    why: 'node:http closes after most HTTP/1.0 requests even when they ask to persist.',
    kind: 'other-place',
    peers: ['node:http'],
    theirs: 'closed',
    evidence: /HTTP\/1\.0/,
  },
  {
    id: 'node-old-keep-alive-behind',
    why: 'And it answers nothing behind them.',
    kind: 'other-request',
    peers: ['node:http'],
    theirs: 'closed',
    evidence: /HTTP\/1\.0/,
  },
  {
    id: 'same-length-twice',
    why: 'RFC 9112 §6.3: a length said twice, always the same, may be taken as one; these refuse it.',
    kind: 'other-refuses',
    peers: ['node:http', 'nginx', 'Apache'],
    evidence: /content-length:[ \t]*0*(\d+)[ \t]*(?:,[ \t]*0*\1|\r\ncontent-length:[ \t]*0*\1[ \t]*\r)/i,
  },
  {
    id: 'node-after-close',
    why: 'node:http refuses bytes behind the last message, and the answer to that message is lost; RFC 9112 §9.6 has them ignored.',
    kind: 'other-refuses',
    peers: ['node:http'],
    evidence: /connection:[ \t]*close|HTTP\/1\.0/i,
  },
  {
    id: 'apache-empty-port',
    why: 'Apache refuses a Host with a colon and no port; RFC 3986 §3.2.3: a port may be empty.',
    kind: 'other-refuses',
    peers: ['Apache'],
    evidence: /host:[^\r\n]*:[ \t]*\r/i,
  },
  {
    id: 'apache-host',
    why: 'Apache takes names and addresses only as Host, not every reg-name of RFC 3986 §3.2.2.',
    kind: 'other-refuses',
    peers: ['Apache'],
    evidence: /host:[ \t]*(?:[^\r\n]*[^\w.:\-[\]\r\n][^\r\n]*|[\d.]+)\r/i,
  },
  {
    id: 'nginx-host',
    why: 'nginx refuses a Host of points only, which RFC 3986 §3.2.2 has as a reg-name.',
    kind: 'other-refuses',
    peers: ['nginx'],
    evidence: /host:[ \t]*\.+[ \t]*\r/i,
  },
  {
    id: 'node-scheme',
    why: 'node:http knows schemes of letters only; RFC 3986 §3.1 has digits, plus, minus and point.',
    kind: 'other-refuses',
    peers: ['node:http'],
    evidence: /[A-Z]+ [a-z]+[\d+.-][\w+.-]*:/i,
  },
  {
    id: 'node-chunk-space',
    why: 'node:http takes no white space before a chunk extension; RFC 9112 §7.1.1 has a recipient remove it.',
    kind: 'other-refuses',
    peers: ['node:http'],
    evidence: /\n[0-9a-f]+[ \t]+;/i,
  },
  {
    id: 'nginx-asterisk',
    why: 'nginx has no resource for OPTIONS * (RFC 9110 §9.3.7).',
    kind: 'other-refuses',
    peers: ['nginx'],
    evidence: /OPTIONS \* /,
  },
];

/** A peer's refusal explains as well why answers before it are lost, where ours comes later. */
const matches = (rule: DifferenceRule, difference: Difference): boolean =>
  rule.kind === difference.kind || (rule.kind === 'other-refuses' && difference.kind === 'answers-lost');

export function explain(difference: Difference, peer: PeerName, stream: string): DifferenceRule | null {
  return (
    differenceRules.find(
      (rule) =>
        matches(rule, difference) &&
        (rule.peers === undefined || rule.peers.includes(peer)) &&
        (rule.ours === undefined || ('ours' in difference && difference.ours === rule.ours)) &&
        (rule.theirs === undefined || ('theirs' in difference && difference.theirs === rule.theirs)) &&
        (rule.codes === undefined || (difference.kind === 'we-refuse' && rule.codes.includes(difference.code))) &&
        rule.evidence.test(stream),
    ) ?? null
  );
}
