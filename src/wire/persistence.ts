/**
 * When a connection goes on after a message: HTTP version × Connection options × framing × kind of message, as one table
 * (RFC 9112 §9.3, RFC 9110 §7.6.1, RFC 2068 §19.7.1). The first row that matches decides. A connection is reused only when
 * the request and its final response both persist.
 *
 * What is not here: who closes, timeouts, and `Keep-Alive` parameters, which are advice.
 */

import { AssertionError } from '../base/index.js';
import type { Framing } from './message.js';

/** An interim response is 1xx other than 101. */
export type MessageKind = 'request' | 'response' | 'interim-response';
/** HTTP/1.2 and later count as 1.1 (RFC 9110 §2.5). */
export type PersistenceVersion = '0.9' | '1.0' | '1.1';
/** What the Connection options come to; `close` beats `keep-alive`. */
export type ConnectionWish = 'close' | 'keep-alive' | 'none';

export interface PersistenceRule {
  readonly kind: MessageKind | 'any';
  readonly version: PersistenceVersion | 'any';
  readonly wish: ConnectionWish | 'any';
  readonly framing: Framing | 'any';
  readonly outcome: 'persists' | 'ends' | 'becomes-tunnel';
  readonly reason: PersistenceReason;
}

export type PersistenceReason =
  | 'tunnel'
  | 'interim-response'
  | 'close-delimited'
  | 'close-said'
  | 'http-0.9'
  | 'http-1.0-keep-alive-said'
  | 'http-1.0-default'
  | 'http-1.1-default';

/** The outcome for one message: the row of the table that decided. */
export type Persistence = PersistenceRule;

export const persistenceTable: readonly PersistenceRule[] = [
  { kind: 'any', version: 'any', wish: 'any', framing: 'tunnel', outcome: 'becomes-tunnel', reason: 'tunnel' },
  { kind: 'interim-response', version: 'any', wish: 'any', framing: 'any', outcome: 'persists', reason: 'interim-response' },
  { kind: 'any', version: 'any', wish: 'any', framing: 'until-close', outcome: 'ends', reason: 'close-delimited' },
  { kind: 'any', version: 'any', wish: 'close', framing: 'any', outcome: 'ends', reason: 'close-said' },
  { kind: 'any', version: '0.9', wish: 'any', framing: 'any', outcome: 'ends', reason: 'http-0.9' },
  { kind: 'any', version: '1.0', wish: 'keep-alive', framing: 'any', outcome: 'persists', reason: 'http-1.0-keep-alive-said' },
  { kind: 'any', version: '1.0', wish: 'any', framing: 'any', outcome: 'ends', reason: 'http-1.0-default' },
  { kind: 'any', version: '1.1', wish: 'any', framing: 'any', outcome: 'persists', reason: 'http-1.1-default' },
];

// In the order that `persistenceOf` counts them in.
const kinds: readonly MessageKind[] = ['request', 'response', 'interim-response'];
const versions: readonly PersistenceVersion[] = ['0.9', '1.0', '1.1'];
const wishes: readonly ConnectionWish[] = ['close', 'keep-alive', 'none'];
const framings: readonly Framing[] = ['none', 'length', 'chunked', 'until-close', 'tunnel'];

/** The row of the table that decides. */
export function persistenceOf(
  kind: MessageKind,
  version: PersistenceVersion,
  wish: ConnectionWish,
  framing: Framing,
): Persistence {
  const byKind = kind === 'request' ? 0 : kind === 'response' ? 1 : 2;
  const byVersion = version === '1.1' ? 2 : version === '1.0' ? 1 : 0;
  const byWish = wish === 'none' ? 2 : wish === 'keep-alive' ? 1 : 0;
  const byFraming =
    framing === 'none' ? 0 : framing === 'length' ? 1 : framing === 'chunked' ? 2 : framing === 'until-close' ? 3 : 4;
  const place = ((byKind * 3 + byVersion) * 3 + byWish) * 5 + byFraming;
  return decided[place]!;
}

/** The table worked out for every combination, so that a message costs one look-up. */
const decided: readonly Persistence[] = kinds.flatMap((kind) =>
  versions.flatMap((version) => wishes.flatMap((wish) => framings.map((framing) => firstRow(kind, version, wish, framing)))),
);

function firstRow(kind: MessageKind, version: PersistenceVersion, wish: ConnectionWish, framing: Framing): Persistence {
  for (const row of persistenceTable) {
    const applies =
      (row.kind === 'any' || row.kind === kind) &&
      (row.version === 'any' || row.version === version) &&
      (row.wish === 'any' || row.wish === wish) &&
      (row.framing === 'any' || row.framing === framing);
    if (applies) return row;
  }
  throw new AssertionError(`no persistence rule for ${kind}, HTTP/${version}, ${wish}, ${framing}`);
}
