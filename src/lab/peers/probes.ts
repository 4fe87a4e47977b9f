/** TCP keep-alive of a peer's sockets, in whole seconds (RFC 9293 §3.8.4). */
export interface Probes {
  readonly idleMs: number;
  /** Between further probes; the system's or the runtime's own when not said. */
  readonly intervalMs?: number;
  /** Unanswered ones after which the connection is aborted. */
  readonly count?: number;
}
