/** What a capture of packets is asked for: the same words for a ring and for a program that captures. */

export interface PacketSourceOptions {
  /** Name of an interface as the system has it; `any` (the default) is all of them. */
  readonly interface?: string | undefined;
  /** Which packets, in libpcap's language: "tcp port 8191 and host 10.0.0.7". All without it. */
  readonly filter?: string | undefined;
  /** Bytes kept of each packet; 262144, in effect all, by default. */
  readonly snapLength?: number | undefined;
  /** Room for packets between kernel and reader, in bytes; 32 MiB by default. */
  readonly bufferBytes?: number | undefined;
  /** Also packets between other hosts, where the switch shows them. */
  readonly promiscuous?: boolean | undefined;
  /** Ends by itself after so many packets. */
  readonly packetLimit?: number | undefined;
  /** Capture on this host, with the tcpdump that is there, over ssh. */
  readonly ssh?: string | undefined;
  /** Over ssh: run it with `sudo -n`. */
  readonly sudo?: boolean | undefined;
  /** `program`: leave the ring aside. For comparisons, and for when the ring is suspected. */
  readonly by?: 'ring' | 'program' | undefined;
  /**
   * When the reader is too slow. `drop` (the default): packets are dropped in this process and counted, the newest is never far behind. `wait`:
   * the buffer in the kernel fills, and then the kernel drops.
   */
  readonly whenBehind?: 'drop' | 'wait' | undefined;
}

export const captureDefaults = {
  interface: 'any',
  snapLength: 262_144,
  bufferBytes: 32 * 1024 * 1024,
} as const;

export const captureLimits = {
  /** Below this a packet of loopback does not fit. */
  leastBufferBytes: 1024 * 1024,
  mostBufferBytes: 1024 * 1024 * 1024,
  /** Room for the headers up to TCP's. */
  leastSnapLength: 96,
  mostSnapLength: 262_144,
  /** Bytes handed out and not yet taken by the reader; then `whenBehind` says what happens. */
  queuedBytes: 64 * 1024 * 1024,
} as const;
