/**
 * The decoder against tshark on the shared captures: packets, and TCP streams by their two ends (a reused pair of ends counts
 * once). Differences are listed, each with its reason, in decode-differences.ts.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type DecodeDifference, decodeDifferences } from './decode-differences.js';
import { readCapture } from './read-capture.js';

const folder = '../shared/captures';
const skip = existsSync(join(folder, 'truth.tsv')) ? false : `no captures in ${folder}`;

test('packets and streams are those of tshark, except where listed', { skip }, () => {
  const streams = byPath(readTable('streams.tsv'));
  const problems: string[] = [];
  let compared = 0;
  for (const { path, packets } of readTable('truth.tsv')) {
    const expected = new Set((streams.get(path!) ?? []).map((row) => pairOf(row.client!, row.server!)));
    const difference = compare(path!, Number(packets), expected);
    const { why: _, ...listed } = decodeDifferences[path!] ?? { why: '' };
    compared += 1;
    if (JSON.stringify(difference) !== JSON.stringify(listed)) {
      problems.push(`${path}: found ${JSON.stringify(difference)}, listed ${JSON.stringify(listed)}`);
    }
  }
  assert.deepEqual(problems, []);
  assert.ok(compared > 1000);
});

test('every listed difference is of a capture that is there', { skip }, () => {
  for (const path of Object.keys(decodeDifferences)) assert.ok(existsSync(join(folder, path)), path);
});

function compare(path: string, packets: number, expected: ReadonlySet<string>): Omit<DecodeDifference, 'why'> {
  const { segments, summary } = readCapture(readFile(path));
  const found = new Set(segments.map(({ source, destination }) => pairOf(source, destination)));
  const missing = [...expected].filter((pair) => !found.has(pair));
  const extra = [...found].filter((pair) => !expected.has(pair));
  return {
    ...(summary.packets === packets ? {} : { packets: { here: summary.packets, tshark: packets } }),
    ...(missing.length === 0 ? {} : { missing }),
    ...(extra.length === 0 ? {} : { extra }),
  };
}

const pairOf = (...ends: readonly [string, string]): string => ends.toSorted().join(' ');

function readFile(path: string): Uint8Array {
  const bytes = readFileSync(join(folder, path));
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
}

function readTable(name: string): Row[] {
  const [header, ...lines] = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
  const columns = header!.split('\t');
  return lines.map((line) => {
    const cells = line.split('\t');
    return Object.fromEntries(columns.map((column, index) => [column, cells[index]!]));
  });
}

type Row = Readonly<Record<string, string>>;

/** Map.groupBy comes with Node 21. */
function byPath(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(row.path!, [...(groups.get(row.path!) ?? []), row]);
  return groups;
}
