/**
 * Whether a request whose connection failed may be sent once more, as one table (RFC 9110 §9.2.2, RFC 9112 §9.3.1, §9.5). The
 * first row that matches decides.
 *
 * - Never after a byte of a response, never a retry's retry, never what the caller has given up.
 * - A request that provably never reached the server's hands may be sent again whatever its method. The proofs: the kernel took no
 *   byte of it; or the server's FIN came before any byte of a response and acknowledged nothing of it (the FIN carries the highest
 *   byte that the server's kernel had). A bare RST proves nothing: the kernel may have had the request, unread, in its buffer.
 * - Otherwise only an idempotent request (or one with an Idempotency-Key), and only when its connection had been idle or had
 *   carried others: a server that fails on a fresh connection fails because of the request.
 */

export interface Failure {
  /** Times that the request has been sent, this one included. */
  readonly attempt: number;
  /** A byte of the response had come (an interim response counts). */
  readonly responseBegun: boolean;
  /** The request was not the first thing on a fresh connection. */
  readonly reused: boolean;
  readonly idempotent: boolean;
  /** The body can be sent again from its start. */
  readonly repeatable: boolean;
  /** Proof that the server never had the request. */
  readonly neverTaken: boolean;
  /** It was the connection that failed: not a timeout, an abort, a bad response or the request's own body. */
  readonly connectionFailed: boolean;
}

type RetryReason =
  | 'not-the-connection'
  | 'response-begun'
  | 'already-retried'
  | 'body-gone'
  | 'never-taken'
  | 'not-idempotent'
  | 'fresh-connection'
  | 'idempotent-on-reused-connection';

interface RetryRule {
  readonly when: (failure: Failure) => boolean;
  readonly retry: boolean;
  readonly reason: RetryReason;
}

const retryTable: readonly RetryRule[] = [
  { when: (failure) => !failure.connectionFailed, retry: false, reason: 'not-the-connection' },
  { when: (failure) => failure.responseBegun, retry: false, reason: 'response-begun' },
  { when: (failure) => failure.attempt > 1, retry: false, reason: 'already-retried' },
  { when: (failure) => !failure.repeatable, retry: false, reason: 'body-gone' },
  { when: (failure) => failure.neverTaken, retry: true, reason: 'never-taken' },
  { when: (failure) => !failure.idempotent, retry: false, reason: 'not-idempotent' },
  { when: (failure) => !failure.reused, retry: false, reason: 'fresh-connection' },
  { when: () => true, retry: true, reason: 'idempotent-on-reused-connection' },
];

/** The row of the table that decides. */
export function retryDecision(failure: Failure): { readonly retry: boolean; readonly reason: RetryReason } {
  return retryTable.find((rule) => rule.when(failure))!;
}
