/** The counts of a connection by side: values, so that all connections share the zeros they begin with. */
import type { Side } from '../base/index.js';
import type { PerSide, TcpTally } from './model.js';

/** Most counts of most connections stay zero: they share this one until they grow. */
const zero: PerSide<number> = { client: 0, server: 0 };

export const emptyTally = (): TcpTally => ({
  keepAliveProbes: zero,
  keepAliveAnswers: zero,
  retransmissions: zero,
  outOfOrder: zero,
  duplicateAcks: zero,
  zeroWindows: zero,
  zeroWindowProbes: zero,
  lostSegments: zero,
  acksOfUnseen: zero,
  fins: zero,
  resets: zero,
  syns: zero,
  bytes: zero,
  gapBytes: zero,
});

export const plus = (counts: PerSide<number>, side: Side, count: number): PerSide<number> =>
  side === 'client'
    ? { client: counts.client + count, server: counts.server }
    : { client: counts.client, server: counts.server + count };

/** The sides were taken the wrong way round. */
export function swapTally(tally: TcpTally): void {
  for (const name of Object.keys(tally) as (keyof TcpTally)[]) {
    const counts = tally[name];
    tally[name] = { client: counts.server, server: counts.client };
  }
}
