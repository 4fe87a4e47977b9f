/**
 * What the racers run: workers that send a request, wait for a gap chosen near the server's idle timeout, and send the next. Shared by race.ts,
 * the servers (race-server.ts) and the callers (race-caller.ts); Go has the same in race-go/main.go.
 */

export interface Workload {
  readonly port: number;
  readonly workers: number;
  /** POSTs a worker. */
  readonly rounds: number;
  /** Ranges of the time between an answer and the next request; rounds take them in turn. */
  readonly gapsMs: readonly (readonly [least: number, most: number])[];
  /** Each worker has a pool of its own (one caller, one connection), or all share one. */
  readonly pools: 'own' | 'shared';
  /** POST when not said. GET may be sent twice. */
  readonly method?: 'GET' | 'POST';
}

/** What one caller says of its run. */
export interface CallerReport {
  readonly sent: number;
  readonly failed: number;
  /** Failures by error code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Of each POST that succeeded. */
  readonly latenciesMs: readonly number[];
  /** Ids that failed. */
  readonly failedIds: readonly string[];
  /** More that the client can say of itself. */
  readonly note: string;
}

/** What a server says of the requests since its last report. */
export interface ServerReport {
  /** How often each id was executed. */
  readonly executed: Readonly<Record<string, number>>;
  readonly connections: number;
}

export const requestIdField = 'X-Request-Id';
