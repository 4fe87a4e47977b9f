/** What a pool concludes about an origin's idle timeout, without sockets or clocks. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryDecision } from '#dist/engine/client-retry.js';
import { IdleKnowledge } from '#dist/engine/pool-idle-knowledge.js';

test('nothing known: what may be sent again may use any connection, what must not be sent twice none', () => {
  const knowledge = new IdleKnowledge(30_000);
  assert.equal(knowledge.reuseLimitMs, 30_000);
  assert.equal(knowledge.provenLimitMs, 0);
});

test('a hint covers both, a margin below it', () => {
  const knowledge = new IdleKnowledge(30_000);
  knowledge.hint(5);
  assert.ok(knowledge.provenLimitMs > 3_500 && knowledge.provenLimitMs <= 4_500, `${knowledge.provenLimitMs}`);
  assert.ok(knowledge.reuseLimitMs >= knowledge.provenLimitMs);
  knowledge.hint(0);
  assert.equal(knowledge.reuseLimitMs, 0);
});

test('survived idleness is trusted a margin below it, and never beyond a close', () => {
  const knowledge = new IdleKnowledge(30_000);
  knowledge.survived(1_000);
  assert.equal(knowledge.provenLimitMs, 750);
  knowledge.survived(800);
  assert.equal(knowledge.provenLimitMs, 750);
  assert.equal(knowledge.closed(600), true);
  assert.equal(knowledge.provenLimitMs, 350);
  const short = new IdleKnowledge(30_000);
  short.survived(240);
  assert.equal(short.provenLimitMs, 0);
  short.survived(260);
  assert.equal(short.provenLimitMs, 10);
});

test('a timeout that a stall of the server may use up is no time to reuse in', () => {
  const knowledge = new IdleKnowledge(30_000);
  assert.equal(knowledge.justFreedMs, 5);
  for (let index = 0; index < 16; index++) {
    knowledge.survived(200);
    knowledge.closed(200);
  }
  assert.equal(knowledge.provenLimitMs, 0);
  assert.equal(knowledge.justFreedMs, 0);
  assert.ok(knowledge.reuseLimitMs > 150);
  const hinted = new IdleKnowledge(30_000);
  hinted.hint(1);
  assert.equal(hinted.provenLimitMs, 650);
});

test('a server that stalls is given that much margin, and a slow application not more than a second', () => {
  const knowledge = new IdleKnowledge(30_000);
  knowledge.survived(1_000);
  assert.equal(knowledge.provenLimitMs, 750);
  knowledge.answered(400);
  knowledge.survived(1_001);
  assert.equal(knowledge.provenLimitMs, 601);
  const slow = new IdleKnowledge(30_000);
  slow.answered(4_000);
  slow.survived(3_000);
  assert.equal(slow.provenLimitMs, 2_000);
});

test('several closes in agreement are trusted more than one', () => {
  const knowledge = new IdleKnowledge(30_000);
  for (let index = 0; index < 4; index++) {
    knowledge.survived(4_900);
    knowledge.closed(5_000 + index);
  }
  assert.ok(knowledge.provenLimitMs > 4_000 && knowledge.provenLimitMs < 4_600, `${knowledge.provenLimitMs}`);
  assert.ok(knowledge.reuseLimitMs > 4_400 && knowledge.reuseLimitMs < 4_600, `${knowledge.reuseLimitMs}`);
});

test('the spread of the closes widens the margin', () => {
  const sharp = new IdleKnowledge(30_000);
  const blurred = new IdleKnowledge(30_000);
  for (let index = 0; index < 8; index++) {
    sharp.closed(1_000);
    blurred.closed(1_000 + index * 100);
  }
  for (const knowledge of [sharp, blurred]) knowledge.survived(1_000);
  assert.ok(blurred.provenLimitMs < sharp.provenLimitMs);
});

test('a timeout shorter than the round trip leaves nothing to reuse', () => {
  const knowledge = new IdleKnowledge(30_000);
  knowledge.roundTrip(30);
  for (let index = 0; index < 5; index++) knowledge.closed(40);
  knowledge.survived(40);
  assert.ok(knowledge.provenLimitMs < 15);
  knowledge.roundTrip(60);
  assert.equal(knowledge.provenLimitMs, 0);
});

test('a close right behind a response is no idle timeout', () => {
  const knowledge = new IdleKnowledge(30_000);
  assert.equal(knowledge.closed(1), false);
  assert.equal(knowledge.closeCount, 0);
  assert.equal(knowledge.reuseLimitMs, 30_000);
});

test('a restarted server’s longer timeout is learned from its closes', () => {
  const knowledge = new IdleKnowledge(60_000);
  for (let index = 0; index < 20; index++) knowledge.closed(1_000);
  assert.ok(knowledge.reuseLimitMs < 1_000);
  for (let index = 0; index < 16; index++) knowledge.closed(20_000);
  assert.ok(knowledge.reuseLimitMs > 15_000);
});

test('a lost request forbids gaps like its own until much has gone well', () => {
  const knowledge = new IdleKnowledge(30_000);
  knowledge.survived(10_000);
  assert.ok(knowledge.provenLimitMs > 8_000);
  knowledge.lost(1_000);
  assert.equal(knowledge.provenLimitMs, 750);
  knowledge.lost(2);
  assert.equal(knowledge.provenLimitMs, 0);
  assert.equal(knowledge.justFreedMs, 0);
  for (let index = 0; index < 1000; index++) knowledge.answered(1);
  assert.ok(knowledge.provenLimitMs > 8_000);
  assert.equal(knowledge.justFreedMs, 5);
});

test('a request is sent once more only as the table says', () => {
  const usual = {
    attempt: 1,
    responseBegun: false,
    reused: true,
    idempotent: true,
    repeatable: true,
    neverTaken: false,
    connectionFailed: true,
  };
  const cases: [Partial<typeof usual>, boolean, string][] = [
    [{}, true, 'idempotent-on-reused-connection'],
    [{ reused: false }, false, 'fresh-connection'],
    [{ idempotent: false }, false, 'not-idempotent'],
    [{ idempotent: false, neverTaken: true }, true, 'never-taken'],
    [{ reused: false, idempotent: false, neverTaken: true }, true, 'never-taken'],
    [{ neverTaken: true, attempt: 2 }, false, 'already-retried'],
    [{ attempt: 2 }, false, 'already-retried'],
    [{ responseBegun: true }, false, 'response-begun'],
    [{ responseBegun: true, neverTaken: true }, false, 'response-begun'],
    [{ repeatable: false }, false, 'body-gone'],
    [{ repeatable: false, neverTaken: true }, false, 'body-gone'],
    [{ connectionFailed: false, neverTaken: true }, false, 'not-the-connection'],
  ];
  for (const [change, retry, reason] of cases) {
    const { retry: decided, reason: why } = retryDecision({ ...usual, ...change });
    assert.deepEqual([decided, why], [retry, reason], JSON.stringify(change));
  }
});
