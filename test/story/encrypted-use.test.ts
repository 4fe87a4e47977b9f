/** How a TLS connection is used is told from its records, however they are cut into segments, and no further than they are there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Side } from 'holdfast/base';
import { EncryptedTurns } from '#dist/story/encrypted-use.js';

const alert = 21;
const handshake = 22;
const data = 23;

/** So many bytes in a record of this type. */
const record = (type: number, byteCount: number): number[] => [
  type,
  3,
  3,
  byteCount >> 8,
  byteCount & 255,
  ...new Array<number>(byteCount).fill(type),
];

type Sent = readonly [seconds: number, from: Side, ...records: (readonly number[])[]];

/** Tells what was sent, in pieces of `size` bytes. */
function use(sent: readonly Sent[], size = 100_000): EncryptedTurns {
  const turns = new EncryptedTurns();
  let packet = 0;
  for (const [seconds, from, ...records] of sent) {
    const bytes = Uint8Array.from(records.flat());
    packet++;
    for (let start = 0; start < bytes.length; start += size) {
      turns.bytes(from, bytes, start, Math.min(bytes.length, start + size), { atNs: seconds * 1e9, packet });
    }
  }
  return turns;
}

const opening: readonly Sent[] = [
  [0, 'client', record(handshake, 300)],
  [0.1, 'server', record(handshake, 120), record(20, 1), record(data, 900)],
  // The client's Finished, and its first request.
  [0.2, 'client', record(20, 1), record(data, 69), record(data, 200)],
  // Two tickets, and the answer.
  [0.3, 'server', record(data, 234), record(data, 234), record(data, 5000)],
];

test('turns, and the idle time before the newest', () => {
  for (const size of [1, 2, 7, 1448, 100_000]) {
    const turns = use([...opening, [2.3, 'client', record(data, 150)], [2.4, 'server', record(data, 80)]], size);
    assert.equal(turns.turns, 2);
    assert.equal(turns.answeredTurns, 2);
    assert.equal(turns.isAnswered, true);
    assert.deepEqual(turns.askedAt, { atNs: 2.3e9, packet: 5 });
    assert.equal(turns.idleBeforeNs, 2e9);
    assert.equal(turns.lastDataNs, 2.4e9);
    assert.equal(turns.serverFarewell, null);
  }
});

test('a farewell is no data, and stands only when nothing comes behind it', () => {
  for (const farewell of [record(alert, 26), record(data, 19)]) {
    const turns = use([...opening, [5.3, 'server', farewell], [5.4, 'client', farewell]]);
    assert.equal(turns.isAnswered, true);
    assert.equal(turns.lastDataNs, 0.3e9);
    assert.deepEqual(turns.serverFarewell, { atNs: 5.3e9, packet: 5 });
    assert.equal(use([...opening, [5.3, 'server', farewell, record(data, 100)]]).serverFarewell, null);
  }
});

test('what the client sends last and nobody answers is a turn of its own', () => {
  const { turns, answeredTurns, isAnswered, idleBeforeNs } = use([...opening, [5.3, 'client', record(data, 127)]]);
  assert.deepEqual(
    { turns, answeredTurns, isAnswered, idleBeforeNs },
    { turns: 2, answeredTurns: 1, isAnswered: false, idleBeforeNs: 5e9 },
  );
});

test('frames that nobody has to answer are no turn', () => {
  assert.equal(use([...opening, [5.3, 'client', record(data, 34), record(data, 26)]]).turns, 1);
});

test('missing bytes within a record are counted; behind others a direction is read no further', () => {
  const turns = use(opening);
  turns.bytes('client', Uint8Array.from(record(data, 1000).slice(0, 100)), 0, 100, { atNs: 1e9, packet: 9 });
  turns.gap('client', 905);
  turns.bytes('client', Uint8Array.from(record(data, 500)), 0, 505, { atNs: 2e9, packet: 10 });
  assert.equal(turns.lastDataNs, 2e9);
  turns.gap('client', 10);
  turns.bytes('client', Uint8Array.from(record(data, 500)), 0, 505, { atNs: 3e9, packet: 11 });
  assert.equal(turns.lastDataNs, 2e9);
});

test('what is no record ends the reading of its direction', () => {
  for (const [at, byte] of [
    [0, 0x47],
    [1, 2],
    [3, 0xff],
  ] as const) {
    const broken = record(data, 200);
    broken[at] = byte;
    const turns = use([...opening, [1, 'client', broken], [2, 'client', record(data, 200)]]);
    assert.equal(turns.turns, 1);
    turns.bytes('server', Uint8Array.from(record(data, 200)), 0, 205, { atNs: 3e9, packet: 9 });
    assert.equal(turns.lastDataNs, 3e9);
  }
});
