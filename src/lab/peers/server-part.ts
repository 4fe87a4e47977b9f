/** What a server of the lab is told, whatever it is made of. */

import type { Probes } from './probes.js';

export interface ServerSettings {
  /** From the end of the last response to the close. 0: keep-alive is off. Infinity: never. */
  readonly idleTimeoutMs: number;
  /** Requests on one connection; the last answer says close. */
  readonly maxRequests: number | null;
  /** Whether `Keep-Alive: timeout=…` is announced, by servers that know it. */
  readonly hint: boolean;
  readonly probes: Probes | null;
  /** How long a server that closes orderly waits for the client's FIN. */
  readonly lingerMs: number;
}

export const usualServer: ServerSettings = {
  idleTimeoutMs: 60_000,
  maxRequests: null,
  hint: true,
  probes: null,
  lingerMs: 5000,
};

/** The first argument of a server process of ours. `null` stands for Infinity, which JSON has not. */
export interface ServerPart {
  readonly kind: string;
  readonly address: string;
  readonly port: number;
  readonly settings: Omit<ServerSettings, 'idleTimeoutMs'> & { readonly idleTimeoutMs: number | null };
}
