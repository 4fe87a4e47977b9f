/**
 * Which connections a screen shows, and in which order: open and ended ones together, the best of many thousands without sorting
 * them all, and within a bounded time when a filter has to look at each.
 */
import { type Connection, type ConnectionPredicate, newestExchange } from '../story/index.js';
import { interestOf } from '../view/index.js';
import type { WatchSession } from './watch-session.js';

export const orders = ['newest', 'trouble', 'active', 'waiting', 'requests'] as const;
export type Order = (typeof orders)[number];

export const orderWords: Readonly<Record<Order, string>> = {
  newest: 'newest first',
  trouble: 'most to tell first',
  active: 'last active first',
  waiting: 'longest waiting first',
  requests: 'most requests first',
};

/** Rows that can be scrolled through. */
const rowsLimit = 1000;
/** A filter looks at connections for so long; what it has not seen by then is left out. */
const filterBudgetMs = 25;
/** Exchanges of an open connection are not all looked at for its score. */
const scoredExchanges = 200;

export interface RowChoice {
  readonly order: Order;
  readonly filter: ConnectionPredicate | null;
  readonly nowNs: number;
}

/** The connections to show, best first, at most `rowsLimit`. `partly`: the filter had no time for all of them. */
export function chooseRows(
  session: WatchSession,
  open: readonly Connection[],
  { order, filter, nowNs }: RowChoice,
): { readonly shown: readonly Connection[]; readonly partly: boolean } {
  const all = [...open, ...session.ended];
  const score = scorers[order];
  const scores = Float64Array.from(all, (connection) => score(connection, nowNs));
  const wanted = filter === null ? rowsLimit : all.length;
  const least = all.length <= wanted ? Number.NEGATIVE_INFINITY : scores.slice().sort()[all.length - wanted]!;
  const places: number[] = [];
  for (let place = 0; place < all.length; place++) if (scores[place]! >= least) places.push(place);
  places.sort((a, b) => scores[b]! - scores[a]! || all[b]!.id - all[a]!.id);
  if (filter === null) return { shown: places.slice(0, rowsLimit).map((place) => all[place]!), partly: false };
  const shown: Connection[] = [];
  const until = performance.now() + filterBudgetMs;
  for (const place of places) {
    const connection = all[place]!;
    const isOpen = place < open.length;
    if (filter(isOpen ? (session.connection(connection.id, nowNs) ?? connection) : connection)) shown.push(connection);
    if (shown.length >= rowsLimit) break;
    if (performance.now() > until) return { shown, partly: true };
  }
  return { shown, partly: false };
}

type Scorer = (connection: Connection, nowNs: number) => number;

const scorers: Readonly<Record<Order, Scorer>> = {
  newest: ({ id }) => id,
  trouble: (connection) =>
    // In steps, so that lines do not change places for nothing.
    Math.round(interestOf(connection.exchanges.length > scoredExchanges ? shortened(connection) : connection) / 50),
  active: ({ last }) => Math.floor(last.atNs / 1e9),
  waiting: (connection, nowNs) => {
    const newest = newestExchange(connection);
    if (connection.ending.why !== 'still-open' || newest === undefined || newest.responseEnd !== null)
      return connection.closed === null ? 0 : -1;
    return nowNs - newest.requestAt.atNs;
  },
  requests: ({ exchangeCount }) => exchangeCount,
};

const shortened = (connection: Connection): Connection => ({
  ...connection,
  exchanges: connection.exchanges.slice(-scoredExchanges),
});
