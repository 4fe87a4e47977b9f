/**
 * How long a connection to one origin may lie idle and still be used, from what the origin says and what it was seen to do.
 *
 *                        closes seen ──►  · ·:·· ·   (their spread)
 *     0 ──────────── proven ────── reuse ──┤       ── hint or unknown ──►
 *        any request        may be retried   margin
 *
 * Rules (RFC 9112 §9.3.1, §9.5; `Keep-Alive` is advice, RFC 2068 §19.7.1)
 * - The server's clock started before ours (its response was under way) and a request takes time to arrive, so each limit lies a
 *   margin below what is known: a round trip and the spread of the closes seen, never less than 5 ms or a tenth. The round trip is that
 *   of handshakes as this process saw them, so that a busy host's lateness is in it.
 * - A request that must not be sent twice gets more margin. A server process that is held up finds its timer expired before it looks
 *   at the request that waits in its kernel, and closes: the client sees a reset, which proves nothing, and the request is lost. No
 *   look at the socket can foresee that, so whatever is known of the timeout must leave room for a stall: a quarter of a second at
 *   least, and as long as the origin has lately needed for an answer, up to a second. A server whose idle timeout is
 *   shorter than that gets each such request on a connection of its own.
 * - `reuseLimitMs` is for requests that may be sent again: the hint, else the usual close, less the margin.
 * - `provenLimitMs` is for requests that must not be sent twice: what the hint covers, else no longer than an idle time that this
 *   origin was already seen to survive, and always that margin below the shortest close seen.
 * - A close within a few milliseconds of a response says nothing about an idle timeout (a request limit, a restart) and is not
 *   counted. The newest closes replace older ones, so that a restarted server's new timeout is learned.
 *
 * - A request that was lost on a reused connection says more than any close: the server, late itself, had counted to its end although
 *   the gap was short. Until many answers have followed, gaps like that one are not tried again.
 *
 * No clock and no socket here: times come in as milliseconds of idleness.
 */

const closesKept = 16;
const leastMarginShare = 0.1;
/** A server process on a busy host may be held up this long, and nothing shows it beforehand. */
const leastStallMs = 250;
/** A server that answers later than this is at work, not late. */
const mostStallMs = 1000;
/** The share counts up to here: a margin of a second is enough for any timeout. */
const mostLeastMarginMs = 1000;
/** Timers and schedulers of two hosts are late by so much without anybody noticing. */
const leastMarginMs = 5;
/** Sooner after a response than this (and a round trip), a close is no idle timeout. */
const idleCloseFromMs = 5;
/** An idleness that every server survives that keeps connections at all, as far as nothing else was seen. */
const justFreedLimitMs = 5;
/** So many answers after it, a lost request is forgotten (the server may have been restarted). */
const answersToForget = 1000;
/** Stalls are rare: the longest answer is forgotten slowly. */
const answerWeight = 0.01;
/** Weight of a new, shorter round trip against the one remembered; a longer one counts at once. */
const roundTripWeight = 0.1;

export class IdleKnowledge {
  /** Milliseconds of idleness up to which a request that may be sent again may use a connection. */
  reuseLimitMs: number;
  /** The same for a request that must not be sent twice; 0: none, not even one that was free a moment ago. */
  provenLimitMs = 0;
  /** The same for a connection that has just become free, where there is no room for another. */
  justFreedMs = justFreedLimitMs;
  private hintMs = Number.POSITIVE_INFINITY;
  private survivedMs = 0;
  private roundTripMs = 0;
  /** As it falls, not concluded from at once: the next close, survival or handshake does. */
  private answeredMs = 0;
  private readonly closesMs: number[] = [];
  private lostMs = Number.POSITIVE_INFINITY;
  private answersSinceLost = 0;
  private shortestCloseMs = Number.POSITIVE_INFINITY;
  private usualCloseMs = Number.POSITIVE_INFINITY;

  /** `longestMs`: idleness beyond which nothing is ever used. */
  constructor(private readonly longestMs: number) {
    this.reuseLimitMs = longestMs;
  }

  /** Number of idle closes that the limits rest on. */
  get closeCount(): number {
    return this.closesMs.length;
  }

