import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Connection, FilterError, hasHost, hasPort, parseFilter } from 'holdfast/story';
import { buildConnection, buildExchange, buildTally, unanswered } from '../view/build-connection.js';

const plain = buildConnection({
  id: 3,
  exchanges: [
    buildExchange(1, 1, 5, { method: 'GET', target: '/api/users?x=1', host: 'Example.test:8080' }),
    buildExchange(2, 100, 2500, { method: 'POST', target: '/login', status: 503, reason: 'Service Unavailable' }),
    buildExchange(3, 5000, 0, unanswered),
  ],
  tcp: buildTally({ retransmissions: { client: 1, server: 0 } }),
});
const tls: Connection = buildConnection({
  id: 0,
  exchanges: [],
  client: { address: '2001:db8::1', port: 50_000 },
  server: { address: '2001:db8::2', port: 443 },
  protocol: { name: 'tls', serverName: 'www.example.test', detail: 'h2' },
  tcp: buildTally({ resets: { client: 0, server: 1 } }),
  ending: { by: 'client', how: 'rst', why: 'other-protocol-end', at: { atNs: 1, packet: 1 }, idleNs: null },
});

/** Filter → whether it lets `plain` through, and whether `tls`. */
const cases: readonly (readonly [filter: string, plain: boolean, tls: boolean])[] = [
  ['', true, true],
  ['  ', true, true],
  ['tcp', true, true],
  ['tcp.port == 8080', true, false],
  ['tcp.port==8080', true, false],
  ['tcp.port eq 51234', true, false],
  ['tcp.srcport == 8080', false, false],
  ['tcp.dstport == 8080', true, false],
  ['tcp.port != 8080', false, true],
  ['!(tcp.port == 8080)', false, true],
  ['tcp.port in {80, 443 8080}', true, true],
  ['tcp.port in {8000..8100}', true, false],
  ['tcp.stream == 3', true, false],
  ['tcp.stream', true, true],
  ['tcp.stream in {0..2}', false, true],
  ['tcp.stream < 0x2', false, true],
  ['ip.addr == 10.0.0.1', true, false],
  ['ip.addr == 10.0.0.0/8', true, false],
  ['ip.addr == 10.0.0.4/30', true, false],
  ['ip.addr == 10.0.0.8/30', false, false],
  ['ip.src == 10.0.0.1 and ip.dst == 10.0.0.5', true, false],
  ['ip.addr != 10.0.0.1', false, false],
  ['ip', true, false],
  ['ipv6', false, true],
  ['ipv6.addr == 2001:db8::1', false, true],
  ['ipv6.addr == 2001:0DB8:0:0::2', false, true],
  ['ipv6.addr == 2001:db8::/32', false, true],
  ['ipv6.src == ::/0', false, true],
  ['http', true, false],
  ['not http', false, true],
  ['http.request', true, false],
  ['http.request.method == "POST"', true, false],
  ['http.request.method == POST', true, false],
  ["http.request.method == 'PUT'", false, false],
  ['http.request.method != "GET"', false, false],
  ['http.request.method in {"PUT", "POST"}', true, false],
  ['http.request.uri contains "users?"', true, false],
  ['http.request.uri contains login', true, false],
  ['http.request.uri matches "^/API/"', true, false],
  ['http.request.uri ~ "users\\\\?x=[0-9]$"', true, false],
  ['http.host contains "xample"', true, false],
  ['http.response.code >= 500', true, false],
  ['http.response.status == 503', true, false],
  ['http.response.code == 404', false, false],
  ['http.response.code < 300 && http.response.code > 499', true, false],
  ['http.time > 2.4', true, false],
  ['http.time > 2.6', false, false],
  ['tls', false, true],
  ['tls.handshake.extensions_server_name == "www.example.test"', false, true],
  ['tls or http', true, true],
  ['tls and http', false, false],
  ['tcp.flags.reset == 1', false, true],
  ['tcp.flags.reset == 0', true, false],
  ['tcp.flags.reset', false, true],
  ['tcp.flags.reset == true', false, true],
  ['tcp.analysis.retransmission', true, false],
  ['ending.why == idle', true, false],
  ['ending.by == client', false, true],
  ['protocol == tls', false, true],
  // `and` binds closer than `or`, `not` closer than both.
  ['tls and http or tcp', true, true],
  ['tls and (http or tcp)', false, true],
  ['not tls and tcp', true, false],
  ['!tls&&tcp||!tcp', true, false],
  ['TCP.PORT == 443', false, true],
];

