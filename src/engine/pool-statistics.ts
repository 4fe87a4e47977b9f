/** What a pool has done so far: counts since the client began. */
export class PoolStatistics {
  requests = 0;
  /** Connections made, and attempts that failed. */
  connections = 0;
  failedConnections = 0;
  /** Requests that went out on a connection that had been used or idle before. */
  reuses = 0;
  /** Requests sent once more because they were idempotent; and because the server provably never had them. */
  retries = 0;
  retriesByProof = 0;
  /** Connections found closed by the server at the very moment of reuse, and not used. */
  staleAvoided = 0;
  /** Closes by the server that count as its idle timeout. */
  idleCloses = 0;
  /** Connections dropped because bytes came that nobody had asked for. */
  poisoned = 0;
}
