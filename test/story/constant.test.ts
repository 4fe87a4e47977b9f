import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Constant, ConstantFinder } from '#dist/story/facts-constant.js';
import { randomFrom } from '../packets/fuzz-captures.js';

const second = 1e9;
const finderOf = (...samples: number[]): ConstantFinder => {
  const finder = new ConstantFinder();
  for (const sample of samples) finder.add(sample * second);
  return finder;
};

describe('a constant among durations', () => {
  it('is the mean of the densest group, with its spread and counts', () => {
    const found = finderOf(5, 5.002, 4.998, 5.001, 12).densest();
    assert.ok(found !== null);
    assert.ok(Math.abs(found.value - 5.00025 * second) < 1e5);
    assert.ok(Math.abs(found.spread - 0.002 * second) < 1e5);
    assert.deepEqual([found.count, found.of], [4, 5]);
  });

  it('is found across the edge of a bucket', () => {
    // 1.01 ** k is an edge for every k.
    const edge = 1.01 ** 500 / 1e9;
    const found = finderOf(edge * 0.9999, edge * 1.0001, edge).densest();
    assert.equal(found?.count, 3);
  });

  it('needs its share of all samples', () => {
    const finder = finderOf(5, 5, 5, 1, 2, 3, 8);
    assert.equal(finder.constant({ least: 3, share: 0.6 }), null);
    assert.equal(finder.constant({ least: 3, share: 0.4 })?.count, 3);
  });

  it('needs its number of samples', () => {
    assert.equal(finderOf(5).constant({ least: 2, share: 0.5 }), null);
    assert.equal(new ConstantFinder().densest(), null);
  });

  it('takes zero and tiny durations', () => {
    assert.equal(finderOf(0, 0, 1e-9).densest()?.count, 3);
  });

  it('is that of all samples, whenever it is asked for', () => {
    const random = randomFrom(7);
    const finder = new ConstantFinder();
    const samples: number[] = [];
    for (let asked = 0; asked < 60; asked++) {
      for (let more = random(70); more >= 0; more--) {
        // Some around a few values, the others over ten orders of magnitude.
        const sample = random(3) === 0 ? 10 ** (2 + random(10)) : 10 ** (1 + random(1_000_000) * 1.1e-5);
        finder.add(sample);
        samples.push(sample);
      }
      assert.deepEqual(finder.densest(), densestOf(samples));
    }
  });
});

/** By looking at all of them for each. */
function densestOf(samples: readonly number[]): Constant {
  const placeOf = (sample: number) => Math.floor(Math.log(Math.max(sample, 1000)) / Math.log(1.01));
  const places = [...new Set(samples.map(placeOf))].sort((a, b) => a - b);
  const groups = places.map((middle) => samples.filter((sample) => Math.abs(placeOf(sample) - middle) <= 2));
  const most = Math.max(...groups.map(({ length }) => length));
  const group = groups.find(({ length }) => length === most)!;
  // Summed bucket by bucket, as floats want it.
  const sums = places.map((place) =>
    group.filter((sample) => placeOf(sample) === place).reduce((sum, sample) => sum + sample, 0),
  );
  const value = sums.reduce((sum, one) => sum + one, 0) / group.length;
  const [least, greatest] = [Math.min(...group), Math.max(...group)];
  return { value, spread: (greatest - least) / 2, least, most: greatest, count: group.length, of: samples.length };
}
