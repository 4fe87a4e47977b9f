/**
 * How the engine says what it does as observations, so that the story of live traffic is told without capturing packets.
 *
 * A server's or a client's connection holds one `ConnectionObservations`, or null when nobody listens: then nothing is built
 * and nothing is called. The engine knows messages, so it says `request-head`, `response-head` and `message-end`, never
 * `bytes`; it sees no packets, so `packet` is 0, and what only packets show (probes, retransmissions, acknowledgements) is
 * never said. A FIN is told when this end has handed its own to the kernel, or has read the peer's.
 *
 * Times are nanoseconds since `engineOriginSeconds`, from the monotonic clock.
 */

import type { ConnectionId, Endpoint, FieldLine, Observer, Side } from '../base/index.js';

/** Unix time in whole seconds that every `atNs` of the engine's observations counts from. */
export const engineOriginSeconds = Math.floor(performance.timeOrigin / 1000);

const originOffsetMs = performance.timeOrigin - engineOriginSeconds * 1000;

/** Now, as `atNs`. */
const observedNowNs = (): number => Math.round((originOffsetMs + performance.now()) * 1e6);

/** Connections told so far to an observer; several servers and clients may tell the same one. */
const connectionCounts = new WeakMap<Observer, number>();

function nextConnectionId(observer: Observer): ConnectionId {
  const id = connectionCounts.get(observer) ?? 0;
  connectionCounts.set(observer, id + 1);
  return id;
}

/** What may be told of a head: the fields as they stand on the wire. */
interface ObservedRequestHead {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly FieldLine[];
}

interface ObservedResponseHead {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly FieldLine[];
}

/** Tells one connection to one observer. Says `opened` when made, and `closed` once. */
export class ConnectionObservations {
  readonly connection: ConnectionId;
  private closed = false;

  constructor(
    private readonly observer: Observer,
    client: Endpoint,
    server: Endpoint,
  ) {
    this.connection = nextConnectionId(observer);
    observer({ kind: 'opened', ...this.here(), client, server, evidence: 'syn' });
  }

  requestHead(head: ObservedRequestHead): void {
    const { method, target, version, fields } = head;
    this.observer({ kind: 'request-head', ...this.here(), method, target, version, fields });
  }

  responseHead(head: ObservedResponseHead): void {
    const { version, status, reason, fields } = head;
    this.observer({ kind: 'response-head', ...this.here(), version, status, reason, fields });
  }

  messageEnd(from: Side, complete: boolean, bodyByteCount: number): void {
    this.observer({ kind: 'message-end', ...this.here(), from, complete, bodyByteCount });
  }

  fin(from: Side): void {
    this.observer({ kind: 'fin', ...this.here(), from, repeated: false, unacknowledgedByteCount: 0 });
  }

  reset(from: Side): void {
    this.observer({
      kind: 'reset',
      ...this.here(),
      from,
      repeated: false,
      timeToLive: null,
      usualTimeToLive: null,
      identification: null,
      lastIdentification: null,
    });
  }

  close(why: 'finished' | 'source-ended'): void {
    if (this.closed) return;
    this.closed = true;
    this.observer({ kind: 'closed', ...this.here(), why });
  }

  private here(): { connection: ConnectionId; atNs: number; packet: 0 } {
    return { connection: this.connection, atNs: observedNowNs(), packet: 0 };
  }
}
