/**
 * The connections of a client to one origin, and the requests that wait for one.
 *
 *                      ┌── idle, newest first ──► start
 *     submit ──────────┼── room for one more ──► open ──► start
 *                      └── wait in order ◄── retry (once, on a connection made for it)
 *
 * Rules
 * - The newest idle connection is used first, so that a quiet hour lets the others go and gaps stay short.
 * - How long an idle connection may be used is the origin's business (pool-idle-knowledge.ts); at the moment of reuse the kernel is
 *   asked for a FIN or bytes. A request that must not be sent twice is more careful than one that may.
 * - A connection beyond its limit is closed, except one that keeps watch until the server closes it, so that the origin's idle
 *   timeout goes on being learned. It takes no request and gives way when room is needed.
 * - A freed connection serves who waits longest; a request that is being sent again takes only a connection made after its failure.
 * - Everything is bounded: connections, idle ones, waiting requests, and the time that each may wait.
 */

import type { Observer } from '../base/index.js';
import { type ConnectionSource, type OpenedConnection, type Origin, openConnection, originOf } from './client-connect.js';
import { ClientConnection, type CloseReason, type ConnectionHome, type FailedExchange } from './client-connection.js';
import type { Exchange, ExchangeHome } from './client-exchange.js';
import type { ClientSettings } from './client-options.js';
import { retryDecision } from './client-retry.js';
import type { Deadlines } from './deadlines.js';
import { HoldfastError } from './errors.js';
import { ConnectionObservations } from './observe.js';
import { IdleKnowledge } from './pool-idle-knowledge.js';
import { PoolStatistics } from './pool-statistics.js';
import { WaitingLine } from './pool-waiting-line.js';

/** What the pools of one client share. */
export interface PoolHome {
  readonly settings: ClientSettings;
  readonly deadlines: Deadlines;
  readonly observer: Observer | null;
  nextConnectionNumber(): number;
  /** Nothing is open, opening or waiting any more. */
  emptied(pool: Pool): void;
}

/** A connection on its way. */
interface Attempt {
  cancel: () => void;
  /** For whom it was begun; another may get it. */
  readonly exchange: Exchange;
  readonly mayBeHandedOver: boolean;
}

export class Pool implements ConnectionHome, ExchangeHome {
  readonly origin: Origin;
  readonly settings: ClientSettings;
  readonly deadlines: Deadlines;
  readonly knowledge: IdleKnowledge;
  readonly statistics = new PoolStatistics();
  private readonly source: ConnectionSource;
  /** Idle and fit for use, the newest last. */
  private readonly idle: ClientConnection[] = [];
  private watcher: ClientConnection | null = null;
  private readonly open = new Set<ClientConnection>();
  private readonly attempts = new Set<Attempt>();
  private readonly waiting = new WaitingLine();
  private isClosing = false;
  private sweepAsked = false;

  constructor(
    readonly key: string,
    private readonly home: PoolHome,
  ) {
    this.origin = originOf(key);
    this.settings = home.settings;
    this.deadlines = home.deadlines;
    this.knowledge = new IdleKnowledge(home.settings.idleMs);
    this.source = { origin: this.origin, settings: home.settings, session: null };
  }

  /** Connections open, opening, idle, and requests waiting. */
  get counts(): { open: number; opening: number; idle: number; waiting: number } {
    return { open: this.open.size, opening: this.attempts.size, idle: this.idle.length, waiting: this.waiting.count };
  }

  get isWaitedFor(): boolean {
    return this.waiting.count > 0;
  }

  private get isEmpty(): boolean {
    return this.open.size === 0 && this.attempts.size === 0 && this.waiting.count === 0;
  }

  /** Takes a new request. */
  submit(exchange: Exchange, nowMs: number): void {
    this.statistics.requests++;
    if (this.isClosing) {
      exchange.fail(new HoldfastError('client-closed'));
      return;
    }
    if (!exchange.request.mayBecomeTunnel) {
      const connection = this.takeIdle(exchange, nowMs) ?? this.pipelineOn(exchange);
      if (connection !== null) {
        this.start(connection, exchange, nowMs);
        return;
      }
    }
    this.enqueue(exchange, nowMs, false);
  }

