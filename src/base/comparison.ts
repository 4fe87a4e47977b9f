/**
 * What two captures of the same traffic, taken at two points of its way, say together that neither says alone: what was lost between
 * them, what was forged there, what was rewritten, and how long packets took. Plain values.
 *
 * Times are on the scale of the capture whose packet is told (`atNs` counts from that capture's `originSeconds`). "First" and "second"
 * are the captures in the order given.
 */
import type { ConnectionId, Side } from './observation.js';

/** Which of the two captures. */
export type CaptureName = 'first' | 'second';

/**
 * Why a packet is in one capture only.
 * - `lost`: it left the nearer point and never reached the farther one.
 * - `forged`: it came out of the way between the points: its sender's capture does not have it.
 * - `not-captured`: it passed both points, as what followed shows, and one capture missed it.
 * - `unclear`: the captures do not tell which.
 */
export type OneSidedWhy = 'lost' | 'forged' | 'not-captured' | 'unclear';

export type PacketKind = 'syn' | 'data' | 'fin' | 'reset' | 'ack';

/** A packet that one capture has and the other has not. */
export interface OneSidedPacket {
  readonly seenIn: CaptureName;
  readonly packet: number;
  readonly atNs: number;
  /** Who sent it, or whose name it bears. */
  readonly from: Side;
  readonly kind: PacketKind;
  readonly byteCount: number;
  readonly why: OneSidedWhy;
  /** Time to live of this packet, and of those of the same sender that both captures have; null where unknown. */
  readonly timeToLive: number | null;
  readonly usualTimeToLive: number | null;
}

/** How long packets of one direction took from one point to the other, with the least delay taken to be the same both ways. In ns. */
export interface DelaySummary {
  readonly packets: number;
  readonly leastNs: number;
  readonly medianNs: number;
  /** 95 of 100 took no longer. */
  readonly highNs: number;
  readonly mostNs: number;
}

export interface OneSidedCounts {
  readonly lost: number;
  readonly forged: number;
  readonly notCaptured: number;
  readonly unclear: number;
}

export interface ComparedConnection {
  /** Numbers of the connection in the stories of the two captures. */
  readonly first: ConnectionId;
  readonly second: ConnectionId;
  /** "address:port" as each capture has them; different behind address translation. */
  readonly clientEnds: readonly [first: string, second: string];
  readonly serverEnds: readonly [first: string, second: string];
  readonly matchedBy: 'addresses' | 'initial-sequence-numbers' | 'segments';
  readonly isTranslated: boolean;
  /** Something between the points makes up its own sequence numbers. */
  readonly hasShiftedNumbers: boolean;
  /** What was changed in the opening: "client's maximum segment size 1460 → 1380". At most four a side. */
  readonly rewritten: readonly string[];
  /** Routers between the points, by the time to live of each sender's packets; null where unknown. */
  readonly hops: { readonly client: number | null; readonly server: number | null };
  readonly matchedPackets: number;
  /** By sender. */
  readonly oneSided: { readonly client: OneSidedCounts; readonly server: OneSidedCounts };
  /** In order of time; at most `comparisonLimits.packetsPerConnection` of `packets`. */
  readonly packets: readonly OneSidedPacket[];
  readonly delays: { readonly client: DelaySummary | null; readonly server: DelaySummary | null };
}

/** A connection that one capture has and the other has not, while both were running. */
export interface OneSidedConnection {
  readonly seenIn: CaptureName;
  readonly connection: ConnectionId;
  readonly client: string;
  readonly server: string;
  readonly packets: number;
  /** The server sent something. A connection of unanswered SYNs never reached the farther point. */
  readonly isAnswered: boolean;
}

export interface ClockComparison {
  /** (second's clock) − (first's clock), in ns, when the comparison begins. */
  readonly offsetNs: number;
  /** By how much the second's clock runs fast, in parts per million. */
  readonly driftPpm: number;
  /** The offset is right within this; null when packets of one direction only are in both captures. */
  readonly uncertaintyNs: number | null;
  /** Packets that the alignment rests on. */
  readonly packets: number;
}

export interface Comparison {
  /** Null when the captures have no packet in common. */
  readonly clock: ClockComparison | null;
  /** The capture that was taken nearer to the clients; null when that cannot be told. */
  readonly nearerToClient: CaptureName | null;
  readonly matchedConnections: number;
  readonly matchedPackets: number;
  /** Over all connections, by sender. */
  readonly oneSided: { readonly client: OneSidedCounts; readonly server: OneSidedCounts };
  readonly delays: { readonly client: DelaySummary | null; readonly server: DelaySummary | null };
  /** Connections with something to tell come first; at most `comparisonLimits.connections`. */
  readonly connections: readonly ComparedConnection[];
  /** At most `comparisonLimits.oneSidedConnections` of each capture. */
  readonly oneSidedConnections: readonly OneSidedConnection[];
  readonly oneSidedConnectionCounts: { readonly first: number; readonly second: number };
  /** Segments beyond what is compared (`segmentLogLimits`). */
  readonly leftOut: { readonly first: number; readonly second: number };
}
