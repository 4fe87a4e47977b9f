import { check } from './check.js';

const strict = { kind: 'request', manner: 'strict' } as const;
const observing = { kind: 'request', manner: 'observing' } as const;
const plain = '  none, persists (http-1.1-default)';

check('a request', {
  ...strict,
  input: 'GET /a?b HTTP/1.1\r\nHost: h:80\r\nX-Empty:\r\nX: \t a  b\t \r\n\r\n',
  gives: ['start 0', 'GET /a?b 1.1', '  Host: h:80', '  X-Empty: ', '  X: a  b', plain, 'complete 0'],
});
check('an HTTP/1.0 request is the last one', {
  ...strict,
  input: 'GET / HTTP/1.0\r\n\r\n',
  gives: ['start 0', 'GET / 1.0', '  none, ends (http-1.0-default)', 'complete 0'],
});
check('an HTTP/1.0 request with keep-alive is not', {
  ...strict,
  input: 'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n',
  gives: ['start 0', 'GET / 1.0', '  Connection: Keep-Alive', '  none, persists (http-1.0-keep-alive-said)', 'complete 0'],
});
check('close among other options, in any case', {
  ...strict,
  input: 'GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive , x,CLOSE\r\n\r\n',
  gives: ['start 0', 'GET / 1.1', '  Host: h', '  Connection: keep-alive , x,CLOSE', '  none, ends (close-said)', 'complete 0'],
});
check('observing, bytes after close are read and noted', {
  ...observing,
  input: 'GET / HTTP/1.0\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n',
  gives: [
    'start 0',
    'GET / 1.0',
    '  none, ends (http-1.0-default)',
    'complete 0',
    'start 18',
    'problem bytes-after-close 400 @18',
    'GET /2 1.1',
    '  Host: h',
    plain,
    'complete 0',
  ],
});
check('a minor version above 1 counts as 1.1', {
  ...strict,
  input: 'GET / HTTP/1.7\r\nHost: h\r\n\r\n',
  gives: ['start 0', 'GET / 1.7', '  Host: h', plain, 'complete 0'],
});
check('an unusual method', {
  ...strict,
  input: 'M-SEARCH /x HTTP/1.1\r\nHost: h\r\n\r\n',
  gives: ['start 0', 'M-SEARCH /x 1.1', '  Host: h', plain, 'complete 0'],
});
check('empty lines before a request are not part of it', {
  ...strict,
  input: '\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n',
  gives: ['start 4', 'GET / 1.1', '  Host: h', plain, 'complete 0'],
});
check('too many empty lines', { ...strict, input: '\r\n'.repeat(9), gives: ['problem too-many-empty-lines 400 @17'] });
check('a counted body', {
  ...strict,
  input: 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello',
  gives: [
    'start 0',
    'POST / 1.1',
    '  Host: h',
    '  Content-Length: 5',
    '  length 5, persists (http-1.1-default)',
    'body hello',
    'complete 5',
  ],
});
check('the same Content-Length twice', {
  ...strict,
  input: 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2, 2\r\nContent-Length: 02\r\n\r\nhi',
  gives: [
    'start 0',
    'POST / 1.1',
    '  Host: h',
    '  Content-Length: 2, 2',
    '  Content-Length: 02',
    '  length 2, persists (http-1.1-default)',
    'body hi',
    'complete 2',
  ],
});
const chunked = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunkedHead = [
  'start 0',
  'POST / 1.1',
  '  Host: h',
  '  Transfer-Encoding: chunked',
  '  chunked, persists (http-1.1-default)',
];
check('chunks, extensions and trailers', {
  ...strict,
  input: `${chunked}5;a;b=c ; d = "e\\"\tf" \t;g\r\nhello\r\n00A\r\n0123456789\r\n0;z\r\nT: 1\r\nU: 2 \r\n\r\n`,
  gives: [...chunkedHead, 'body hello0123456789', 'trailer T: 1', 'trailer U: 2', 'complete 15'],
});
check('framing fields in a trailer section change nothing', {
  ...strict,
  input: `${chunked}0\r\nContent-Length: 50\r\nTransfer-Encoding: x\r\nConnection: close\r\n\r\n`,
  gives: [
    ...chunkedHead,
    'trailer Content-Length: 50',
    'trailer Transfer-Encoding: x',
    'trailer Connection: close',
    'complete 0',
  ],
});

