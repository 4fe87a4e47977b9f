/**
 * Peers that are broken on purpose: what a scenario asks of a peer is changed on its way there. A scenario that still passes does not look at
 * the packets.
 */

import type { ServerSettings } from './peers/server-part.js';
import type { ClientSettings } from './peers/step.js';

export interface Sabotage {
  readonly words: string;
  readonly server?: (asked: ServerSettings) => ServerSettings;
  readonly client?: (asked: ClientSettings) => ClientSettings;
}

export const sabotages = {
  'wrong-timeout': {
    words: "the server's idle timeout is half of what was asked",
    server: (asked) => ({ ...asked, idleTimeoutMs: asked.idleTimeoutMs / 2 }),
  },
  'never-closes': {
    words: 'the server never closes an idle connection and counts no requests',
    server: (asked) => ({ ...asked, idleTimeoutMs: Number.POSITIVE_INFINITY, maxRequests: null }),
  },
  'closes-at-once': {
    words: 'the server closes after every response',
    server: (asked) => ({ ...asked, idleTimeoutMs: 0 }),
  },
  'no-probe': {
    words: 'nobody sends TCP keep-alive probes',
    server: (asked) => ({ ...asked, probes: null }),
    client: (asked) => ({ ...asked, probes: null }),
  },
  'no-hint': {
    words: 'the server announces nothing',
    server: (asked) => ({ ...asked, hint: false }),
  },
  'no-reuse': {
    words: 'the client closes after every request',
    client: (asked) => ({ ...asked, keepAlive: false }),
  },
} as const satisfies Readonly<Record<string, Sabotage>>;

export type SabotageName = keyof typeof sabotages;
