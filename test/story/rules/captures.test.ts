/**
 * Every capture of the manifest through the real chain (packets, story, diagnosis): the rule fires where it has to, on the connections
 * it has to, with packets that exist; and nothing else that is bad is found.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { observeCapture } from 'holdfast/packets';
import { Diagnosis, type Finding, rules, Story } from 'holdfast/story';
import type { Case } from './capture-case.js';
import { cases } from './capture-manifest.js';

const folder = 'test/story/rules/captures';
const mostBytesPerCapture = 40_000;
const mostBytesTogether = 2_500_000;

/** Rules that sum up many connections: what they name is a choice, not all of them. */
const plain = ({ rule, level, connections }: { rule: string; level: string; connections?: readonly number[] }) => ({
  rule,
  level,
  ...(connections === undefined ? {} : { connections: [...connections].sort((a, b) => a - b) }),
});

function diagnose(capture: string): { findings: Finding[]; packets: number; connections: number } {
  const diagnosis = new Diagnosis({ hidden: true });
  const story = new Story({ onConnection: (connection) => diagnosis.take(connection) });
  const source = observeCapture({ observe: (observation) => story.observe(observation) });
  source.push(gunzipSync(readFileSync(`${folder}/${capture}.pcap.gz`)));
  const { packets, problems } = source.end();
  story.end();
  assert.deepEqual(problems, [], 'the capture is sound');
  return { findings: diagnosis.findings(), packets, connections: story.totals.connections };
}

function check({ capture, expects }: Case): void {
  const [rule] = capture.split('/');
  const { findings, packets, connections } = diagnose(capture);
  const told = findings.filter((finding) => finding.level === 'bad' || finding.rule === rule);
  const order = (a: { rule: string }, b: { rule: string }) => a.rule.localeCompare(b.rule);
  const wanted = expects.map(plain).sort(order);
  const got = told.map((finding) => {
    const { connections: named } = expects.find((one) => one.rule === finding.rule) ?? { connections: [] };
    return plain(named === undefined ? { rule: finding.rule, level: finding.level } : finding);
  });
  assert.deepEqual(got.sort(order), wanted);
  for (const finding of told) {
    assert.ok(finding.packets.length > 0 || finding.level === 'good', `${finding.rule} names no packet`);
    for (const packet of finding.packets) assert.ok(packet >= 1 && packet <= packets, `${finding.rule}: packet ${packet}`);
    for (const id of finding.connections) assert.ok(id >= 0 && id < connections, `${finding.rule}: connection ${id}`);
  }
}

describe('captures of real software', () => {
  for (const one of cases) {
    test(`${one.capture} (${[one.client, ...one.server].join(', ')})`, () => check(one));
  }
});

test('every rule has a capture that fires it and a near miss, or is fired by the capture of another', () => {
  const fired = new Set(cases.flatMap(({ expects }) => expects.map(({ rule }) => rule)));
  for (const { id } of rules) {
    const own = cases.filter(({ capture }) => capture.startsWith(`${id}/`)).map(({ capture }) => capture.split('/')[1]);
    if (own.length === 0) assert.ok(fired.has(id), `${id} is fired by no capture`);
    else {
      assert.ok(own.includes('fires'), `${id} has a capture that fires it`);
      assert.ok(own.includes('near-miss'), `${id} has a near miss`);
    }
  }
});

test('every capture is in the manifest, and they stay small', () => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files.map(({ parentPath, name }) => `${parentPath.slice(folder.length + 1)}/${name.replace('.pcap.gz', '')}`);
  assert.deepEqual(names.sort(), cases.map(({ capture }) => capture as string).sort());
  let together = 0;
  for (const { parentPath, name } of files) {
    const { length } = readFileSync(`${parentPath}/${name}`);
    assert.ok(length <= mostBytesPerCapture, `${parentPath}/${name}: ${length} bytes`);
    together += length;
  }
  assert.ok(together <= mostBytesTogether, `${together} bytes together`);
});
