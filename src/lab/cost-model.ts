/**
 * What keep-alive should cost and save, from the round trip alone: the formula beside which the measured times are put. Pure.
 *
 *     n requests, one after another, each on a new connection   n (h R + R + s + u R)
 *     … on one kept connection                                  h R + n (R + s) + u R
 *     … pipelined, d at a time                                  h R + ⌈n/d⌉ R + n s
 *     … on k connections at a time                              the same with ⌈n/k⌉ in place of n
 *
 * R is the round trip, s what the server takes for one answer, h the round trips of opening (1 for TCP, RFC 9293 §3.5; 1 more for TLS 1.3,
 * RFC 8446 §2), u the further round trips in which a long body waits for the window to grow (slow start, RFC 5681 §3.1, from 10 segments,
 * RFC 6928). Closing costs packets, and no time of the client's. What the formula leaves out: the processors, queues, loss.
 */

export interface CostCase {
  readonly requests: number;
  readonly roundTripMs: number;
  readonly serverMs: number;
  /** Round trips of opening a connection. */
  readonly openingRoundTrips: number;
  readonly keepAlive: boolean;
  readonly connections: number;
  /** Requests sent before the first is answered. */
  readonly pipeline: number;
  /** Bytes of each request's or response's body, whichever is longer. */
  readonly bodyByteCount: number;
  readonly segmentByteCount: number;
}

const initialWindowSegments = 10;

/** Round trips beyond the first that a body takes on a fresh connection, with the window doubled in each. */
export function slowStartRoundTrips(bodyByteCount: number, segmentByteCount: number): number {
  let roundTrips = 0;
  let window = initialWindowSegments * segmentByteCount;
  for (let sent = window; sent < bodyByteCount; sent += window) {
    window *= 2;
    roundTrips += 1;
  }
  return roundTrips;
}

export function costMs(each: CostCase): number {
  const { requests, roundTripMs, serverMs, openingRoundTrips, keepAlive, connections, pipeline } = each;
  const growing = slowStartRoundTrips(each.bodyByteCount, each.segmentByteCount) * roundTripMs;
  const opening = openingRoundTrips * roundTripMs;
  const turns = Math.ceil(requests / connections);
  if (!keepAlive) return turns * (opening + roundTripMs + serverMs + growing);
  if (pipeline > 1) return opening + Math.ceil(turns / pipeline) * roundTripMs + turns * serverMs + growing;
  return opening + turns * (roundTripMs + serverMs) + growing;
}
