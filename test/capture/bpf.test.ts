/** The filter compiler by itself: what packets it chooses, what it refuses and where, and that the kernel takes its programs. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { type BpfInstruction, compileFilter, encodeProgram, type FilterLink, runFilter } from 'holdfast/capture';
import { ethernet, ipv4, tcpPacket, udp } from '../packets/build-packets.js';
import { ethernetCases, filterCases, refusedCases } from './bpf-cases.js';

function program(expression: string, link: FilterLink = 1): readonly BpfInstruction[] {
  const compiled = compileFilter(expression, link);
  assert.ok(compiled.ok, `${expression.slice(0, 200)}: ${compiled.ok ? '' : compiled.why}`);
  return compiled.program;
}

const keeps = (expression: string, packet: Uint8Array, link: FilterLink = 1): boolean =>
  runFilter(program(expression, link), packet) > 0;

const request = tcpPacket(
  { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 40_000, destinationPort: 8191 },
  'GET / HTTP/1.1\r\n',
);
const question = ethernet(ipv4(udp(5353, 53, new Uint8Array(20)), { protocol: 17 }));

test('a request over TCP is found by what it is', () => {
  for (const expression of [
    'tcp',
    'port 8191',
    'dst port 8191',
    'host 10.0.0.2',
    'src 10.0.0.1 and tcp dst port 8000 or 8191',
    'net 10',
  ])
    assert.ok(keeps(expression, request), expression);
  for (const expression of ['udp', 'port 80', 'src port 8191', 'dst host 10.0.0.1', 'net 192.168.0.0/16', 'not tcp', 'less 40'])
    assert.ok(!keeps(expression, request), expression);
  assert.ok(keeps('udp port 53', question));
  assert.ok(!keeps('tcp port 53', question));
});

test('and and or bind equally, from left to right', () => {
  assert.ok(!keeps('tcp or udp and port 53', request));
  assert.ok(keeps('tcp or (udp and port 53)', request));
});

test('a later fragment has no ports', () => {
  const fragment = Uint8Array.from(request);
  fragment[20] = 0x00;
  fragment[21] = 0x10;
  assert.ok(!keeps('port 8191', fragment));
  assert.ok(!keeps('not tcp', fragment));
});

test('the length of the IPv4 header is heeded', () => {
  const withOptions = new Uint8Array(request.length + 8);
  withOptions.set(request.subarray(0, 34));
  withOptions.set(request.subarray(34), 42);
  withOptions[14] = 0x47;
  assert.ok(keeps('tcp dst port 8191', withOptions));
});

test('a load behind the end rejects, also behind not', () => {
  assert.ok(!keeps('not port 80', request.subarray(0, 34)));
  assert.ok(!keeps('tcp[100] = 0 or udp', request.subarray(0, 54)));
});

test('every link type finds the same packet', () => {
  const ip = request.subarray(14);
  const behind = (...header: number[]): Uint8Array => Uint8Array.from([...header, ...ip]);
  const packets: readonly (readonly [FilterLink, Uint8Array])[] = [
    [0, behind(2, 0, 0, 0)],
    [0, behind(0, 0, 0, 2)],
    [101, ip],
    [12, ip],
    [108, behind(0, 0, 0, 2)],
    [113, behind(0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0)],
    [228, ip],
    [276, behind(8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0)],
  ];
  for (const [link, packet] of packets) {
    assert.ok(keeps('tcp dst port 8191 and host 10.0.0.1', packet, link), `link type ${link}`);
    assert.ok(!keeps('udp or ip6 or arp', packet, link), `link type ${link}`);
  }
  assert.deepEqual(compileFilter('tcp', 147), {
    ok: false,
    kind: 'unsupported',
    why: 'link type 147 is not known here',
    position: 0,
  });
});

test('for a cooked socket the kernel says the protocol', () => {
  const [load] = program('ip', 'cooked');
  assert.deepEqual(load, { code: 0x28, jt: 0, jf: 0, k: 0xffff_f000 });
  const places = program('tcp dst port 8191', 'cooked').map(({ code, k }) => [code, k] as const);
  assert.ok(
    places.some(([code, k]) => code === 0xb1 && k === 0),
    'the IPv4 header begins at 0',
  );
  assert.equal(compileFilter('ether[0] = 1', 'cooked').ok, false);
});

for (const { expression, kind, at } of refusedCases) {
  test(`refused as ${kind}: ${expression}`, () => {
    const compiled = compileFilter(expression, 1);
    assert.ok(!compiled.ok);
    assert.deepEqual({ kind: compiled.kind, at: compiled.position }, { kind, at }, compiled.why);
    assert.match(compiled.why, /^[^.]+[^.\s]/);
  });
}

test('jumps farther than 255 instructions arrive', () => {
  const ports = Array.from({ length: 600 }, (_, index) => 1000 + index * 7);
  const long = program(`tcp port ${ports.join(' or ')}`);
  assert.ok(long.length > 1200);
  const to = (port: number): Uint8Array =>
    tcpPacket({ source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 99, destinationPort: port }, '');
  for (const port of [ports[0]!, ports[1]!, ports[299]!, ports[598]!, ports[599]!])
    assert.ok(runFilter(long, to(port)) > 0, `port ${port}`);
  for (const port of [999, 1001, 5200, 65_535]) assert.equal(runFilter(long, to(port)), 0, `port ${port}`);
  for (const [index, { code, jt, jf, k }] of long.entries()) {
    if ((code & 7) !== 5) continue;
    const targets = code === 5 ? [index + 1 + k] : [index + 1 + jt, index + 1 + jf];
    for (const target of targets) assert.ok(target > index && target < long.length);
  }
});

test('more than the kernel takes is refused', () => {
  const hosts = Array.from({ length: 2000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
  const compiled = compileFilter(`host ${hosts.join(' or ')}`, 1);
  assert.ok(!compiled.ok && compiled.kind === 'unsupported' && /instructions/.test(compiled.why));
  const many = compileFilter(`port ${Array.from({ length: 3000 }, (_, index) => index).join(' or ')}`, 1);
  assert.ok(!many.ok && many.kind === 'unsupported' && /conditions/.test(many.why));
  const deep = compileFilter(`${'('.repeat(20_000)}tcp${')'.repeat(20_000)}`, 1);
  assert.ok(!deep.ok && deep.kind === 'unsupported' && /nesting/.test(deep.why));
});

test('hostile text is refused or compiled, and nothing is thrown', () => {
  const pieces = [
    'tcp',
    '(',
    ')',
    '[',
    ']',
    'port',
    '80',
    'or',
    'not',
    '\\x',
    '::',
    '$',
    '0x',
    '-',
    '/',
    'host',
    '1.2',
    '\u0000',
    '🙂',
    '&&&',
    '==',
  ];
  for (let made = 0; made < 3000; made++) {
    let number = made * 7919 + 1;
    const words: string[] = [];
    for (let word = 0; word < 1 + (made % 7); word++) {
      number = (number * 48_271) % 2_147_483_647;
      words.push(pieces[number % pieces.length]!);
    }
    const text = words.join(made % 3 === 0 ? '' : ' ');
    const compiled = compileFilter(text, 1);
    if (!compiled.ok) assert.ok(compiled.position >= 0 && compiled.position <= text.length, text);
  }
});

/** Gives a program to the kernel as the filter of a UDP socket, which needs no rights. Null: this cannot be tried here. */
function kernelTakes(): ((program: readonly BpfInstruction[]) => boolean) | string {
  if (process.platform !== 'linux') return 'only Linux has SO_ATTACH_FILTER';
  let koffi: { load(name: string): { func(text: string): (...values: unknown[]) => number } };
  try {
    koffi = createRequire(import.meta.url)('koffi');
  } catch {
    return 'koffi is not installed';
  }
  const library = koffi.load('libc.so.6');
  const setsockopt = library.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)');
  const close = library.func('int close(int fd)');
  // AF_INET, SOCK_DGRAM.
  const fd = library.func('int socket(int domain, int type, int protocol)')(2, 2, 0);
  test.after(() => close(fd));
  const pointer = koffi as unknown as { address(value: unknown): bigint };
  return (filter) => {
    const instructions = Buffer.from(encodeProgram(filter));
    // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
    const fprog = Buffer.alloc(16);
    fprog.writeUInt16LE(filter.length, 0);
    fprog.writeBigUInt64LE(BigInt(pointer.address(instructions)), 8);
    return setsockopt(fd, 1, 26, fprog, 16) === 0;
  };
}

test('the kernel takes every program', (t) => {
  const takes = kernelTakes();
  if (typeof takes === 'string') {
    t.skip(takes);
    return;
  }
  assert.equal(takes([{ code: 0x28, jt: 0, jf: 0, k: 12 }]), false, 'a program without an end is refused, so the test can fail');
  const links: readonly FilterLink[] = [1, 'cooked', 101, 276];
  for (const link of links) {
    for (const expression of link === 1 ? [...filterCases, ...ethernetCases] : filterCases) {
      const compiled = compileFilter(expression, link);
      if (compiled.ok) assert.ok(takes(compiled.program), `${expression} on ${link}`);
      else assert.ok(link === 'cooked' && expression.includes('ether'), `${expression} on ${link}: ${compiled.why}`);
    }
  }
  assert.ok(takes(program(`tcp port ${Array.from({ length: 600 }, (_, index) => 1000 + index).join(' or ')}`)));
});
