/** However the shares of an exchange were counted, settled they are parts of its length: none negative, together the whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyExchange } from '#dist/story/empty-exchange.js';
import { settleWaiting } from '#dist/story/waiting.js';
import { tell } from './conversation.js';

/** For the client, the network and the server, in ms. */
const waits = (story: string): readonly number[] => {
  const { waited } = tell(story).connections[0]!.exchanges[0]!;
  return [waited.client, waited.network, waited.server].map((ns) => Math.round(ns / 1e6) + 0);
};

function settled(length: number, client: number, network: number, server: number): readonly [number, number, number] {
  const exchange = emptyExchange(1, { atNs: 0, packet: 1 }, true, false);
  exchange.responseEnd = { atNs: length, packet: 2 };
  Object.assign(exchange.waited, { client, network, server });
  settleWaiting(exchange);
  const { waited } = exchange;
  return [waited.client, waited.network, waited.server];
}

test('what was counted too much or too little is scaled to the length', () => {
  assert.deepEqual(settled(100, 20, 60, 120), [10, 30, 60]);
  assert.deepEqual(settled(100, 1, 1, 2), [25, 25, 50]);
  assert.deepEqual(settled(100, 0, 0, 0), [0, 0, 100]);
});

test('no share of a length of years is negative', () => {
  for (let step = 1; step < 20_000; step++) {
    const length = 8_388_608_401_252_000 - step * 1_234_567;
    for (const [client, network] of [
      [0, 4_194_304_200_626_000 + step * 7919],
      [length + step * 7, 0],
      [step, 3 * length],
    ] as const) {
      const shares = settled(length, client, network, 0);
      assert.ok(Math.min(...shares) >= 0, `${shares} of ${length}`);
      assert.equal(shares[0] + shares[1] + shares[2], length);
    }
  }
});

test('while a lost request is sent again and again, the network keeps the caller waiting', () => {
  const story = `
    0     open
    0.1   >> GET / ; lost
    0.3   >> again ; lost
    0.7   >> again ; lost
    1.5   >> again
    1.52  << ACK
    1.72  << 200 body 5`;
  assert.deepEqual(waits(story), [0, 1420, 200]);
});

test('what is not sent again was acknowledged, although that was not captured', () => {
  const story = `
    0     open
    0.1   >> GET / ; unacked
    0.3   >> again ; unacked
    2.3   << 200 body 5`;
  assert.deepEqual(waits(story), [0, 220, 1980]);
});

test('what is sent again late after all had not been acknowledged', () => {
  const story = `
    0     open
    0.1   >> GET / ; lost
    0.3   >> again ; lost
    2.3   >> again
    2.32  << ACK
    2.42  << 200 body 5`;
  assert.deepEqual(waits(story), [0, 2220, 100]);
});

test('a sender of full segments waits for the way, one of others has nothing more to send', () => {
  const answerInPieces = (byteCount: number): string => `
    0     open
    0.1   >> GET /
    0.2   << 200 length ${4 * byteCount} body ${byteCount}
    0.3   << data ${byteCount}
    0.4   << data ${byteCount}
    0.8   << data ${byteCount}`;
  // The last pause is the only one behind a segment as large as the one before it.
  assert.deepEqual(waits(answerInPieces(1400)), [0, 460, 240]);
  assert.deepEqual(waits(answerInPieces(700)), [0, 80, 620]);
});

test('a pause too long for any way is the sender’s', () => {
  const story = `
    0     open
    0.1   >> GET /
    0.2   << 200 length 5600 body 1400
    0.21  << data 1400
    0.22  << data 1400
    3.22  << data 1400`;
  const [client, network, server] = waits(story);
  assert.equal(client, 0);
  assert.ok(network! < 100 && server! > 2900, `${network} ms and ${server} ms`);
});

test('once what was lost is acknowledged, the server is waited for again', () => {
  const story = `
    0     open
    0.1   >> GET /
    0.2   << 200 length 500 body 100
    0.3   << data 100
    0.31  << again
    0.33  >> ACK
    3.33  << data 300`;
  const [client, network, server] = waits(story);
  assert.equal(client, 0);
  assert.ok(network! < 100 && server! > 3000, `${network} ms and ${server} ms`);
});
