/** Listings of tcpdump tell the same stories as the captures they were printed from, as far as text goes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { SourceSummary } from 'holdfast/base';
import { observeCapture } from 'holdfast/packets';
import { type Connection, Story } from 'holdfast/story';

interface Told {
  readonly connections: readonly Connection[];
  readonly source: SourceSummary;
}

function tell(input: Uint8Array | string, chunkByteCount = 65_536): Told {
  const bytes = typeof input === 'string' ? Buffer.from(input, 'latin1') : input;
  const connections: Connection[] = [];
  const story = new Story({ onConnection: (connection) => connections.push(connection) });
  const capture = observeCapture({ observe: (observation) => story.observe(observation) });
  for (let at = 0; at < bytes.length && !capture.done; at += chunkByteCount) {
    const chunk = bytes.slice(at, at + chunkByteCount);
    capture.push(chunk);
    chunk.fill(0xee);
  }
  const source = capture.end();
  story.end();
  return { connections, source };
}

const only = (told: Told): Connection => {
  assert.equal(told.connections.length, 1);
  return told.connections[0]!;
};

const codes = ({ source }: Told): string[] => source.problems.map(({ code }) => code);

/** What headers alone tell. */
function bones(connection: Connection): Record<string, unknown> {
  const { client, server, sidesFrom, exchanges, ending, tcp, zeek, handshakeNs } = connection;
  return {
    ends: `${client.address}:${client.port} ${server.address}:${server.port}`,
    sidesFrom,
    handshakeNs,
    exchanges: exchanges.map(({ requestAt, firstByte }) => `${requestAt.packet} ${firstByte?.packet ?? '-'}`),
    ending: `${ending.by} ${ending.how} ${ending.at.packet}`,
    tcp: { ...tcp, gapBytes: 0 },
    zeek,
  };
}

/** What whole messages tell. */
function flesh(connection: Connection): Record<string, unknown> {
  const { exchanges, ending, protocol } = connection;
  return {
    protocol: protocol.name,
    exchanges: exchanges.map(
      ({ method, target, status, requestEnd, responseEnd, complete }) =>
        `${method} ${target} ${status} ${requestEnd?.packet} ${responseEnd?.packet} ${complete}`,
    ),
    why: ending.why,
  };
}

const hasTcpdump = spawnSync('tcpdump', ['--version']).status === 0;
const examples = readdirSync('examples').filter((name) => /\.pcap(ng)?$/.test(name));

function list(path: string, options: readonly string[]): Buffer {
  const { stdout, status } = spawnSync('tcpdump', ['-r', path, '--nano', ...options], {
    env: { ...process.env, TZ: 'UTC' },
    maxBuffer: 2 ** 28,
  });
  assert.equal(status, 0);
  return stdout;
}

/** As tcpdump 3.x wrote it. */
const asOldForm = (listing: string): string =>
  listing
    .replace(/: HTTP: .*$/gm, '')
    .replace(/Flags \[([A-Z.]+)\]/g, (_, letters: string) => (letters === '.' ? '.' : letters.replace('.', '')))
    .replace(/, seq (\d+):(\d+)(.*), length (\d+)/g, ' $1:$2($4)$3')
    .replace(/, seq (\d+)(?=,)(.*), length \d+/g, ' $1:$1(0)$2')
    .replace(/, length \d+/g, '')
    .replace(/, (ack|win) /g, ' $1 ')
    .replace(
      /, options \[([^\]]*)\]/g,
      (_, options: string) => ` <${options.replace(/TS val (\d+) ecr (\d+)/g, 'timestamp $1 $2')}>`,
    );

const skip = hasTcpdump ? false : 'tcpdump is not installed';

/** Where words cannot tell exchanges as messages do. */
const beyondWords: Readonly<Record<string, string>> = {
  'continue-upload.pcapng old form': 'without a start line in sight an interim response is an answer like any other',
  'upgrade.pcap old form': 'nor is what follows an upgrade',
  'refused-upload.pcap old form': 'nor is the rest of an upload behind its answer told from a next request',
  'pipelined.pcap': 'requests that share a segment',
};

