import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConnectionWish, type Framing, type PersistenceVersion, persistenceOf, persistenceTable } from 'holdfast/wire';

const kinds = ['request', 'response', 'interim-response'] as const;
const versions: readonly PersistenceVersion[] = ['0.9', '1.0', '1.1'];
const wishes: readonly ConnectionWish[] = ['close', 'keep-alive', 'none'];
const framings: readonly Framing[] = ['none', 'length', 'chunked', 'until-close', 'tunnel'];

/** RFC 9112 §9.3 in words of its own, to hold the table against. */
function persistsByTheBook(kind: string, version: string, wish: ConnectionWish, framing: Framing): string {
  if (framing === 'tunnel') return 'becomes-tunnel';
  if (kind === 'interim-response') return 'persists';
  const selfDelimiting = framing !== 'until-close';
  const wanted = version === '1.1' ? wish !== 'close' : version === '1.0' && wish === 'keep-alive';
  return wanted && selfDelimiting ? 'persists' : 'ends';
}

test('the table says what RFC 9112 §9.3 says, for every combination, and every row is needed', () => {
  const used = new Set<unknown>();
  for (const kind of kinds) {
    for (const version of versions) {
      for (const wish of wishes) {
        for (const framing of framings) {
          const row = persistenceOf(kind, version, wish, framing);
          used.add(row);
          assert.equal(row.outcome, persistsByTheBook(kind, version, wish, framing), `${kind} ${version} ${wish} ${framing}`);
        }
      }
    }
  }
  assert.deepEqual(
    persistenceTable.filter((row) => !used.has(row)),
    [],
  );
});

test('the reason is the one that decided', () => {
  const reason = (...combination: Parameters<typeof persistenceOf>): string => persistenceOf(...combination).reason;
  assert.equal(reason('request', '1.1', 'none', 'none'), 'http-1.1-default');
  assert.equal(reason('request', '1.1', 'close', 'length'), 'close-said');
  assert.equal(reason('request', '1.0', 'none', 'none'), 'http-1.0-default');
  assert.equal(reason('response', '1.0', 'keep-alive', 'length'), 'http-1.0-keep-alive-said');
  assert.equal(reason('response', '1.0', 'keep-alive', 'until-close'), 'close-delimited');
  assert.equal(reason('response', '1.1', 'close', 'until-close'), 'close-delimited');
  assert.equal(reason('request', '0.9', 'none', 'none'), 'http-0.9');
  assert.equal(reason('interim-response', '1.1', 'close', 'none'), 'interim-response');
  assert.equal(reason('response', '1.1', 'none', 'tunnel'), 'tunnel');
});
