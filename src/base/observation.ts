/**
 * The observation vocabulary: the one language in which every source (a capture file, a live interface, the engine's own
 * sockets, a relay, a tcpdump listing) says what it saw. The story is a pure fold over these values.
 *
 * Rules
 * - An observation is a fact about one connection at one moment, as seen from where the source stands. It is never a
 *   conclusion ("the server was slow") and never refers to another connection.
 * - Within one connection, observations come in the order of capture, except that `bytes` come in stream order: a segment
 *   that arrived early is told when the hole before it has been filled or given up (its own `atNs` and `packet` stay).
 * - `client` is the side that opened the connection, as far as the source can tell. A source that joined in mid-stream
 *   guesses, says so in `opened.evidence`, and the story may swap the sides when the first bytes prove the guess wrong.
 * - Observations are borrowed, and so are their bytes: both belong to the source and are valid only during the call that hands
 *   them over. A source may fill the same object again for the next one; whoever keeps an observation copies it.
 *
 * What is deliberately absent: TCP sequence numbers (the source has used them up) and HTTP framing (the story reads that
 * out of `bytes`; only a source that already knows the messages says `request-head` and the like itself).
 */

/** Number of a connection within one source, counted from 0 in order of first appearance. */
export type ConnectionId = number;

/** A side of a connection. The client is the side that opened it. */
export type Side = 'client' | 'server';

export const otherSide = (side: Side): Side => (side === 'client' ? 'server' : 'client');

export interface Endpoint {
  /**
   * IPv4 dotted decimal, or IPv6 in RFC 5952 form without brackets. From a listing that gives names, the host's name: letters, digits,
   * dots, dashes and underscores.
   */
  readonly address: string;
  readonly port: number;
}

interface Observed {
  readonly connection: ConnectionId;
  /** Nanoseconds since the source's origin (a whole second of Unix time, said once by the source). Exact up to 104 days. */
  readonly atNs: number;
  /** Number of the packet that shows it, counted from 1 as Wireshark does; 0 where the source has no packets. */
  readonly packet: number;
}

/** First sight of a connection. */
export interface OpenedObservation extends Observed {
  readonly kind: 'opened';
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** What the sides rest on: the client's SYN, the server's SYN-ACK, or (joined in mid-stream) a guess. */
  readonly evidence: 'syn' | 'syn-ack' | 'mid-stream';
}

/** A SYN (client) or SYN-ACK (server; or client in a simultaneous open). RFC 9293 §3.5. */
export interface SynObservation extends Observed {
  readonly kind: 'syn';
  readonly from: Side;
  /** True for a SYN-ACK. */
  readonly acknowledges: boolean;
  /** Sent before with the same sequence number. */
  readonly repeated: boolean;
  /** Maximum segment size option in bytes, or null. */
  readonly maximumSegmentSize: number | null;
}

/** Ordered bytes of one direction, as they become readable. `data[start, end)` is valid only during the call. */
export interface BytesObservation extends Observed {
  readonly kind: 'bytes';
  readonly from: Side;
  readonly data: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** So many bytes more of the same segment were cut off by the snap length: a `gap` of as many follows at once. */
  readonly cutByteCount?: number;
}

/** Bytes that the stream had but the source cannot show; the stream goes on behind them. */
export interface GapObservation extends Observed {
  readonly kind: 'gap';
  readonly from: Side;
  readonly byteCount: number;
  /** Never captured (lost by the capture, or joined in mid-stream); cut off by the snap length; or over a reassembly limit. */
  readonly why: 'not-captured' | 'cut-by-snap-length' | 'buffer-limit';
}

/**
 * An acknowledgement worth telling: the first pure ACK of a side, and each one that leaves nothing outstanding from the other
 * side that was outstanding before. Other ACKs are not told.
 */
