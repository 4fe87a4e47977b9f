/**
 * Random streams of messages, well-formed and damaged, in random pieces. Invariants, for both manners and both kinds:
 *
 * 1. Nothing throws.
 * 2. The callbacks are the same however the input is cut (body pieces joined).
 * 3. Callbacks come in the promised order; observing, every start has one end; strict, nothing follows a problem.
 * 4. No byte outside the given range is read as input; `receive` returns a place within it; the offsets add up.
 * 5. Observing takes every byte (unless the connection became a tunnel).
 * 6. A well-formed stream is read without a problem, message for message, by both manners.
 * 7. What was told of the beginning of a stream is not changed by what comes behind it.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Manner } from 'holdfast/wire';
import { bytesOf, type Kind, type Piece, type ReadOptions, transcribe } from './transcript.js';

/** More on demand, for a longer search. */
const rounds = Number(process.env.HOLDFAST_FUZZ_ROUNDS ?? 1000);

/** xorshift32: the same cases in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

type Random = (below: number) => number;
const pick = <Item>(random: Random, items: readonly Item[]): Item => items[random(items.length)]!;

interface Made {
  readonly text: string;
  readonly body: string;
  readonly startLine: string;
  readonly answers: string;
}

function makeBody(random: Random): { fields: string; wire: string; body: string } {
  const body = pick(random, [
    '',
    'a',
    'hello\r\n\r\nGET / HTTP/1.1\r\n',
    'HTTP/1.1 200 OK\r\n\r\n',
    '\0\xff'.repeat(random(200)),
  ]);
  if (random(2) === 0) return { fields: `Content-Length: ${body.length}\r\n`, wire: body, body };
  let wire = '';
  for (let at = 0; at < body.length; ) {
    const size = 1 + random(Math.min(40, body.length - at));
    wire += `${pick(random, ['', '0', '000'])}${size.toString(16)}${pick(random, ['', ';x', '; a = "b;\\"c"'])}\r\n`;
    wire += `${body.slice(at, at + size)}\r\n`;
    at += size;
  }
  return { fields: 'Transfer-Encoding: chunked\r\n', wire: `${wire}0\r\n${pick(random, ['', 'T: 1\r\n'])}\r\n`, body };
}

const someFields = [
  'Host: h\r\n',
  'X:\r\n',
  'Cookie: a=b; c="d"\r\n',
  'Accept: \t*/* \r\n',
  `L: ${'x'.repeat(300)}\r\n`,
  'Connection: x\r\n',
];

function makeMessage(random: Random, kind: Kind): Made {
  const fields = Array.from({ length: random(4) }, () => pick(random, someFields.slice(1))).join('');
  if (kind === 'request') {
    const method = pick(random, ['GET', 'POST', 'FROB', 'OPTIONS']);
    const target = pick(random, ['/', '/a?b=c', `/${'y'.repeat(random(300))}`, 'http://h/x']);
    const { fields: framing, wire, body } = random(2) === 0 ? { fields: '', wire: '', body: '' } : makeBody(random);
    const text = `${method} ${target} HTTP/1.1\r\nHost: h\r\n${fields}${framing}\r\n${wire}`;
    return { text, body, startLine: `${method} ${target} 1.1`, answers: '' };
  }
  const answers = pick(random, ['GET', 'GET', 'HEAD']);
  const made = makeBody(random);
  const status = pick(random, [200, 404, 304, 204]);
  const hasBody = status !== 304 && status !== 204 && answers !== 'HEAD';
  const framing = status === 204 ? '' : made.fields;
  const text = `HTTP/1.1 ${status} R\r\n${fields}${framing}\r\n${hasBody ? made.wire : ''}`;
  return { text, body: hasBody ? made.body : '', startLine: `${status} R 1.1`, answers };
}

const damage = ['\r', '\n', '\0', ' ', ':', '\r\n', '\r\n\r\n', '0', 'f', '-', '\x80', 'HTTP/1.1', 'chunked', ';', '"', '\t'];

function mutate(random: Random, text: string): string {
  let mutated = text;
  for (let count = 1 + random(3); count > 0; count--) {
    const at = random(mutated.length + 1);
    const cut = random(2) * random(4);
    mutated = mutated.slice(0, at) + (random(4) === 0 ? '' : pick(random, damage)) + mutated.slice(at + cut);
  }
  return mutated;
}

