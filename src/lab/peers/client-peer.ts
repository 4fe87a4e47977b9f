/** A client that scenarios can be played with. */

import type { Answer, ClientSettings, Step } from './step.js';

/** What scenarios need of a client beyond asking on persistent connections. */
export type ClientAbility =
  /** Holds an idle connection until it is told to leave. */
  | 'hold'
  /** Keeps its side open when the server has closed. */
  | 'hold-closed'
  | 'http-1.0'
  | 'pipeline'
  | 'bytes'
  | 'unread'
  /** TCP keep-alive as told, not its own. */
  | 'probes'
  /** Takes its steps one list after another. */
  | 'many-lists'
  | 'post';

export interface ClientPlace {
  /** Where the server is for a client. */
  readonly address: string;
  readonly port: number;
  readonly folder: string;
}

export interface RunningClient {
  /** Takes the steps in their order; answers to all requests in the order asked. */
  take(steps: readonly Step[]): Promise<Answer[]>;
  /** Ends the process. */
  stop(): Promise<void>;
}

export interface ClientPeer {
  readonly name: string;
  readonly title: string;
  readonly abilities: readonly ClientAbility[];
  /** Opens connections ahead that it may never use; expectations are about the used ones. */
  readonly opensAhead?: true;
  /** Its TCP keep-alive is its own, in real time: what needs probes cannot be played faster. */
  readonly ownProbes?: true;
  version(): Promise<string | null>;
  readonly howToGet: string;
  start(place: ClientPlace, settings: ClientSettings): Promise<RunningClient>;
}
