/** Writing: what is written is read back as it was meant by the strict reader, and what would not be is refused by name. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  BodyWriter,
  type Fields,
  type FieldsToWrite,
  MessageWriteError,
  RequestReader,
  ResponseReader,
  reasonPhrase,
  type WriteProblemCode,
  writeFields,
  writeLastChunk,
  writeRequestHead,
  writeResponseHead,
} from 'holdfast/wire';

interface Read {
  lines: string[];
  body: string;
  problem: string | null;
  outcome: string | null;
}

/** Reads one message strictly; `lines` is start line parts and fields, then trailers. */
function readBack(text: string, kind: 'request' | 'response'): Read {
  const read: Read = { lines: [], body: '', problem: null, outcome: null };
  const take = (fields: Fields) => {
    for (const [name, value] of fields.lines()) read.lines.push(`${name}=${value}`);
  };
  const handler = {
    answeredRequest: () => ({ method: 'GET', version: '1.1' }),
    onMessageStart() {},
    onHead(head: { fields: Fields; method?: string; target?: string; status?: number; reason?: string; version: string }) {
      read.lines.push([head.method ?? head.status, head.target ?? head.reason, head.version].join(' '));
      take(head.fields);
    },
    onBody(data: Uint8Array, start: number, end: number) {
      read.body += Buffer.from(data.subarray(start, end)).toString('latin1');
    },
    onTrailers: take,
    onMessageEnd(outcome: string) {
      read.outcome = outcome;
    },
    onProblem(problem: { code: string }) {
      read.problem = problem.code;
    },
    onSkipped() {},
    onTunnel() {},
  };
  const options = { manner: 'strict' as const, handler };
  const reader = kind === 'request' ? new RequestReader(options) : new ResponseReader(options);
  reader.receive(Buffer.from(text, 'latin1'));
  return read;
}

test('a request head is read back as written, from pairs or from an object', () => {
  const forms: FieldsToWrite[] = [
    [
      ['Host', 'a'],
      ['X', '1'],
      ['x', '\t2 \xe9'],
    ],
    { Host: 'a', X: ['1'], x: ['\t2 \xe9'] },
    new Map([
      ['Host', 'a'],
      ['X', '1'],
      ['x', '\t2 \xe9'],
    ]),
  ];
  for (const fields of forms) {
    const text = writeRequestHead({ method: 'GET', target: '/a?b=%20', fields });
    assert.deepEqual(readBack(text, 'request').lines, ['GET /a?b=%20 1.1', 'Host=a', 'X=1', 'x=2 \xe9']);
  }
  assert.match(writeRequestHead({ method: 'GET', target: '/', version: '1.0' }), /^GET \/ HTTP\/1\.0\r\n\r\n$/);
});

test('a response head has the registered phrase, the one that was said, or none', () => {
  assert.match(writeResponseHead({ status: 404 }), /^HTTP\/1\.1 404 Not Found\r\n\r\n$/);
  assert.match(writeResponseHead({ status: 404, reason: 'Nö' }), /^HTTP\/1\.1 404 Nö\r\n\r\n$/);
  assert.match(writeResponseHead({ status: 799, version: '1.0' }), /^HTTP\/1\.0 799 \r\n\r\n$/);
  assert.equal(reasonPhrase(431), 'Request Header Fields Too Large');
  assert.equal(reasonPhrase(299), '');
});

const refused = (code: WriteProblemCode, act: () => unknown) => {
  assert.throws(act, (error) => error instanceof MessageWriteError && error.code === code, code);
};

test('every character that is not allowed is refused, wherever it stands', () => {
  for (let code = 0; code < 0x180; code++) {
    const character = String.fromCharCode(code);
    const inToken = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(character);
    const inValue = code === 9 || (code >= 0x20 && code <= 0xff && code !== 0x7f);
    const inTarget = code > 0x20 && code < 0x7f && character !== '#';
    const cases: [WriteProblemCode, boolean, () => unknown][] = [
      ['field-name-invalid', inToken, () => writeFields([[`a${character}b`, 'x']])],
      ['field-value-invalid', inValue, () => writeFields([['a', `b${character}c`]])],
      ['field-value-invalid', inValue, () => writeLastChunk({ a: `b${character}c` })],
      ['method-invalid', inToken, () => writeRequestHead({ method: `A${character}`, target: '/' })],
      ['target-invalid', inTarget, () => writeRequestHead({ method: 'A', target: `/${character}` })],
      ['reason-invalid', inValue, () => writeResponseHead({ status: 200, reason: character })],
    ];
    for (const [problem, allowed, act] of cases) {
      if (allowed) act();
      else refused(problem, act);
    }
  }
  refused('field-name-invalid', () => writeFields([['', 'x']]));
  refused('target-invalid', () => writeRequestHead({ method: 'GET', target: '' }));
  for (const status of [99, 1000, 200.5, Number.NaN]) refused('status-invalid', () => writeResponseHead({ status }));
});

test('bodies of every framing are read back whole', () => {
  const pieces = ['a', '', 'bcd', 'x'.repeat(70_000)];
  const whole = pieces.join('');
  for (const [framing, field] of [
    ['length', { 'Content-Length': String(whole.length) }],
    ['chunked', { 'Transfer-Encoding': 'chunked' }],
  ] as const) {
    const writer = new BodyWriter(framing, whole.length);
    let text = writeRequestHead({ method: 'POST', target: '/', fields: { Host: 'a', ...field } });
    for (const piece of pieces) text += writer.before(piece.length) + piece + (piece === '' ? '' : writer.after);
    text += writer.end(framing === 'chunked' ? { 'X-Sum': '1' } : undefined);
    const read = readBack(text, 'request');
    assert.equal(read.outcome, 'complete', read.problem ?? '');
    assert.equal(read.body, whole);
    assert.equal(read.lines.includes('X-Sum=1'), framing === 'chunked');
    assert.equal(writer.byteCount, whole.length);
  }
});

test('a body that does not keep to its framing is refused', () => {
  const counted = new BodyWriter('length', 3);
  counted.before(2);
  refused('length-exceeded', () => counted.before(2));
  refused('length-not-reached', () => counted.end());
  counted.before(1);
  refused('trailers-not-allowed', () => counted.end({ a: 'b' }));
  assert.equal(counted.end(), '');
  refused('message-ended', () => counted.end());
  refused('message-ended', () => counted.before(1));
  refused('body-not-allowed', () => new BodyWriter('none').before(1));
  const open = new BodyWriter('until-close');
  assert.equal(open.before(5) + open.after + open.end(), '');
  const chunked = new BodyWriter('chunked');
  refused('field-value-invalid', () => chunked.end({ a: '\r\n' }));
  assert.equal(chunked.end(), '0\r\n\r\n', 'trailers that were refused have ended nothing');
});
