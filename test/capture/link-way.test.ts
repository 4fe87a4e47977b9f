import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldPackets } from '#dist/capture/link-held.js';
import { applySettings, type LinkSettings, newSettings, toClient, toServer } from '#dist/capture/link-settings.js';
import { fates, LinkFate } from '#dist/capture/link-way.js';
import { seededRandom } from '#dist/capture/seeded-random.js';

const ms = 1e6;

function fateOf(settings: LinkSettings, seed = 1, direction: typeof toServer | typeof toClient = toServer) {
  const shared = newSettings();
  applySettings(shared, settings);
  return { shared, fate: new LinkFate(shared, direction, seed) };
}

/** Numbers of the packets that are lost, of so many sent a millisecond apart. */
function lostOf(settings: LinkSettings, seed = 1, packets = 2000): number[] {
  const { fate } = fateOf(settings, seed);
  return Array.from({ length: packets }, (_, number) => number).filter((number) => fate.decide(100, number * ms) === fates.lost);
}

test('the share of lost packets is the one asked for', () => {
  for (const lossRate of [0.01, 0.1, 0.5]) {
    const lost = lostOf({ lossRate }, 1, 100_000).length / 100_000;
    assert.ok(Math.abs(lost / lossRate - 1) < 0.05, `${lost} lost of ${lossRate} asked`);
  }
  assert.equal(lostOf({ lossRate: 0 }).length, 0);
  assert.equal(lostOf({ lossRate: 1 }).length, 2000);
});

test('which packets are lost depends on seed and rate, not on the other settings', () => {
  const plain = lostOf({ lossRate: 0.05 });
  assert.deepEqual(
    lostOf({ lossRate: 0.05, roundTripMs: 80, jitterMs: 20, reorderRate: 0.3, duplicateRate: 0.2, corruptRate: 0.1 }),
    plain,
  );
  assert.notDeepEqual(lostOf({ lossRate: 0.05 }, 2), plain);
  const more = lostOf({ lossRate: 0.1 });
  assert.ok(
    plain.every((number) => more.includes(number)),
    'a higher rate loses the same and more',
  );
});

test('the two directions have chance of their own', () => {
  const settings = { lossRate: 0.5 };
  const ways = [fateOf(settings).fate, fateOf(settings, 1, toClient).fate];
  const [there, back] = ways.map((fate) => Array.from({ length: 64 }, () => fate.decide(100, 0)));
  assert.notDeepEqual(there, back);
});

test('half of the round trip is the delay of each way', () => {
  for (const direction of [toServer, toClient] as const)
    assert.equal(fateOf({ roundTripMs: 40 }, 1, direction).fate.decide(100, 5 * ms), 25 * ms);
});

test('one way may be given apart, and then it wins', () => {
  const settings = { roundTripMs: 40, toClient: { delayMs: 70 } };
  assert.equal(fateOf(settings).fate.decide(100, 0), 20 * ms);
  assert.equal(fateOf(settings, 1, toClient).fate.decide(100, 0), 70 * ms);
});

test('jitter stays within its bounds and keeps the order', () => {
  const { fate } = fateOf({ delayMs: 20, jitterMs: 10 });
  let before = 0;
  for (let number = 0; number < 1000; number++) {
    const due = fate.decide(100, number * ms);
    assert.ok(due >= before);
    // A packet may wait for one before it, but for none that was sent later.
    assert.ok(due >= (number + 10) * ms && due <= (number + 30) * ms);
    before = due;
  }
});

test('a reordered packet is overtaken, and holds nobody back', () => {
  const { fate, shared } = fateOf({ delayMs: 20, reorderRate: 1, reorderByMs: 5 });
  assert.equal(fate.decide(100, 0), 25 * ms);
  assert.equal(fate.reordered, true);
  applySettings(shared, { reorderRate: 0 });
  assert.equal(fate.decide(100, 1 * ms), 21 * ms);
  assert.equal(fate.reordered, false);
});

test('a rate sends packets one after another, and a full queue drops', () => {
  // 1 Mbit/s: 125 bytes a millisecond.
  const { fate } = fateOf({ rateBitsPerSecond: 1e6, queueBytes: 3000 });
  assert.equal(fate.decide(1250, 0), 10 * ms);
  assert.equal(fate.decide(1250, 0), 20 * ms);
  assert.equal(fate.decide(1250, 0), fates.queueFull);
  // The first is gone, so there is room.
  assert.equal(fate.decide(1250, 10 * ms), 30 * ms);
  // The wire has been idle since 30 ms.
  assert.equal(fate.decide(125, 100 * ms), 101 * ms);
});

test('a shorter delay does not let packets overtake', () => {
  const { fate, shared } = fateOf({ delayMs: 50 });
  assert.equal(fate.decide(100, 0), 50 * ms);
  applySettings(shared, { delayMs: 0 });
  assert.equal(fate.decide(100, 1 * ms), 50 * ms);
  assert.equal(fate.decide(100, 60 * ms), 60 * ms);
});

test('a cut link loses everything until it is mended', () => {
  const { fate, shared } = fateOf({ cut: true });
  assert.equal(fate.decide(100, 0), fates.cut);
  applySettings(shared, { cut: false });
  assert.equal(fate.decide(100, 0), 0);
});

test('settings that make no sense are refused by name', () => {
  const refused: [LinkSettings, RegExp][] = [
    [{ lossRate: 1.1 }, /lossRate .* from 0 to 1, not 1\.1/],
    [{ toClient: { duplicateRate: -0.1 } }, /duplicateRate/],
    [{ delayMs: Number.NaN }, /delayMs/],
    [{ roundTripMs: -1 }, /delayMs/],
    [{ rateBitsPerSecond: 0 }, /rateBitsPerSecond/],
    [{ queueBytes: 10 }, /queueBytes/],
    [{ middlebox: { forgetAfterMs: 0, how: 'silent' } }, /forgets after more than 0 ms/],
  ];
  for (const [settings, message] of refused) {
    assert.throws(() => applySettings(newSettings(), settings), { name: 'CaptureError', code: 'bad-request', message });
  }
});

test('held packets come out when they are due, equal ones in their order', () => {
  const held = new HeldPackets();
  const random = seededRandom(7);
  const packet = Buffer.alloc(10);
  for (let count = 0; count < 500; count++) held.add(packet, Math.floor(random() * 50), toServer);
  assert.equal(held.byteCount, 5000);
  const out = [];
  for (let next = held.take(); next !== undefined; next = held.take()) out.push(next);
  const sorted = out.toSorted((a, b) => a.dueNs - b.dueNs || a.order - b.order);
  assert.deepEqual(out, sorted);
  assert.equal(out.length, 500);
  assert.equal(held.byteCount, 0);
  assert.equal(held.nextDueNs, Number.POSITIVE_INFINITY);
  // What was given back is used again, also for packets of another length.
  held.release(out[0]!);
  const long = Buffer.alloc(9000, 7);
  const again = held.add(long, 1, toServer);
  assert.equal(again, out[0]);
  assert.deepEqual([...again.bytes.subarray(0, again.length)], [...long]);
});
