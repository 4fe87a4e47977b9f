import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  looksLikeRequestStart,
  looksLikeResponseStart,
  parseConnectionOptions,
  parseKeepAlive,
  type RequestHead,
  RequestReader,
} from 'holdfast/wire';
import { latin1, portableLatin1 } from '#dist/wire/latin1.js';
import { bytesOf } from './transcript.js';

test('Keep-Alive in every form that is sent', () => {
  const cases: [value: string | null, timeoutSeconds: number | null, max: number | null][] = [
    [null, null, null],
    ['', null, null],
    ['timeout=5', 5, null],
    ['timeout=5, max=100', 5, 100],
    ['max=5,timeout=2', 2, 5],
    [' Timeout = 15 ; MAX="7"', 15, 7],
    ['300', 300, null],
    ['timeout=1, timeout=2', 1, null],
    ['timeout=-1, max=x', null, null],
    ['timeout=5s, max=3', null, 3],
    ['timeout=0, max=0', 0, 0],
    ['timeout=99999999999999999999', null, null],
  ];
  for (const [value, timeoutSeconds, max] of cases)
    assert.deepEqual(parseKeepAlive(value), { timeoutSeconds, max }, String(value));
});

test('Connection options', () => {
  assert.deepEqual(parseConnectionOptions(null), []);
  assert.deepEqual(parseConnectionOptions(' Close ,, Keep-Alive,TE '), ['close', 'keep-alive', 'te']);
});

test('field look-ups, before and after decoding', () => {
  const results: unknown[] = [];
  const look = (head: RequestHead): void => {
    const { fields } = head;
    results.push(fields.has('COOKIE'), fields.has('cooki'), fields.get('cookie'), fields.get('none'), fields.getAll('Cookie'));
    results.push(fields.has('COOKIE'), fields.count, fields.name(1), fields.value(1), fields.name(9), fields.value(-1));
    results.push(fields.lines());
  };
  const reader = new RequestReader({
    manner: 'strict',
    handler: {
      onMessageStart() {},
      onHead: look,
      onBody() {},
      onTrailers() {},
      onMessageEnd() {},
      onProblem: (problem) => assert.fail(problem.code),
      onSkipped() {},
      onTunnel() {},
    },
  });
  reader.receive(bytesOf('GET / HTTP/1.1\r\nHost: h\r\nCooKie: a\xe9\r\ncookie: b\r\n\r\n'));
  assert.deepEqual(results, [
    true,
    false,
    'a\xe9, b',
    null,
    ['a\xe9', 'b'],
    true,
    3,
    'CooKie',
    'a\xe9',
    '',
    '',
    [
      ['Host', 'h'],
      ['CooKie', 'a\xe9'],
      ['cookie', 'b'],
    ],
  ]);
});

test('Latin-1 is one character a byte, with and without help of the platform', () => {
  const bytes = Uint8Array.from({ length: 10_000 }, (_, index) => index % 256);
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  for (const [start, end] of [
    [0, 0],
    [3, 4],
    [120, 131],
    [100, 300],
    [0, 10_000],
  ] as const) {
    assert.equal(latin1(bytes, start, end), text.slice(start, end));
    assert.equal(portableLatin1(bytes, start, end), text.slice(start, end));
  }
});

test('what looks like the start of a message', () => {
  const requests: [string, 'yes' | 'no' | 'maybe'][] = [
    ['', 'maybe'],
    ['G', 'maybe'],
    ['GET', 'maybe'],
    ['GET ', 'maybe'],
    ['GET /', 'yes'],
    ['FROB /', 'maybe'],
    ['FROB / HTT', 'maybe'],
    ['FROB / HTTP/1.1', 'yes'],
    ['FROB / HTTP/2.0', 'no'],
    ['\r\nPROPFIND http://x', 'yes'],
    ['GET  /', 'yes'],
    ['GET /a b c', 'yes'],
    ['GET /a RTSP/1.0', 'no'],
    ['FROB  / HTTP/1.1', 'no'],
    ['hello world\r\n', 'no'],
    ['\x16\x03\x01', 'no'],
    ['HTTP/1.1 200 OK', 'no'],
    ['PRI * HTTP/2.0\r\n', 'no'],
    [`${'A'.repeat(40)} / HTTP/1.1`, 'no'],
  ];
  for (const [text, likelihood] of requests) {
    assert.equal(looksLikeRequestStart(bytesOf(`#${text}#`), 1, text.length + 1), likelihood, text);
  }
  const responses: [string, 'yes' | 'no' | 'maybe'][] = [
    ['', 'maybe'],
    ['HTTP', 'maybe'],
    ['HTTP/', 'yes'],
    ['\r\nHTTP/1.1 200 OK', 'yes'],
    ['ICY', 'maybe'],
    ['ICY 200', 'yes'],
    ['HTTX', 'no'],
    ['IC/', 'no'],
    ['GET / HTTP/1.1', 'no'],
  ];
  for (const [text, likelihood] of responses) {
    assert.equal(looksLikeResponseStart(bytesOf(`#${text}#`), 1, text.length + 1), likelihood, text);
  }
});
