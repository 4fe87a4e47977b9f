/** What is kept of the connections of one pair of ends in rows of numbers: outlines, and sockets in TIME_WAIT. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from 'holdfast/story';
import { OutlineRings, ringWidth } from '#dist/story/facts-outline.js';
import { RecentRows, Rows } from '#dist/story/facts-rows.js';
import { addTimeWait, restartTimeWait, timeWaitIn, timeWaitWidth } from '#dist/story/facts-time-wait.js';
import { endingReasons } from '#dist/story/model.js';
import { tell } from './conversation.js';

const [told] = tell(`
  0    open
  0.1  >> GET /
  0.2  << 200 body 5
  0.3  >> FIN
  0.4  << FIN
`).connections;

/** The connection of this number: opened at so many seconds, used for three. */
function connectionAt(id: number, openedS: number): Connection {
  const moment = (seconds: number) => ({ atNs: seconds * 1e9, packet: 10 * id + 1 });
  const [exchange] = told!.exchanges;
  return {
    ...told!,
    id,
    opened: moment(openedS),
    exchanges: [{ ...exchange!, responseEnd: moment(openedS + 3) }],
    ending: { ...told!.ending, at: moment(openedS + 4) },
  };
}

const facts = { answered: 1, whole: true, reason: endingReasons.indexOf(told!.ending.why) };

describe('outlines', () => {
  const ids = (rings: OutlineRings, ring: Float64Array): number[] =>
    rings
      .all(ring, 0)
      .map(({ id }) => id)
      .sort((a, b) => a - b);

  for (const count of [0, 1, 4, 5, 8, 9, 17, 64, 65, 200]) {
    it(`are those of the newest of ${count}, at most 64`, () => {
      const rings = new OutlineRings();
      const ring = new Float64Array(ringWidth);
      for (let id = 0; id < count; id++) rings.add(ring, 0, connectionAt(id, id), facts);
      const kept = Math.min(count, 64);
      assert.deepEqual(
        ids(rings, ring),
        Array.from({ length: kept }, (_, index) => count - kept + index),
      );
      // One a second, each in use for three: that which ends meets that which begins.
      assert.equal(rings.mostAtOnce(ring, 0), Math.min(count, 4));
    });
  }

  it('say what the connection was', () => {
    const rings = new OutlineRings();
    const ring = new Float64Array(ringWidth);
    rings.add(ring, 0, connectionAt(7, 2), facts);
    const { by, why } = told!.ending;
    assert.deepEqual(rings.all(ring, 0), [
      { id: 7, openedNs: 2e9, endedNs: 6e9, lastUseNs: 5e9, requests: 1, by, why, openedPacket: 71, endPacket: 71, whole: true },
    ]);
  });

  it('are kept though there are more pairs with many than there is room for, and room comes back', () => {
    const rings = new OutlineRings();
    const pairs = Array.from({ length: 8000 }, () => new Float64Array(ringWidth));
    for (const [pair, ring] of pairs.entries())
      for (let n = 0; n < 70; n++) rings.add(ring, 0, connectionAt(100 * pair + n, n), facts);
    for (const [pair, ring] of pairs.entries()) {
      const kept = ids(rings, ring);
      assert.ok(kept.length >= 4);
      assert.deepEqual(
        kept,
        kept.map((_, index) => 100 * pair + 70 - kept.length + index),
      );
    }
    assert.equal(rings.all(pairs[0]!, 0).length, 64);
    assert.ok(rings.all(pairs.at(-1)!, 0).length < 64);
    for (const ring of pairs) rings.restart(ring, 0);
    const fresh = new Float64Array(ringWidth);
    for (let n = 0; n < 64; n++) rings.add(fresh, 0, connectionAt(n, n), facts);
    assert.equal(rings.all(fresh, 0).length, 64);
    assert.deepEqual(rings.all(pairs[0]!, 0), []);
  });
});

it('rows are as many as there may be, and keep their numbers when there come to be more', () => {
  const rows = new Rows({ width: 3, limit: 100 });
  const places = Array.from({ length: 100 }, () => {
    const from = rows.take();
    rows.numbers.fill(from, from, from + 3);
    return from;
  });
  assert.equal(rows.take(), -1);
  assert.equal(new Set(places).size, 100);
  for (const from of places) assert.deepEqual([...rows.numbers.subarray(from, from + 3)], [from, from, from]);
  rows.give(places[50]!);
  assert.equal(rows.take(), places[50]);
});

describe('sockets in TIME_WAIT', () => {
  /** In every minute that ends with a bucket of five seconds. */
  function peakOf(closes: readonly number[]): number {
    const buckets = closes.map((seconds) => Math.floor(seconds / 5));
    return Math.max(0, ...buckets.map((last) => buckets.filter((one) => one <= last && one > last - 12).length));
  }

  it('are counted within a minute, whatever lies between the closes', () => {
    let state = 7;
    const next = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state / 2 ** 32;
    };
    for (let round = 0; round < 300; round++) {
      const numbers = new Float64Array(timeWaitWidth).fill(round);
      restartTimeWait(numbers, 0);
      const closes: number[] = [];
      let now = 1e5 * next();
      for (let n = 0; n < 60; n++) {
        now += next() < 0.1 ? 200 * next() : 4 * next();
        closes.push(now);
        addTimeWait(numbers, 0, now * 1e9);
      }
      assert.deepEqual(timeWaitIn(numbers, 0), { count: 60, peak: peakOf(closes) });
    }
  });

  it('write nowhere else, also for times before the first packet', () => {
    const numbers = new Float64Array(timeWaitWidth + 20).fill(7);
    restartTimeWait(numbers, 10);
    for (const seconds of [-70, -3, 40, -1e6, 2]) addTimeWait(numbers, 10, seconds * 1e9);
    assert.deepEqual([...numbers.subarray(0, 10), ...numbers.subarray(10 + timeWaitWidth)], new Array(20).fill(7));
    assert.deepEqual(timeWaitIn(numbers, 10), { count: 5, peak: 5 });
  });

  it('count a close that is told late, as long as it is of this minute', () => {
    const numbers = new Float64Array(timeWaitWidth);
    for (const seconds of [100, 130, 101, 20]) addTimeWait(numbers, 0, seconds * 1e9);
    assert.deepEqual(timeWaitIn(numbers, 0), { count: 4, peak: 3 });
  });
});

for (const count of [0, 1, 16, 17, 99, 100, 101, 250]) {
  it(`the newest rows of ${count} are kept, at most 100`, () => {
    const rows = new RecentRows({ width: 2, limit: 100 });
    for (let n = 0; n < count; n++) {
      const from = rows.add();
      rows.numbers[from] = n;
      rows.numbers[from + 1] = -n;
    }
    const kept = Array.from({ length: rows.count }, (_, index) => [...rows.numbers.subarray(2 * index, 2 * index + 2)]);
    const newest = Array.from({ length: Math.min(count, 100) }, (_, index) => Math.max(0, count - 100) + index);
    assert.deepEqual(
      kept.sort((a, b) => a[0]! - b[0]!),
      newest.map((n) => [n, n === 0 ? -0 : -n]),
    );
  });
}
