/** `explain` of two captures of the same traffic: recorded at both ends of a way that loses, forges or translates. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdfast } from './run-command.js';

const folder = 'test/packets/two-points';

test('a reset that the way between the captures forged is named, with its packet', () => {
  const { out, code } = holdfast(['explain', `${folder}/forged-client.pcap.gz`, `${folder}/forged-server.pcap.gz`]);
  assert.match(out, /^Between the two captures 1 packet was forged\.$/m);
  assert.match(out.replace(/\s+/g, ' '), /a reset in the name of the server, packet \d+, only in \S+forged-client\.pcap\.gz/);
  assert.equal(code, 0);
});

test('the comparison is a JSON object of its own behind the two reports', () => {
  const { out } = holdfast(['explain', `${folder}/lossy-client.pcap.gz`, `${folder}/lossy-server.pcap.gz`, '--json']);
  const last = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as {
    schema: string;
    comparison: { matchedConnections: number; oneSided: { client: { lost: number }; server: { lost: number } } };
  };
  assert.equal(last.schema, 'holdfast.comparison.v1');
  assert.ok(last.comparison.matchedConnections > 0);
  assert.ok(last.comparison.oneSided.client.lost + last.comparison.oneSided.server.lost > 0);
});

test('captures that have nothing in common are said to have nothing in common', () => {
  const { out } = holdfast(['explain', 'examples/tls.pcap', 'examples/slow-server.pcap']);
  assert.match(out, /^The two captures have no connection in common/m);
});

test('the page of two captures is that of the first, with what the way between them did', () => {
  const { out, code } = holdfast([
    'explain',
    `${folder}/forged-client.pcap.gz`,
    `${folder}/forged-server.pcap.gz`,
    '--html',
    '-',
  ]);
  assert.equal(code, 0);
  assert.equal(out.match(/<!doctype html>/g)?.length, 1);
  assert.match(out, /<a href="#comparison">Two captures<\/a>/);
  assert.match(out, /Between the two captures 1 packet was forged\./);
  const forged =
    /Forged: a reset in the name of the server, packet <a class="pill" href="#packet-(\d+)">[\d,]+<\/a>, only in [^<]*forged-client\.pcap\.gz/.exec(
      out,
    );
  assert.ok(forged !== null);
  assert.ok(out.includes(`id="packet-${forged[1]}"`), 'the packet leads to the ladder');
});

test('a page of captures that have nothing in common says so', () => {
  const { out } = holdfast(['explain', 'examples/tls.pcap', 'examples/slow-server.pcap', '--html', '-']);
  assert.match(out, /The two captures have no connection in common/);
});
