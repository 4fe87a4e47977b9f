import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TapFault } from 'holdfast/capture';
import { tapFaultChooser } from '#dist/capture/tap-faults.js';

const chosen = (faults: readonly TapFault[], seed: number, connections: number): number[][] => {
  const choose = tapFaultChooser(faults, seed);
  const applied = Array.from({ length: connections }, (_, place) => choose(place + 1));
  return faults.map((fault) => applied.flatMap((those, place) => (those.includes(fault) ? [place + 1] : [])));
};

const reset: TapFault = { kind: 'reset', afterMs: 0 };
const numbers = (count: number): number[] => Array.from({ length: count }, (_, place) => place + 1);

test('a fault is for all connections, for some by number, for some by chance', () => {
  const [all, some, both] = chosen(
    [reset, { ...reset, numbers: [2, 5] }, { ...reset, numbers: numbers(500), chance: 0.5 }],
    1,
    1000,
  );
  assert.equal(all!.length, 1000);
  assert.deepEqual(some, [2, 5]);
  assert.ok(both!.length > 200 && both!.length < 300 && both!.at(-1)! <= 500);
});

test('the same seed chooses the same connections, whatever other faults there are', () => {
  const unsure: TapFault = { ...reset, chance: 0.3 };
  const [alone] = chosen([unsure], 4, 200);
  assert.deepEqual(chosen([unsure, { kind: 'delay', delayMs: 5, chance: 0.9 }], 4, 200)[0], alone);
  assert.notDeepEqual(chosen([unsure], 5, 200)[0], alone);
});

test('two faults of the same kind choose apart', () => {
  const [first, second] = chosen(
    [
      { ...reset, chance: 0.5 },
      { ...reset, chance: 0.5 },
    ],
    1,
    100,
  );
  assert.notDeepEqual(first, second);
});

test('faults that make no sense are refused', () => {
  const refused: TapFault[] = [
    { kind: 'delay', delayMs: -1 },
    { kind: 'rate', bitsPerSecond: 0 },
    { kind: 'drop-idle', idleMs: 0 },
    { kind: 'stall', afterMs: 1, afterBytes: 1 },
    { kind: 'cut', afterBytes: 1.5 },
    { kind: 'cut', afterMs: 2 ** 40 },
  ];
  for (const fault of refused) assert.throws(() => tapFaultChooser([fault], 1), { name: 'CaptureError', code: 'bad-request' });
  assert.throws(() => tapFaultChooser(Array(65).fill(reset), 1), /64 faults/);
});