  private start(connection: ClientConnection, exchange: Exchange, nowMs: number): void {
    if (connection.unreferenced) {
      connection.unreferenced = false;
      connection.socket.ref();
    }
    connection.start(exchange, nowMs);
    if (exchange.reused) this.statistics.reuses++;
    if (this.settings.pipelining > 1 && connection.owed.length === 1) this.fill(connection, nowMs);
  }

  /** The newest idle connection that this request may use. Dead ones met on the way are dropped. */
  private takeIdle(exchange: Exchange, nowMs: number): ClientConnection | null {
    const { idle, knowledge } = this;
    if (idle.length === 0) return null;
    const careful = !exchange.request.idempotent;
    if (careful) {
      this.learnFromOldest(nowMs);
      if (knowledge.provenLimitMs === 0) return null;
    }
    for (let index = idle.length - 1; index >= 0; index--) {
      const connection = idle[index]!;
      const gapMs = nowMs - connection.idleSinceMs;
      if (gapMs > (careful ? knowledge.provenLimitMs : knowledge.reuseLimitMs)) break;
      if (careful && connection.trueIdleMs(nowMs) > knowledge.provenLimitMs) continue;
      switch (connection.quietness()) {
        case 'poisoned':
          connection.close('poisoned');
          continue;
        case 'dead':
          this.statistics.staleAvoided++;
          connection.close('idle-close');
          continue;
        case 'bytes':
          if (careful) continue;
          break;
        case 'quiet':
          knowledge.survived(gapMs);
          break;
      }
      if (index === idle.length - 1) idle.pop();
      else idle.splice(index, 1);
      return connection;
    }
    return null;
  }

  /** The connection that has been idle longest shows how long the server lets one be. */
  private learnFromOldest(nowMs: number): void {
    const oldest = this.watcher ?? this.idle[0]!;
    const gapMs = nowMs - oldest.idleSinceMs;
    if (gapMs > this.knowledge.longestSurvivedMs && oldest.quietness() === 'quiet') this.knowledge.survived(gapMs);
  }

  private pipelineOn(exchange: Exchange): ClientConnection | null {
    const { pipelining } = this.settings;
    if (pipelining === 1 || !mayBePipelined(exchange)) return null;
    if (this.open.size + this.attempts.size < this.settings.connections) return null;
    for (const connection of this.open) if (connection.mayPipeline(pipelining)) return connection;
    return null;
  }

  private enqueue(exchange: Exchange, nowMs: number, first: boolean): void {
    if (!first && this.waiting.count >= this.settings.pending) {
      exchange.fail(new HoldfastError('pending-limit', { detail: `Limit: ${this.settings.pending}.` }));
      return;
    }
    this.waiting.add(exchange, first);
    exchange.wait(nowMs);
    this.openFor(exchange);
  }

  /** Begins a connection for `exchange` when there is room, or room can be made by letting an idle one go. */
  private openFor(exchange: Exchange): boolean {
    let spare: ClientConnection | undefined;
    if (this.open.size + this.attempts.size >= this.settings.connections) {
      // The one that has been idle longest is what idle timeouts are learned from, so it goes last.
      spare = this.watcher ?? this.idle[1] ?? this.idle[0];
      if (spare === undefined) return false;
    }
    const { request } = exchange;
    const attempt: Attempt = { cancel: () => {}, exchange, mayBeHandedOver: request.mayBecomeTunnel };
    this.attempts.add(attempt);
    // Its close makes room, which the attempt has taken already.
    spare?.close('ours');
    attempt.cancel = openConnection(
      this.source,
      {
        mayBeHandedOver: request.mayBecomeTunnel,
        replacesFailed: exchange.wantsFresh && this.settings.pipelining > 1,
        connectMs: request.timeouts.connectMs,
        tlsMs: request.timeouts.tlsMs,
      },
      (opened) => this.opened(attempt, opened),
      (error) => this.openingFailed(attempt, error),
    );
    return true;
  }

