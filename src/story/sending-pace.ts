/**
 * Whether a sender had more to send when it paused, told from the sizes of its segments: a TCP that has enough sends full ones, and one
 * that is not full is the end of what it had (RFC 9293 §3.8.6.2.1). What keeps a sender waiting behind a full segment is the way: its rate,
 * its round trip. At the receiving end nothing else tells that, because there all is acknowledged at once.
 *
 * On flows that are limited by the application and flows that are limited by the network: Zhang et al., On the characteristics and
 * origins of internet flow rates, SIGCOMM 2002.
 */

/** On a slow way the next segment comes within this time, or so many round trips; whoever pauses for longer has nothing to send. */
const nextWithin = { leastNs: 500e6, roundTrips: 2 } as const;
/** What TCP's timestamps take of each segment (RFC 7323 §3.2, padded). */
const timestampBytes = 12;
/** Two of one size that fit into a packet of Ethernet are full, too, where not much larger ones were announced: the way is narrower. */
const likelyFull = { least: 1200, most: 1500, ofMaximum: 0.8 } as const;

export class SendingPace {
  /** 0 while unknown. */
  private maximum = 0;
  /** Sizes of the last two segments. */
  private last = 0;
  private before = 0;
  private lastNs = -1;

  /** Forgets everything, for the next connection. */
  restart(): void {
    this.maximum = 0;
    this.last = 0;
    this.before = 0;
    this.lastNs = -1;
  }

  /** A maximum segment size that one side announced. */
  segmentsUpTo(byteCount: number): void {
    if (byteCount > timestampBytes && (this.maximum === 0 || byteCount < this.maximum)) this.maximum = byteCount;
  }

  /** A segment; or several that the capturing machine had put together. */
  segment(byteCount: number, nowNs: number): void {
    this.before = this.last;
    this.last = byteCount;
    this.lastNs = nowNs;
  }

  /** That it paused until `nowNs` because of the way. */
  hasMore(nowNs: number, roundTripNs: number): boolean {
    return nowNs - this.lastNs <= Math.max(nextWithin.leastNs, nextWithin.roundTrips * roundTripNs) && this.wasFull();
  }

  private wasFull(): boolean {
    const { last, maximum } = this;
    const isLikely = last >= likelyFull.least && last <= likelyFull.most && last >= likelyFull.ofMaximum * maximum;
    if (isLikely && last === this.before) return true;
    return last > 0 && maximum > 0 && (last % maximum === 0 || last % (maximum - timestampBytes) === 0);
  }
}