test('a filter chooses what Wireshark users expect', () => {
  for (const [filter, wantedPlain, wantedTls] of cases) {
    const test = parseFilter(filter);
    assert.equal(test(plain), wantedPlain, `${filter} on the HTTP connection`);
    assert.equal(test(tls), wantedTls, `${filter} on the TLS connection`);
  }
});

test('a filter that cannot be read says where and what to write instead', () => {
  const wrong: readonly (readonly [filter: string, position: number, message: RegExp, hint: RegExp])[] = [
    ['tcp.prot == 80', 0, /unknown field "tcp\.prot"/, /tcp\.port/],
    ['foo == 1', 0, /unknown field "foo"/, /tcp, .*http/],
    ['constructor == 1', 0, /unknown field/, /http/],
    ['tcp.port ==', 11, /value for tcp\.port is missing/, /number/],
    ['tcp.port == abc', 12, /"abc" is no number/, /tcp\.port/],
    ['tcp.port contains 8', 18, /is a number/, /==/],
    ['ip.addr == 10.0.0', 11, /no IPv4 address/, /10\.0\.0\.1/],
    ['ip.addr == 10.0.0.1/33', 11, /no IPv4 address/, /10\.0\.0\.0\/8/],
    ['ip.addr == 2001:db8::1', 11, /no IPv4 address/, /10\.0\.0\.1/],
    ['ipv6.addr == 1::2::3', 13, /no IPv6 address/, /2001:db8/],
    ['ip.addr > 10.0.0.1', 10, /cannot be compared with >/, /==/],
    ['tcp.port == 80 tcp.port == 81', 15, /unexpected "tcp\.port"/, /and/],
    ['tcp and', 7, /ends too early/, /tcp\.port == 80/],
    ['(tcp or http', 12, /closing parenthesis/, /character 1/],
    ['tcp)', 3, /unexpected "\)"/, /and/],
    ['tcp.port in 80', 12, /needs a set/, /\{80/],
    ['tcp.port in {80', 15, /not closed/, /\}/],
    ['http.host == "abc', 13, /unexpected/, /quotation mark/],
    ['== 80', 0, /unexpected "=="/, /field/],
    ['http.request.uri matches "("', 25, /regular expression/, /\\/],
    [`${'('.repeat(5000)}tcp`, 100, /too deeply/, /100/],
  ];
  for (const [filter, position, message, hint] of wrong) {
    assert.throws(
      () => parseFilter(filter),
      (error) => {
        assert.ok(error instanceof FilterError, filter);
        assert.match(error.message, message, filter);
        assert.match(error.hint, hint, filter);
        assert.equal(error.position, position, filter);
        return true;
      },
    );
  }
});

test('a filter of any bytes is read or refused, never more', () => {
  const parts = [
    'tcp.port',
    'http',
    ' ',
    '==',
    '!=',
    'in',
    '{',
    '}',
    '(',
    ')',
    '!',
    'and',
    '||',
    '80',
    '"x"',
    '"',
    "'",
    '..',
    '.',
    '10.0.0.1',
    '::1',
    '\u0000',
    '\\',
    'é',
  ];
  // A small linear congruential sequence: the same filters on every run.
  let seed = 7;
  const next = (count: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (seed >>> 8) % count;
  };
  for (let round = 0; round < 20_000; round++) {
    const filter = Array.from({ length: 1 + next(8) }, () => parts[next(parts.length)]).join(next(2) === 0 ? ' ' : '');
    try {
      assert.equal(typeof parseFilter(filter)(plain), 'boolean');
    } catch (error) {
      assert.ok(error instanceof FilterError, `${JSON.stringify(filter)}: ${error}`);
      assert.ok(error.position >= 0 && error.position <= filter.length, filter);
    }
  }
});

test('a host is an address, a network or a name', () => {
  const hosts: readonly (readonly [string, boolean, boolean])[] = [
    ['10.0.0.5', true, false],
    ['10.0.0.0/24', true, false],
    ['[2001:db8::2]', false, true],
    ['2001:db8::/64', false, true],
    ['example.test', true, false],
    ['EXAMPLE.test:8080', true, false],
    ['www.example.test', false, true],
    ['ample.test', false, false],
  ];
  for (const [host, wantedPlain, wantedTls] of hosts) {
    assert.deepEqual([hasHost(host)(plain), hasHost(host)(tls)], [wantedPlain, wantedTls], host);
  }
  assert.deepEqual([hasPort(8080)(plain), hasPort(51_234)(plain), hasPort(8080)(tls)], [true, true, false]);
});
