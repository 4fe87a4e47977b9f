import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BusyTime, type Stretch } from '#dist/view/busy-time.js';
import { foldLimit, timeAxisOf } from '#dist/view/time-axis.js';
import { ms } from './build-connection.js';

const second = ms(1000);
/** 2023-11-14 22:13:20 UTC. */
const originSeconds = 1_700_000_000;

const busyOf = (...stretches: readonly (readonly [startMs: number, endMs: number])[]): Stretch[] =>
  stretches.map(([startMs, endMs]) => ({ startNs: ms(startMs), endNs: ms(endMs) }));

test('without long quiet, time is drawn to scale', () => {
  const axis = timeAxisOf({ startNs: 0, endNs: 10 * second, busy: busyOf([0, 10_000]), originSeconds });
  assert.deepEqual(
    axis.segments.map(({ folded }) => folded),
    [false],
  );
  assert.deepEqual(
    [-1, 0, 2.5, 10, 11].map((seconds) => axis.place(seconds * second)),
    [0, 0, 0.25, 1, 1],
  );
});

test('a long quiet is folded, and what happened keeps its proportions', () => {
  const busy = busyOf([0, 40], [2000, 2060]);
  const axis = timeAxisOf({ startNs: 0, endNs: ms(2060), busy, originSeconds });
  assert.deepEqual(
    axis.segments.map(({ folded }) => folded),
    [false, true, false],
  );
  const [first, fold, last] = axis.segments;
  assert.ok(fold!.startNs > ms(40) && fold!.endNs < ms(2000));
  assert.ok(fold!.to - fold!.from < 0.1, 'a fold is narrow');
  const widthOf = (fromMs: number, toMs: number): number => axis.place(ms(toMs)) - axis.place(ms(fromMs));
  assert.ok(Math.abs(widthOf(2000, 2060) / widthOf(0, 40) - 1.5) < 1e-9);
  assert.equal(first!.from, 0);
  assert.equal(last!.to, 1);
});

test('many equal quiets are not folded: nothing would be gained', () => {
  const busy = busyOf(...Array.from({ length: 50 }, (_, index) => [1000 * index, 1000 * index + 1] as const));
  const axis = timeAxisOf({ startNs: 0, endNs: 50 * second, busy, originSeconds });
  assert.equal(axis.segments.length, 1);
});

test('there are few folds, the longest quiets', () => {
  const busy = busyOf(...Array.from({ length: 30 }, (_, index) => [2 ** index, 2 ** index + 0.1] as const));
  const axis = timeAxisOf({ startNs: ms(1), endNs: ms(2 ** 29 + 1), busy, originSeconds });
  const folds = axis.segments.filter(({ folded }) => folded);
  assert.ok(folds.length > 1 && folds.length <= foldLimit);
  assert.ok(folds.every(({ startNs }) => startNs >= ms(2 ** 20)));
});

test('a place never goes back, and segments join without a seam', () => {
  const busy = busyOf([0, 3], [500, 500], [9000, 9001], [60_000, 60_200], [60_201, 60_202]);
  const axis = timeAxisOf({ startNs: 0, endNs: ms(60_300), busy, originSeconds });
  for (const [index, segment] of axis.segments.entries()) {
    const before = axis.segments[index - 1];
    if (before !== undefined) assert.deepEqual([segment.startNs, segment.from], [before.endNs, before.to]);
    assert.ok(segment.to > segment.from);
  }
  let last = -1;
  for (let at = 0; at <= 60_300; at += 7) {
    const place = axis.place(ms(at));
    assert.ok(place >= last && place <= 1, `${at} ms at ${place}`);
    last = place;
  }
});

test('ticks stand at round times of day and say only what changed', () => {
  const axis = timeAxisOf({ startNs: 0, endNs: 60 * second, busy: busyOf([0, 60_000]), originSeconds });
  assert.deepEqual(
    axis.ticks.map(({ label }) => label),
    ['22:13:20', '22:13:30', '22:13:40', '22:13:50', '22:14:00', '22:14:10'],
  );
  const short = timeAxisOf({ startNs: ms(100), endNs: ms(104), busy: busyOf([100, 104]), originSeconds });
  assert.deepEqual(
    short.ticks.map(({ label }) => label),
    ['22:13:20.1000', ':20.1010', ':20.1015', ':20.1020', ':20.1025', ':20.1030', ':20.1035'],
  );
});

test('a new day is said', () => {
  const day = 86_400;
  const busy = busyOf([0, 100], [day * 1000 * 400, day * 1000 * 400 + 100]);
  const axis = timeAxisOf({ startNs: 0, endNs: busy[1]!.endNs, busy, originSeconds });
  assert.ok(axis.ticks.some(({ label }) => label.startsWith('2024-12-18 ')));
});

test('ticks keep their distance for spans from nanoseconds to years', () => {
  for (let exponent = 0; exponent <= 17; exponent++) {
    const endNs = 3.7 * 10 ** exponent;
    const { ticks } = timeAxisOf({ startNs: 0, endNs, busy: [{ startNs: 0, endNs }], originSeconds });
    assert.ok(ticks.length <= 11, `${ticks.length} ticks for ${endNs} ns`);
    if (exponent > 0) assert.ok(ticks.length >= 3, `${ticks.length} ticks for ${endNs} ns`);
    for (const [index, tick] of ticks.entries()) if (index > 0) assert.ok(tick.at - ticks[index - 1]!.at > 0.09, `${endNs} ns`);
  }
});

test('a capture of one moment has an axis', () => {
  const axis = timeAxisOf({ startNs: 5, endNs: 5, busy: [{ startNs: 5, endNs: 5 }], originSeconds });
  assert.equal(axis.place(5), 0);
  assert.ok(axis.segments.every(({ from, to }) => Number.isFinite(from) && Number.isFinite(to)));
});

test('busy time is a union, whatever the order', () => {
  const busy = new BusyTime();
  for (const [start, end] of [
    [50, 60],
    [0, 10],
    [5, 20],
    [20, 21],
    [55, 56],
  ] as const)
    busy.add(start, end);
  assert.deepEqual(busy.stretches(), [
    { startNs: 0, endNs: 21 },
    { startNs: 50, endNs: 60 },
  ]);
});

test('busy time is bounded, and the longest quiet stays exact', () => {
  const busy = new BusyTime();
  for (let index = 0; index < 100_000; index++) {
    const at = index * 10 + (index >= 60_000 ? 1_000_000 : 0);
    busy.add(at, at + 1 + (index % 7));
  }
  const stretches = busy.stretches();
  assert.ok(stretches.length <= 4096);
  const quiets = stretches.slice(1).map(({ startNs }, index) => ({ from: stretches[index]!.endNs, to: startNs }));
  const longest = quiets.reduce((most, quiet) => (quiet.to - quiet.from > most.to - most.from ? quiet : most));
  assert.deepEqual(longest, { from: 59_999 * 10 + 1 + (59_999 % 7), to: 60_000 * 10 + 1_000_000 });
});
