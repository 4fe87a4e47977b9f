import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markup, trusted, wireText } from '#dist/view/markup.js';

test('text put into a template is text, between tags and within attributes', () => {
  const hostile = `"><script>alert('x')</script>&lt;\``;
  const { text } = markup`<a title="${hostile}">${hostile}</a>`;
  const escaped = '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;lt;&#96;';
  assert.equal(text, `<a title="${escaped}">${escaped}</a>`);
});

test('markup is put in as it is, lists are joined, null is nothing', () => {
  const items = ['<', 2].map((item) => markup`<li>${item}</li>`);
  assert.equal(markup`<ul>${items}${null}${trusted('<hr>')}</ul>`.text, '<ul><li>&lt;</li><li>2</li><hr></ul>');
});

test('what acts without being seen is made visible', () => {
  const acting = '\0\n\x1b[31m\x7f\x9b\u2028\u2029\u202e\u200b\ufeff\ud800';
  const { text } = markup`${acting}`;
  assert.equal(text, '\\u{0}\\u{a}\\u{1b}[31m\\u{7f}\\u{9b}\\u{2028}\\u{2029}\\u{202e}\\u{200b}\\u{feff}\\u{d800}');
  assert.equal(markup`${'Größe → ’ 漢 😀'}`.text, 'Größe → ’ 漢 😀');
});

test('every byte of wire text comes out as printable ASCII that means nothing in markup', () => {
  const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
  const { text } = markup`${wireText(bytes)}`;
  assert.match(text, /^[\x20-\x7e]*$/);
  assert.doesNotMatch(text, /[<>"'`]/);
  assert.doesNotMatch(text, /&(?!(amp|lt|gt|quot|#39|#96);)/);
});