// What strict refuses: [name, bytes, code, status, offset].
const refusals: [name: string, input: string, code: string, status: number, offset: number][] = [
  ['TLS', '\x16\x03\x01\x02\x00', 'not-http', 400, 0],
  ['a method that is no token', 'GE(T / HTTP/1.1\r\n', 'method-invalid', 400, 2],
  ['a method without end', `${'A'.repeat(33)} `, 'method-too-long', 501, 32],
  ['no target', 'GET\r\n', 'request-line-invalid', 400, 3],
  ['two spaces', 'GET  / HTTP/1.1\r\n', 'request-line-invalid', 400, 4],
  ['a byte above 0x7e in the target', 'GET /\xe9 HTTP/1.1\r\n', 'target-invalid', 400, 5],
  ['a target of no form', 'GET x HTTP/1.1\r\n', 'target-invalid', 400, 4],
  ['an http target without a host', 'GET http://:80/ HTTP/1.1\r\n', 'target-invalid', 400, 4],
  ['an http target with a name but no host', 'GET http://a@/ HTTP/1.1\r\n', 'target-invalid', 400, 4],
  ['an asterisk for GET', 'GET * HTTP/1.1\r\n', 'target-invalid', 400, 4],
  ['CONNECT to a path', 'CONNECT /x HTTP/1.1\r\n', 'target-invalid', 400, 8],
  ['HTTP/0.9', 'GET /\r\n', 'version-missing', 400, 5],
  ['another protocol', 'GET / HTTQ/1.1\r\n', 'version-invalid', 400, 9],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n', 'version-unsupported', 505, 6],
  ['a space behind the version', 'GET / HTTP/1.1 \r\n', 'request-line-invalid', 400, 14],
  ['bare LF behind the request line', 'GET / HTTP/1.1\n', 'bare-lf', 400, 14],
  ['bare CR behind the request line', 'GET / HTTP/1.1\rX', 'bare-cr', 400, 14],
  ['bare LF in the fields', 'GET / HTTP/1.1\r\nHost: h\n', 'bare-lf', 400, 23],
  ['bare CR in a value', 'GET / HTTP/1.1\r\nHost: h\r:', 'bare-cr', 400, 23],
  ['bare CR for the empty line', 'GET / HTTP/1.1\r\n\rX', 'bare-cr', 400, 16],
  ['bare LF before the request', '\nGET', 'bare-lf', 400, 0],
  ['a folded value', 'GET / HTTP/1.1\r\nHost: h\r\n x', 'obs-fold', 400, 25],
  ['space before the colon', 'GET / HTTP/1.1\r\nHost : h\r\n', 'space-before-colon', 400, 20],
  ['a name that is no token', 'GET / HTTP/1.1\r\nH[]: h\r\n', 'field-name-invalid', 400, 17],
  ['no name', 'GET / HTTP/1.1\r\n: h\r\n', 'field-name-invalid', 400, 16],
  ['no colon', 'GET / HTTP/1.1\r\nHost\r\n', 'field-without-colon', 400, 20],
  ['NUL in a value', 'GET / HTTP/1.1\r\nHost: \0\r\n', 'control-in-value', 400, 22],
  ['DEL in a value', 'GET / HTTP/1.1\r\nX: a\x7f\r\n', 'control-in-value', 400, 20],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 'host-missing', 400, 18],
  ['two Hosts', 'GET / HTTP/1.0\r\nHost: h\r\nhost: h\r\n\r\n', 'host-repeated', 400, 36],
  ['a Host with a port that is none', 'GET / HTTP/1.1\r\nHost: h:x\r\n\r\n', 'host-invalid', 400, 29],
  ['a Host with two ports', 'GET / HTTP/1.1\r\nHost: h:1:2\r\n\r\n', 'host-invalid', 400, 31],
  ['a Host with an open bracket', 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n', 'host-invalid', 400, 30],
  ['a Host with a path', 'GET / HTTP/1.1\r\nHost: h/x\r\n\r\n', 'host-invalid', 400, 29],
  ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n', 'expectation-unknown', 417, 38],
];
for (const [name, input, code, status, offset] of refusals) {
  const started = /^[\r\n]/.test(input) ? [] : ['start 0'];
  check(`refused: ${name}`, { ...strict, input, gives: [...started, `problem ${code} ${status} @${offset}`] });
}
const framingRefusals: [fields: string, code: string, status: number][] = [
  ['Content-Length: 5\r\nContent-Length: 6', 'lengths-differ', 400],
  ['Content-Length: 5, 6', 'lengths-differ', 400],
  ['Content-Length:', 'length-invalid', 400],
  ['Content-Length: +5', 'length-invalid', 400],
  ['Content-Length: -5', 'length-invalid', 400],
  ['Content-Length: 0x5', 'length-invalid', 400],
  ['Content-Length: 5 5', 'length-invalid', 400],
  ['Content-Length: 5,', 'length-invalid', 400],
  ['Content-Length: 9007199254740992', 'length-invalid', 400],
  ['Content-Length: 5\r\nTransfer-Encoding: chunked', 'length-with-transfer-encoding', 400],
  ['Transfer-Encoding: gzip', 'transfer-encoding-not-chunked', 400],
  ['Transfer-Encoding: chunked, gzip', 'transfer-encoding-not-chunked', 400],
  ['Transfer-Encoding: identity', 'transfer-encoding-not-chunked', 400],
  ['Transfer-Encoding: chunked, chunked', 'transfer-encoding-chunked-twice', 400],
  ['Transfer-Encoding: chunked\r\nTransfer-Encoding: Chunked', 'transfer-encoding-chunked-twice', 400],
  ['Transfer-Encoding: gzip, chunked', 'transfer-encoding-unknown', 501],
  ['Transfer-Encoding: cow\r\nTransfer-Encoding: chunked', 'transfer-encoding-unknown', 501],
  ['Transfer-Encoding: chunked,', 'transfer-encoding-invalid', 400],
  ['Transfer-Encoding:', 'transfer-encoding-invalid', 400],
  ['Transfer-Encoding: "chunked"', 'transfer-encoding-invalid', 400],
  ['Transfer-Encoding: chunked;x', 'transfer-encoding-invalid', 400],
];
for (const [fields, code, status] of framingRefusals) {
  const input = `POST / HTTP/1.1\r\nHost: h\r\n${fields}\r\n\r\n`;
  check(`refused: ${fields}`, { ...strict, input, gives: ['start 0', `problem ${code} ${status} @${input.length}`] });
}
check('refused: Transfer-Encoding in HTTP/1.0', {
  ...strict,
  input: 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n',
  gives: ['start 0', 'problem transfer-encoding-in-http-1-0 400 @47'],
});
const chunkRefusals: [input: string, code: string, at: number][] = [
  ['g\r\n', 'chunk-size-invalid', 0],
  ['\r\n', 'chunk-size-invalid', 0],
  ['-1\r\n', 'chunk-size-invalid', 0],
  ['0x1\r\n', 'chunk-size-invalid', 1],
  [' 1\r\n', 'chunk-size-invalid', 0],
  ['1 \r\n', 'chunk-size-invalid', 2],
  ['000000000000001\r\n', 'chunk-size-too-large', 14],
  ['fffffffffffffff\r\n', 'chunk-size-too-large', 13],
  ['1\n', 'bare-lf', 1],
  ['1\rx', 'bare-cr', 2],
  ['1;\r\n', 'chunk-extension-invalid', 2],
  ['1;=b\r\n', 'chunk-extension-invalid', 2],
  ['1;a=\r\n', 'chunk-extension-invalid', 4],
  ['1;a b\r\n', 'chunk-extension-invalid', 4],
  ['1;a="b\r\n', 'chunk-extension-invalid', 6],
  ['1;a="b"c\r\n', 'chunk-extension-invalid', 7],
  ['1;a=b c\r\n', 'chunk-extension-invalid', 6],
  ['1;a\n', 'bare-lf', 3],
];
for (const [input, code, at] of chunkRefusals) {
  const gives = [...chunkedHead, `problem ${code} 400 @${chunked.length + at}`];
  check(`refused: chunk ${JSON.stringify(input)}`, { ...strict, input: chunked + input, gives });
}
check('refused: data beyond their chunk', {
  ...strict,
  input: `${chunked}1\r\nab\r\n`,
  gives: [...chunkedHead, 'body a', `problem chunk-unterminated 400 @${chunked.length + 4}`],
});
check('refused: a bad trailer line', {
  ...strict,
  input: `${chunked}0\r\nA : b\r\n\r\n`,
  gives: [...chunkedHead, `problem space-before-colon 400 @${chunked.length + 4}`],
});

