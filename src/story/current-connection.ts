/**
 * A connection while its story goes on, as it stands at a moment: for a screen that shows open connections. A copy of the value as
 * if the story ended there; nothing of the story changes. What is not decided before the end is said as it would be decided now:
 * who closed first, whether anybody still answers. An open one has been silent up to that moment, not only up to its last packet.
 *
 * Exchanges and marks are shared with the story and grow on: draw at once what is drawn.
 */
import { decideEnding, type EndingFacts } from './ending.js';
import { type Connection, type Ending, type Exchange, type Mark, storyLimits } from './model.js';

export function connectionAt(connection: Connection, marks: Mark[], facts: EndingFacts, nowNs: number): Connection {
  const ending = decideEnding(connection, facts);
  return { ...connection, marks, ending: ending.how === 'open' ? silentUntil(ending, facts.lastByteNs, nowNs) : ending };
}

function silentUntil(ending: Ending, lastByteNs: number | null, nowNs: number): Ending {
  const atNs = Math.max(nowNs, ending.at.atNs);
  return {
    ...ending,
    at: { atNs, packet: ending.at.packet },
    idleNs: lastByteNs === null ? null : Math.max(0, atNs - lastByteNs),
  };
}

/** The newest of the exchanges that are not among the first ones. Grows to twice what is kept before it is cut. */
export function withNewest(newest: Exchange[], exchange: Exchange): Exchange[] {
  const { newestExchanges } = storyLimits;
  const grown = newest.length === 0 ? [] : newest.length < 2 * newestExchanges ? newest : newest.slice(-newestExchanges + 1);
  grown.push(exchange);
  return grown;
}

/** The newest exchange that is known; undefined before the first. */
export function newestExchange({ exchanges, newest }: Connection): Exchange | undefined {
  return newest.at(-1) ?? exchanges.at(-1);
}

/** The exchange with this number; undefined when it was not kept. */
export function exchangeNumbered({ exchanges, newest }: Connection, number: number): Exchange | undefined {
  return exchanges[number - 1] ?? newest.find((exchange) => exchange.number === number);
}
