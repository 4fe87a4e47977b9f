/**
 * The short way of usual segments against the full way, which every segment can go: the same observations of the recorded examples,
 * as they are and with segments left out, repeated, swapped and changed where the short way looks.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Observation } from 'holdfast/base';
import { CaptureReader, Segment } from 'holdfast/packets';
import type { Flow } from '#dist/packets/flow.js';
import { FlowTable } from '#dist/packets/flow-table.js';
import { type Random, randomFrom } from './fuzz-captures.js';

const mutantsPerExample = 20;
const largestExample = 200_000;
const largestSegmentCount = 1500;

for (const name of readdirSync('examples').filter((file) => /\.pcap(ng)?$/.test(file))) {
  const bytes = readFileSync(`examples/${name}`);
  if (bytes.length > largestExample) continue;
  test(`${name}: the short way tells what the full way tells`, () => {
    const segments = segmentsOf(bytes);
    assert.deepEqual(tell(segments, 'short').observations, tell(segments, 'full').observations);
    for (let mutant = 0; mutant < mutantsPerExample; mutant++) {
      const mutated = mutate(segments, randomFrom(mutant));
      assert.deepEqual(tell(mutated, 'short').observations, tell(mutated, 'full').observations, `mutant ${mutant}`);
    }
  });
}

test('ordinary segments do go the short way', () => {
  assert.ok(tell(segmentsOf(readFileSync('examples/http10.pcap')), 'short').steadySegments > 0);
});

function segmentsOf(bytes: Uint8Array): Segment[] {
  const segments: Segment[] = [];
  const reader = new CaptureReader({ onSegment: (segment) => segments.push(copyOf(segment, {})) });
  reader.push(bytes);
  reader.end();
  return segments.slice(0, largestSegmentCount);
}

const copyOf = (segment: Segment, changes: Partial<Segment>): Segment => Object.assign(new Segment(), segment, changes);

/** What the short way relies on, changed by little or by much. */
const changedMembers = ['sequence', 'acknowledgment', 'window', 'flags', 'payloadLength', 'identification'] as const;
const changedBy = [-1, 1, -1460, 1460, 0x7fff_ffff] as const;

function mutate(segments: readonly Segment[], random: Random): Segment[] {
  const mutated: Segment[] = [];
  for (const segment of segments) {
    const choice = random(40);
    if (choice === 0) continue;
    mutated.push(choice === 1 ? changed(segment, random) : segment);
    if (choice === 2) mutated.push(segment);
    if (choice === 3 && mutated.length > 1) mutated.splice(mutated.length - 2, 0, mutated.pop()!);
  }
  return mutated;
}

function changed(segment: Segment, random: Random): Segment {
  const member = changedMembers[random(changedMembers.length)]!;
  const value = random(4) === 0 ? 0 : segment[member] + changedBy[random(changedBy.length)]!;
  switch (member) {
    case 'sequence':
    case 'acknowledgment':
      return copyOf(segment, { [member]: value | 0 });
    case 'payloadLength':
      return copyOf(segment, { payloadLength: Math.max(value & 0xffff, segment.payloadEnd - segment.payloadStart) });
    default:
      return copyOf(segment, { [member]: value & (member === 'flags' ? 0x1ff : 0xffff) });
  }
}

interface Told {
  readonly observations: readonly Observation[];
  /** Segments behind which their connection was ready for the short way. */
  readonly steadySegments: number;
}

function tell(segments: readonly Segment[], way: 'short' | 'full'): Told {
  const observations: Observation[] = [];
  const table = new FlowTable((observation) => observations.push({ ...observation }));
  const { index } = table as unknown as { readonly index: { all(): Flow[] } };
  let steadySegments = 0;
  for (const segment of segments) {
    table.accept(segment);
    for (const flow of index.all()) {
      if (flow.steady) steadySegments++;
      if (way === 'full') flow.steady = false;
    }
  }
  table.end();
  return { observations, steadySegments };
}
