/**
 * All segments of one capture in short: what identifies a segment on its way, without payload, about 40 bytes each. For comparing two
 * captures of the same traffic, where every packet of one is looked for in the other.
 *
 * Bounded: beyond the limits later segments and connections are counted and left out.
 */
import type { ConnectionId, Side } from '../base/index.js';
import { formatIpv4, formatIpv6 } from './address.js';
import { type Segment, TcpFlag } from './segment.js';

export const segmentLogLimits = {
  segments: 200_000,
  connections: 20_000,
} as const;

/** What a SYN offers; middleboxes rewrite it. −1 where absent. */
export interface SynOffer {
  readonly maximumSegmentSize: number;
  readonly windowScale: number;
  readonly sackPermitted: boolean;
  readonly timestamps: boolean;
}

export interface LoggedSide {
  /** "address:port" with brackets around IPv6. */
  readonly end: string;
  /** Sequence number of the SYN; null when it was not captured. */
  initialSequence: number | null;
  offer: SynOffer | null;
  synAtNs: number;
  segments: number;
}

export interface LoggedConnection {
  readonly id: ConnectionId;
  readonly client: LoggedSide;
  readonly server: LoggedSide;
  firstAtNs: number;
  lastAtNs: number;
}

const initialRoom = 1024;
/** Different ones that are shared. */
const sharedOffers = 16;

export class SegmentLog {
  count = 0;
  /** Segments beyond a limit, and when the first of them came: from then on the log is not whole. */
  leftOut = 0;
  wholeUntilNs = Number.POSITIVE_INFINITY;
  readonly connections = new Map<ConnectionId, LoggedConnection>();
  connection = new Int32Array(initialRoom);
  /** 0: sent by the client, 1: by the server. */
  from = new Uint8Array(initialRoom);
  flags = new Uint16Array(initialRoom);
  sequence = new Int32Array(initialRoom);
  acknowledgment = new Int32Array(initialRoom);
  length = new Uint32Array(initialRoom);
  timestampValue = new Int32Array(initialRoom);
  /** IPv4 identification, −1 without one. */
  identification = new Int32Array(initialRoom);
  /** −1 when unknown. */
  timeToLive = new Int16Array(initialRoom);
  packet = new Uint32Array(initialRoom);
  atNs = new Float64Array(initialRoom);
  readonly #offers: SynOffer[] = [];
  firstAtNs = Number.POSITIVE_INFINITY;
  lastAtNs = Number.NEGATIVE_INFINITY;

  add(segment: Segment, id: ConnectionId, from: Side): void {
    const { atNs } = segment;
    const connection = this.connections.get(id) ?? this.#open(segment, id, from);
    if (connection === null || this.count >= segmentLogLimits.segments) {
      this.leftOut++;
      this.wholeUntilNs = Math.min(this.wholeUntilNs, atNs);
      return;
    }
    this.firstAtNs = Math.min(this.firstAtNs, atNs);
    this.lastAtNs = Math.max(this.lastAtNs, atNs);
    const side = from === 'client' ? connection.client : connection.server;
    connection.lastAtNs = atNs;
    side.segments++;
    if ((segment.flags & TcpFlag.syn) !== 0 && side.initialSequence === null) {
      side.initialSequence = segment.sequence;
      side.offer = this.#offerOf(segment);
      side.synAtNs = atNs;
    }
    this.#write(segment, id, from);
  }

