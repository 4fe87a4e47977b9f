/**
 * Streams of bytes for the differential fuzzer: requests as people send them, requests as smugglers send them, and both of these damaged.
 * The same seed makes the same stream.
 */

import type { Random } from '../../bench/random.js';

const methods = ['GET', 'GET', 'POST', 'POST', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'DELETE', 'get', 'PATCH'];
const targets = ['/', '/a', '/a?b=c', '/%20', 'http://a/abs', '*', '/a#b', '//', '/\x7f', '/ a', '/é'];
const versions = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/1.1 ',
  'http/1.1',
  'HTTP/01.1',
];
const lineEnds = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', '\n\r'];

const lengthLines = [
  'Content-Length: N',
  'Content-Length: N',
  'Content-Length: N',
  'content-length:N',
  'Content-Length:\tN ',
  'Content-Length: +N',
  'Content-Length: -N',
  'Content-Length: 0N',
  'Content-Length: N, N',
  'Content-Length: N, M',
  'Content-Length: N\r\nContent-Length: N',
  'Content-Length: N\r\nContent-Length: M',
  'Content-Length: M\r\nContent-Length: N',
  'Content-Length:',
  'Content-Length: 0xN',
  'Content-Length: N;',
  'Content-Length: N\x0b',
  'Content-Length : N',
  'Content-Length\x00: N',
  'Content_Length: N',
  'X: y\r\n Content-Length: N',
  'Content-Length: 1844674407370955161N',
];

const codingLines = [
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked',
  'transfer-encoding:Chunked',
  'Transfer-Encoding: CHUNKED ',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunkedx',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding:\x0bchunked',
  'Transfer-Encoding: chunked\x0c',
  'Transfer-Encoding : chunked',
  ' Transfer-Encoding: chunked',
  'X: y\nTransfer-Encoding: chunked',
  'X: y\rTransfer-Encoding: chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding: chu\x00nked',
  'Transfer_Encoding: chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding:',
];

const otherLines = [
  'X: y',
  'Accept: */*',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: Keep-Alive, x',
  'Expect: 100-continue',
  'Host: b',
  'X:',
  'X',
  ': y',
  'X : y',
  'X: a\x01b',
  'X: a\x7fb',
  'X: \xe9',
  'X: a\r\n b',
  `X-Long: ${'z'.repeat(300)}`,
  'Upgrade: h2c',
  'Trailer: X',
  'Keep-Alive: timeout=5',
];

const chunkSizes = [
  'S',
  'S',
  'S',
  'S',
  '0S',
  '00000000S',
  'S;a',
  'S;a=b',
  'S;a="b\\";c"',
  'S ',
  ' S',
  'S\t',
  '+S',
  '-S',
  '0xS',
  'S;',
  'S;;',
  'S;a b',
  'S;\x01',
  '0000000000000000S',
  'fffffffffffffff0S',
  'S\x00',
  'g',
];

export function makeStream(random: Random): string {
  let stream = '';
  for (let count = random.between(1, 3); count > 0; count--) stream += makeRequest(random, count);
  if (random.chance(0.1)) stream += random.pick(['\r\n', '\n', 'x', '\r', '0\r\n\r\n', 'G']);
  return random.chance(0.35) ? damaged(stream, random) : stream;
}

