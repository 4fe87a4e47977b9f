/**
 * A server that scenarios can be played with: how it is started with given settings, and in what it differs from what was asked.
 */

import { readSocketTable } from '../../capture/index.js';
import { PeerFailure, type StartedProcess } from '../started-process.js';
import type { ServerSettings } from './server-part.js';

/** What scenarios need of a server beyond serving files on persistent connections. */
export type ServerAbility = 'wait' | 'probe-timing' | 'counted-hint' | 'literal' | 'orderly-close' | 'hint';

interface ServerPlace {
  readonly address: string;
  readonly port: number;
  /** A folder of its own for configuration and files. */
  readonly folder: string;
}

export interface ServerPeer {
  readonly name: string;
  /** For people: "nginx". */
  readonly title: string;
  readonly abilities: readonly ServerAbility[];
  /** How much later than its setting says it closes idle connections. */
  readonly closesLateByMs: number;
  /** The version, or null when it is not installed. */
  version(): Promise<string | null>;
  readonly howToGet: string;
  /** Resolves when it listens; no connection is made to find out. */
  start(place: ServerPlace, settings: ServerSettings): Promise<StartedProcess>;
}

const lookEveryMs = 10;
const startLimitMs = 10_000;

/** Until somebody listens on the port, as the kernel's table says: no connection is made to find out, so the packets do not show the look. */
export async function untilListening(server: StartedProcess, port: number): Promise<void> {
  const isListening = (): boolean =>
    readSocketTable({ owners: false }).sockets.some(({ state, local }) => state === 'LISTEN' && local.port === port);
  for (const until = performance.now() + startLimitMs; performance.now() < until; ) {
    if (server.hasEnded) throw new PeerFailure(`the server did not start: ${server.messages}`);
    if (isListening()) return;
    await new Promise((done) => setTimeout(done, lookEveryMs));
  }
  throw new PeerFailure(`the server does not listen on port ${port}: ${server.messages}`);
}
