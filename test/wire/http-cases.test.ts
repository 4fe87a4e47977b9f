/**
 * Other parsers' cases (beside the repository, when they are there): strict against their verdict, lenient ones and whole
 * conversations through observing, each case whole, byte by byte and with trailing bytes.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  casesAreThere,
  type HttpCase,
  httparseCases,
  libhtpConversations,
  llhttpCases,
  picohttpparserCases,
  readCase,
  smugglerHeaders,
} from './http-cases.js';
import { differences, exactlyRight, otherFields, reasons } from './http-cases-differences.js';
import { libhtpReadings } from './libhtp-readings.js';
import { bytesOf, type Kind, transcribe } from './transcript.js';

const options = { skip: casesAreThere ? false : '../shared/http-cases is not there' };
const trailing = 'GET /trailing HTTP/1.1\r\nHost: t\r\n\r\n';

/** Invariants of any input: nothing broken, the same in pieces, and what was told is not changed by what follows. */
function assertSteady(id: string, kind: Kind, input: string): void {
  for (const manner of ['strict', 'observing'] as const) {
    const whole = transcribe([bytesOf(input)], { kind, manner });
    assert.deepEqual(whole.broken, [], id);
    const bytewise = transcribe(
      Array.from(bytesOf(input), (byte) => Uint8Array.of(byte)),
      { kind, manner },
    );
    assert.deepEqual([bytewise.lines, bytewise.state, bytewise.broken], [whole.lines, whole.state, []], `${id}, byte by byte`);
    const followed = transcribe([bytesOf(input + trailing)], { kind, manner });
    const told = whole.lines.filter((line) => !line.startsWith('body '));
    const toldThen = followed.lines.filter((line) => !line.startsWith('body '));
    assert.deepEqual(toldThen.slice(0, told.length), told, `${id}, with trailing bytes`);
    assert.deepEqual(followed.broken, [], id);
  }
}

test('heads and messages of llhttp, httparse and picohttpparser', options, () => {
  const cases: HttpCase[] = [...llhttpCases(), ...httparseCases(), ...picohttpparserCases()];
  assert.ok(cases.length >= 300);
  const found = new Map<string, string>();
  for (const it of cases) {
    assertSteady(it.id, it.kind, it.input);
    const ours = readCase(it);
    const sameVerdict = ours.verdict === it.verdict;
    const sameMessages = it.messages === null || ours.verdict === 'error' || ours.messages === it.messages;
    if (!sameVerdict || !sameMessages) found.set(it.id, [ours.verdict, ours.problem ?? ''].join(' ').trim());
  }
  assert.deepEqual(
    Object.fromEntries(found),
    Object.fromEntries(Object.entries(differences).map(([id, [ours]]) => [id, ours])),
    'differences and their table',
  );
  const given = new Set(Object.values(differences).map(([, reason]) => reason));
  assert.deepEqual(
    Object.keys(reasons).filter((reason) => !given.has(reason as keyof typeof reasons)),
    [],
    'reasons that nobody gives',
  );
});

test('a mutated Transfer-Encoding is read as chunked when it is exactly right, and refused otherwise', options, () => {
  const others: string[] = [];
  const headers = smugglerHeaders();
  assert.ok(headers.length >= 900);
  for (const { id, header } of headers) {
    for (const length of ['', 'Content-Length: 5\r\n']) {
      const input = `POST / HTTP/1.1\r\nHost: h\r\n${length}${header}\r\n\r\n0\r\n\r\n`;
      assertSteady(id, 'request', input);
      const { lines } = transcribe([bytesOf(input)], { kind: 'request', manner: 'strict' });
      const framing = lines.map((line) => /^ {2}(none|length|chunked)\b/.exec(line)?.[1]).find((found) => found !== undefined);
      if (framing === undefined) {
        assert.match(lines.at(-1) ?? '', /^problem \S+ (?:400|501) /, id);
        if (length === '') assert.doesNotMatch(header, exactlyRight, id);
      } else if (framing === 'chunked') {
        assert.match(header, exactlyRight, id);
        assert.equal(length, '', id);
      } else if (length === '') others.push(id);
      else assert.ok(others.includes(id), id);
    }
  }
  assert.deepEqual(others, otherFields);
});

test('conversations of libhtp, observed', options, () => {
  const readings: Record<string, string> = {};
  for (const { id, segments } of libhtpConversations()) {
    const client = segments.filter(({ from }) => from === 'client').map(({ bytes }) => bytesOf(bytes));
    const server = segments.filter(({ from }) => from === 'server').map(({ bytes }) => bytesOf(bytes));
    for (const [kind, pieces] of [
      ['request', client],
      ['response', server],
    ] as const) {
      assertSteady(id, kind, Buffer.concat(pieces).toString('latin1'));
    }
    const requests = transcribe(client, { kind: 'request', manner: 'observing', end: 'orderly' });
    const answers = requests.lines.flatMap((line) => /^(\S+) .* (\d+\.\d+)$/.exec(line)?.slice(1, 3).join('/') ?? []);
    const responses = transcribe(server, { kind: 'response', manner: 'observing', answers, end: 'orderly' });
    assert.deepEqual([...requests.broken, ...responses.broken], [], id);
    readings[id] = [...requests.lines, ...responses.lines].flatMap(brief).join(', ');
  }
  assert.deepEqual(readings, libhtpReadings);
});

/** A line of a transcript without the peer's text; none for what is no head, problem or end. */
function brief(line: string): string[] {
  if (/^(?: |start |body |trailer )/.test(line)) return [];
  return [line.replace(/^problem (\S+) .*/, '$1').replace(/^(\S+) .* (\d+\.\d+)$/s, '$1 $2')];
}
