/**
 * What a rule is: a declaration with its words, and one or more patterns. Each rule is one file in rules/.
 *
 * Patterns, from cheap to late:
 * - `onConnection` looks at one connection when its story is over. `endings` and `asks` say at which: without them it is called for
 *   every connection.
 * - `onLostRequest` looks at one request that got no response byte because its connection ended. It is called late (at the end,
 *   or when too many wait), when all is known about the server: its idle timeout, whether new connections were refused. The
 *   first rule of the list that claims a lost request keeps it.
 * - `onPair` looks at all that is known of one client address and one server, `onServer` at all of one server, whenever findings
 *   are asked for. They must not change anything.
 *
 * Levels mean: bad, work was lost or will be; warning, it costs time or can be lost; info, worth knowing; good, it works. A bad
 * hit with high confidence is never wrong: what it claims is proven by the packets it names.
 */
import type { ConnectionId } from '../base/index.js';
import type { ConnectionFacts } from './facts-connection.js';
import type { LostRequest } from './facts-lost-request.js';
import type { PairCount, PairFacts } from './facts-pair.js';
import type { ServerFacts } from './facts-server.js';
import type { Sign } from './facts-signs.js';
import type { WholeFacts } from './facts-whole.js';
import type { Connection, EndingWhy, Finding, FindingLevel, Fix } from './model.js';

export type Confidence = Finding['confidence'];
export type Owner = Finding['owner'];

/** One case of a pattern. Members left out are the rule's. */
export interface Hit {
  /** The packets that prove it, in order. */
  readonly packets: readonly number[];
  /** This case in one sentence; asked for only when it is shown. */
  readonly text: () => string;
  readonly level?: FindingLevel;
  readonly confidence?: Confidence;
  readonly owner?: Owner;
  /** Default: the connection that was looked at; none for pairs and servers. */
  readonly connections?: readonly ConnectionId[];
  /** How many cases it stands for. Default 1. */
  readonly count?: number;
  /** Requests that were lost in it. */
  readonly lostRequests?: number;
  /** Waiting that it caused, in ns. */
  readonly delayNs?: number;
  /** Instead of the rule's; asked for only when it is shown. */
  readonly fixes?: () => readonly Fix[];
}

/** What was seen of one rule at one server, for the sentence that sums it up. */
export interface Seen {
  readonly count: number;
  /** Cases of high confidence among them. */
  readonly sureCount: number;
  readonly connectionCount: number;
  readonly lostRequests: number;
  readonly delayNs: number;
  /** Requests of this server in all. */
  readonly requests: number;
  readonly connections: number;
}

export interface Rule {
  /** Stable; also the name of its file. */
  readonly id: string;
  /** The usual level; a hit may say otherwise. Likewise confidence and owner. */
  readonly level: FindingLevel;
  readonly confidence: Confidence;
  readonly owner: Owner;
  /** Plain words, no full stop. */
  readonly title: string;
  /** A paragraph that a tired person understands at three in the morning. */
  readonly prose: string;
  /** What looks like this and is not. */
  readonly notToConfuseWith: string;
  readonly fixes: readonly Fix[];
  /** Why there is nothing to set, when `fixes` is empty. */
  readonly noFix?: string;
  /** Noise: found, but shown only when asked for. */
  readonly hidden?: true;
  /** The endings for which `onConnection` is called. Default: all. */
  readonly endings?: readonly EndingWhy[];
  /** `onConnection` is called only when one of these is there. Default: always. */
  readonly asks?: readonly Sign[];
  readonly onConnection?: (connection: Connection, facts: ConnectionFacts) => Hit | null;
  readonly onLostRequest?: (lost: LostRequest, server: ServerFacts, whole: WholeFacts) => Hit | null;
  /** `onPair` is called only where this count is at least so high. Default: always. */
  readonly asksPair?: { readonly count: PairCount; readonly least: number };
  readonly onPair?: (pair: PairFacts, whole: WholeFacts) => Hit | null;
  readonly onServer?: (server: ServerFacts, whole: WholeFacts) => Hit | readonly Hit[] | null;
  /** What was seen, in one sentence with its numbers. */
  readonly sum: (seen: Seen) => string;
}
