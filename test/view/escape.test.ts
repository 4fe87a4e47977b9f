import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeName, escapeText } from 'holdfast/view';
import { clipEnd, clipStart, escapedTextLimit } from '#dist/view/escape.js';

/** Every byte but printable ASCII. */
const acting = /[^\x20-\x7e]/;

test('wire text becomes printable ASCII whatever it holds, and stays unambiguous', () => {
  const seen = new Map<string, number>();
  for (let code = 0; code <= 0xff; code++) {
    const escaped = escapeText(String.fromCharCode(code));
    assert.ok(!acting.test(escaped), `byte ${code}`);
    assert.equal(seen.get(escaped), undefined, `byte ${code} looks like byte ${seen.get(escaped)}`);
    seen.set(escaped, code);
  }
});

test('escapes are those people know', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/index.html?a=b c', '/index.html?a=b c'],
    ['a\r\nb\tc', 'a\\r\\nb\\tc'],
    ['\u001b[2J', '\\x1b[2J'],
    ['\u009b31m', '\\x9b31m'],
    ['\u0000\u007f\u00ff', '\\x00\\x7f\\xff'],
    ['C:\\x41', 'C:\\\\x41'],
    ['caf\u00e9 \u20ac', 'caf\\xe9 \\u20ac'],
  ];
  for (const [text, wanted] of cases) assert.equal(escapeText(text), wanted);
});

test('a text without end is cut, and says so', () => {
  const escaped = escapeText('\u0001'.repeat(1_000_000));
  assert.equal(escaped.length, 4 * escapedTextLimit + 3);
  assert.ok(escaped.endsWith('...'));
});

test('names keep their letters and lose what acts on a terminal', () => {
  assert.equal(escapeName('Mitschnitt für Łódź.pcap'), 'Mitschnitt für Łódź.pcap');
  assert.equal(escapeName('a\u001b]0;x\u0007\u202eb\u2028\ud800'), 'a\\u{1b}]0;x\\u{7}\\u{202e}b\\u{2028}\\u{d800}');
});

test('clipping keeps to the width at either end', () => {
  assert.equal(clipEnd('abcdef', 6, '…'), 'abcdef');
  assert.equal(clipEnd('abcdef', 4, '…'), 'abc…');
  assert.equal(clipStart('abcdef', 4, '..'), '..ef');
  for (let width = 0; width < 8; width++) {
    assert.ok(clipEnd('abcdef', width, '..').length <= width);
    assert.ok(clipStart('abcdef', width, '..').length <= width);
  }
});
