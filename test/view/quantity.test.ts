import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockOf, formatBytes, formatCount, formatCounted, formatDuration, formatEndpoint } from 'holdfast/view';
import { DurationHistogram } from '#dist/view/duration-histogram.js';
import { formatShortDuration } from '#dist/view/quantity.js';

test('durations have three digits and the unit that fits', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 s'],
    [1, '1 ns'],
    [999, '999 ns'],
    [1000, '1 µs'],
    [601_234, '601 µs'],
    [999_499, '999 µs'],
    [999_500, '1.00 ms'],
    [9_994_000, '9.99 ms'],
    [9_996_000, '10.0 ms'],
    [99_960_000, '100 ms'],
    [999_499_999, '999 ms'],
    [999_500_000, '1.00 s'],
    [5_000_000_000, '5.00 s'],
    [119_400_000_000, '119 s'],
    [125_000_000_000, '2 min 5 s'],
    [12_000_000_000_000, '3 h 20 min'],
    [3 * 86400e9, '3 days 0 h'],
    [-5e9, '-5.00 s'],
  ];
  for (const [ns, wanted] of cases) assert.equal(formatDuration(ns), wanted, `${ns}`);
  assert.equal(formatDuration(5000, { unicode: false }), '5 us');
});

test('short durations keep to five characters', () => {
  for (let ns = 1; ns < 8e15; ns *= 1.37) assert.ok(formatShortDuration(ns).length <= 5, `${ns}: ${formatShortDuration(ns)}`);
  assert.equal(formatShortDuration(5e9), '5.0s');
  assert.equal(formatShortDuration(75e9), '75s');
});

test('sizes, counts and endpoints', () => {
  assert.deepEqual([0, 999, 1000, 1234, 999_500, 45_600_000].map(formatBytes), [
    '0 B',
    '999 B',
    '1.00 kB',
    '1.23 kB',
    '1.00 MB',
    '45.6 MB',
  ]);
  assert.deepEqual([0, 999, 1000, 1234567].map(formatCount), ['0', '999', '1,000', '1,234,567']);
  assert.equal(formatCounted(1, 'request'), '1 request');
  assert.equal(formatCounted(2000, 'RST'), '2,000 RSTs');
  assert.equal(formatEndpoint({ address: '10.0.0.1', port: 80 }), '10.0.0.1:80');
  assert.equal(formatEndpoint({ address: '2001:db8::1', port: 80 }), '[2001:db8::1]:80');
});

test('a clock tells times with the decimals of its capture, and from its first packet', () => {
  const facts = { originSeconds: 1_700_000_000, firstAtNs: 250_000_000, lastAtNs: 10_250_000_000 };
  const clock = clockOf({ ...facts, timeDecimals: 6 });
  assert.equal(clock.iso(1_500_000_123_456), '2023-11-14T22:38:20.000123Z');
  assert.equal(clock.iso(999_999_999), '2023-11-14T22:13:20.999999Z');
  assert.equal(clock.timeOfDay(250_000_000, 3), '22:13:20.250');
  assert.equal(clock.dateAndTime(250_000_000, 0), '2023-11-14 22:13:20');
  assert.equal(clock.sinceStart(1_250_000_000), 1e9);
  assert.equal(clock.spanNs, 10e9);
  assert.equal(clockOf({ ...facts, timeDecimals: 0 }).iso(0), '2023-11-14T22:13:20Z');
  assert.equal(clockOf({ ...facts, timeDecimals: 0 }).dateAndTime(0, 3), '2023-11-14 22:13:20');
  assert.equal(clockOf({ ...facts, originSeconds: 1e12, timeDecimals: 3 }).iso(1_500_000), '@1000000000000.001');
});

test('quantiles of a histogram are within 2.5 % of the truth', () => {
  const histogram = new DurationHistogram();
  const values = Array.from({ length: 10_000 }, (_, index) => Math.round(1000 * 1.0015 ** index));
  for (const value of values) histogram.add(value);
  for (const share of [0.01, 0.5, 0.95, 0.99]) {
    const truth = values[Math.ceil(share * values.length) - 1]!;
    assert.ok(Math.abs(histogram.quantile(share) / truth - 1) <= 0.0251, `${share}`);
  }
  assert.equal(histogram.maximumNs, values.at(-1));
  assert.equal(histogram.quantile(1) <= histogram.maximumNs, true);
  const empty = new DurationHistogram();
  assert.equal(empty.quantile(0.5), 0);
  empty.add(0);
  assert.equal(empty.quantile(0.5), 0);
});
