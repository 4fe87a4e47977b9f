import { check } from './check.js';

const strict = { kind: 'response', manner: 'strict' } as const;
const observing = { kind: 'response', manner: 'observing' } as const;

check('a counted response', {
  ...strict,
  answers: ['GET'],
  input: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
  gives: ['start 0', '200 OK 1.1', '  Content-Length: 2', '  length 2, persists (http-1.1-default)', 'body hi', 'complete 2'],
});
for (const [line, reason] of [
  ['HTTP/1.1 204 ', ''],
  ['HTTP/1.1 204', ''],
  ['HTTP/1.1 204 N\xe4 \t', 'N\xe4 \t'],
] as const) {
  check(`the reason of ${JSON.stringify(line)}`, {
    ...strict,
    input: `${line}\r\n\r\n`,
    gives: ['start 0', `204 ${reason} 1.1`, '  none, persists (http-1.1-default)', 'complete 0'],
  });
}
check('interim responses do not answer', {
  ...strict,
  answers: ['HEAD'],
  input:
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
  gives: [
    'start 0',
    '100 Continue 1.1',
    '  none, persists (interim-response)',
    'complete 0',
    'start 25',
    '103 Hints 1.1',
    '  Connection: close',
    '  none, persists (interim-response)',
    'complete 0',
    'start 66',
    '200 OK 1.1',
    '  Content-Length: 9',
    '  none 9, persists (http-1.1-default)',
    'complete 0',
  ],
});
check('304 has no body', {
  ...strict,
  answers: ['GET'],
  input: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
  gives: ['start 0', '304 Not Modified 1.1', '  Content-Length: 9', '  none 9, persists (http-1.1-default)', 'complete 0'],
});
check('a body until close, ended by a FIN', {
  ...strict,
  answers: ['GET'],
  end: 'orderly',
  input: 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
  gives: ['start 0', '200 OK 1.1', '  until-close, ends (close-delimited)', 'body HTTP/1.1 200 OK\r\n\r\n', 'complete 19'],
});
check('a body until close, ended by a reset', {
  ...observing,
  end: 'reset',
  input: 'HTTP/1.0 200 OK\r\n\r\nhel',
  gives: ['start 0', '200 OK 1.0', '  until-close, ends (close-delimited)', 'body hel', 'problem cut-short 502 @22', 'cut 3'],
});
check('strict, a reset within a body until close is a problem', {
  ...strict,
  end: 'reset',
  input: 'HTTP/1.0 200 OK\r\n\r\nhel',
  gives: ['start 0', '200 OK 1.0', '  until-close, ends (close-delimited)', 'body hel', 'problem cut-short 502 @22'],
});
check('101 is the end of HTTP', {
  ...strict,
  answers: ['GET'],
  input: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
  gives: [
    'start 0',
    '101 Switching Protocols 1.1',
    '  Connection: Upgrade',
    '  Upgrade: x',
    '  tunnel, becomes-tunnel (tunnel)',
    'complete 0',
    'tunnel',
  ],
});
check('2xx to CONNECT is, too', {
  ...observing,
  answers: ['CONNECT'],
  input: 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n',
  gives: ['start 0', '200 OK 1.0', '  Content-Length: 5', '  tunnel 5, becomes-tunnel (tunnel)', 'complete 0', 'tunnel'],
});
check('another answer to CONNECT is not', {
  ...strict,
  answers: ['CONNECT'],
  input: 'HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno',
  gives: ['start 0', '407 No 1.1', '  Content-Length: 2', '  length 2, persists (http-1.1-default)', 'body no', 'complete 2'],
});
check('answers to pipelined requests are told apart', {
  ...strict,
  answers: ['HEAD', 'GET'],
  input: 'HTTP/1.1 200 A\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 B\r\nContent-Length: 1\r\n\r\nb',
  gives: [
    'start 0',
    '200 A 1.1',
    '  Content-Length: 5',
    '  none 5, persists (http-1.1-default)',
    'complete 0',
    'start 37',
    '200 B 1.1',
    '  Content-Length: 1',
    '  length 1, persists (http-1.1-default)',
    'body b',
    'complete 1',
  ],
});
check('strict, nothing is read behind the last response', {
  ...strict,
  input: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  gives: ['start 0', '200 OK 1.1', '  Connection: close', '  Content-Length: 0', '  length 0, ends (close-said)', 'complete 0'],
});

