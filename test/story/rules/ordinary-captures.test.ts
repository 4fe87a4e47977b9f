/**
 * No bad finding on healthy traffic: captures that nobody here made, each read to its end and diagnosed. Every bad finding in
 * them is either proven in a table or a fault of the rule. The examples of this repository likewise.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { observeCapture } from 'holdfast/packets';
import { Diagnosis, type Finding, Story } from 'holdfast/story';
import { knownBad } from './bad-in-ordinary-captures.js';

const captures = '../shared/captures';

function findingsOf(path: string): readonly Finding[] {
  const bytes = readFileSync(path);
  const diagnosis = new Diagnosis();
  const story = new Story({ onConnection: (connection) => diagnosis.take(connection) });
  const capture = observeCapture({ observe: (observation) => story.observe(observation) });
  capture.push(path.endsWith('.gz') ? gunzipSync(bytes) : bytes);
  capture.end();
  story.end();
  const findings = diagnosis.findings();
  diagnosis.verdict(findings);
  return findings;
}

const badOf = (path: string): readonly Finding[] => findingsOf(path).filter(({ level }) => level === 'bad');

const line = (file: string, { rule, connections }: Pick<Finding, 'rule' | 'connections'>): string =>
  `${file}: ${rule} on ${connections.map((id) => `#${id}`).join(' ')}`;

describe('ordinary captures', { skip: existsSync(captures) ? false : `${captures} is not there` }, () => {
  it('hold no bad finding that is not proven', (test) => {
    const files = readFileSync(join(captures, 'truth.tsv'), 'utf8')
      .split('\n')
      .slice(1)
      .map((row) => row.split('\t')[0] ?? '')
      .filter((file) => file !== '');
    const found = files.flatMap((file) => badOf(join(captures, file)).map((finding) => line(file, finding)));
    test.diagnostic(`${files.length} captures, ${found.length} bad findings, each with its proof`);
    assert.ok(files.length > 1000);
    assert.deepEqual(found.toSorted(), knownBad.map((known) => line(known.file, known)).toSorted());
  });
});

/** What the repository's own examples show. */
const badInExamples: readonly string[] = [
  'cut-response.pcap: response-cut on #0',
  'killed-server.pcap: refused on #1 #2 #3',
  'killed-server.pcap: server-died on #0',
  'proxy.pcap: proxy-gave-up on #2 #0',
  'silent-drop.pcap: no-answer on #1',
  'silent-drop.pcap: silent-drop on #0',
  'stale-reuse.pcap: stale-reuse on #0',
];

describe('the examples', () => {
  it('have the bad findings that they are there to show, and no other', () => {
    const files = readdirSync('examples').filter((name) => /\.pcap(ng)?(\.gz)?$/.test(name));
    const found = files.flatMap((file) => badOf(join('examples', file)).map((finding) => line(file, finding)));
    assert.deepEqual(found.toSorted(), badInExamples.toSorted());
  });
});
