/**
 * Our programs and tcpdump's on the same packets: every packet of the captures that are here, for every expression of the table, and
 * for expressions made by chance. The same interpreter runs both; it is checked against tcpdump's own counts.
 *
 *     HOLDFAST_FUZZ_FILTERS=20000 HOLDFAST_SEED=7    more expressions made by chance, or others
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type BpfInstruction, compileFilter, runFilter } from 'holdfast/capture';
import { ethernetCases, filterCases } from './bpf-cases.js';
import { randomFilters } from './bpf-random-filters.js';
import { type Frame, framesOfTcpdump, haveTcpdump, programOfTcpdump } from './filter-oracle.js';

const root = '../shared/captures';
const linkTypes = [0, 1, 101, 108, 113, 228, 229, 276];
const skip = !haveTcpdump ? 'tcpdump is not installed' : !existsSync(root) ? `${root} is not here` : false;

let captures: ReadonlyMap<number, readonly Frame[]> | null = null;

/** The packets of all captures, by link type. */
function framesByLink(): ReadonlyMap<number, readonly Frame[]> {
  if (captures !== null) return captures;
  const found = new Map<number, Frame[]>(linkTypes.map((linkType) => [linkType, []]));
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/\.(pcap|pcapng|cap|trace|dmp)$/.test(path)) continue;
    const list = framesOfTcpdump(join(root, path));
    if (list === null) continue;
    for (const frame of list.frames) found.get(list.linkType)?.push(frame);
  }
  // No capture of LOOP is there: it is NULL with the first word in the other byte order.
  for (const { bytes, wireLength } of found.get(0)!)
    found.get(108)!.push({ bytes: Uint8Array.from([...bytes.subarray(0, 4).toReversed(), ...bytes.subarray(4)]), wireLength });
  captures = found;
  return found;
}

function ourProgram(expression: string, linkType: number): readonly BpfInstruction[] {
  const compiled = compileFilter(expression, linkType);
  assert.ok(compiled.ok, `${expression}: ${compiled.ok ? '' : compiled.why}`);
  return compiled.program;
}

/** Frames on which two programs differ. */
function disagreements(ours: readonly BpfInstruction[], theirs: readonly BpfInstruction[], frames: readonly Frame[]): number[] {
  const numbers: number[] = [];
  for (const [index, { bytes, wireLength }] of frames.entries())
    if ((runFilter(ours, bytes, wireLength) === 0) !== (runFilter(theirs, bytes, wireLength) === 0)) numbers.push(index);
  return numbers;
}

for (const linkType of linkTypes) {
  test(`link type ${linkType}: the verdicts are tcpdump's on every packet`, { skip }, (t) => {
    const frames = framesByLink().get(linkType)!;
    assert.ok(frames.length > 0, 'no packets of this link type');
    const sizes = { ours: 0, theirs: 0, longer: 0 };
    const failures: string[] = [];
    let compared = 0;
    for (const expression of linkType === 1 ? [...filterCases, ...ethernetCases] : filterCases) {
      const theirs = programOfTcpdump(expression, linkType);
      if (theirs === null) {
        const compiled = compileFilter(expression, linkType);
        assert.ok(linkType !== 1 || !compiled.ok, `tcpdump refuses ${expression}`);
        continue;
      }
      const ours = ourProgram(expression, linkType);
      const differing = disagreements(ours, theirs, frames);
      if (differing.length > 0) failures.push(`${expression}: ${differing.length} packets, the first ${differing[0]}`);
      sizes.ours += ours.length;
      sizes.theirs += theirs.length;
      if (ours.length > theirs.length) sizes.longer++;
      compared++;
    }
    assert.deepEqual(failures, [], 'expressions by which only one of the two keeps a packet');
    assert.ok(compared > 100, `only ${compared} expressions were compared`);
    t.diagnostic(
      `${compared} expressions, ${frames.length} packets; instructions ${sizes.ours}, tcpdump's ${sizes.theirs} (${sizes.longer} programs longer)`,
    );
  });
}

/** Both put tests of one number together, not always the same ones: then a packet may be too short for one order and not for the other. */
const orderedDifferently = ['port http or https'];

test('packets cut short are judged as by tcpdump', { skip }, () => {
  const frames = framesByLink().get(1)!;
  const step = Math.ceil(frames.length / 400);
  const cut: Frame[] = [];
  for (let index = 0; index < frames.length; index += step) {
    const { bytes, wireLength } = frames[index]!;
    for (const length of [0, 1, 11, 13, 14, 15, 20, 23, 24, 26, 30, 33, 34, 36, 38, 40, 47, 48, 54, 56, 60, 70])
      if (length < bytes.length) cut.push({ bytes: bytes.subarray(0, length), wireLength });
  }
  const failures: string[] = [];
  for (const expression of [...filterCases, ...ethernetCases]) {
    const theirs = programOfTcpdump(expression, 1);
    const differing = theirs === null ? [] : disagreements(ourProgram(expression, 1), theirs, cut);
    if (differing.length > 0) failures.push(expression);
  }
  assert.deepEqual(failures, orderedDifferently, 'expressions by which only one of the two keeps a packet');
});

test('the interpreter counts what tcpdump counts', { skip }, () => {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.pcap'))
    .sort()
    .filter((_, index) => index % 40 === 0);
  for (const path of paths) {
    const all = framesOfTcpdump(join(root, path));
    if (all === null || !linkTypes.includes(all.linkType)) continue;
    for (const expression of ['tcp port 80', 'not tcp', 'udp or icmp', 'len > 100', 'tcp[13] & 2 != 0', 'net 192.168.0.0/16']) {
      const kept = framesOfTcpdump(join(root, path), expression)!.frames.length;
      const theirs = programOfTcpdump(expression, all.linkType)!;
      const counted: number = all.frames.filter(({ bytes, wireLength }) => runFilter(theirs, bytes, wireLength) > 0).length;
      assert.equal(counted, kept, `${path}: ${expression}`);
    }
  }
});

// Rarely it is libpcap's optimiser that is wrong (1.10.3: one expression in thousands); then its program before that decides.
test('expressions made by chance', { skip }, (t) => {
  const count = Number(process.env.HOLDFAST_FUZZ_FILTERS ?? 250);
  const seed = Number(process.env.HOLDFAST_SEED ?? 1);
  // Long ones: what libpcap's optimiser overlooks (a condition that is always true) it still rejects by loads behind a packet's end.
  const frames = framesByLink()
    .get(1)!
    .filter(({ bytes }, index) => index % 20 === 0 && bytes.length >= 100);
  const failures: string[] = [];
  let compared = 0;
  for (const expression of randomFilters(count, seed)) {
    const theirs = programOfTcpdump(expression, 1);
    const compiled = compileFilter(expression, 1);
    if (theirs === null) {
      if (compiled.ok) failures.push(`tcpdump refuses ${expression}`);
      continue;
    }
    compared++;
    if (!compiled.ok) failures.push(`${expression}: ${compiled.why}`);
    else if (disagreements(compiled.program, theirs, frames).length > 0) {
      const plain = programOfTcpdump(expression, 1, true)!;
      if (disagreements(compiled.program, plain, frames).length > 0) failures.push(expression);
      else t.diagnostic(`libpcap's optimiser changes the meaning of: ${expression}`);
    }
  }
  assert.deepEqual(failures, []);
  assert.ok(compared > count / 2, `only ${compared} expressions were compared`);
  t.diagnostic(`${compared} expressions on ${frames.length} packets`);
});