export interface AckObservation extends Observed {
  readonly kind: 'ack';
  /** The side that acknowledges. */
  readonly from: Side;
  /** No payload and no SYN, FIN or RST of its own. */
  readonly pure: boolean;
  /** All that the other side had sent is acknowledged now. */
  readonly coversAll: boolean;
  /** Time since the newest acknowledged segment was captured, or null when that segment was sent more than once (Karn). */
  readonly roundTripNs: number | null;
}

/** How a segment that is not simply the next one is called. Names follow Wireshark's tcp.analysis where they mean the same. */
export type SegmentCall =
  | 'zero-window-probe'
  | 'zero-window-probe-answer'
  | 'keep-alive-probe'
  | 'keep-alive-answer'
  | 'zero-window'
  | 'window-update'
  | 'window-full'
  | 'duplicate-ack'
  | 'lost-segment'
  | 'ack-of-unseen'
  | 'retransmission'
  | 'fast-retransmission'
  | 'spurious-retransmission'
  | 'out-of-order'
  | 'duplicate-frame';

/** A segment that has a call. One segment may have several (a retransmission into a full window). */
export interface CallObservation extends Observed {
  readonly kind: 'call';
  readonly from: Side;
  readonly call: SegmentCall;
  /** Payload length on the wire, in bytes. */
  readonly byteCount: number;
}

/** A segment with FIN. RFC 9293 §3.6. */
export interface FinObservation extends Observed {
  readonly kind: 'fin';
  readonly from: Side;
  readonly repeated: boolean;
  /** Bytes from the other side that were captured before and that this FIN does not acknowledge. */
  readonly unacknowledgedByteCount: number;
}

/** A segment with RST. RFC 9293 §3.10.7, RFC 5961. */
export interface ResetObservation extends Observed {
  readonly kind: 'reset';
  readonly from: Side;
  readonly repeated: boolean;
  /** Bytes from the other side that were captured before and that this reset does not acknowledge; left out where it says nothing. */
  readonly unacknowledgedByteCount?: number;
  /** It acknowledges something, as one does that answers a SYN; left out where the source cannot say. */
  readonly acknowledges?: boolean;
  /** Time to live (hop limit) of this packet, and of the same side's packets before it; null where unknown. */
  readonly timeToLive: number | null;
  readonly usualTimeToLive: number | null;
  /** IPv4 identification of this packet, and of the same side's last packet before it; null where unknown. */
  readonly identification: number | null;
  readonly lastIdentification: number | null;
}

/** The source will say no more about this connection. */
export interface ClosedObservation extends Observed {
  readonly kind: 'closed';
  /**
   * `finished`: both sides closed or one reset, and the time for late segments is over. `port-reused`: a new connection took
   * the same addresses and ports. `evicted`: the source's limit on connections was reached. `source-ended`: the capture or
   * the process ended first.
   */
  readonly why: 'finished' | 'port-reused' | 'evicted' | 'source-ended';
}

/** Field lines in the order received: name as sent, value without surrounding white space. Bytes are Latin-1 characters. */
export type FieldLine = readonly [name: string, value: string];

/** A request's head, from a source that knows messages. */
export interface RequestHeadObservation extends Observed {
  readonly kind: 'request-head';
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly FieldLine[];
}

/** A response's head (1xx too), from a source that knows messages. */
export interface ResponseHeadObservation extends Observed {
  readonly kind: 'response-head';
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly FieldLine[];
}

/** The end of a message of a source that knows messages: whole, or cut short. */
export interface MessageEndObservation extends Observed {
  readonly kind: 'message-end';
  readonly from: Side;
  readonly complete: boolean;
  readonly bodyByteCount: number;
}

export type Observation =
  | OpenedObservation
  | SynObservation
  | BytesObservation
  | GapObservation
  | AckObservation
  | CallObservation
  | FinObservation
  | ResetObservation
  | ClosedObservation
  | RequestHeadObservation
  | ResponseHeadObservation
  | MessageEndObservation;

/** Whoever takes observations. Must keep neither them nor `bytes.data`. */
export type Observer = (observation: Observation) => void;
