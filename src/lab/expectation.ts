/**
 * An expectation: in words what the packets must show, and the look at the packets that decides. Nothing here knows what the peers were
 * told; a scenario that asserts what it asked for would assert nothing.
 */

import type { Connection } from '../story/index.js';
import type { Evidence } from './evidence.js';

export interface Judged {
  readonly met: boolean;
  /** What the packets showed, in words. */
  readonly showed: string;
  /** The packets that show it, a few. */
  readonly packets: readonly number[];
}

/**
 * What an expectation rests on, and so where it can be judged. `bytes`: what a relay has as well; `packets`: segments that only a capture
 * has; `kernel`: the table of sockets; `settings`: settings of the kernel, which only a network of the lab's own can have; `link`: a round trip.
 */
export type Rests = 'bytes' | 'packets' | 'kernel' | 'settings' | 'link';

export interface Expectation {
  /** "the server closes first, with a FIN". */
  readonly words: string;
  readonly rests: Rests;
  readonly judge: (evidence: Evidence) => Judged;
}

/** Which connections an expectation is about. */
export interface Choice {
  /** "the connection", "each connection". */
  readonly words: string;
  readonly of: (evidence: Evidence) => readonly Connection[];
}

/** Packets told with an expectation. */
export const packetLimit = 12;

/** Every connection that was opened. */
export const each: Choice = { words: 'each connection', of: ({ connections }) => connections };

/** The only connection: where there are more, or none, the expectation is not met. */
export const theConnection: Choice = {
  words: 'the connection',
  of: ({ connections }) => (connections.length === 1 ? connections : []),
};

/** The connection opened as number `place`, from 1. */
export const connectionNumber = (place: number): Choice => ({
  words: `connection ${place}`,
  of: ({ connections }) => connections.slice(place - 1, place),
});

/** All that were opened from number `place` on. */
export const connectionsFrom = (place: number): Choice => ({
  words: `each connection from the ${place === 2 ? 'second' : `${place}th`} on`,
  of: ({ connections }) => connections.slice(place - 1),
});

/** Connections on which everything asked for ends so. */
export const askingWith = (suffix: string): Choice => ({
  words: `the connections asked with ${suffix}`,
  of: ({ connections }) =>
    connections.filter(({ exchanges }) => exchanges.length > 0 && exchanges.every(({ target }) => target.endsWith(suffix))),
});

/** Connections on which something was asked that begins so. */
export const asking = (prefix: string): Choice => ({
  words: `each connection asked for ${prefix}`,
  of: ({ connections }) => connections.filter(({ exchanges }) => exchanges.some(({ target }) => target.startsWith(prefix))),
});

/** The same must hold of every chosen connection, of which there must be one at the least. */
export function ofEach(
  choice: Choice,
  words: string,
  look: (connection: Connection) => Judged,
  rests: Rests = 'packets',
): Expectation {
  return {
    words: `${choice.words}: ${words}`,
    rests,
    judge: (evidence) => {
      const chosen = choice.of(evidence);
      if (chosen.length === 0) {
        const count = evidence.connections.length;
        return { met: false, showed: `there is no such connection among ${count}`, packets: [] };
      }
      const looked = chosen.map(look);
      const failed = looked.filter(({ met }) => !met);
      const told = failed[0] ?? looked.at(-1)!;
      const share = failed.length > 0 && chosen.length > 1 ? `${failed.length} of ${chosen.length} not; the first: ` : '';
      const packets = failed.length > 0 ? told.packets : [...new Set(looked.flatMap((one) => one.packets))];
      return { met: failed.length === 0, showed: share + told.showed, packets: packets.slice(0, packetLimit) };
    },
  };
}

/** A look at the whole recording. */
export const ofAll = (words: string, judge: (evidence: Evidence) => Judged, rests: Rests = 'packets'): Expectation => ({
  words,
  rests,
  judge,
});

/** The same expectation, where there are packets. */
export const byPackets = (expectation: Expectation): Expectation => ({ ...expectation, rests: 'packets' });

/** The same expectation, where the kernel can be told what the scenario needs. */
export const withKernelSettings = (expectation: Expectation): Expectation => ({ ...expectation, rests: 'settings' });
