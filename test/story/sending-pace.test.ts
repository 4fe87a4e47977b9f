/** Whether a sender that pauses has more to send. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendingPace } from '#dist/story/sending-pace.js';

const roundTripNs = 40e6;

/** After segments of these sizes, and a pause. */
function hasMore(sizes: readonly number[], { announced = [], pauseNs = 100e6 }: { announced?: number[]; pauseNs?: number } = {}) {
  const pace = new SendingPace();
  for (const size of announced) pace.segmentsUpTo(size);
  for (const size of sizes) pace.segment(size, 1e9);
  return pace.hasMore(1e9 + pauseNs, roundTripNs);
}

test('a segment as large as the smaller announcement is full, with timestamps or without', () => {
  assert.equal(hasMore([1460], { announced: [1460, 8960] }), true);
  assert.equal(hasMore([1448], { announced: [8960, 1460] }), true);
  assert.equal(hasMore([1400], { announced: [1460, 1460] }), false);
});

test('several full segments that were captured as one are full', () => {
  assert.equal(hasMore([5 * 1448], { announced: [1460] }), true);
  assert.equal(hasMore([5 * 1448 + 17], { announced: [1460] }), false);
});

test('without an announcement, large segments of one size are full', () => {
  assert.equal(hasMore([1380, 1380]), true);
  assert.equal(hasMore([1380]), false);
  assert.equal(hasMore([200, 200]), false);
});

test('a pause of several round trips is the sender’s own', () => {
  assert.equal(hasMore([1448], { announced: [1460], pauseNs: 499e6 }), true);
  assert.equal(hasMore([1448], { announced: [1460], pauseNs: 501e6 }), false);
});

test('a hostile announcement divides by nothing', () => {
  assert.equal(hasMore([1000], { announced: [0, 12, 5] }), false);
});

test('the next connection knows nothing of it', () => {
  const pace = new SendingPace();
  pace.segmentsUpTo(1460);
  pace.segment(1448, 0);
  pace.restart();
  assert.equal(pace.hasMore(1, roundTripNs), false);
  pace.segment(1448, 0);
  assert.equal(pace.hasMore(1, roundTripNs), false);
});