test('listings without payload tell what headers tell, in every form', { skip }, () => {
  for (const example of examples) {
    const path = `examples/${example}`;
    const truth = tell(readFileSync(path)).connections.map(bones);
    const forms: (readonly [name: string, listing: Uint8Array | string])[] = [
      ['-n', '-nS', '-ntt', '-nttt', '-ntttt', '-nttttt', '-ne', '-nv', '-nvv', '-nve', '-n --number', '-nK'].map(
        (options) => [options, list(path, options.split(' '))] as const,
      ),
      [['old form', asOldForm(list(path, ['-n']).toString('latin1'))] as const],
      [['indented', list(path, ['-n']).toString('latin1').replace(/^/gm, '    ')] as const],
      [['with CRLF', list(path, ['-n']).toString('latin1').replaceAll('\n', '\r\n')] as const],
    ].flat();
    for (const [name, listing] of forms) {
      const told = tell(listing).connections.map(bones);
      const isBeyond = beyondWords[example] !== undefined || beyondWords[`${example} ${name}`] !== undefined;
      const comparable = (all: Record<string, unknown>[]) => (isBeyond ? all.map((one) => ({ ...one, exchanges: [] })) : all);
      assert.deepEqual(comparable(told), comparable(truth), `${example} ${name}`);
    }
  }
});

test('listings with payload tell what messages tell', { skip }, () => {
  const both = (connection: Connection) => ({ ...bones(connection), ...flesh(connection) });
  for (const example of examples) {
    const path = `examples/${example}`;
    const truth = tell(readFileSync(path)).connections.map(both);
    for (const options of ['-nx', '-nX', '-nxx', '-nXX', '-nqX', '-nvX', '-neXX', '-nA', '-nvA']) {
      const told = tell(list(path, [options])).connections.map(both);
      // As text, a TLS handshake is dots.
      if (options.endsWith('A') && example === 'tls.pcap') assert.equal(told[0]!.protocol, 'unknown');
      else assert.deepEqual(told, truth, `${example} ${options}`);
    }
  }
});

const packet = (time: string, words: string): string => `${time}IP 10.0.0.1.40000 > 10.0.0.2.80: ${words}\n`;
const answer = (time: string, words: string): string => `${time}IP 10.0.0.2.80 > 10.0.0.1.40000: ${words}\n`;

/** One exchange, with the seven times given. */
const exchangeAt = (times: readonly string[]): string =>
  [
    packet(times[0]!, 'Flags [S], seq 4294967290, win 65535, options [mss 1460], length 0'),
    answer(times[1]!, 'Flags [S.], seq 100, ack 4294967291, win 65535, options [mss 1460], length 0'),
    packet(times[2]!, 'Flags [.], ack 1, win 65535, length 0'),
    packet(times[3]!, 'Flags [P.], seq 1:101, ack 1, win 65535, length 100: HTTP: GET /a?b HTTP/1.1'),
    answer(times[4]!, 'Flags [P.], seq 1:51, ack 101, win 65535, length 50: HTTP: HTTP/1.1 204 No Content'),
    answer(times[5]!, 'Flags [F.], seq 51, ack 101, win 65535, length 0'),
    packet(times[6]!, 'Flags [R.], seq 101, ack 52, win 0, length 0'),
  ].join('');

/** Milliseconds from the connection's first packet to its last, when all is read as it must be. */
function spanMs(listing: string): number {
  const connection = only(tell(listing));
  assert.deepEqual(
    connection.exchanges.map(({ method, target, status }) => `${method} ${target} ${status}`),
    ['GET /a?b 204'],
  );
  assert.equal(connection.ending.by, 'server');
  assert.deepEqual(connection.tcp.bytes, { client: 100, server: 50 });
  assert.deepEqual(connection.tcp.retransmissions, { client: 0, server: 0 });
  return (connection.last.atNs - connection.opened.atNs) / 1e6;
}

test('midnight passes between times without date', () => {
  const times = ['23:59:58.0', '23:59:58.1', '23:59:58.2', '23:59:59.9', '00:00:00.1', '00:00:00.2', '00:00:03.0'];
  assert.equal(spanMs(exchangeAt(times.map((time) => `${time} `))), 5000);
});

test('a packet listed a little late is no midnight', () => {
  const times = ['12:00:00.0', '12:00:00.2', '12:00:00.1', '12:00:00.3', '12:00:00.4', '12:00:00.5', '12:00:01.0'];
  assert.equal(spanMs(exchangeAt(times.map((time) => `${time} `))), 1000);
});