function cut(random: Random, bytes: Uint8Array): Piece[] {
  const longest = pick(random, [1, 3, 20, 200]);
  const pieces: Piece[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random(longest);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

for (const manner of ['strict', 'observing'] as const satisfies readonly Manner[]) {
  for (const kind of ['request', 'response'] as const satisfies readonly Kind[]) {
    test(`${manner} ${kind}s: well-formed streams are read message for message`, () => {
      const random = generator(kind === 'request' ? 0x1234567 : 0x7654321);
      for (let round = 0; round < rounds / 4; round++) {
        const made = Array.from({ length: 1 + random(5) }, () => makeMessage(random, kind));
        const bytes = bytesOf(made.map(({ text }) => text).join(''));
        const options: ReadOptions = { kind, manner, answers: made.map(({ answers }) => answers), end: 'orderly' };
        const read = transcribe(cut(random, bytes), options);
        const said = read.lines.filter((line) => /^(?:\S+ \S+ 1\.1|complete|cut|abandoned|problem|skipped)/.test(line));
        const expected = made.flatMap(({ startLine, body }) => [startLine, `complete ${body.length}`]);
        assert.deepEqual(said, expected, `round ${round}`);
        assert.deepEqual(read.broken, []);
        assert.deepEqual(transcribe([bytes], options), read);
      }
    });

    test(`${manner} ${kind}s: damaged streams are read the same in all pieces`, () => {
      const random = generator(kind === 'request' ? 0x2468ace : 0x1357bdf);
      for (let round = 0; round < rounds; round++) {
        const made = Array.from({ length: 1 + random(3) }, () => makeMessage(random, kind));
        const bytes = bytesOf(mutate(random, made.map(({ text }) => text).join('')));
        const limits =
          random(8) === 0 ? { headByteCount: 100, targetByteCount: 20, trailerByteCount: 10, fieldLineCount: 2 } : {};
        const answers = made.map((message) => message.answers);
        const end: 'orderly' | 'reset' = random(2) === 0 ? 'orderly' : 'reset';
        const endless: ReadOptions = { kind, manner, answers, limits };
        const options: ReadOptions = { ...endless, end };
        const whole = transcribe([bytes], options);
        const shown = (): string => `round ${round}: ${JSON.stringify(String.fromCharCode(...bytes))}`;
        assert.deepEqual(whole.broken, [], shown());
        if (manner === 'observing' && !whole.lines.includes('tunnel')) assert.equal(whole.taken, bytes.length, shown());
        const pieces = transcribe(cut(random, bytes), options);
        if (whole.state === 'failed') pieces.taken = whole.taken;
        assert.deepEqual(pieces, whole, shown());
        const shorter = bytes.subarray(0, random(bytes.length + 1));
        const before = transcribe([shorter], endless).lines.filter((line) => !line.startsWith('body '));
        const after = transcribe([bytes], endless).lines.filter((line) => !line.startsWith('body '));
        assert.deepEqual(after.slice(0, before.length), before, shown());
      }
    });

    test(`${manner} ${kind}s: gaps anywhere`, () => {
      if (manner === 'strict') return;
      const random = generator(0x5bd1e995);
      for (let round = 0; round < rounds; round++) {
        const made = Array.from({ length: 2 + random(3) }, () => makeMessage(random, kind));
        const bytes = bytesOf(made.map(({ text }) => text).join(''));
        const from = random(bytes.length);
        const to = Math.min(bytes.length, from + 1 + random(200));
        const pieces: Piece[] = [...cut(random, bytes.subarray(0, from)), { gap: to - from }, ...cut(random, bytes.subarray(to))];
        const joined: Piece[] = [bytes.subarray(0, from), { gap: to - from }, bytes.subarray(to)];
        const options: ReadOptions = { kind, manner, answers: made.map(({ answers }) => answers), end: 'orderly' };
        const read = transcribe(pieces, options);
        const shown = `round ${round}: gap ${from} to ${to} of ${JSON.stringify(String.fromCharCode(...bytes))}`;
        assert.deepEqual(read.broken, [], shown);
        assert.equal(read.taken, bytes.length, shown);
        assert.deepEqual(transcribe(joined, options), read, shown);
      }
    });
  }
}
