/**
 * What was done to which connection, written down by whoever did it and at the time of doing it. Two units: a fault of one
 * connection (named by its client port, server port and start) and a fault of a server or of the client that uses it (named by
 * the server port).
 */

import type { Line } from './line.js';

export interface ConnectionFault {
  readonly unit: 'connection';
  readonly rule: string;
  readonly variant: string;
  /** Null: every connection to the server port. */
  readonly clientPort: number | null;
  readonly serverPort: number;
  /** Milliseconds since 1970; 0 with a null port. */
  readonly startedAtMs: number;
}

interface ServerFault {
  readonly unit: 'server';
  readonly rule: string;
  readonly variant: string;
  readonly serverPort: number;
}

export type Fault = ConnectionFault | ServerFault;

export class Truth {
  readonly faults: Fault[] = [];
  /** Near misses by what they are, for the table. */
  readonly nearMisses = new Map<string, number>();

  connection(
    rule: string,
    variant: string,
    { clientPort, serverPort, startedAtMs }: Pick<Line, 'clientPort' | 'serverPort' | 'startedAtMs'>,
  ): void {
    this.faults.push({ unit: 'connection', rule, variant, clientPort, serverPort, startedAtMs });
  }

  everyConnection(rule: string, variant: string, serverPort: number): void {
    this.faults.push({ unit: 'connection', rule, variant, clientPort: null, serverPort, startedAtMs: 0 });
  }

  server(rule: string, variant: string, serverPort: number): void {
    this.faults.push({ unit: 'server', rule, variant, serverPort });
  }

  nearMiss(what: string, count = 1): void {
    this.nearMisses.set(what, (this.nearMisses.get(what) ?? 0) + count);
  }
}
