/**
 * Every capture with a row in truth.tsv: connections, requests, responses, resets, FINs and keep-alive probes as tshark counts
 * them, or a listed difference with its proof. Skips where the captures are not there.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { compareRow, type Explained, explainFile, readTruth } from './compare.js';
import { differences } from './differences.js';

const folder = '../shared/captures/';
const skip = existsSync(`${folder}truth.tsv`) ? false : `no captures at ${folder}`;

test('counts agree with tshark, or the difference is listed with its proof', { skip }, () => {
  const listed = new Map(differences.map((entry) => [`${entry[0]} ${entry[1]} tshark ${entry[2]} holdfast ${entry[3]}`, entry]));
  const found = new Set<string>();
  const unlisted: string[] = [];
  const unproven: string[] = [];
  for (const row of readTruth(`${folder}truth.tsv`)) {
    const explained = explainFile(folder + row.path);
    for (const difference of compareRow(row, explained)) {
      const key = `${difference.path} ${difference.count} tshark ${difference.tshark} holdfast ${difference.holdfast}`;
      const entry = listed.get(key);
      if (entry === undefined) {
        unlisted.push(key);
        continue;
      }
      found.add(key);
      if (difference.holdfast <= difference.tshark || (entry[1] !== 'requests' && entry[1] !== 'responses')) continue;
      const starts = messageStarts(explained, entry[1]);
      const missing = packetNumbers(entry[5]).filter((packet) => !starts.has(packet));
      if (missing.length > 0 || entry[5] === '')
        unproven.push(`${key}: no message begins in ${missing.join(', ') || 'any packet named'}`);
    }
  }
  assert.deepEqual(unlisted, [], 'differences that are not listed');
  assert.deepEqual(unproven, [], 'differences whose packets prove nothing');
  assert.deepEqual(
    [...listed.keys()].filter((key) => !found.has(key)),
    [],
    'listed differences that are no longer there',
  );
});

function messageStarts(explained: Explained, count: 'requests' | 'responses'): Set<number> {
  const starts = new Set<number>();
  for (const connection of explained.connections) {
    for (const exchange of connection.exchanges) {
      if (count === 'requests') {
        if (exchange.requestSeen) starts.add(exchange.requestAt.packet);
        continue;
      }
      if (exchange.firstByte !== null) starts.add(exchange.firstByte.packet);
      for (const interim of exchange.interim) starts.add(interim.packet);
    }
  }
  return starts;
}

function packetNumbers(text: string): number[] {
  return text
    .split(' ')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}