// Limits: one byte or line less than refused is taken.
const head = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const taken = ['start 0', 'GET / 1.1', '  Host: h', plain, 'complete 0'];
check('a head of exactly the limit', {
  ...strict,
  next: false,
  limits: { headByteCount: head.length },
  input: head,
  gives: taken,
});
check('a head beyond the limit', {
  ...strict,
  limits: { headByteCount: head.length - 1 },
  input: head,
  gives: ['start 0', `problem head-too-large 431 @${head.length - 1}`],
});
check('as many fields as the limit', { ...strict, limits: { fieldLineCount: 1 }, input: head, gives: taken });
check('one field too many', {
  ...strict,
  limits: { fieldLineCount: 1 },
  input: 'GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n',
  gives: ['start 0', 'problem too-many-fields 431 @25'],
});
check('a target of exactly the limit', {
  ...strict,
  next: false,
  limits: { targetByteCount: 4 },
  input: 'GET /123 HTTP/1.1\r\nHost: h\r\n\r\n',
  gives: ['start 0', 'GET /123 1.1', '  Host: h', plain, 'complete 0'],
});
check('a target beyond the limit', {
  ...strict,
  limits: { targetByteCount: 4 },
  input: 'GET /1234 HTTP/1.1\r\n',
  gives: ['start 0', 'problem target-too-long 414 @8'],
});
check('chunk extensions beyond the limit', {
  ...strict,
  limits: { chunkExtensionByteCount: 4 },
  input: `${chunked}1;ab\r\nx\r\n1;cd\r\nx\r\n`,
  gives: [...chunkedHead, 'body x', `problem chunk-extensions-too-large 400 @${chunked.length + 12}`],
});
check('trailers beyond the limit', {
  ...strict,
  limits: { trailerByteCount: 8 },
  input: `${chunked}0\r\nA: 1234\r\n\r\n`,
  gives: [...chunkedHead, `problem trailers-too-large 431 @${chunked.length + 11}`],
});