const refusals: [name: string, input: string, code: string, offset: number][] = [
  ['no HTTP', 'SSH-2.0', 'not-http', 0],
  ['an empty line before the response', '\r\nHTTP', 'empty-line-before-message', 0],
  ['two digits of a version', 'HTTP/1.10 200 OK\r\n', 'status-line-invalid', 8],
  ['HTTP/2', 'HTTP/2.0 200 OK\r\n', 'version-unsupported', 5],
  ['two spaces', 'HTTP/1.1  200 OK\r\n', 'status-line-invalid', 9],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n', 'status-line-invalid', 9],
  ['four digits of status', 'HTTP/1.1 2000 OK\r\n', 'status-line-invalid', 12],
  ['bare LF', 'HTTP/1.1 200\n', 'bare-lf', 12],
  ['bare LF behind a reason', 'HTTP/1.1 200 OK\n', 'bare-lf', 15],
  ['bare CR in a reason', 'HTTP/1.1 200 O\rK', 'bare-cr', 14],
  ['NUL in a reason', 'HTTP/1.1 200 \0', 'control-in-value', 13],
  ['chunked in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'transfer-encoding-in-http-1-0', 47],
  ['lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n', 'lengths-differ', 41],
  ['a coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n', 'transfer-encoding-not-chunked', 44],
];
for (const [name, input, code, offset] of refusals) {
  const started = input.startsWith('\r') ? [] : ['start 0'];
  check(`refused: ${name}`, { ...strict, input, gives: [...started, `problem ${code} 502 @${offset}`] });
}

check('observing, an odd status line', {
  ...observing,
  input: 'HTTP/1.1\t200 \tOK\r\nContent-Length: 0\r\n\r\n',
  gives: [
    'start 0',
    'problem status-line-invalid 502 @0',
    '200 \tOK 1.1',
    '  Content-Length: 0',
    '  length 0, persists (http-1.1-default)',
    'complete 0',
  ],
});
check('observing, a reason that runs into its status', {
  ...observing,
  input: 'HTTP/1.1 204ok\r\n\r\n',
  gives: ['start 0', 'problem status-line-invalid 502 @0', '204 ok 1.1', '  none, persists (http-1.1-default)', 'complete 0'],
});
check('observing, a status line without status', {
  ...observing,
  input: 'HTTP/1.1 OK\r\nContent-Length: 1\r\n\r\na',
  gives: [
    'start 0',
    'problem status-line-invalid 502 @0',
    '0  OK 1.1',
    '  Content-Length: 1',
    '  length 1, persists (http-1.1-default)',
    'body a',
    'complete 1',
  ],
});
check('observing, ICY', {
  ...observing,
  next: false,
  input: 'ICY 200 OK\r\nicy-name: x\r\n\r\nabc',
  gives: [
    'start 0',
    'problem status-line-invalid 502 @0',
    '200 OK 1.0',
    '  icy-name: x',
    '  until-close, ends (close-delimited)',
    'body abc',
  ],
});
check('observing, an answer to HTTP/0.9 has no head', {
  ...observing,
  end: 'orderly',
  answers: ['GET/0.9'],
  input: '<html>\n<body>\n',
  gives: ['start 0', 'body <html>\n<body>\n', 'complete 14'],
});
check('observing, framing of what has no body', {
  ...observing,
  input: 'HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n',
  gives: [
    'start 0',
    'problem framing-without-body 502 @47',
    '204 No 1.1',
    '  Transfer-Encoding: chunked',
    '  none, persists (http-1.1-default)',
    'complete 0',
  ],
});
check('observing, a bad length is none', {
  ...observing,
  next: false,
  input: 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc',
  gives: [
    'start 0',
    'problem length-invalid 502 @39',
    '200 OK 1.1',
    '  Content-Length: -1',
    '  until-close, ends (close-delimited)',
    'body abc',
  ],
});
check('observing, more body than its length says', {
  ...observing,
  input: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhixyHTTP/1.1 204 No\r\n\r\n',
  gives: [
    'start 0',
    '200 OK 1.1',
    '  Content-Length: 2',
    '  length 2, persists (http-1.1-default)',
    'body hi',
    'complete 2',
    'start 40',
    'problem not-http 502 @40',
    'abandoned 0',
    'skipped 2',
    'start 42',
    '204 No 1.1',
    '  none, persists (http-1.1-default)',
    'complete 0',
  ],
});
check('observing, empty lines before a response', {
  ...observing,
  input: '\r\nHTTP/1.1 204 No\r\n\r\n',
  gives: [
    'problem empty-line-before-message 502 @0',
    'start 2',
    '204 No 1.1',
    '  none, persists (http-1.1-default)',
    'complete 0',
  ],
});
