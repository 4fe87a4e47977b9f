/**
 * The TCP sockets of a host at one moment, as its kernel knows them, and what can be said of them. `capture` reads and judges
 * them, `view` draws them.
 *
 * Rules
 * - What a source does not say is null, never a guess: /proc has no round-trip times, netstat no timers.
 * - Addresses are text as in RFC 5952; an IPv4 address that an IPv6 socket carries (::ffff:10.0.0.1) is the IPv4 address. `*` is any.
 */
import type { Endpoint } from './observation.js';

/** The states of RFC 9293 §3.3.2, with the names that people know from netstat. */
export const socketStates = [
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
] as const;

export type SocketState = (typeof socketStates)[number];

export interface SocketTimer {
  /** `probe`: the peer's window is closed, and it is asked whether it has opened. */
  readonly kind: 'retransmit' | 'keep-alive' | 'time-wait' | 'probe';
  readonly expiresMs: number;
  /** How often it has run out already without an answer. */
  readonly attempts: number;
}

/** A process that has the socket open. */
export interface SocketOwner {
  readonly pid: number;
  /** Hostile text: a process names itself. */
  readonly name: string;
}

/** From TCP_INFO of the socket. */
export interface SocketMeasures {
  readonly rttMs: number;
  readonly totalRetransmissions: number;
  /** Since data were last sent, received, and anything acknowledged; since the opening when there were none. */
  readonly sinceSentMs: number;
  readonly sinceReceivedMs: number;
  readonly sinceAckMs: number;
  readonly bytesAcknowledged: number;
  readonly bytesReceived: number;
  readonly notSentBytes: number;
  /** How long it had data to send, and was held back by the peer's window meanwhile. */
  readonly busyMs: number;
  readonly windowLimitedMs: number;
}

export interface TcpSocket {
  readonly state: SocketState;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Bytes that the program has not read, and that the peer has not acknowledged. Of a listener 0. */
  readonly receiveQueueBytes: number;
  readonly sendQueueBytes: number;
  /** Of a listener: connections that wait for the program, and how many may (null: not told). */
  readonly acceptQueue: { readonly used: number; readonly limit: number | null } | null;
  readonly timer: SocketTimer | null;
  readonly uid: number | null;
  /** Processes that have it open: none when it belongs to the kernel alone, null when that could not be found out. */
  readonly owners: readonly SocketOwner[] | null;
  readonly measures: SocketMeasures | null;
}

/** Where new connections get their local ports from. */
export interface PortSettings {
  readonly first: number;
  readonly last: number;
  /** Ports within the range that are kept free. */
  readonly reserved: number;
  /** A TIME_WAIT may be given to a new connection to the same place after a second. */
  readonly reuseOfTimeWait: 'never' | 'loopback' | 'always';
}

/** Counters of the kernel since it started, over all listeners of the network namespace. */
export interface ListenCounters {
  /** Connections that found the accept queue full. */
  readonly overflows: number;
  /** Connections that were dropped for this or another reason. */
  readonly drops: number;
}

export interface SocketTable {
  /** Milliseconds since 1970, UTC. */
  readonly takenAtMs: number;
  readonly source: 'sock_diag' | '/proc/net/tcp' | 'netstat';
  readonly sockets: readonly TcpSocket[];
  readonly ports: PortSettings | null;
  readonly listenCounters: ListenCounters | null;
  /** Seconds after which the kernel gives up a FIN_WAIT2 that no process holds. */
  readonly finTimeoutSeconds: number | null;
  /** What could not be read, and why: sentences without a full stop. */
  readonly missing: readonly string[];
}

/** Sockets that have their other end in common. */
export interface SocketPeer {
  /** `out`: opened from here. `in`: to a listener of this host. */
  readonly direction: 'out' | 'in';
  /** Of `out` where the connections lead, of `in` the local end they came to. */
  readonly service: Endpoint;
  /** The other address: of `out` the local one, of `in` the peer's; null when there are several. */
  readonly address: string | null;
  readonly addressCount: number;
  readonly sockets: number;
  readonly states: Readonly<Partial<Record<SocketState, number>>>;
  /** Open and without data for `idleAfterMs` or longer; null where the source does not say. */
  readonly idle: number | null;
  /** The median round trip of those that have one. */
  readonly rttMs: number | null;
  readonly queuedBytes: number;
  /** Of `out`: local ports left for more connections from the fullest local address; null where they are not known. */
  readonly portsLeft: number | null;
  /** Processes, most sockets first, by `name/pid`. */
  readonly owners: readonly string[];
}

export interface SocketFinding {
  readonly rule: string;
  readonly level: 'bad' | 'warning' | 'info' | 'good';
  readonly owner: 'client' | 'server' | 'network';
  /** Plain words, no full stop. */
  readonly title: string;
  /** Sentences. May hold names of processes: whoever draws it escapes it. */
  readonly detail: string;
  readonly fixes: readonly { readonly for: string; readonly setting: string; readonly why: string }[];
  /** How many sockets show it. */
  readonly sockets: number;
}

/** All that is said of the sockets at one moment. */
export interface SocketReport {
  readonly table: SocketTable;
  /** The sockets that were asked for. */
  readonly chosen: readonly TcpSocket[];
  readonly peers: readonly SocketPeer[];
  readonly findings: readonly SocketFinding[];
}
