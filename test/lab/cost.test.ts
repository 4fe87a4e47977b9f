/** The cost of connections: the formula by hand, and a small measurement of which the counts are known. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CostRefusal, costLines, measureCost, renderCostPage } from 'holdfast/lab';
import { plainPalette } from 'holdfast/view';
import { costMs, slowStartRoundTrips } from '#dist/lab/cost-model.js';

const one = {
  ...{ requests: 10, roundTripMs: 40, serverMs: 2, openingRoundTrips: 1, keepAlive: true, connections: 1, pipeline: 1 },
  ...{ bodyByteCount: 0, segmentByteCount: 1448 },
};

test('the formula', () => {
  assert.equal(costMs({ ...one, keepAlive: false }), 10 * (40 + 40 + 2));
  assert.equal(costMs(one), 40 + 10 * 42);
  assert.equal(costMs({ ...one, pipeline: 10 }), 40 + 40 + 20);
  assert.equal(costMs({ ...one, pipeline: 4 }), 40 + 3 * 40 + 20);
  assert.equal(costMs({ ...one, connections: 6 }), 40 + 2 * 42);
  assert.equal(costMs({ ...one, connections: 6, keepAlive: false }), 2 * 82);
  assert.equal(costMs({ ...one, keepAlive: false, openingRoundTrips: 2 }), 10 * 122);
});

test('a long body waits for the window to grow: 10, 20, 40 segments', () => {
  const segments = (count: number): number => slowStartRoundTrips(count * 1448, 1448);
  assert.deepEqual([0, 10, 11, 30, 31, 70, 71].map(segments), [0, 0, 1, 1, 2, 2, 3]);
});

const options = {
  ...{ url: null, roundTripMs: null, requests: 20, connections: 3, pipeline: 5, uploadByteCount: 1000 },
  ...{ allowRemote: false, insecure: false },
};

test('each way is measured, with as many handshakes as it must have', async () => {
  const report = await measureCost(options);
  const opened = Object.fromEntries(report.ways.map(({ id, measured }) => [id, measured.connections]));
  assert.deepEqual(opened, {
    ...{ 'new-serial': 20, 'kept-serial': 1, 'kept-pipelined': 1, 'new-parallel': 20, 'kept-parallel': 3 },
    ...{ 'new-upload': 20, 'kept-upload': 1 },
  });
  const by = new Map(report.ways.map((way) => [way.id, way.measured]));
  for (const { measured, formulaMs } of report.ways) {
    assert.equal(measured.failed, 0);
    assert.ok(measured.totalMs > 0 && formulaMs > 0);
  }
  const [apart, kept] = [by.get('new-serial')!, by.get('kept-serial')!];
  if (apart.packets !== null && kept.packets !== null) {
    // Three to open and three or four to close for each connection, and at least two for each request.
    assert.ok(apart.packets >= 20 * 8, `${apart.packets} packets`);
    assert.ok(kept.packets >= 2 * 20 && kept.packets < apart.packets, `${kept.packets} packets`);
  } else assert.match(report.notes.join(), /Packets are not counted/);
  if (apart.timeWait !== null) assert.ok(apart.timeWait >= 15 && (kept.timeWait ?? 0) <= 5, `${apart.timeWait} in TIME_WAIT`);

  const lines = costLines(report, { width: 100, unicode: false, palette: plainPalette, times: 'relative' });
  assert.ok(
    lines.every((line) => /^[\x20-\x7e]*$/.test(line)),
    'ASCII only',
  );
  assert.ok(lines.some((line) => line.startsWith('one kept connection')));
  const page = renderCostPage(report);
  assert.match(page, /^<!doctype html>/);
  assert.equal(page.match(/<rect /g)?.length, page.match(/<svg /g)!.length * report.ways.length);
  assert.doesNotMatch(page, /https?:\/\//);
});

test('another host is left alone unless it is allowed, and then asked for little', async () => {
  const url = new URL('http://192.0.2.1/');
  await assert.rejects(measureCost({ ...options, url }), CostRefusal);
  await assert.rejects(measureCost({ ...options, url, allowRemote: true, requests: 51 }), /at most 50 requests/);
});