  private opened(attempt: Attempt, opened: OpenedConnection): void {
    this.attempts.delete(attempt);
    const nowMs = performance.now();
    const { observer } = this.home;
    const { localAddress, localPort, remoteAddress, remotePort } = opened.addresses;
    const told =
      observer === null
        ? null
        : new ConnectionObservations(
            observer,
            { address: localAddress, port: localPort },
            { address: remoteAddress, port: remotePort },
          );
    const connection = new ClientConnection(this.home.nextConnectionNumber(), opened, this, told, nowMs);
    this.statistics.connections++;
    this.open.add(connection);
    this.knowledge.roundTrip(opened.connectMs);
    const exchange = attempt.exchange.state === 'waiting' ? attempt.exchange : null;
    if (exchange !== null) this.waiting.remove(exchange);
    const next = exchange ?? (attempt.mayBeHandedOver ? null : this.waiting.next(true));
    if (next !== null) this.start(connection, next, nowMs);
    else if (this.isClosing) connection.close('ours');
    else this.keepIdle(connection, nowMs);
  }

  private openingFailed(attempt: Attempt, error: HoldfastError): void {
    this.attempts.delete(attempt);
    this.statistics.failedConnections++;
    const { exchange } = attempt;
    if (exchange.state === 'waiting') {
      this.waiting.remove(exchange);
      exchange.fail(error);
    }
    this.openForWaiting();
    this.tellWhenEmpty();
  }

  /** Room has become free: whoever waits without a connection on its way gets one. */
  private openForWaiting(): void {
    let missing = this.waiting.count - this.attempts.size;
    if (missing <= 0) return;
    const begunFor = new Set([...this.attempts].map(({ exchange }) => exchange));
    for (const exchange of this.waiting.all()) {
      if (missing <= 0) return;
      if (begunFor.has(exchange)) continue;
      if (!this.openFor(exchange)) return;
      missing--;
    }
  }

  /** An exchange is complete and its connection good for more. */
  free(connection: ClientConnection, nowMs: number): void {
    if (this.waiting.count > 0) {
      const next = this.nextFor(connection, nowMs);
      if (next !== null) {
        this.start(connection, next, nowMs);
        return;
      }
    }
    if (this.isClosing || connection.ageMs(nowMs) >= this.settings.ageMs) connection.close('ours');
    else this.keepIdle(connection, nowMs);
    // Those that an idle connection does not serve (upgrades, retries) may have its room.
    if (this.waiting.count > 0) this.openForWaiting();
  }

  /** Pipelining: gives more of those who wait to a connection that has room behind what it owes. */
  fill(connection: ClientConnection, nowMs: number): void {
    const { pipelining } = this.settings;
    while (this.waiting.count > 0 && connection.mayPipeline(pipelining)) {
      const next = this.waiting.next(false);
      if (next === null) return;
      if (!mayBePipelined(next)) {
        this.waiting.add(next, true);
        return;
      }
      this.start(connection, next, nowMs);
    }
  }

  private nextFor(connection: ClientConnection, nowMs: number): Exchange | null {
    if (connection.ageMs(nowMs) >= this.settings.ageMs) return null;
    const next = this.waiting.next(false);
    if (next === null) return null;
    if (next.request.idempotent || this.isSafe(connection, nowMs)) return next;
    this.waiting.add(next, true);
    return null;
  }

  /** For a request that must not be sent twice, on a connection that has just become free. */
  private isSafe(connection: ClientConnection, nowMs: number): boolean {
    const state = connection.quietness();
    const { provenLimitMs, justFreedMs } = this.knowledge;
    const isFull = this.open.size + this.attempts.size >= this.settings.connections;
    const limitMs = isFull ? Math.max(provenLimitMs, justFreedMs) : provenLimitMs;
    return limitMs > 0 && (state === 'quiet' || state === 'unknown') && connection.trueIdleMs(nowMs) <= limitMs;
  }

  private keepIdle(connection: ClientConnection, nowMs: number): void {
    if (this.idle.length >= this.settings.idleConnections) {
      connection.close('ours');
      return;
    }
    this.idle.push(connection);
    connection.setIdleLimit(nowMs + this.idleAllowanceMs(connection, nowMs));
    this.askForSweep();
  }

  private idleAllowanceMs(connection: ClientConnection, nowMs: number): number {
    return Math.min(this.knowledge.reuseLimitMs, this.settings.ageMs - connection.ageMs(nowMs));
  }

