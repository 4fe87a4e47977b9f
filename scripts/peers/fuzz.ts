/**
 * The differential fuzzer: the same stream to our server and to the others, and what each made of it.
 *
 * Invariant: where our server reads on, it reads what every other server that reads on reads; and where the readings differ, a rule of
 * difference-rules.ts says why. A difference is looked at again and again, with more patience, before it counts, so that a busy machine is no find.
 */

import { Random } from '../../bench/random.js';
import { type Difference, differenceOf } from './difference.js';
import { type DifferenceRule, explain } from './difference-rules.js';
import { makeStream } from './fuzz-streams.js';
import { type Reading, readingOf } from './reading.js';
import type { Peer, PeerName } from './start.js';

export interface Find {
  readonly seed: number;
  readonly stream: string;
  readonly peer: string;
  readonly difference: Difference;
  readonly ours: Reading;
  readonly theirs: Reading;
}

export interface FuzzReport {
  streams: number;
  comparisons: number;
  /** How often each rule explained a difference. */
  explained: Map<string, number>;
  finds: Find[];
}

export interface FuzzOptions {
  readonly firstSeed: number;
  /** Streams to send; Infinity until `shouldStop`. */
  readonly count: number;
  readonly atOnce: number;
  readonly quietMs: number;
  readonly shouldStop?: () => boolean;
  readonly onFind?: (find: Find) => void;
  readonly onProgress?: (report: FuzzReport) => void;
}

/** How many times longer to wait for a quiet server when a difference has no explanation: a server that has no processor is quiet, too. */
const patiences = [8, 30, 100];

/** `peers[0]` is ours. */
export async function fuzz(peers: readonly Peer[], options: FuzzOptions): Promise<FuzzReport> {
  const report: FuzzReport = { streams: 0, comparisons: 0, explained: new Map(), finds: [] };
  let next = 0;
  const worker = async () => {
    while (next < options.count && options.shouldStop?.() !== true) {
      await tryOne(peers, options.firstSeed + next++, options, report);
      report.streams += 1;
      if (report.streams % 500 === 0) options.onProgress?.(report);
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, worker));
  return report;
}

async function tryOne(peers: readonly Peer[], seed: number, options: FuzzOptions, report: FuzzReport): Promise<void> {
  const stream = makeStream(new Random(seed));
  const read = (peer: Peer, quietMs: number) => readingOf(peer.port, stream, { quietMs });
  const [own, ...others] = peers;
  const readings = await Promise.all(peers.map((peer) => read(peer, options.quietMs)));
  for (const [index, peer] of others.entries()) {
    report.comparisons += 1;
    let [ours, theirs] = [readings[0]!, readings[index + 1]!];
    let judged = judge(ours, theirs, peer, stream);
    if (judged === null) continue;
    for (const patience of patiences) {
      if (judged === null || judged.rule !== null) break;
      [ours, theirs] = await Promise.all([read(own!, options.quietMs * patience), read(peer, options.quietMs * patience)]);
      judged = judge(ours, theirs, peer, stream);
    }
    if (judged === null) continue;
    const { difference, rule } = judged;
    if (rule !== null) report.explained.set(rule.id, (report.explained.get(rule.id) ?? 0) + 1);
    else {
      const find = { seed, stream, peer: peer.name, difference, ours, theirs };
      report.finds.push(find);
      options.onFind?.(find);
    }
  }
}

function judge(
  ours: Reading,
  theirs: Reading,
  peer: Peer,
  stream: string,
): { difference: Difference; rule: DifferenceRule | null } | null {
  const difference = differenceOf(ours, theirs);
  return difference === null ? null : { difference, rule: explain(difference, peer.name as PeerName, stream) };
}
