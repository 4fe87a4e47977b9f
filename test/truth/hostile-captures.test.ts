/**
 * Damaged captures through the whole chain, from bytes to the text of the report.
 *
 * Invariants: nothing throws; a capture takes no longer than its guard; each connection is told once and every connection that
 * was opened is told; the shares of each exchange's waiting sum to its length; the report is JSON of printable ASCII; packet
 * numbers lie within the capture; memory after thousands of captures is what it was before.
 *
 * `HOLDFAST_FUZZ_CAPTURES=200000` mutates so many, `HOLDFAST_CUT_EVERY=1` cuts every example at every byte (`npm run fuzz:captures` does both).
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import { observeCapture } from 'holdfast/packets';
import { type Connection, Diagnosis, Story } from 'holdfast/story';
import { clockOf, jsonReportWriter } from 'holdfast/view';
import { fuzzCaptures } from '../packets/fuzz-captures.js';

const mutants = Number(process.env.HOLDFAST_FUZZ_CAPTURES ?? 2000);
const seed = Number(process.env.HOLDFAST_FUZZ_SEED ?? 1);
/** Every so many bytes; a prime, so that cuts fall everywhere. */
const cutEvery = Number(process.env.HOLDFAST_CUT_EVERY ?? 211);
/** One small capture takes milliseconds. */
const hangMs = 20_000;
const memoryGrowthMiB = 64;

const examples = readdirSync('examples')
  .filter((name) => /\.pcap(ng)?(\.gz)?$/.test(name))
  .map((name) => {
    const bytes = readFileSync(`examples/${name}`);
    return { name, bytes: new Uint8Array(name.endsWith('.gz') ? gunzipSync(bytes) : bytes) };
  });

function explainAll(bytes: Uint8Array): void {
  const started = performance.now();
  const connections: Connection[] = [];
  let opened = 0;
  const diagnosis = new Diagnosis();
  const story = new Story({
    onConnection: (connection) => {
      connections.push(connection);
      diagnosis.take(connection);
    },
  });
  const capture = observeCapture({
    observe: (observation) => {
      if (observation.kind === 'opened') opened++;
      story.observe(observation);
    },
  });
  capture.push(bytes);
  const source = capture.end();
  story.end();
  const findings = diagnosis.findings();
  let text = '';
  const writer = jsonReportWriter({ form: 'json', write: (part) => (text += part), marks: true });
  for (const connection of connections) writer.connection(connection, clockOf(source));
  writer.end('x', source, story.totals, { verdict: diagnosis.verdict(findings), findings, inferences: diagnosis.inferences() });
  assert.ok(performance.now() - started < hangMs, 'hangs');
  assert.equal(connections.length, opened, 'every connection is told');
  assert.equal(new Set(connections.map(({ id }) => id)).size, opened, 'and told once');
  for (const connection of connections) checkConnection(connection, source.packets);
  assert.match(text, /^[\n -~]*$/, 'printable ASCII');
  JSON.parse(text);
}

function checkConnection(connection: Connection, packets: number): void {
  assert.ok(connection.ending.at.packet >= 0 && connection.ending.at.packet <= packets, 'the packet of the ending');
  for (const { requestAt, responseEnd, waited } of connection.exchanges) {
    assert.ok(requestAt.packet <= packets, 'the packet of a request');
    const sum = waited.client + waited.network + waited.server;
    assert.ok(waited.client >= 0 && waited.network >= 0 && waited.server >= 0, 'shares are not negative');
    if (responseEnd === null) continue;
    const length = Math.max(0, responseEnd.atNs - requestAt.atNs);
    // Times are exact up to 104 days; a broken clock can jump by years.
    assert.ok(Math.abs(sum - length) <= Math.max(1, length * Number.EPSILON), `the shares sum to the whole: ${sum} of ${length}`);
  }
}

test(`every example, cut at every byte that is a multiple of ${cutEvery}`, () => {
  for (const { name, bytes } of examples) {
    for (let at = 0; at <= bytes.length; at += cutEvery) {
      try {
        explainAll(bytes.subarray(0, at));
      } catch (error) {
        throw new Error(`${name} cut at ${at}: ${String(error)}`, { cause: error });
      }
    }
  }
});

test(`${mutants} mutated examples (seed ${seed}) keep the invariants of the whole chain`, () => {
  const corpus = examples.map(({ bytes }) => bytes).filter(({ length }) => length < 8000);
  fuzzCaptures({ count: 200, seed, corpus, run: explainAll });
  const before = heapMiB();
  fuzzCaptures({ count: mutants, seed: seed + 1, corpus, run: explainAll });
  assert.ok(heapMiB() - before < memoryGrowthMiB, 'memory grows');
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapMiB(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}
