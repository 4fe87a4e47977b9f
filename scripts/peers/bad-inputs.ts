/** The table of bad inputs, and what a server should do with each: the answer, and that it then closes. */

export interface BadInput {
  readonly name: string;
  readonly bytes: string;
  /** As the conformance table writes it. */
  readonly expected: string;
}

const host = 'Host: a\r\n';
const get = `GET /next HTTP/1.1\r\n${host}\r\n`;
const chunked = 'Transfer-Encoding: chunked\r\n';
const emptyBody = '0\r\n\r\n';
const post = (fields: string, body = '') => `POST / HTTP/1.1\r\n${host}${fields}\r\n${body}`;

const row = (expected: string, name: string, bytes: string): BadInput => ({ name, bytes, expected });
const refused = '400, closes';

export const badInputs: readonly BadInput[] = [
  row(refused, 'Content-Length with Transfer-Encoding', post(`Content-Length: 5\r\n${chunked}`, emptyBody) + get),
  row(refused, 'Transfer-Encoding with Content-Length', post(`${chunked}Content-Length: 5\r\n`, emptyBody) + get),
  row(refused, 'two different Content-Length', post('Content-Length: 1\r\nContent-Length: 2\r\n', 'ab')),
  row(refused, 'a list of different Content-Length', post('Content-Length: 1, 2\r\n', 'ab')),
  row(refused, 'an empty Content-Length', post('Content-Length:\r\n')),
  row(refused, 'a signed Content-Length', post('Content-Length: +1\r\n', 'a')),
  row(refused, 'a negative Content-Length', post('Content-Length: -1\r\n', 'a')),
  row(refused, 'a hexadecimal Content-Length', post('Content-Length: 0x1\r\n', 'a')),
  row(refused, 'a Content-Length above 2^64', post('Content-Length: 18446744073709551617\r\n', 'a')),
  row(refused, 'chunked, identity', post('Transfer-Encoding: chunked, identity\r\n', emptyBody)),
  row(refused, 'chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', emptyBody)),
  row(refused, 'chunked in two fields', post(`${chunked}${chunked}`, emptyBody)),
  row(refused, 'Transfer-Encoding in HTTP/1.0', `POST / HTTP/1.0\r\n${host}${chunked}\r\n${emptyBody}`),
  row(refused, 'xchunked', post('Transfer-Encoding: xchunked\r\n', emptyBody)),
  row(refused, 'chunked with a control byte', post('Transfer-Encoding: \x0bchunked\r\n', emptyBody)),
  row('501, closes', 'gzip, chunked', post('Transfer-Encoding: gzip, chunked\r\n', emptyBody)),
  row('501, closes', 'an unknown coding, chunked', post('Transfer-Encoding: foo, chunked\r\n', emptyBody)),
  row(refused, 'no Host', 'GET / HTTP/1.1\r\n\r\n'),
  row(refused, 'two Host', `GET / HTTP/1.1\r\n${host}Host: b\r\n\r\n`),
  row(refused, 'a Host that is none', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n'),
  row(refused, 'a port of Host that is none', 'GET / HTTP/1.1\r\nHost: a:b\r\n\r\n'),
  row(refused, 'a fragment in the target', `GET /a#b HTTP/1.1\r\n${host}\r\n`),
  row(refused, 'an http target without a host', `GET http://:80/ HTTP/1.1\r\n${host}\r\n`),
  row(refused, 'bare CR in a value', `GET / HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`),
  row(refused, 'bare LF after a field', `GET / HTTP/1.1\r\n${host}X: a\nY: b\r\n\r\n`),
  row(refused, 'bare LF all over', 'GET / HTTP/1.1\nHost: a\n\n'),
  row(refused, 'a folded field', `GET / HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`),
  row(refused, 'white space before the first field', `GET / HTTP/1.1\r\n ${host}\r\n`),
  row(refused, 'space before the colon', `GET / HTTP/1.1\r\n${host}X : a\r\n\r\n`),
  row(refused, 'a field without a colon', `GET / HTTP/1.1\r\n${host}X\r\n\r\n`),
  row(refused, 'an empty field name', `GET / HTTP/1.1\r\n${host}: a\r\n\r\n`),
  row(refused, 'a control byte in a value', `GET / HTTP/1.1\r\n${host}X: a\x01b\r\n\r\n`),
  row(refused, 'NUL in a value', `GET / HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`),
  row(refused, 'NUL in a name', `GET / HTTP/1.1\r\n${host}X\0: a\r\n\r\n`),
  row('505, closes', 'HTTP/2.0', `GET / HTTP/2.0\r\n${host}\r\n`),
  row('505, closes', 'the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  row(refused, 'HTTP/1.10', `GET / HTTP/1.10\r\n${host}\r\n`),
  row(refused, 'http/1.1 in lower case', `GET / http/1.1\r\n${host}\r\n`),
  row(refused, 'HTTP/0.9', 'GET /\r\n\r\n'),
  row(refused, 'two spaces in the request line', `GET  / HTTP/1.1\r\n${host}\r\n`),
  row(refused, 'a space within the target', `GET /a b HTTP/1.1\r\n${host}\r\n`),
  row(refused, 'a TLS hello', '\x16\x03\x01\x00\xee\x01\x00\x00\xea\x03\x03\r\n\r\n'),
  row('431, closes', 'a head of 40 KB', `GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(40_000)}\r\n\r\n`),
  row('431, closes', '2,000 fields', `GET / HTTP/1.1\r\n${host}${'X: y\r\n'.repeat(2000)}\r\n`),
  row('414, closes', 'a target of 20 KB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`),
  row('413, closes', 'a body over the limit (1 MiB)', post('Content-Length: 2000000\r\n', 'x'.repeat(2_000_000))),
  row('417, closes', 'an unknown expectation', post('Expect: tea\r\nContent-Length: 1\r\n', 'a')),
  row('501, closes', 'an unknown method', `BREW / HTTP/1.1\r\n${host}\r\n`),
  row('405, closes', 'a method that is not allowed', `PROPFIND / HTTP/1.1\r\n${host}\r\n`),
  row(refused, 'a chunk size that is none', post(chunked, 'x\r\na\r\n0\r\n\r\n')),
  row(refused, 'a chunk size with 0x', post(chunked, '0x1\r\na\r\n0\r\n\r\n')),
  row(refused, 'a chunk size of 17 digits', post(chunked, `${'0'.repeat(16)}1\r\na\r\n0\r\n\r\n`)),
  row(refused, 'a signed chunk size', post(chunked, '+1\r\na\r\n0\r\n\r\n')),
  row(refused, 'a space after the chunk size', post(chunked, '1 \r\na\r\n0\r\n\r\n')),
  row(refused, 'bare LF after the chunk size', post(chunked, '1\na\r\n0\r\n\r\n')),
  row(refused, 'bare LF in a chunk extension', post(chunked, '1;a\nb\r\na\r\n0\r\n\r\n')),
  row(refused, 'chunk data longer than said', post(chunked, '1\r\nab\r\n0\r\n\r\n')),
  row(refused, 'a folded trailer', post(chunked, '0\r\nX: a\r\n b\r\n\r\n')),
  row('200, keeps', 'chunk extensions', post(chunked, '1;a;b=c;d="e;f"\r\na\r\n0\r\n\r\n')),
  row('200, keeps', 'empty lines before the request line', `\r\n\r\nGET / HTTP/1.1\r\n${host}\r\n`),
  row('200, keeps', 'the same Content-Length twice', post('Content-Length: 1\r\nContent-Length: 1\r\n', 'a')),
  row('200, closes', 'bytes after Connection: close', `GET / HTTP/1.1\r\n${host}Connection: close\r\n\r\ngarbage`),
];
