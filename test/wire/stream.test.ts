/** Gaps, joining in mid-stream, pausing, tunnels: what the caller tells the reader beside the bytes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestReader } from 'holdfast/wire';
import { bytesOf, type Piece, type ReadOptions, transcribe } from './transcript.js';

const head = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n';
const headLines = ['200 OK 1.1', '  Content-Length: 10', '  length 10, persists (http-1.1-default)'];
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunkedLines = ['200 OK 1.1', '  Transfer-Encoding: chunked', '  chunked, persists (http-1.1-default)'];
const next = 'HTTP/1.1 204 No\r\n\r\n';
const nextLines = ['204 No 1.1', '  none, persists (http-1.1-default)', 'complete 0'];

function checkPieces(name: string, pieces: (string | number)[], gives: string[], options: Partial<ReadOptions> = {}): void {
  test(name, () => {
    const inputs = pieces.map<Piece>((piece) => (typeof piece === 'number' ? { gap: piece } : bytesOf(piece)));
    const whole = transcribe(inputs, { kind: 'response', manner: 'observing', ...options });
    assert.deepEqual(whole.broken, []);
    assert.deepEqual(whole.lines, gives);
    const bytewise = inputs.flatMap<Piece>((input) =>
      'gap' in input ? [input] : Array.from(input, (byte) => Uint8Array.of(byte)),
    );
    assert.deepEqual(transcribe(bytewise, { kind: 'response', manner: 'observing', ...options }), whole);
  });
}

checkPieces(
  'a gap within a counted body is counted',
  [`${head}abc`, 4, `xyz${next}`],
  ['start 0', ...headLines, 'body abcxyz', 'complete 10, 4 missing', `start ${head.length + 10}`, ...nextLines],
);
checkPieces(
  'a gap up to the end of a counted body',
  [`${head}abc`, 7, next],
  ['start 0', ...headLines, 'body abc', 'complete 10, 7 missing', `start ${head.length + 10}`, ...nextLines],
);
checkPieces(
  'a gap beyond a counted body',
  [`${head}abc`, 8, `tail\r\n\r\n${next}`],
  ['start 0', ...headLines, 'body abc', 'complete 10, 7 missing', 'skipped 8', `start ${head.length + 19}`, ...nextLines],
);
checkPieces(
  'a gap within a chunk',
  [`${chunked}a\r\n012`, 5, '89\r\n0\r\n\r\n'],
  ['start 0', ...chunkedLines, 'body 01289', 'complete 10, 5 missing'],
);
checkPieces(
  'a gap over chunk framing',
  [`${chunked}a\r\n012`, 12, `\r\n0\r\n\r\n${next}`],
  [
    'start 0',
    ...chunkedLines,
    'body 012',
    `problem gap-in-message 502 @${chunked.length + 6}`,
    'abandoned 3',
    'skipped 7',
    `start ${chunked.length + 25}`,
    ...nextLines,
  ],
);
checkPieces(
  'a gap within a head, a message right behind it',
  ['HTTP/1.1 2', 30, next],
  ['start 0', 'problem gap-in-message 502 @10', 'abandoned 0', 'start 40', ...nextLines],
);
checkPieces(
  'a gap between messages',
  [next, 5, `xxx${next}`],
  ['start 0', ...nextLines, 'skipped 3', `start ${next.length + 8}`, ...nextLines],
);
checkPieces(
  'a gap within a body until close',
  ['HTTP/1.1 200 OK\r\n\r\nabc', 5, 'def'],
  ['start 0', '200 OK 1.1', '  until-close, ends (close-delimited)', 'body abcdef', 'complete 11, 5 missing'],
  { end: 'orderly' },
);
checkPieces(
  'two gaps while looking for the next message',
  [5, 'abc\r\n', 5, 'HTTP/1.1 20', 3, next],
  ['skipped 16', 'start 29', ...nextLines],
);
checkPieces(
  'a request behind a gap, the gap having taken its line feed',
  [3, 'xyPOST /a HTTP/1.0\r\nHost: h\r\n\r\n'],
  ['skipped 2', 'start 5', 'POST /a 1.0', '  Host: h', '  none, ends (http-1.0-default)', 'complete 0'],
  { kind: 'request' },
);
checkPieces(
  'an extension method behind a gap',
  [3, 'FROB /a HTTP/1.1\r\nHost: h\r\n\r\n'],
  ['start 3', 'FROB /a 1.1', '  Host: h', '  none, persists (http-1.1-default)', 'complete 0'],
  { kind: 'request' },
);
checkPieces(
  'a line without end is passed over in bounded memory',
  [1, 'x'.repeat(40000), `\r\n${next}`],
  ['skipped 40002', 'start 40003', ...nextLines],
);
checkPieces('bytes that never become a message', [1, 'x'.repeat(50)], ['skipped 50'], { end: 'reset' });

const request = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

function silentReader(onEnd: (reader: RequestReader) => void, onTunnel: () => void = () => {}): RequestReader {
  const reader: RequestReader = new RequestReader({
    manner: 'strict',
    handler: {
      onMessageStart() {},
      onHead() {},
      onBody() {},
      onTrailers() {},
      onMessageEnd: () => onEnd(reader),
      onProblem: (problem) => assert.fail(problem.code),
      onSkipped() {},
      onTunnel,
    },
  });
  return reader;
}

test('a pause at the end of each message leaves the rest to the caller', () => {
  const reader = silentReader((it) => it.pause());
  const data = bytesOf(request.repeat(3));
  let at = 0;
  for (let count = 1; count <= 3; count++) {
    at = reader.receive(data, at);
    assert.equal(at, count * request.length);
    assert.equal(reader.state, 'paused');
    assert.equal(reader.receive(data, at), at);
    reader.resume();
  }
  assert.equal(reader.state, 'between');
  assert.equal(reader.offset, data.length);
});

test('a pause within a message takes effect at its end', () => {
  const reader = silentReader(() => {});
  const data = bytesOf(request.repeat(2));
  assert.equal(reader.receive(data, 0, 20), 20);
  reader.pause();
  assert.equal(reader.receive(data, 20), request.length);
  reader.resume();
  assert.equal(reader.receive(data, request.length), data.length);
});

test('told to become a tunnel, it takes no more', () => {
  let tunnels = 0;
  const reader = silentReader(
    (it) => it.becomeTunnel(),
    () => tunnels++,
  );
  const data = bytesOf(`${request}anything`);
  assert.equal(reader.receive(data), request.length);
  assert.equal(reader.receive(data, request.length), request.length);
  assert.equal(tunnels, 1);
  assert.equal(reader.state, 'tunnel');
});

test('restarted, it reads another stream from its first byte on', () => {
  let ends = 0;
  const reader = silentReader(() => ends++);
  reader.receive(bytesOf('GET / HTTP/1.0\r\n\r\n'));
  assert.equal(reader.state, 'done');
  reader.restart();
  reader.receive(bytesOf('POST / HTTP/1.1\r\nHost'));
  reader.restart();
  assert.equal(reader.offset, 0);
  assert.equal(reader.receive(bytesOf(request)), request.length);
  assert.deepEqual([ends, reader.state, reader.offset], [2, 'between', request.length]);
});

test('a kept head lasts, one that was not kept is empty', () => {
  const kept: { host: string | null; x: string | null }[] = [];
  const held: { fields: { get(name: string): string | null; count: number }; host: string | null }[] = [];
  const loose: { fields: { get(name: string): string | null; count: number } }[] = [];
  const reader = new RequestReader({
    manner: 'strict',
    handler: {
      onMessageStart() {},
      onHead(head) {
        if (head.target === '/keep') held.push(head.keep());
        else loose.push(head);
      },
      onBody() {},
      onTrailers() {},
      onMessageEnd() {},
      onProblem: (problem) => assert.fail(problem.code),
      onSkipped() {},
      onTunnel() {},
    },
  });
  const data = bytesOf('GET /keep HTTP/1.1\r\nHost: one\r\nX: 1\r\nx: 2\r\n\r\nGET /drop HTTP/1.1\r\nHost: two\r\n\r\n');
  reader.receive(data);
  data.fill(0);
  for (const head of held) kept.push({ host: head.host, x: head.fields.get('X') });
  assert.deepEqual(kept, [{ host: 'one', x: '1, 2' }]);
  assert.equal(loose[0]?.fields.count, 0);
  assert.equal(loose[0]?.fields.get('host'), null);
});
