/**
 * What a rule asks for (`asks`) never hides what it would find: on every conversation, every capture at hand and thousands of damaged
 * ones, the findings are the same when every rule is asked about every connection.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { observeCapture } from 'holdfast/packets';
import { type Connection, Diagnosis, type Rule, rules, Story } from 'holdfast/story';
import { fuzzCaptures } from '../../packets/fuzz-captures.js';
import { tell } from '../conversation.js';
import { cases } from './cases.js';

const mutants = Number(process.env.HOLDFAST_FUZZ_CAPTURES ?? 2000);
const seed = Number(process.env.HOLDFAST_FUZZ_SEED ?? 1);

const askedAlways: readonly Rule[] = rules.map(({ asks: _, ...rule }) => rule);

function checkSame(connections: readonly Connection[]): void {
  const withAsks = new Diagnosis({ hidden: true });
  const without = new Diagnosis({ hidden: true, rules: askedAlways });
  for (const connection of connections) {
    withAsks.take(connection);
    without.take(connection);
  }
  assert.deepEqual(withAsks.findings(), without.findings());
}

function checkCapture(bytes: Uint8Array): void {
  const connections: Connection[] = [];
  const story = new Story({ onConnection: (connection) => connections.push(connection) });
  const capture = observeCapture({ observe: story.observe });
  capture.push(bytes);
  capture.end();
  story.end();
  checkSame(connections);
}

function capturesIn(folder: string): Uint8Array[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(p?cap|pcapng)(\.gz)?$/.test(name))
    .map((name) => {
      const bytes = readFileSync(join(folder, name));
      return new Uint8Array(name.endsWith('.gz') ? gunzipSync(bytes) : bytes);
    });
}

describe('what rules ask for hides nothing', () => {
  it('in the conversations', () => {
    for (const { story, roundTrip } of cases) checkSame(tell(story, roundTrip === undefined ? {} : { roundTrip }).connections);
  });

  const own = [...capturesIn('test/story/rules/captures'), ...capturesIn('examples')];

  it('in the captures of this repository', () => {
    assert.ok(own.length > 100);
    for (const bytes of own) checkCapture(bytes);
  });

  it('in captures that nobody here made', () => {
    for (const bytes of capturesIn('../shared/captures')) checkCapture(bytes);
  });

  it(`in ${mutants} damaged captures (seed ${seed})`, () => {
    fuzzCaptures({ count: mutants, seed, corpus: own.filter(({ length }) => length < 50_000), run: checkCapture });
  });
});

it('only rules that look at connections ask for something', () => {
  assert.deepEqual(
    rules.filter(({ asks, onConnection }) => asks !== undefined && onConnection === undefined),
    [],
  );
});