  /** The longest idleness that a connection was seen to survive. */
  get longestSurvivedMs(): number {
    return this.survivedMs;
  }

  /** The server said `Keep-Alive: timeout=seconds`; null when it says none (any more). */
  hint(timeoutSeconds: number | null): void {
    const ms = timeoutSeconds === null ? Number.POSITIVE_INFINITY : timeoutSeconds * 1000;
    if (ms === this.hintMs) return;
    this.hintMs = ms;
    this.conclude();
  }

  /** A connection was seen to be still open after lying idle so long. */
  survived(idleMs: number): void {
    if (idleMs <= this.survivedMs) return;
    this.survivedMs = Math.min(idleMs, this.shortestCloseMs);
    this.conclude();
  }

  /** The server closed a connection that had been idle so long. Returns whether that counts as an idle timeout. */
  closed(idleMs: number): boolean {
    if (idleMs < idleCloseFromMs + this.roundTripMs) return false;
    if (this.closesMs.length === closesKept) this.closesMs.shift();
    this.closesMs.push(idleMs);
    const sorted = this.closesMs.toSorted((a, b) => a - b);
    this.shortestCloseMs = sorted[0]!;
    this.usualCloseMs = sorted[sorted.length >> 1]!;
    this.survivedMs = Math.min(this.survivedMs, idleMs);
    this.conclude();
    return true;
  }

  /** A request on a connection that had been idle so long got no answer: the connection died. */
  lost(idleMs: number): void {
    this.lostMs = Math.min(this.lostMs, idleMs);
    this.answersSinceLost = 0;
    this.conclude();
  }

  /** A response began so long after its request: as late as the server can be, and in need of that much margin. */
  answered(afterMs: number): void {
    if (this.lostMs !== Number.POSITIVE_INFINITY && ++this.answersSinceLost >= answersToForget) {
      this.lostMs = Number.POSITIVE_INFINITY;
      this.conclude();
    }
    if (afterMs <= this.answeredMs) this.answeredMs += (afterMs - this.answeredMs) * answerWeight;
    else {
      this.answeredMs = afterMs;
      this.conclude();
    }
  }

  /** A handshake took so long; the network and this host's lateness are in it. */
  roundTrip(ms: number): void {
    this.roundTripMs = ms > this.roundTripMs ? ms : this.roundTripMs + (ms - this.roundTripMs) * roundTripWeight;
    this.conclude();
  }

  private conclude(): void {
    const lateMs = this.roundTripMs + (this.closesMs.length === 0 ? 0 : this.usualCloseMs - this.shortestCloseMs);
    // Whole seconds are coarse: a server that says 5 may mean 4.5.
    const hintedMs = this.hintMs - Math.min(this.hintMs * leastMarginShare, mostLeastMarginMs);
    const hinted = hintedMs - marginOf(hintedMs, lateMs);
    const usual = this.usualCloseMs - Math.min(marginOf(this.usualCloseMs, lateMs), this.usualCloseMs / 2);
    this.reuseLimitMs = Math.max(0, Math.min(this.longestMs, hinted, usual));

    const stallMs = Math.max(lateMs, leastStallMs, Math.min(this.answeredMs, mostStallMs));
    const safely = (ms: number): number => Math.max(0, ms - marginOf(ms, stallMs));
    const covered = this.hintMs === Number.POSITIVE_INFINITY ? this.survivedMs : hintedMs;
    this.provenLimitMs = Math.min(this.reuseLimitMs, safely(Math.min(covered, this.shortestCloseMs, this.lostMs)));
    this.justFreedMs = Math.min(justFreedLimitMs, safely(Math.min(hintedMs, this.shortestCloseMs, this.lostMs)));
  }
}

/** How far below `ms` it is safe: what was seen to come late, a few milliseconds in any case, and a share of the whole. */
function marginOf(ms: number, lateMs: number): number {
  if (ms === Number.POSITIVE_INFINITY) return 0;
  return Math.max(lateMs, leastMarginMs, Math.min(ms * leastMarginShare, mostLeastMarginMs));
}
