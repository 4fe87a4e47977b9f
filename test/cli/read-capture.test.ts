/**
 * A capture read by a thread of its own tells the same as one that is read here: the same observations of every connection, byte for
 * byte and in their order, and the same summary. Which connection comes first may differ, but not which is closed first.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Observation, SourceSummary } from 'holdfast/base';
import type { CommandFailure } from '#dist/cli/failure.js';
import { openCapture } from '#dist/cli/read-capture.js';

interface Told {
  readonly observations: readonly unknown[];
  readonly summary: SourceSummary;
}

/** What is borrowed is copied, and what says nothing is left out. */
function kept(observation: Observation): unknown {
  if (observation.kind !== 'bytes') return { ...observation };
  const { data, start, end, cutByteCount, ...rest } = observation;
  return { ...rest, text: Buffer.from(data.subarray(start, end)).toString('latin1'), cutByteCount: cutByteCount ?? 0 };
}

const read = (file: string, inThread: boolean): Promise<Told> => readWith(file, inThread, kept);

/** Of bytes only their sum: there are many. */
const readSlowly = (file: string, inThread: boolean): Promise<Told> =>
  readWith(file, inThread, (observation) => {
    if (observation.kind !== 'bytes') return { ...observation };
    const { data, start, end, ...rest } = observation;
    return { ...rest, sum: createHash('sha256').update(data.subarray(start, end)).digest('hex') };
  });

async function readWith(file: string, inThread: boolean, kept: (observation: Observation) => unknown): Promise<Told> {
  const observations: unknown[] = [];
  const capture = await openCapture(file, {
    observe: (observation) => observations.push(kept(observation)),
    onChunk: () => undefined,
    leastBytesForThread: inThread ? 0 : Number.POSITIVE_INFINITY,
  });
  while (await capture.next());
  const summary = capture.end();
  await capture.close();
  return { observations, summary };
}

const outcome = (file: string, inThread: boolean): Promise<unknown> =>
  read(file, inThread).catch(({ name, code, message }: CommandFailure) => ({ name, code, message }));

const captures = readdirSync('examples').filter((name) => /\.(pcap|pcapng|gz|zst|txt)/.test(name));

test('there are examples to read', () => assert.ok(captures.length > 10));

for (const name of captures) {
  test(`${name}: a thread tells the same`, async () => {
    const file = join('examples', name);
    const [here, inThread] = [await read(file, false), await read(file, true)];
    assert.ok(here.observations.length > 0);
    assert.deepEqual(inThread.summary, here.summary);
    assert.deepEqual(sorted(inThread), sorted(here));
    assert.deepEqual(closed(inThread), closed(here));
  });
}

/** Connection by connection. */
const sorted = ({ observations }: Told): Observation[] =>
  (observations as Observation[]).toSorted((a, b) => a.connection - b.connection);

const closed = ({ observations }: Told): Observation[] => (observations as Observation[]).filter(({ kind }) => kind === 'closed');

/** Many times what is kept of the file at once, with connections from the first packet to the last. */
test('of a large file, a thread tells the same of every connection', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-read-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'large.pcap');
  const maker = fileURLToPath(new URL('../../bench/make-capture.js', import.meta.url));
  execFileSync(process.execPath, [maker, '--packets', '120000', '-o', file], { stdio: 'pipe' });
  const told: Told[] = [];
  for (const inThread of [false, true]) told.push(await readSlowly(file, inThread));
  assert.ok(told[0]!.observations.length > 100_000);
  assert.deepEqual(told[1]!.summary, told[0]!.summary);
  assert.deepEqual(byConnection(told[1]!), byConnection(told[0]!));
});

/** What each connection has to say, in short. */
function byConnection({ observations }: Told): Map<number, string> {
  const hashes = new Map<number, Hash>();
  for (const observation of observations as readonly Observation[]) {
    const hash = hashes.get(observation.connection) ?? createHash('sha256');
    hash.update(JSON.stringify(observation));
    hashes.set(observation.connection, hash);
  }
  return new Map([...hashes].map(([connection, hash]) => [connection, hash.digest('hex')]));
}

test('what is no capture, and what is damaged, is told alike', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-read-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const damaged = join(folder, 'damaged.pcap');
  const none = join(folder, 'none');
  writeFileSync(none, 'what is this?');
  writeFileSync(
    damaged,
    Buffer.concat([Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex'), Buffer.alloc(99, 7)]),
  );
  // Compressed with zstd, which not every Node can read: then both fail with the same words.
  const compressed = join(folder, 'compressed.zst');
  writeFileSync(compressed, Buffer.from('28b52ffd0400990000000000000000', 'hex'));
  for (const file of [damaged, none, compressed]) assert.deepEqual(await outcome(file, true), await outcome(file, false));
});

test('reading may be given up early', async () => {
  const capture = await openCapture(join('examples', captures[0]!), {
    observe: () => {},
    onChunk: () => undefined,
    leastBytesForThread: 0,
  });
  await capture.next();
  await capture.close();
});
