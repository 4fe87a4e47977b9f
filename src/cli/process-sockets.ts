/**
 * Which connections are those of a process: its sockets are read again and again, and what was once seen to be its own stays so.
 * Connections to a port it listens on are its own even when they come and go between two looks; of others, those shorter than the
 * time between two looks may be missed.
 */
import type { Endpoint, SocketTable } from '../base/index.js';
import type { Connection } from '../story/index.js';
import { CommandFailure } from './failure.js';

/** Pairs of ends remembered; the oldest are forgotten beyond it. */
const pairsLimit = 20_000;
const lookEveryMs = 1000;
/** Looking takes at most this share of the time. */
const leastRest = 20;

export interface ProcessChoice {
  readonly pid?: number | undefined;
  readonly process?: string | undefined;
}

export class ProcessSockets {
  readonly #choice: ProcessChoice;
  readonly #read: () => SocketTable;
  readonly #ports = new Set<number>();
  readonly #pairs = new Set<string>();
  readonly names = new Set<string>();
  #timer: NodeJS.Timeout | null = null;

  /** Throws CommandFailure when there is no such process with a socket. */
  constructor(choice: ProcessChoice, read: () => SocketTable) {
    this.#choice = choice;
    this.#read = read;
    this.look();
    const { pid, process: name } = choice;
    if (this.names.size === 0) {
      const what = pid === undefined ? `no process named ${name}` : `no process ${pid}`;
      throw new CommandFailure('bad-usage', `${what} has a TCP socket that is seen here (sockets of other users need root)`);
    }
    this.#lookLater(lookEveryMs);
  }

  look(): void {
    for (const { state, local, remote, owners } of this.#read().sockets) {
      const owner = owners?.find(({ pid, name }) => pid === this.#choice.pid || name === this.#choice.process);
      if (owner === undefined) continue;
      this.names.add(`${owner.name}/${owner.pid}`);
      if (state === 'LISTEN') this.#ports.add(local.port);
      else this.#remember(pairKey(local, remote));
    }
  }

  readonly owns = ({ client, server }: Connection): boolean =>
    this.#ports.has(server.port) || this.#pairs.has(pairKey(client, server)) || this.#pairs.has(pairKey(server, client));

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #remember(pair: string): void {
    this.#pairs.delete(pair);
    this.#pairs.add(pair);
    if (this.#pairs.size <= pairsLimit) return;
    const [oldest] = this.#pairs;
    this.#pairs.delete(oldest!);
  }

  #lookLater(afterMs: number): void {
    this.#timer = setTimeout(() => {
      const began = performance.now();
      try {
        this.look();
      } catch {
        // What was known stays known; the next look may see more.
      }
      this.#lookLater(Math.max(lookEveryMs, leastRest * (performance.now() - began)));
    }, afterMs);
    this.#timer.unref();
  }
}

const pairKey = (one: Endpoint, other: Endpoint): string => `${one.address} ${one.port} ${other.address} ${other.port}`;