test('times since the first packet and since the one before are told apart', () => {
  const since = (milliseconds: readonly number[]): string[] =>
    milliseconds.map((ms) => ` 00:00:${(ms / 1000).toFixed(6).padStart(9, '0')} `);
  assert.equal(spanMs(exchangeAt(since([0, 10, 20, 30, 40, 50, 60]))), 60);
  assert.equal(spanMs(exchangeAt(since([0, 10, 5, 100, 40, 50, 60]))), 265);
  assert.ok(codes(tell(exchangeAt(since([0, 10, 20, 30, 40, 50, 60])))).includes('listing-times-unclear'));
  assert.ok(!codes(tell(exchangeAt(since([0, 10, 5, 100, 40, 50, 60])))).includes('listing-times-unclear'));
});

test('Unix times and dates are absolute', () => {
  const unix = tell(exchangeAt([0, 1, 2, 3, 4, 5, 6].map((second) => `17000000${10 + second}.250000 `)));
  assert.deepEqual([unix.source.originSeconds, unix.source.firstAtNs, unix.source.timeDecimals], [1_700_000_010, 250e6, 6]);
  assert.deepEqual(codes(unix), ['listing-payload-absent']);
  const dated = tell(exchangeAt([0, 1, 2, 3, 4, 5, 6].map((second) => `2023-11-14 22:13:3${second}.5 `)));
  assert.deepEqual([dated.source.originSeconds, dated.source.firstAtNs], [1_700_000_010, 500e6]);
  assert.ok(codes(dated).includes('listing-local-times'));
});

test('without times everything but time is told, and the lack is said', () => {
  const listing = exchangeAt(new Array(7).fill(''));
  assert.equal(spanMs(listing), 0);
  assert.ok(codes(tell(listing)).includes('listing-without-times'));
});

test('a listing that was cut at its head is read on its own scale', () => {
  const lines = exchangeAt([0, 1, 2, 3, 4, 5, 6].map((second) => `12:00:0${second}.0 `)).split('\n');
  for (const from of [2, 3]) {
    const connection = only(tell(lines.slice(from).join('\n')));
    assert.deepEqual(connection.tcp.bytes, { client: 100, server: 50 });
    assert.deepEqual(connection.tcp.gapBytes, { client: 0, server: 0 });
    assert.equal(connection.exchanges[0]!.target, '/a?b');
  }
});

test('names of hosts and ports', () => {
  const listing = exchangeAt([0, 1, 2, 3, 4, 5, 6].map((second) => `12:00:0${second}.0 `));
  const named = (host: string, port: string): string => listing.replaceAll('10.0.0.2.80', `${host}.${port}`);
  const ends = (text: string): string => {
    const { client, server } = only(tell(text));
    return `${client.address} ${client.port} ${server.address} ${server.port}`;
  };
  assert.equal(ends(named('www-1.example.net', 'http')), '10.0.0.1 40000 www-1.example.net 80');
  assert.equal(ends(named('10.0.0.2', 'http-alt')), '10.0.0.1 40000 10.0.0.2 8080');
  assert.equal(ends(named('web', 'http').replaceAll('10.0.0.1.', 'laptop.')), 'laptop 40000 web 80');
  assert.equal(ends(named('10.0.0.2', 'frobnicate')), '10.0.0.1 40000 10.0.0.2 65536');
  assert.ok(codes(tell(named('10.0.0.2', 'frobnicate'))).includes('listing-port-name-unknown'));
  assert.equal(
    ends(
      listing.replaceAll('10.0.0.2.80', 'fe80::1%eth0.80').replaceAll('10.0.0.1.', '::ffff:10.0.0.1.').replaceAll('IP ', 'IP6 '),
    ),
    '::ffff:10.0.0.1 40000 fe80::1 80',
  );
  assert.ok(codes(tell(named('10.0.0.2', '99999'))).includes('listing-ends-unread'));
});

