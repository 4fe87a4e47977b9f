/**
 * A scenario: a set-up, what the peers do, and what the packets must show. One small file each in scenarios/, which reads like its
 * story.
 */

import type { LinkEnd, LinkOptions } from '../capture/index.js';
import type { Expectation } from './expectation.js';
import type { ClientAbility } from './peers/client-peer.js';
import type { ServerAbility, ServerPeer } from './peers/server-peer.js';
import type { Scale } from './scale.js';
import type { Stage } from './stage.js';

export interface Scenario {
  readonly name: string;
  /** What happens, in one line. */
  readonly line: string;
  /** Set-up and story in full, durations as in real life. */
  readonly story: string;
  /** How many times faster than real life it can be played at the most; the default speed. */
  readonly fastest: number;
  readonly server: Part<ServerAbility>;
  readonly client: Part<ClientAbility>;
  /** Played over a link instead of the loopback. */
  readonly link?: (scale: Scale) => LinkOptions;
  /** Whose end of the link is recorded; the client's when not said. */
  readonly recordedEnd?: LinkEnd;
  /** Without a link it is played on the loopback, and what rests on the link is not judged. */
  readonly linkIsOptional?: boolean;
  /** Settings of the kernel in its own network namespace, as under /proc/sys/net/ipv4; without such a namespace they are left. */
  readonly kernel?: (scale: Scale) => Readonly<Record<string, number>>;
  /** It measures times closely: nothing else should run beside it. */
  readonly measures?: true;
  readonly play: (stage: Stage) => Promise<void>;
  readonly expect: (cast: Cast) => readonly Expectation[];
}

/** Who plays a part when nobody else is asked for, and what anybody else must be able to do. */
interface Part<Ability> {
  readonly usual: string;
  readonly needs: readonly Ability[];
}

/** What expectations may depend on. */
interface Cast {
  readonly scale: Scale;
  readonly server: ServerPeer;
}
