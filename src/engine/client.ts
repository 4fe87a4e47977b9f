/**
 * An HTTP/1.1 client that keeps its connections and loses no request.
 *
 *     const client = new Client();
 *     const response = await client.request({ url: 'http://127.0.0.1:8080/' });
 *     console.log(response.status, await response.body.text(), response.timings);
 *     await client.close();
 *
 * Three ways in, over one core: `exchange` (callbacks, borrowed bytes, at least cost), `request` (a promise, a body to iterate or
 * collect), `fetch` (Node's own fetch, so redirects, content codings and the web types are Node's, carried by this client).
 *
 * What it deliberately does not do: follow redirects (except in `fetch`), keep cookies, cache, speak HTTP/2.
 */

import type { Observer } from '../base/index.js';
import type { ResponseHead } from '../wire/index.js';
import { HoldfastDispatcher } from './client-dispatcher.js';
import { Exchange, type ResponseTaker } from './client-exchange.js';
import { type ClientOptions, type ClientSettings, settingsOf } from './client-options.js';
import { type ClientRequest, destinationOf, prepareRequest } from './client-request.js';
import { type ClientResponse, PromisedResponse } from './client-response.js';
import { haveSocketFacts } from './client-socket-facts.js';
import { Deadlines } from './deadlines.js';
import { HoldfastError } from './errors.js';
import { Pool, type PoolHome } from './pool.js';

/** What a client has done with one origin, and what it has learned of it. */
export interface OriginStatistics {
  readonly origin: string;
  /** Now: connections open (the idle ones among them), on their way; requests waiting for one. */
  readonly open: number;
  readonly idle: number;
  readonly opening: number;
  readonly waiting: number;
  /** Since the start: see PoolStatistics. */
  readonly requests: number;
  readonly connections: number;
  readonly failedConnections: number;
  readonly reuses: number;
  readonly retries: number;
  readonly retriesByProof: number;
  readonly staleAvoided: number;
  readonly idleCloses: number;
  readonly poisoned: number;
  /** Idleness up to which a request that may be sent twice, and one that must not, uses a connection. */
  readonly reuseLimitMs: number;
  readonly provenLimitMs: number;
}

export class Client implements PoolHome {
  readonly settings: ClientSettings;
  readonly deadlines = new Deadlines();
  observer: Observer | null;
  private readonly pools = new Map<string, Pool>();
  private lastPool: Pool | null = null;
  private connectionCount = 0;
  private isClosed = false;
  private whenEmpty: (() => void)[] = [];
  private dispatcher: HoldfastDispatcher | null = null;

  /** Throws `invalid-option`. */
  constructor(options: ClientOptions = {}) {
    this.settings = settingsOf(options);
    this.observer = options.observer ?? null;
  }

  /** Whether this host lets the client see the state of a socket at the moment of reuse, and prove that a request was not taken. */
  get hasProofs(): boolean {
    return haveSocketFacts();
  }

  /**
   * Sends a request. Resolves with the response's head; the body comes through `response.body`. Rejects with a `HoldfastError`.
   * `onInterim` is told of 1xx responses (borrowed).
   */
  request(request: ClientRequest, onInterim?: (head: ResponseHead) => void): Promise<ClientResponse> {
    return new Promise((resolve, reject) => {
      const promised = new PromisedResponse(resolve, reject, onInterim);
      const exchange = this.prepare(request, promised);
      promised.exchange = exchange;
      this.begin(exchange, request.signal);
    });
  }

  /**
   * Sends a request; `taker` gets the response as it comes. Throws what is wrong with the request itself. The exchange can be
   * aborted, resumed and dumped.
   */
  exchange(request: ClientRequest, taker: ResponseTaker): Exchange {
    const exchange = this.prepare(request, taker);
    this.begin(exchange, request.signal);
    return exchange;
  }

  private prepare(request: ClientRequest, taker: ResponseTaker): Exchange {
    if (this.isClosed) throw new HoldfastError('client-closed');
    const { origin, target } = destinationOf(request.url);
    const pool = this.poolOf(origin);
    const prepared = prepareRequest(request, pool.origin.authority, request.target ?? target, this.settings);
    return new Exchange(prepared, taker, pool, performance.now());
  }

  private begin(exchange: Exchange, signal: AbortSignal | undefined): void {
    if (signal !== undefined) {
      exchange.follow(signal);
      if (exchange.state === 'done') return;
    }
    (exchange.home as Pool).submit(exchange, exchange.startedAtMs);
  }

  private poolOf(origin: string): Pool {
    if (this.lastPool?.key === origin) return this.lastPool;
    let pool = this.pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, this);
      this.pools.set(origin, pool);
    }
    this.lastPool = pool;
    return pool;
  }

  /** Node's own `fetch`, carried by this client. */
  fetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    this.dispatcher ??= new HoldfastDispatcher(this);
    return fetch(input, { ...init, dispatcher: this.dispatcher } as unknown as RequestInit);
  }

  /** Tells every connection opened from now on to `observer`, or to nobody (null). */
  observe(observer: Observer | null): void {
    this.observer = observer;
  }

  /** One entry an origin. */
  statistics(): OriginStatistics[] {
    return [...this.pools.values()].map((pool) => ({
      origin: pool.key,
      ...pool.counts,
      ...pool.statistics,
      reuseLimitMs: pool.knowledge.reuseLimitMs,
      provenLimitMs: pool.knowledge.provenLimitMs,
    }));
  }

  /** Takes no more requests, and ends when those under way are done and every connection is closed. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const pool of this.pools.values()) pool.close();
    if (this.pools.size > 0) await new Promise<void>((resolve) => this.whenEmpty.push(resolve));
  }

  /** Ends everything at once: requests under way fail with `error`. */
  destroy(error: HoldfastError = new HoldfastError('client-closed')): void {
    this.isClosed = true;
    for (const pool of [...this.pools.values()]) pool.destroy(error);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  nextConnectionNumber(): number {
    return ++this.connectionCount;
  }

  emptied(pool: Pool): void {
    if (!this.isClosed) return;
    this.pools.delete(pool.key);
    if (this.pools.size > 0) return;
    for (const resolve of this.whenEmpty) resolve();
    this.whenEmpty = [];
  }
}