test('what is no packet is counted; what tcpdump remarks is not', () => {
  const times = [0, 1, 2, 3, 4, 5, 6].map((second) => `12:00:0${second}.0 `);
  const [first = '', ...rest] = exchangeAt(times).split('\n');
  const listing = [
    '$ sudo tcpdump -n port 80',
    'tcpdump: verbose output suppressed, use -v[v]... for full protocol decode',
    'listening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes',
    first,
    '12:00:00.5 ARP, Request who-has 10.0.0.9 tell 10.0.0.1, length 28',
    'something else',
    '12:00:00.6 IP 10.0.0.1.5353 > 224.0.0.251.5353: 0 PTR (QM)? _http._tcp.local. (33)',
    '12:00:00.7 IP6 fe80::1 > ff02::1: ICMP6, router advertisement, length 64',
    ...rest,
    '^C10 packets captured',
    '12 packets received by filter',
    '2 packets dropped by kernel',
  ];
  const { source, connections } = tell(listing.join('\n'));
  assert.equal(connections.length, 1);
  assert.deepEqual(source.linkTypes, ['Ethernet']);
  assert.deepEqual([source.format, source.packets, source.tcpPackets], ['tcpdump-text', 10, 7]);
  assert.deepEqual(source.otherPackets, { ARP: 1, UDP: 1, ICMPv6: 1 });
  const problems = new Map(source.problems.map(({ code, count, firstPacket }) => [code, `${count}@${firstPacket}`]));
  assert.equal(problems.get('listing-line-unread'), '2@1');
  assert.equal(problems.get('listing-packets-dropped'), '1@10');
});

test('other text is no listing', () => {
  for (const text of ['hello\nworld\n', '127.0.0.1 - - [21/Nov/2026] "GET / HTTP/1.1" 200 1\n'.repeat(30_000)]) {
    const { source, connections } = tell(text);
    assert.equal(source.format, 'unknown');
    assert.equal(connections.length, 0);
    assert.deepEqual(
      source.problems.map(({ code }) => code),
      ['unknown-format'],
    );
  }
});

/** -A: header bytes as dots, then the payload. */
const asText = (line: string, payload: string): string => `${line}E..<..@.@.${'.'.repeat(30)}${payload}\n`;

test('a payload that looks like packets stays a payload', () => {
  const forged = '12:00:09.0 IP 10.0.0.9.40000 > 10.0.0.8.80: Flags [R], seq 1, win 0, length 0';
  const page = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const [honest, hostile] = [page('x'.repeat(100)), page(`${forged}\n`)];
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const printed = (payload: string): string => payload.replaceAll('\r\n', '\n');
  const at = (second: number): string => `12:00:0${second}.0 `;
  const span = (from: number, payload: string): string => `seq ${from}:${from + payload.length}`;
  const listing = [
    packet(at(0), 'Flags [S], seq 7, win 65535, length 0'),
    answer(at(0), 'Flags [S.], seq 100, ack 8, win 65535, length 0'),
    asText(
      packet(at(1), `Flags [P.], ${span(1, request)}, ack 1, win 9, length ${request.length}: HTTP: GET / HTTP/1.1`),
      printed(request),
    ),
    asText(
      answer(at(2), `Flags [P.], ${span(1, honest)}, ack 28, win 9, length ${honest.length}: HTTP: HTTP/1.1 200 OK`),
      printed(honest),
    ),
    asText(
      packet(at(3), `Flags [P.], ${span(28, request)}, ack ${1 + honest.length}, win 9, length ${request.length}: HTTP`),
      printed(request),
    ),
    asText(
      answer(
        at(4),
        `Flags [P.], ${span(1 + honest.length, hostile)}, ack 55, win 9, length ${hostile.length}: HTTP: HTTP/1.1 200 OK`,
      ),
      printed(hostile),
    ),
  ].join('');
  const connection = only(tell(listing));
  assert.deepEqual(
    connection.exchanges.map(({ complete, responseBodyBytes }) => [complete, responseBodyBytes]),
    [
      [true, 100],
      [true, forged.length + 1],
    ],
  );
});

const listings = '../shared/captures/listings';
const skipListings = existsSync(listings) ? false : `${listings} is not there`;
const listed = (name: string): Connection => only(tell(readFileSync(`${listings}/${name}.txt`)));
const secondsBetween = (from: { atNs: number } | null, to: { atNs: number } | null): string =>
  ((to!.atNs - from!.atNs) / 1e9).toFixed(3);

