/**
 * Moments of a connection that expectations are about, and what is expected between them: order and durations.
 */

import type { Side } from '../base/index.js';
import type { Connection, MarkKind, Moment } from '../story/index.js';
import { formatDuration } from '../view/index.js';
import { type Choice, type Expectation, type Judged, ofEach } from './expectation.js';
import type { Scale } from './scale.js';

export interface MomentOf {
  readonly words: string;
  readonly of: (connection: Connection) => Moment | null;
  /** Only packets show it. */
  readonly needsPackets?: true;
}

const named = (number: number | 'last'): string => (number === 'last' ? 'the last' : `the ${ordinal(number)}`);
const ordinal = (number: number): string => ['first', 'second', 'third', 'fourth', 'fifth'][number - 1] ?? `${number}th`;
const at = (connection: Connection, number: number | 'last') =>
  number === 'last' ? connection.exchanges.at(-1) : connection.exchanges[number - 1];

/** The last byte of a response. */
export const responseEnd = (number: number | 'last' = 'last'): MomentOf => ({
  words: `${named(number)} response`,
  of: (connection) => at(connection, number)?.responseEnd ?? null,
});

/** The first byte of a request. */
export const requestStart = (number: number | 'last' = 'last'): MomentOf => ({
  words: `${named(number)} request`,
  of: (connection) => at(connection, number)?.requestAt ?? null,
});

/** The last byte of a request. */
export const requestEnd = (number: number | 'last' = 'last'): MomentOf => ({
  words: `${named(number)} request`,
  of: (connection) => at(connection, number)?.requestEnd ?? null,
});

/** The first byte of the response. */
export const firstByte = (number: number | 'last' = 'last'): MomentOf => ({
  words: `the first byte of ${named(number)} response`,
  of: (connection) => at(connection, number)?.firstByte ?? null,
});

/** The server's TCP has all of the request. */
export const requestAcked = (number: number | 'last' = 'last'): MomentOf => ({
  words: `the acknowledgement of ${named(number)} request`,
  of: (connection) => at(connection, number)?.requestAcked ?? null,
  needsPackets: true,
});

export const fin = (from: Side): MomentOf => ({
  words: `the ${from}'s FIN`,
  of: ({ closing }) => (from === 'client' ? closing.clientFin : closing.serverFin),
});

/** The n-th packet of that kind from that side; a negative one counts from the end. */
export const mark = (from: Side, kind: MarkKind, number = 1): MomentOf => ({
  words: `the ${from}'s ${number === -1 ? 'last ' : number > 1 ? `${ordinal(number)} ` : ''}${kindWords[kind] ?? kind}`,
  needsPackets: true,
  of: ({ marks }) => marks.filter((one) => one.from === from && one.kind === kind).at(number > 0 ? number - 1 : number) ?? null,
});

const kindWords: Partial<Record<MarkKind, string>> = {
  syn: 'SYN',
  'syn-ack': 'SYN-ACK',
  ack: 'ACK',
  fin: 'FIN',
  reset: 'RST',
  'keep-alive-probe': 'keep-alive probe',
  'keep-alive-answer': 'answer to a keep-alive probe',
};

interface Tolerance {
  readonly earlyMs: number;
  readonly lateMs: number;
}

/** What a busy machine needs: a timer fires late, hardly ever early. */
const usual: Tolerance = { earlyMs: 25, lateMs: 700 };

export interface Duration {
  readonly from: MomentOf;
  readonly to: MomentOf;
  /** As it is at this speed. */
  readonly ms: number;
  readonly tolerance?: Partial<Tolerance>;
}

/** The kernel's wheel of timers is coarse for long ones: 45 s may be 2 s late. */
const timerSlack = 0.05;

/** A duration between two moments, both of which must be there. */
export function takes(choice: Choice, { from, to, ms, tolerance = {} }: Duration, scale?: Scale): Expectation {
  const { earlyMs, lateMs } = { ...usual, lateMs: Math.max(usual.lateMs, timerSlack * ms), ...tolerance };
  const real = scale === undefined || scale.speed === 1 ? '' : ` (${formatDuration(ms * scale.speed * 1e6)} in real time)`;
  return ofEach(
    choice,
    `${to.words} comes ${formatDuration(ms * 1e6)} after ${from.words}${real}`,
    (connection) => {
      const start = from.of(connection);
      const end = to.of(connection);
      if (start === null) return { met: false, showed: `${from.words} was not seen`, packets: [] };
      if (end === null) return { met: false, showed: `${to.words} was not seen`, packets: [start.packet] };
      const took = (end.atNs - start.atNs) / 1e6;
      return {
        met: took >= ms - earlyMs && took <= ms + lateMs,
        showed: `it came after ${formatDuration(took * 1e6)}`,
        packets: [start.packet, end.packet],
      };
    },
    from.needsPackets === true || to.needsPackets === true ? 'packets' : 'bytes',
  );
}

/** From one connection's opening to the next one's. */
export const betweenOpenings = (ms: number): Expectation => ({
  words: `each connection is opened ${formatDuration(ms * 1e6)} after the one before`,
  rests: 'bytes',
  judge: ({ connections }) => {
    const openings = connections.map(({ opened: moment }) => moment);
    const gaps = openings.slice(1).map(({ atNs }, index) => (atNs - openings[index]!.atNs) / 1e6);
    return {
      met: gaps.length > 0 && gaps.every((gap) => gap >= ms - usual.earlyMs && gap <= ms + usual.lateMs),
      showed: `after ${gaps.map((gap) => formatDuration(gap * 1e6)).join(', ')}`,
      packets: openings.map(({ packet }) => packet),
    };
  },
});

/** `server fin`: side and kind of packet. */
export type Arrow = `${Side} ${MarkKind}`;

/** These packets, in this order; others may come between them. */
export function inOrder(choice: Choice, arrows: readonly Arrow[]): Expectation {
  const wanted = arrows.map((arrow) => {
    const [from, kind] = arrow.split(' ') as [Side, MarkKind];
    return { from, kind, words: `the ${from}'s ${kindWords[kind] ?? kind}` };
  });
  return ofEach(choice, `${wanted.map(({ words }) => words).join(', then ')}`, ({ marks }): Judged => {
    const packets: number[] = [];
    let place = 0;
    for (const one of marks) {
      const next = wanted[place];
      if (next === undefined) break;
      if (one.from !== next.from || one.kind !== next.kind) continue;
      packets.push(one.packet);
      place++;
    }
    const missing = wanted[place];
    return missing === undefined
      ? { met: true, showed: 'so it was', packets }
      : { met: false, showed: `${missing.words} did not come${place > 0 ? ` after ${wanted[place - 1]!.words}` : ''}`, packets };
  });
}
