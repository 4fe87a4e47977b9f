/**
 * What a client is told to do, step by step: the one language that every client of the lab speaks, whatever it is made of. Steps are
 * lines of JSON on the client's standard input, the results lines of JSON on its standard output.
 */

import type { Probes } from './probes.js';

/** One request. The answer's body is read to its end, unless `unread`. */
export interface Ask {
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly body?: string;
  /** Neither read nor close the answer's body. */
  readonly unread?: boolean;
  /** `Connection: close` with this request; in HTTP/1.0: without the token. */
  readonly last?: boolean;
}

export type Step =
  | { readonly kind: 'ask'; readonly ask: Ask }
  /** One after another, as fast as the answers come. */
  | { readonly kind: 'in-turn'; readonly asks: readonly Ask[] }
  /** All at once, on as many connections as the client takes. */
  | { readonly kind: 'side-by-side'; readonly asks: readonly Ask[] }
  /** All at once on one connection, without waiting for answers (RFC 9112 §9.3.2). */
  | { readonly kind: 'pipelined'; readonly asks: readonly Ask[] }
  /** Bytes as they are; waits for an answer. */
  | { readonly kind: 'bytes'; readonly text: string }
  | { readonly kind: 'pause'; readonly ms: number }
  /** Until the server has closed what there is, and the client has noticed. */
  | { readonly kind: 'until-closed'; readonly mostMs: number }
  /** Closes what is open. */
  | { readonly kind: 'leave' };

export interface ClientSettings {
  readonly version: '1.1' | '1.0';
  /** False: `Connection: close` with every request; in HTTP/1.0: without the token. */
  readonly keepAlive: boolean;
  /** Connections at a time. */
  readonly connections: number;
  /** How long the client keeps an idle connection; null for its own default. */
  readonly idleMs: number | null;
  readonly probes: Probes | null;
  /** A client that keeps its side open when the server has closed (CLOSE_WAIT). */
  readonly holdsOn: boolean;
}

export const usualClient: ClientSettings = {
  version: '1.1',
  keepAlive: true,
  connections: 1,
  idleMs: null,
  probes: null,
  holdsOn: false,
};

/** How a request ended: the status, or what the client calls the error. */
export interface Answer {
  readonly path: string;
  readonly status: number | null;
  readonly error: string | null;
}

/** How a peer is told its part: the first argument of a process of ours. */
export interface ClientPart {
  readonly kind: string;
  readonly address: string;
  readonly port: number;
  readonly settings: ClientSettings;
}

export const get = (path: string): Ask => ({ path });
export const post = (path: string, body = '{"item":4711}'): Ask => ({ path, method: 'POST', body });
