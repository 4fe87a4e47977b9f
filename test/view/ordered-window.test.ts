import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderedWindow } from 'holdfast/view';

function order(limit: number, ids: readonly number[], skipped: readonly number[] = []): number[] {
  const released: number[] = [];
  const window = new OrderedWindow<number>({ limit, release: (id) => released.push(id) });
  for (const id of ids) {
    if (skipped.includes(id)) window.skip(id);
    else window.add(id, id, 1);
  }
  window.end();
  return released;
}

test('within the limit everything comes out in order of its number', () => {
  const ids = Array.from({ length: 500 }, (_, index) => (index * 137) % 500);
  assert.deepEqual(
    order(500, ids),
    [...ids].sort((a, b) => a - b),
  );
});

test('what is in order already is released at once', () => {
  const released: number[] = [];
  const window = new OrderedWindow<number>({ limit: 100, release: (id) => released.push(id) });
  window.add(0, 0, 1);
  window.add(2, 2, 1);
  assert.deepEqual(released, [0]);
  window.add(1, 1, 1);
  assert.deepEqual(released, [0, 1, 2]);
});

test('a number that is left out holds nobody up', () => {
  const released: number[] = [];
  const window = new OrderedWindow<number>({ limit: 1000, release: (id) => released.push(id) });
  window.skip(1);
  window.add(2, 2, 1);
  window.skip(0);
  assert.deepEqual(released, [2]);
  assert.deepEqual(order(1000, [5, 4, 3, 2, 1, 0], [0, 2, 4]), [1, 3, 5]);
});

test('over the limit the lowest goes out, and nothing is lost or doubled', () => {
  const ids = Array.from({ length: 1000 }, (_, index) => (index + 1) % 1000);
  const released = order(10, ids);
  assert.equal(new Set(released).size, 1000);
  assert.deepEqual(released.slice(0, 3), [1, 2, 3]);
  assert.equal(released.at(-1), 0);
});

test('the window never holds more than its limit', () => {
  let held = 0;
  let most = 0;
  const window = new OrderedWindow<number>({ limit: 50, release: () => held-- });
  for (let id = 10_000; id > 0; id--) {
    held++;
    window.add(id, id, 1);
    most = Math.max(most, held);
  }
  assert.ok(most <= 50, `${most}`);
});