test('a server without keep-alive answers after a minute and closes at once', { skip: skipListings }, () => {
  const { handshakeNs, exchanges, ending, opened, last, protocol } = listed('timeout-0');
  const [exchange] = exchanges;
  assert.equal(protocol.detail, 'payload not captured');
  assert.equal((handshakeNs! / 1e6).toFixed(1), '8.9');
  assert.equal(exchanges.length, 1);
  assert.equal(secondsBetween(exchange!.requestEnd, exchange!.firstByte), '60.001');
  assert.equal(exchange!.waitedOn, 'server');
  assert.deepEqual([ending.by, ending.how, ending.why], ['server', 'fin', 'after-response']);
  assert.equal(secondsBetween(opened, last), '60.102');
});

test('a server closes after five idle minutes, the client some seconds later', { skip: skipListings }, () => {
  const { exchanges, ending, closed, last } = listed('timeout-300');
  assert.equal(exchanges.length, 1);
  assert.deepEqual([ending.by, ending.how, ending.why], ['server', 'fin', 'idle']);
  assert.equal(secondsBetween(exchanges[0]!.responseEnd, ending.at), '299.965');
  assert.equal(secondsBetween(ending.at, closed), '4.311');
  assert.equal(last.packet, 11);
});

test('three exchanges and two pauses, with more in between than the listing shows', { skip: skipListings }, () => {
  const { exchanges, idleGapsNs, ending, tcp } = listed('timeout-180-three-requests');
  assert.deepEqual(
    exchanges.map(({ requestAt, responseEnd }) => secondsBetween(requestAt, responseEnd)),
    ['2.003', '2.001', '2.002'],
  );
  assert.deepEqual(
    idleGapsNs.map((ns) => (ns / 1e9).toFixed(2)),
    ['120.11', '116.15'],
  );
  assert.deepEqual([ending.by, ending.how, ending.why], ['server', 'fin', 'idle']);
  assert.equal(secondsBetween(exchanges[2]!.responseEnd, ending.at), '179.979');
  assert.deepEqual(tcp.gapBytes, { client: 1592, server: 648 });
  assert.deepEqual(
    exchanges.map(({ notes }) => notes.map(({ code }) => code)),
    [['payload-not-captured'], ['bytes-missing', 'bytes-missing'], ['bytes-missing', 'bytes-missing']],
  );
});

test('broken listings never throw, and time per byte stays bounded', () => {
  const whole = exchangeAt([0, 1, 2, 3, 4, 5, 6].map((second) => `12:00:0${second}.0 `));
  const seeds = [whole, asText(whole.split('\n')[3]!.concat('\n'), 'GET / HTTP/1.1\n\n'), asOldForm(whole)];
  for (const listings of hasTcpdump ? ['-nvX', '-nvA', '-ne'] : [])
    seeds.push(list('examples/proxy.pcap', [listings]).toString('latin1'));
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state % below;
  };
  const pieces = [
    ' > ',
    ': ',
    '\n',
    '\t',
    'Flags [',
    '] ',
    '(',
    ')',
    '{1:2}',
    'seq 99999999999',
    ', ',
    'ack ',
    '\x1b[31m',
    '\0',
    '....',
    '::',
    '%',
    'IP ',
    '0x0000:  ',
  ];
  for (let round = 0; round < 600; round++) {
    let text = seeds[round % seeds.length]!;
    for (let change = 0; change <= round % 7; change++) {
      const at = random(text.length);
      const kind = random(4);
      if (kind === 0) text = text.slice(0, at) + text.slice(at + random(80));
      else if (kind === 1) text = text.slice(0, at) + pieces[random(pieces.length)] + text.slice(at);
      else if (kind === 2) text = text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
      else text = text.slice(0, at) + text.slice(Math.max(0, at - random(300)), at) + text.slice(at);
    }
    const told = tell(text, 1 + random(5000));
    for (const { client, server } of told.connections) {
      assert.match(`${client.address}${server.address}`, /^[\w.:-]+$/);
    }
  }
  for (const piece of [' > ', 'a.a.', ': ', '(tos 0x', 'IP ', '12:00:00.0 IP 1.1.1.1.1 > ', '\t', '{', '10.0.0.1.1 > ']) {
    tell(`${whole}${piece.repeat(Math.ceil(300_000 / piece.length))}\n`);
  }
});
