/**
 * Long runs of what is cheap to send must not be dear to read: each of these is as long as the limits allow, and is read in
 * pieces and whole. Nothing is timed; a quadratic reading of one of them would take minutes.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, type Kind, transcribe } from './transcript.js';

const long = 250_000;
const inputs: [name: string, kind: Kind, input: string][] = [
  ['blanks in the request line', 'request', `GET ${' '.repeat(long)}x${' '.repeat(1000)}HTTP/1.1\r\n\r\n`],
  ['blanks without version', 'request', `GET ${' '.repeat(long)}x\r\n\r\n`],
  ['a method without end', 'request', `${'G'.repeat(long)}\r\n\r\n`],
  ['carriage returns in the request line', 'request', `GET /${'\r'.repeat(long)}x HTTP/1.1\r\n\r\n`],
  ['carriage returns in the status line', 'response', `HTTP/1.1 200 ${'\r'.repeat(long)}x\r\n\r\n`],
  ['blanks in the status line', 'response', `HTTP/1.1${' '.repeat(long)}2x\r\n\r\n`],
  ['blanks in a transfer coding', 'request', `POST / HTTP/1.1\r\nTransfer-Encoding: a${' '.repeat(30_000)}b\r\n\r\n`],
  ['blank folded lines', 'request', `GET / HTTP/1.1\r\nA: b\r\n${' \r\n'.repeat(long / 3)}\r\n`],
  ['folded lines', 'request', `GET / HTTP/1.1\r\nA:\r\n${' c\r\n'.repeat(long / 4)}\r\n`],
  ['commas in Content-Length', 'request', `POST / HTTP/1.1\r\nContent-Length: ${','.repeat(30_000)}\r\n\r\n`],
  ['empty chunk extensions', 'request', `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1${';'.repeat(long)}\r\n`],
  ['bytes without line end', 'response', 'H'.repeat(4 * long)],
  ['empty lines', 'request', '\r\n'.repeat(long)],
  ['status lines without line end', 'response', `x${'HTTP/1.1 200 '.repeat(long / 13)}`],
];

for (const [name, kind, input] of inputs) {
  test(`${name}, read once`, () => {
    for (const manner of ['strict', 'observing'] as const) {
      const bytes = bytesOf(input);
      const pieces = Array.from({ length: Math.ceil(bytes.length / 100) }, (_, at) => bytes.subarray(at * 100, at * 100 + 100));
      const whole = transcribe([bytes], { kind, manner, end: 'orderly' });
      const cut = transcribe(pieces, { kind, manner, end: 'orderly' });
      assert.deepEqual(whole.broken, []);
      assert.deepEqual(cut.lines, whole.lines);
    }
  });
}
