/**
 * What a source says about itself, next to its observations.
 */

/** Something in the input that was wrong or missing. Nothing that was good is lost because of it. */
export interface SourceProblem {
  /** Stable kebab-case code, for example `file-cut-short`. */
  readonly code: string;
  /** How often it happened. */
  readonly count: number;
  /** Number of the first packet it happened at (the packet after the damage where the damage hides the packet); 0 before any packet. */
  readonly firstPacket: number;
  /** One sentence for a person. */
  readonly text: string;
}

export interface SourceSummary {
  readonly format: 'pcap' | 'pcapng' | 'snoop' | 'tcpdump-text' | 'engine' | 'live' | 'tap' | 'unknown';
  /** Names of the link types met, in order of appearance ("Ethernet", "Linux cooked v2"). */
  readonly linkTypes: readonly string[];
  readonly packets: number;
  /** Bytes of input read, after decompression. */
  readonly bytes: number;
  /** Unix time in whole seconds that every `atNs` of this source counts from. */
  readonly originSeconds: number;
  /** Decimals of a second that the source's clock really has: 0 to 9. */
  readonly timeDecimals: number;
  /** First and last packet in order of time, on the scale of `atNs`; null without packets. */
  readonly firstAtNs: number | null;
  readonly lastAtNs: number | null;
  /** Packets that are TCP and were followed. */
  readonly tcpPackets: number;
  /** What was not TCP, by protocol name; counted, not complained about. */
  readonly otherPackets: Readonly<Record<string, number>>;
  readonly problems: readonly SourceProblem[];
}
