/**
 * A live source of packets: an interface of this machine, a child that captures, a link of the lab. Whatever it is, it hands out
 * the bytes of one capture file, so that the same reader reads a file and a wire, and so that writing them down is a copy.
 */

/** What the source has seen so far. A count that a source cannot know is null. */
export interface PacketSourceStatistics {
  /** Packets that passed the filter. */
  readonly received: number | null;
  /** Packets that the kernel had no room for. */
  readonly droppedByKernel: number | null;
  /** Packets that this process had no time for: never hidden, always said. */
  readonly droppedBySource: number;
  /** Packets handed out. */
  readonly delivered: number;
}

export interface PacketSource {
  /** For people: "lo, AF_PACKET ring", "eth0, tcpdump". */
  readonly name: string;
  /**
   * The bytes of one capture (pcap or pcapng, header first), cut anywhere, until the source is stopped or ends. A chunk is the
   * caller's to keep. Ends without an error on `stop()`; throws CaptureError when the source fails.
   */
  readonly chunks: AsyncIterable<Uint8Array>;
  statistics(): PacketSourceStatistics;
  /** Ends the capture; what was already captured is still handed out. Resolves when everything is released. */
  stop(): Promise<void>;
}
