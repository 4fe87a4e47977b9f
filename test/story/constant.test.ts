import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConstantFinder } from '#dist/story/facts-constant.js';

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
});
