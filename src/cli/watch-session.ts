/**
 * What `watch` knows: the story of everything that passes, the diagnosis of what has ended, and the newest ended connections for the
 * list and their ladders. Bounded however long it runs; knows no terminal.
 */
import type { ConnectionId, SourceSummary } from '../base/index.js';
import { observeCapture } from '../packets/index.js';
import { type Connection, type ConnectionPredicate, Diagnosis, Story } from '../story/index.js';
import { type Clock, clockOf, type Diagnosed, EndsInCommon, type LiveCounts, Overview } from '../view/index.js';

const watchLimits = {
  /** Connections followed at once; the least active are told as they stand beyond it. */
  connections: 20_000,
  /** Ended connections kept for the list, and exchanges kept in them together. */
  ended: 2000,
  exchangesOfEnded: 40_000,
} as const;

/** A connection that ended waits so long for late segments: rather prompt than complete, but for resets that are repeated at once. */
const lingerNs = 1e9;

export interface SessionOptions {
  /** Which connections count at all; null: all. */
  readonly chosen: ConnectionPredicate | null;
  /** Takes each ended connection that counts. */
  readonly onEnded?: (connection: Connection, clock: Clock) => void;
}

export class WatchSession {
  readonly overview = new Overview();
  readonly common = new EndsInCommon();
  /** The newest ended connections, oldest first. */
  readonly ended: Connection[] = [];
  readonly chosen: ConnectionPredicate | null;
  readonly #story: Story;
  readonly #diagnosis = new Diagnosis();
  readonly #capture: ReturnType<typeof observeCapture>;
  #exchangesOfEnded = 0;
  #endedCount = 0;
  #over: SourceSummary | null = null;

  constructor({ chosen, onEnded }: SessionOptions) {
    this.chosen = chosen;
    this.#story = new Story({
      live: true,
      onConnection: (connection) => {
        if (chosen !== null && !chosen(connection)) return;
        this.common.add(connection);
        this.overview.add(connection);
        this.#diagnosis.take(connection);
        this.#keep(connection);
        onEnded?.(connection, this.clock());
      },
    });
    this.#capture = observeCapture({
      live: true,
      observe: this.#story.observe,
      connectionLimit: watchLimits.connections,
      lingerNs,
    });
  }

  push(chunk: Uint8Array): void {
    this.#capture.push(chunk);
  }

  /** The wire was silent until `nowNs`. */
  passTime(nowNs: number): void {
    if (this.#over === null) this.#capture.passTime(nowNs);
  }

  /** Everything that is still open is told as it stands. */
  end(): SourceSummary {
    if (this.#over === null) {
      this.#over = this.#capture.end();
      this.#story.end();
    }
    return this.#over;
  }

  get packets(): number {
    return this.#capture.packets;
  }

  /** The bytes are no capture, or there is nothing more to read from them. */
  get done(): boolean {
    return this.#capture.done;
  }

  summary(): SourceSummary {
    return this.#over ?? this.#capture.summary();
  }

  clock(): Clock {
    return clockOf(this.summary());
  }

  /** Open connections that count, as they were at their last packet, oldest first. */
  open(): Connection[] {
    const open = [...this.#story.open()];
    return this.chosen === null ? open : open.filter(this.chosen);
  }

  /** A connection as it stands at `nowNs`; null when it is not known (any more). */
  connection(id: ConnectionId, nowNs: number): Connection | null {
    return this.#story.current(id, nowNs) ?? this.ended.findLast((connection) => connection.id === id) ?? null;
  }

  /** Counts without rates. */
  counts(open: readonly Connection[]): Omit<LiveCounts, 'requestsPerSecond' | 'packetsPerSecond'> {
    // Some that are over still wait for late packets; of some that were told at the end nobody knows how they went on.
    const lingering = open.reduce((count, { closed }) => count + (closed === null ? 0 : 1), 0);
    const { client, server, network, none } = this.overview.closers;
    const leftOpen = client.open + server.open + network.open + none.open;
    const state = { open: open.length - lingering + leftOpen, ended: this.#endedCount + lingering - leftOpen };
    if (this.chosen === null) {
      const { requests, responses, resets, retransmissions, keepAliveProbes } = this.#story.totals;
      return { ...state, requests, responses, resets, retransmissions, keepAliveProbes };
    }
    const { totals } = this.overview;
    const sum = (value: (connection: Connection) => number): number =>
      open.reduce((total, connection) => total + value(connection), 0);
    return {
      ...state,
      requests: totals.requests + sum(({ exchangeCount }) => exchangeCount),
      responses: totals.responses + sum(({ responseCount }) => responseCount),
      resets: totals.resets + sum(({ tcp }) => tcp.resets.client + tcp.resets.server),
      retransmissions: totals.retransmissions + sum(({ tcp }) => tcp.retransmissions.client + tcp.retransmissions.server),
      keepAliveProbes: totals.keepAliveProbes + sum(({ tcp }) => tcp.keepAliveProbes.client + tcp.keepAliveProbes.server),
    };
  }

  /** What the rules say of the connections that have ended. Takes milliseconds: not for every frame. */
  diagnose(): Diagnosed {
    const findings = this.#diagnosis.findings();
    return { findings, verdict: this.#diagnosis.verdict(findings), inferences: this.#diagnosis.inferences() };
  }

  #keep(connection: Connection): void {
    this.#endedCount++;
    this.ended.push(connection);
    this.#exchangesOfEnded += connection.exchanges.length;
    // Half of the ring at a time: the cost of moving the rest is shared by many.
    if (this.ended.length <= watchLimits.ended && this.#exchangesOfEnded <= watchLimits.exchangesOfEnded) return;
    let gone = 0;
    while (
      gone < this.ended.length - 1 &&
      (this.ended.length - gone > watchLimits.ended / 2 || this.#exchangesOfEnded > watchLimits.exchangesOfEnded / 2)
    )
      this.#exchangesOfEnded -= this.ended[gone++]!.exchanges.length;
    this.ended.splice(0, gone);
  }
}