  /** Most openings offer the same: they share it. */
  #offerOf(segment: Segment): SynOffer {
    const offer = offerOf(segment);
    const known = this.#offers.find(
      (one) =>
        one.maximumSegmentSize === offer.maximumSegmentSize &&
        one.windowScale === offer.windowScale &&
        one.sackPermitted === offer.sackPermitted &&
        one.timestamps === offer.timestamps,
    );
    if (known !== undefined) return known;
    if (this.#offers.length < sharedOffers) this.#offers.push(offer);
    return offer;
  }

  #write(segment: Segment, id: ConnectionId, from: Side): void {
    if (this.count === this.packet.length) this.#grow();
    const at = this.count++;
    this.connection[at] = id;
    this.from[at] = from === 'client' ? 0 : 1;
    this.flags[at] = segment.flags;
    this.sequence[at] = segment.sequence;
    this.acknowledgment[at] = (segment.flags & TcpFlag.ack) !== 0 ? segment.acknowledgment : 0;
    this.length[at] = segment.payloadLength;
    this.timestampValue[at] = segment.timestampValue;
    this.identification[at] = segment.identification;
    this.timeToLive[at] = segment.timeToLive;
    this.packet[at] = segment.packet;
    this.atNs[at] = segment.atNs;
  }

  #open(segment: Segment, id: ConnectionId, from: Side): LoggedConnection | null {
    if (this.connections.size >= segmentLogLimits.connections) return null;
    const { atNs } = segment;
    const source = side(
      segment.ipVersion,
      segment.source0,
      segment.source1,
      segment.source2,
      segment.source3,
      segment.sourcePort,
    );
    const destination = side(
      segment.ipVersion,
      segment.destination0,
      segment.destination1,
      segment.destination2,
      segment.destination3,
      segment.destinationPort,
    );
    const [client, server] = from === 'client' ? [source, destination] : [destination, source];
    const connection: LoggedConnection = { id, client, server, firstAtNs: atNs, lastAtNs: atNs };
    this.connections.set(id, connection);
    return connection;
  }

  #grow(): void {
    const room = Math.min(2 * this.packet.length, segmentLogLimits.segments);
    const larger = <T extends { set(from: T): void }>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.connection = larger(this.connection, new Int32Array(room));
    this.from = larger(this.from, new Uint8Array(room));
    this.flags = larger(this.flags, new Uint16Array(room));
    this.sequence = larger(this.sequence, new Int32Array(room));
    this.acknowledgment = larger(this.acknowledgment, new Int32Array(room));
    this.length = larger(this.length, new Uint32Array(room));
    this.timestampValue = larger(this.timestampValue, new Int32Array(room));
    this.identification = larger(this.identification, new Int32Array(room));
    this.timeToLive = larger(this.timeToLive, new Int16Array(room));
    this.packet = larger(this.packet, new Uint32Array(room));
    this.atNs = larger(this.atNs, new Float64Array(room));
  }
}

/** Places of the segments of each connection and sender, in order of capture. */
export interface SenderLists {
  of(id: ConnectionId, from: Side): Int32Array;
}

export function bySender(log: SegmentLog): SenderLists {
  const { connection, from, count } = log;
  let most = -1;
  for (let at = 0; at < count; at++) if (connection[at]! > most) most = connection[at]!;
  // Counting sort: ends of the lists, then their places from the last to the first.
  const ends = new Uint32Array(2 * most + 3);
  for (let at = 0; at < count; at++) ends[2 * connection[at]! + from[at]! + 1]!++;
  for (let key = 1; key < ends.length; key++) ends[key]! += ends[key - 1]!;
  const next = ends.slice();
  const places = new Int32Array(count);
  for (let at = 0; at < count; at++) places[next[2 * connection[at]! + from[at]!]!++] = at;
  return {
    of: (id, side) => {
      const key = 2 * id + (side === 'client' ? 0 : 1);
      return key + 1 < ends.length ? places.subarray(ends[key]!, ends[key + 1]!) : places.subarray(0, 0);
    },
  };
}

function side(ipVersion: 4 | 6, word0: number, word1: number, word2: number, word3: number, port: number): LoggedSide {
  const end = ipVersion === 4 ? `${formatIpv4(word0)}:${port}` : `[${formatIpv6(word0, word1, word2, word3)}]:${port}`;
  return { end, initialSequence: null, offer: null, synAtNs: 0, segments: 0 };
}

const offerOf = (segment: Segment): SynOffer => ({
  maximumSegmentSize: segment.maximumSegmentSize,
  windowScale: segment.windowScale,
  sackPermitted: segment.sackPermitted,
  timestamps: segment.timestampValue !== -1 || segment.timestampEcho !== -1,
});