function makeRequest(random: Random, number: number): string {
  const plain = random.chance(0.3);
  const odd = (chance: number) => !plain && random.chance(chance);
  const end = () => (odd(0.02) ? random.pick(lineEnds) : '\r\n');
  const method = plain ? random.pick(['GET', 'POST']) : random.pick(methods);
  const target = odd(0.1) ? random.pick(targets) : `/r${number}`;
  const version = odd(0.15) ? random.pick(versions) : 'HTTP/1.1';
  const body =
    method === 'POST' || method === 'PUT' || odd(0.1) ? random.pick(['counted', 'chunked', 'chunked', 'both', 'none']) : 'none';
  const content = random.pick(['', 'a', 'hello', '0\r\n\r\n', 'GET /inner HTTP/1.1\r\nHost: i\r\n\r\n', 'x'.repeat(100)]);
  const written = body === 'counted' || body === 'none' ? content : chunks(content, random, plain);
  const lines: string[] = [];
  if (!odd(0.03)) lines.push('Host: a');
  if (body === 'counted' || body === 'both') {
    const length = odd(0.1) ? random.between(0, written.length + 3) : written.length;
    lines.push(
      (odd(0.5) ? random.pick(lengthLines) : lengthLines[0]!).replaceAll('N', String(length)).replaceAll('M', String(length + 1)),
    );
  }
  if (body === 'chunked' || body === 'both') lines.push(odd(0.5) ? random.pick(codingLines) : codingLines[0]!);
  while (odd(0.3)) lines.splice(random.between(0, lines.length), 0, random.pick(otherLines));
  let head = odd(0.04) ? random.pick(['\r\n', '\n', ' ', '\r\n\r\n']) : '';
  head += `${method}${odd(0.02) ? random.pick(['  ', '\t', '']) : ' '}${target}${odd(0.02) ? random.pick(['  ', '\t', '']) : ' '}${version}${end()}`;
  for (const line of lines) head += line + end();
  head += end();
  return head + (body === 'none' ? (odd(0.1) ? content : '') : written);
}

function chunks(content: string, random: Random, plain: boolean): string {
  let text = '';
  for (let pos = 0; pos < content.length; ) {
    const size = random.between(1, content.length - pos);
    const form = plain || random.chance(0.8) ? 'S' : random.pick(chunkSizes);
    const told = !plain && random.chance(0.03) ? size + random.between(-1, 1) : size;
    text += form.replace('S', random.chance(0.5) ? told.toString(16) : told.toString(16).toUpperCase());
    text += !plain && random.chance(0.04) ? random.pick(lineEnds) : '\r\n';
    text += content.slice(pos, pos + size);
    text += !plain && random.chance(0.04) ? random.pick(['\n', '', 'x\r\n', '\r\n\r\n', '\r']) : '\r\n';
    pos += size;
  }
  const last = plain || random.chance(0.9) ? '0' : random.pick(['00', '0;a', '000000000000000000', '0 ', '0\x00', '-0']);
  const trailers =
    plain || random.chance(0.85)
      ? ''
      : random.pick(['X: y\r\n', 'Content-Length: 5\r\n', 'X\r\n', 'X: y\r\n z\r\n', 'X : y\r\n', 'X: a\nb: c\r\n']);
  return `${text}${last}\r\n${trailers}${!plain && random.chance(0.04) ? random.pick(['\n', '', '\r']) : '\r\n'}`;
}

const damages = ['\r', '\n', '\r\n', ' ', '\t', '\0', ':', ',', ';', '\x0b', '\x7f', '\xff', '0', 'a', 'HTTP/1.1', '\r\n\r\n'];

/** A byte or a few changed, taken out, put in, doubled, or the end cut off. */
function damaged(stream: string, random: Random): string {
  let text = stream;
  for (let count = random.between(1, 3); count > 0; count--) {
    const at = random.between(0, Math.max(0, text.length - 1));
    const until = at + random.between(1, 4);
    switch (random.pick(['put', 'put', 'take', 'change', 'double', 'cut'])) {
      case 'put':
        text = text.slice(0, at) + random.pick(damages) + text.slice(at);
        break;
      case 'take':
        text = text.slice(0, at) + text.slice(until);
        break;
      case 'change':
        text = text.slice(0, at) + String.fromCharCode(random.between(0, 255)) + text.slice(at + 1);
        break;
      case 'double':
        text = text.slice(0, until) + text.slice(at);
        break;
      case 'cut':
        if (random.chance(0.3)) text = text.slice(0, at);
    }
  }
  return text;
}