// Ends of the stream.
check('strict, an end between messages is nothing', { ...strict, end: 'orderly', input: head, gives: taken });
check('strict, an end within a message is a problem', {
  ...strict,
  end: 'orderly',
  input: 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel',
  gives: [
    'start 0',
    'POST / 1.1',
    '  Host: h',
    '  Content-Length: 5',
    '  length 5, persists (http-1.1-default)',
    'body hel',
    'problem cut-short 400 @50',
  ],
});
check('observing, a cut head', {
  ...observing,
  end: 'orderly',
  input: 'GET / HT',
  gives: ['start 0', 'problem cut-short 400 @8', 'cut 0'],
});
check('observing, a cut body', {
  ...observing,
  end: 'reset',
  input: `${chunked}5\r\nhe`,
  gives: [...chunkedHead, 'body he', `problem cut-short 400 @${chunked.length + 5}`, 'cut 2'],
});

// What observing takes.
check('observing, bare line feeds', {
  ...observing,
  input: 'GET / HTTP/1.1\nHost: h\nA: b\n\n',
  gives: ['start 0', 'problem bare-lf 400 @14', 'GET / 1.1', '  Host: h', '  A: b', plain, 'complete 0'],
});
check('observing, folded values', {
  ...observing,
  input: 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\nA: b\r\n\tc \r\n \r\n d\r\n\r\n0\r\n\r\n',
  gives: [
    'start 0',
    'problem obs-fold 400 @46',
    'POST / 1.1',
    '  Host: h',
    '  Transfer-Encoding: chunked',
    '  A: b  \tc       d',
    '  chunked, persists (http-1.1-default)',
    'complete 0',
  ],
});
check('observing, odd field lines', {
  ...observing,
  input: 'GET / HTTP/1.1\r\n first: 1\r\nHost : h\r\nno colon\r\nA[]: b\r\n: c\r\nD: e\0f\r\nG: h\ri\r\n\r\n',
  gives: [
    'start 0',
    'problem obs-fold 400 @16',
    'problem space-before-colon 400 @31',
    'problem field-without-colon 400 @37',
    'problem field-name-invalid 400 @47',
    'problem control-in-value 400 @63',
    'problem bare-cr 400 @68',
    'GET / 1.1',
    '  first: 1',
    '  Host: h',
    '  A[]: b',
    '  : c',
    '  D: e\0f',
    '  G: h\ri',
    plain,
    'complete 0',
  ],
});
check('observing, a target with spaces and raw bytes', {
  ...observing,
  input: 'GET  /a b\xe9  HTTP/1.1 \r\nHost: h\r\n\r\n',
  gives: [
    'start 0',
    'problem request-line-invalid 400 @0',
    'problem target-invalid 400 @4',
    'GET /a b\xe9 1.1',
    '  Host: h',
    plain,
    'complete 0',
  ],
});
check('observing, HTTP/0.9', {
  ...observing,
  next: false,
  input: 'GET /x\r\n',
  gives: ['start 0', 'problem version-missing 400 @6', 'GET /x 0.9', '  none, ends (http-0.9)', 'complete 0'],
});
check('observing, no Host and an unknown expectation', {
  ...observing,
  input: 'GET / HTTP/1.1\r\nExpect: x\r\n\r\n',
  gives: [
    'start 0',
    'problem host-missing 400 @29',
    'problem expectation-unknown 417 @29',
    'GET / 1.1',
    '  Expect: x',
    plain,
    'complete 0',
  ],
});
check('observing, Transfer-Encoding beats Content-Length', {
  ...observing,
  input: 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
  gives: [
    'start 0',
    'problem length-with-transfer-encoding 400 @75',
    'POST / 1.1',
    '  Host: h',
    '  Content-Length: 3',
    '  Transfer-Encoding: chunked',
    '  chunked 3, persists (http-1.1-default)',
    'body a',
    'complete 1',
  ],
});
check('observing, the first of two lengths counts', {
  ...observing,
  input: 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc',
  gives: [
    'start 0',
    'problem lengths-differ 400 @66',
    'POST / 1.1',
    '  Host: h',
    '  Content-Length: 3',
    '  Content-Length: 4',
    '  length 3, persists (http-1.1-default)',
    'body abc',
    'complete 3',
  ],
});
check('observing, odd chunk lines', {
  ...observing,
  input: `${chunked} 1 \r\na\r\n1;"\r\nb\n1\nc\r\n0\r\n\r\n`,
  gives: [
    ...chunkedHead,
    `problem chunk-size-invalid 400 @${chunked.length}`,
    'body a',
    `problem chunk-extension-invalid 400 @${chunked.length + 10}`,
    'body b',
    `problem bare-lf 400 @${chunked.length + 14}`,
    'body c',
    'complete 3',
  ],
});
check('observing, a bad chunk size loses the framing until the next request', {
  ...observing,
  next: false,
  input: `${chunked}5\r\nhello\r\nxyz\r\nabcGET /2 HTTP/1.1\r\nHost: h\r\n\r\n`,
  gives: [
    ...chunkedHead,
    'body hello',
    `problem chunk-size-invalid 400 @${chunked.length + 10}`,
    'abandoned 5',
    'skipped 8',
    `start ${chunked.length + 18}`,
    'GET /2 1.1',
    '  Host: h',
    plain,
    'complete 0',
  ],
});
check('observing, bytes that are no request are passed over', {
  ...observing,
  input: 'login=foo&password=bar\r\nPOST /2 HTTP/1.1\r\nHost: h\r\n\r\n',
  gives: [
    'start 0',
    'problem not-http 400 @0',
    'abandoned 0',
    'skipped 24',
    'start 24',
    'POST /2 1.1',
    '  Host: h',
    plain,
    'complete 0',
  ],
});
check('observing, a head too large', {
  ...observing,
  limits: { headByteCount: 36 },
  input: `GET / HTTP/1.1\r\nHost: ${'h'.repeat(20)}\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n`,
  gives: [
    'start 0',
    'problem head-too-large 431 @36',
    'abandoned 0',
    'skipped 46',
    'start 46',
    'GET /2 1.1',
    '  Host: h',
    plain,
    'complete 0',
  ],
});