  /** Idle for as long as it may be used. One of them stays to see when the server closes it. */
  idleLimit(connection: ClientConnection, nowMs: number): void {
    const idleMs = nowMs - connection.idleSinceMs;
    this.leaveIdle(connection);
    const { knowledge, settings } = this;
    if (this.watcher === null && idleMs < settings.idleMs && connection.ageMs(nowMs) < settings.ageMs && !this.isClosing) {
      if (connection.quietness() === 'quiet') knowledge.survived(idleMs);
      this.watcher = connection;
      connection.setIdleLimit(connection.idleSinceMs + settings.idleMs);
    } else connection.close('ours');
  }

  private leaveIdle(connection: ClientConnection): void {
    if (this.watcher === connection) this.watcher = null;
    const index = this.idle.indexOf(connection);
    if (index !== -1) this.idle.splice(index, 1);
  }

  closed(connection: ClientConnection, why: CloseReason, failed: FailedExchange[]): void {
    this.open.delete(connection);
    this.leaveIdle(connection);
    if (why === 'poisoned') this.statistics.poisoned++;
    else if (why === 'idle-close') {
      if (connection.requestCount > 0 && this.knowledge.closed(connection.closedAfterMs)) this.statistics.idleCloses++;
    }
    for (const each of failed) this.failedOn(each);
    this.openForWaiting();
    this.tellWhenEmpty();
  }

  private failedOn({ exchange, error, connectionFailed, neverTaken }: FailedExchange): void {
    if (exchange.state === 'done') return;
    if (connectionFailed && exchange.reused && exchange.firstByteAtMs === 0) this.knowledge.lost(exchange.idleGapMs);
    const decision = retryDecision({
      attempt: exchange.attempts,
      responseBegun: exchange.firstByteAtMs !== 0,
      reused: exchange.reused,
      idempotent: exchange.request.idempotent,
      repeatable: !exchange.bodyTouched,
      neverTaken,
      connectionFailed,
    });
    if (!decision.retry || this.isClosing) {
      exchange.fail(error);
      return;
    }
    if (neverTaken) this.statistics.retriesByProof++;
    else this.statistics.retries++;
    exchange.wantsFresh = true;
    this.enqueue(exchange, performance.now(), true);
  }

  answered(afterMs: number): void {
    this.knowledge.answered(afterMs);
  }

  hint(timeoutSeconds: number | null): void {
    this.knowledge.hint(timeoutSeconds);
  }

  forget(exchange: Exchange): void {
    this.waiting.remove(exchange);
    for (const attempt of this.attempts) {
      // A connection that nobody waits for is not worth making.
      if (attempt.exchange === exchange && (attempt.mayBeHandedOver || this.waiting.count < this.attempts.size)) {
        attempt.cancel();
        this.attempts.delete(attempt);
        break;
      }
    }
    this.tellWhenEmpty();
  }

  /** Takes no more requests; ends when the ones it has are done. */
  close(): void {
    this.isClosing = true;
    for (const connection of [...this.idle]) connection.close('ours');
    this.watcher?.close('ours');
    this.tellWhenEmpty();
  }

  /** Ends everything now. */
  destroy(error: HoldfastError): void {
    this.isClosing = true;
    for (const exchange of this.waiting.all()) exchange.fail(error);
    this.waiting.clear();
    for (const attempt of this.attempts) attempt.cancel();
    this.attempts.clear();
    for (const connection of [...this.open]) {
      const [first] = connection.owed;
      if (first === undefined) connection.close('ours');
      else connection.abandonAll(error);
    }
    this.tellWhenEmpty();
  }

  private tellWhenEmpty(): void {
    if (this.isEmpty) this.home.emptied(this);
  }

  /** Idle sockets do not hold the process; found out once for all that are still idle when the loop has turned. */
  private askForSweep(): void {
    if (this.sweepAsked) return;
    this.sweepAsked = true;
    setImmediate(() => {
      this.sweepAsked = false;
      for (const connection of this.idle) {
        if (connection.unreferenced) continue;
        connection.unreferenced = true;
        connection.socket.unref();
      }
    });
  }
}

const mayBePipelined = ({ request }: Exchange): boolean =>
  request.idempotent && request.persists && !request.mayBecomeTunnel && (request.body === null || request.body.bytes !== null);
