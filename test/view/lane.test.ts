import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mark } from 'holdfast/story';
import { BestOf } from '#dist/view/best-of.js';
import { laneLimits, laneOf } from '#dist/view/lane.js';
import { OpenConnections } from '#dist/view/open-connections.js';
import { at, buildConnection, buildExchange, buildExchanges, buildMark, ms, unanswered } from './build-connection.js';

test('an exchange is a bar from its request to the end of its response', () => {
  const { bars } = laneOf(buildConnection({ exchanges: [buildExchange(1, 10, 50), buildExchange(2, 100, 5, { status: 503 })] }));
  assert.deepEqual(
    bars.map(({ startNs, firstByteNs, endNs, outcome, count, first }) => [startNs, firstByteNs, endNs, outcome, count, first]),
    [
      [ms(10), ms(55), ms(60), 'ok', 1, 1],
      [ms(100), ms(104.5), ms(105), 'server-error', 1, 2],
    ],
  );
});

test('who got no answer waited to the end, and a cut response lasted as far as is known', () => {
  const exchanges = [buildExchange(1, 1, 5, { responseEnd: null, complete: false }), buildExchange(2, 200, 0, unanswered)];
  const ending = { by: 'server', how: 'rst', why: 'request-unanswered', at: at(2200, 30), idleNs: ms(2000) } as const;
  const { bars } = laneOf(buildConnection({ exchanges, ending }));
  assert.deepEqual(
    bars.map(({ endNs, outcome }) => [endNs, outcome]),
    [
      [ms(5.5), 'cut'],
      [ms(2200), 'unanswered'],
    ],
  );
});

test('ten thousand exchanges share few bars; none is lost, and the widest gap separates two', () => {
  const exchanges = Array.from({ length: 10_000 }, (_, index) =>
    buildExchange(index + 1, index * 10 + (index >= 7000 ? 900 : 0), 5),
  );
  const { bars, exchangeCount } = laneOf(buildConnection({ exchanges }));
  assert.equal(exchangeCount, 10_000);
  assert.ok(bars.length <= laneLimits.bars && bars.length > laneLimits.bars / 2, `${bars.length} bars`);
  assert.equal(
    bars.reduce((sum, { count }) => sum + count, 0),
    10_000,
  );
  for (const [index, bar] of bars.entries()) if (index > 0) assert.ok(bar.startNs >= bars[index - 1]!.endNs);
  assert.ok(bars.some(({ first }) => first === 7001));
});

test('a bar of several exchanges tells the worst of them', () => {
  const exchanges = buildExchanges(500).map((exchange) => (exchange.number === 250 ? { ...exchange, status: 502 } : exchange));
  const { bars } = laneOf(buildConnection({ exchanges }));
  assert.equal(bars.filter(({ outcome }) => outcome === 'server-error').length, 1);
});

test('points are bounded, the first and the last stay', () => {
  const marks: Mark[] = Array.from({ length: 5000 }, (_, index) => buildMark('keep-alive-probe', 'client', index, index + 1));
  const { points } = laneOf(buildConnection({ marks }));
  assert.equal(points.length, laneLimits.points);
  assert.deepEqual([points[0]!.atNs, points.at(-1)!.atNs], [0, ms(4999)]);
});

test('the sum of open time survives wider bins and an earlier beginning', () => {
  const open = new OpenConnections();
  let wholeNs = 0;
  for (let index = 0; index < 2000; index++) {
    const openedNs = ms(((index * 7919) % 2000) * 13);
    const lastedNs = ms(1 + (index % 50));
    wholeNs += lastedNs;
    open.add(openedNs, openedNs + lastedNs, index % 100 === 0);
  }
  open.add(-ms(5000), -ms(4000), false);
  wholeNs += ms(1000);
  const bins = open.bins();
  const sum = bins.reduce((all, { open: average, startNs, endNs }) => all + average * (endNs - startNs), 0);
  assert.ok(Math.abs(sum / wholeNs - 1) < 1e-9);
  assert.equal(
    bins.reduce((all, { badEndings }) => all + badEndings, 0),
    20,
  );
  assert.ok(bins.length <= 256 && bins[0]!.startNs <= -ms(5000));
});

test('the best of many are kept, the earlier among equals', () => {
  const best = new BestOf<number>(3);
  let made = 0;
  for (let index = 0; index < 1000; index++)
    best.offer(index % 10, () => {
      made++;
      return index;
    });
  assert.deepEqual(best.best(), [9, 19, 29]);
  assert.equal(best.offered, 1000);
  assert.ok(made < 100, 'what is not kept is not made');
});
