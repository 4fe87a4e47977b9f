import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Deadline, Deadlines } from '#dist/engine/deadlines.js';

import { ManualClock } from './manual-clock.js';

class Entry implements Deadline {
  dueAtMs = Number.POSITIVE_INFINITY;
  filedAtMs = 0;
  filedIndex = -1;

  constructor(
    private readonly deadlines: Deadlines,
    private readonly clock: ManualClock,
    private readonly told: (name: string, lateMs: number) => void,
    private readonly name: string,
  ) {}

  set(dueAtMs: number): void {
    this.dueAtMs = dueAtMs;
    this.deadlines.moved(this);
  }

  onDue(): void {
    this.told(this.name, this.clock.now() - this.wanted);
  }

  wanted = 0;
}

function setUp(): { clock: ManualClock; deadlines: Deadlines; told: string[]; entry: (name: string) => Entry } {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const told: string[] = [];
  const entry = (name: string) => new Entry(deadlines, clock, (each) => told.push(each), name);
  return { clock, deadlines, told, entry };
}

test('deadlines come in order, each at its time, with one timer for all', () => {
  const { clock, told, entry } = setUp();
  const start = clock.now();
  for (const ms of [500, 100, 300, 200, 400]) entry(String(ms)).set(start + ms);
  assert.equal(clock.timerCount, 1);
  clock.advance(99);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told, ['100']);
  clock.advance(400);
  assert.deepEqual(told, ['100', '200', '300', '400', '500']);
  assert.equal(clock.timerCount, 0);
});

test('a deadline that moves to later is filed anew only when its old time comes', () => {
  const { clock, told, entry } = setUp();
  const moved = entry('moved');
  const start = clock.now();
  moved.set(start + 100);
  for (let ms = 1; ms <= 1000; ms++) moved.set(start + 100 + ms);
  assert.equal(moved.filedAtMs, start + 100);
  clock.advance(1099);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told, ['moved']);
});

test('a deadline that moves to earlier is kept', () => {
  const { clock, told, entry } = setUp();
  const first = entry('first');
  const other = entry('other');
  first.set(clock.now() + 1000);
  other.set(clock.now() + 500);
  first.set(clock.now() + 10);
  clock.advance(10);
  assert.deepEqual(told, ['first']);
});

test('Infinity takes a deadline back, and a removed entry is never called', () => {
  const { clock, deadlines, told, entry } = setUp();
  const taken = entry('taken');
  const removed = entry('removed');
  taken.set(clock.now() + 10);
  removed.set(clock.now() + 10);
  taken.set(Number.POSITIVE_INFINITY);
  deadlines.remove(removed);
  clock.advance(10_000);
  assert.deepEqual(told, []);
  assert.equal(deadlines.count, 0);
});

test('ten thousand entries, moved and removed at random, come exactly when they are due', () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const late: number[] = [];
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48_271) % 0x7fff_ffff;
    return seed % below;
  };
  let expected = 0;
  let came = 0;
  const entries = Array.from({ length: 10_000 }, () => {
    const entry = new Entry(
      deadlines,
      clock,
      (_name, lateMs) => {
        came += 1;
        late.push(lateMs);
      },
      '',
    );
    return entry;
  });
  for (const entry of entries) {
    for (let times = random(4); times >= 0; times--) {
      entry.wanted = clock.now() + 1 + random(5000);
      entry.set(entry.wanted);
    }
    if (random(10) === 0) deadlines.remove(entry);
    else expected += 1;
  }
  for (let step = 0; step < 5001; step++) clock.advance(1);
  assert.equal(came, expected);
  assert.equal(Math.max(...late), 0);
  assert.equal(Math.min(...late), 0);
  assert.equal(deadlines.count, 0);
  assert.equal(clock.timerCount, 0);
});

test('an entry that sets itself anew at once is called again with the next waking, not for ever in this one', () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  let calls = 0;
  const entry: Deadline = {
    dueAtMs: clock.now() + 5,
    filedAtMs: 0,
    filedIndex: -1,
    onDue(nowMs) {
      calls += 1;
      entry.dueAtMs = nowMs - 1;
      deadlines.moved(entry);
    },
  };
  deadlines.moved(entry);
  clock.advance(5);
  assert.equal(calls, 1);
  clock.advance(3);
  assert.equal(calls, 4);
});
