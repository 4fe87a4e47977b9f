/**
 * Reads a capture file that is pushed in chunk by chunk, and tells every TCP segment in it. Sans-IO: whoever has the bytes
 * (a file, standard input, a drop onto a page, a tcpdump child) pushes them.
 *
 * - Records are parsed in place. Only a record that spans chunks is copied, into a carry that never holds more than a few
 *   records' largest size, whatever the size of the file.
 * - The format is told by the first bytes. Compressed input must be decompressed before (see `sniffContainer`).
 * - Nothing throws on any bytes; what is wrong is counted in the summary's problems.
 */
import type { OpenedObservation, SourceSummary } from '../base/index.js';
import { type Container, sniffByteCount, sniffContainer } from './container.js';
import { PacketDecoder } from './packet-decoder.js';
import { type Format, PacketSink } from './packet-sink.js';
import { PcapFormat } from './pcap-format.js';
import { PcapngFormat } from './pcapng-format.js';
import { ProblemList } from './problems.js';
import type { Segment } from './segment.js';
import { SnoopFormat } from './snoop-format.js';
import { TcpdumpTextFormat } from './tcpdump-text.js';

const smallestCarryByteCount = 4096;

export interface CaptureReaderOptions {
  /** Called for every TCP segment, in order of capture. The segment is filled anew for the next one: copy what is kept. */
  readonly onSegment: (segment: Segment) => void;
  /** Reading stops behind this many packets. Default: no limit. */
  readonly maxPackets?: number;
  /**
   * The input is being written while it is read: a packet is told as soon as it is whole, without waiting for the record header
   * behind it (which is how a wrong length is found out). Default false.
   */
  readonly live?: boolean;
}

export class CaptureReader {
  readonly #problems = new ProblemList();
  readonly #decoder: PacketDecoder;
  readonly #sink: PacketSink;
  readonly #live: boolean;
  readonly #onSegment: (segment: Segment) => void;
  /** The format when it is a listing. */
  #listing: TcpdumpTextFormat | null = null;
  #container: Container | null = null;
  #format: Format | null = null;
  #bytes = 0;
  #ended = false;
  #carry = new Uint8Array(smallestCarryByteCount);
  #carryStart = 0;
  #carryEnd = 0;

  constructor({ onSegment, maxPackets = Number.POSITIVE_INFINITY, live = false }: CaptureReaderOptions) {
    this.#decoder = new PacketDecoder(this.#problems, onSegment);
    this.#sink = new PacketSink(this.#decoder, this.#problems, maxPackets);
    this.#live = live;
    this.#onSegment = onSegment;
  }

  /** No further bytes are of use: the limit on packets was reached, or the format is unknown. */
  get done(): boolean {
    const isUnknown = this.#format === null ? this.#container !== null : this.#listing?.isHopeless === true;
    return this.#ended || this.#sink.full || isUnknown;
  }

  /** Packets read so far. */
  get packets(): number {
    return this.#decoder.packets;
  }

  /** Takes the next bytes of the file. They are borrowed for the call. */
  push(pushed: Uint8Array): void {
    this.#bytes += pushed.length;
    if (this.done) return;
    // Behind here bytes that are kept are copied with `slice`, which of Node's Buffer gives no copy but a view.
    const chunk = new Uint8Array(pushed.buffer, pushed.byteOffset, pushed.length);
    let position = 0;
    while (this.#carryEnd > this.#carryStart || this.#format === null) {
      const missing = this.#missing();
      const taken = Math.min(Math.max(missing, 0), chunk.length - position);
      this.#addToCarry(chunk, position, position + taken);
      position += taken;
      if (taken < missing) return;
      this.#chooseFormat();
      if (this.#format === null) return;
      this.#carryStart = this.#format.parse(this.#carry, this.#carryStart, this.#carryEnd, false);
      const left = this.#carryEnd - this.#carryStart;
      if (left <= position) {
        // All that is left came from this chunk: go on in place.
        position -= left;
        this.#carryStart = this.#carryEnd = 0;
      }
    }
    if (position < chunk.length) {
      position = this.#format.parse(chunk, position, chunk.length, false);
      this.#addToCarry(chunk, position, chunk.length);
    }
  }

  /** The input is over. */
  end(): SourceSummary {
    if (!this.#ended) {
      this.#chooseFormat();
      if (this.#bytes === 0) this.#problems.report('empty-input', 0);
      else if (this.#format === null) this.#problems.report('unknown-format', 0);
      else if (!this.#sink.full) this.#format.parse(this.#carry, this.#carryStart, this.#carryEnd, true);
      this.#decoder.end();
      this.#ended = true;
      this.#carry = new Uint8Array(0);
      this.#carryStart = this.#carryEnd = 0;
    }
    return this.summary();
  }

  /** What is known of the source so far. */
  summary(): SourceSummary {
    const hasPackets = this.#decoder.packets > 0;
    return {
      format: this.#formatName(),
      linkTypes: this.#listing?.linkTypes ?? this.#decoder.linkTypeNames(),
      packets: this.#decoder.packets,
      bytes: this.#bytes,
      originSeconds: this.#sink.originSeconds,
      timeDecimals: this.#sink.timeDecimals,
      firstAtNs: hasPackets ? this.#sink.firstAtNs : null,
      lastAtNs: hasPackets ? this.#sink.lastAtNs : null,
      tcpPackets: this.#decoder.tcpPackets,
      otherPackets: this.#decoder.otherPackets(),
      problems: this.#problems.list(),
    };
  }

  /** A connection's ends by their names, where the input names them (a listing without -n). */
  named(opened: OpenedObservation): OpenedObservation {
    return this.#listing?.named(opened) ?? opened;
  }

  /** The input is a listing, whose connections may have names. */
  get isListing(): boolean {
    return this.#listing !== null;
  }

  #formatName(): SourceSummary['format'] {
    switch (this.#container) {
      case 'pcap':
      case 'pcapng':
      case 'snoop':
        return this.#container;
      case 'text':
        return this.#decoder.packets > 0 ? 'tcpdump-text' : 'unknown';
      default:
        return 'unknown';
    }
  }

  /** Bytes that the carry lacks before it is of use to parse it; at least one once it has been parsed. */
  #missing(): number {
    const held = this.#carryEnd - this.#carryStart;
    return this.#format === null ? sniffByteCount - held : Math.max(this.#format.needed - held, 1);
  }

  #chooseFormat(): void {
    if (this.#container !== null) return;
    this.#container = sniffContainer(this.#carry.subarray(this.#carryStart, this.#carryEnd));
    if (this.#container === 'pcap') this.#format = new PcapFormat(this.#sink, this.#live);
    else if (this.#container === 'pcapng') this.#format = new PcapngFormat(this.#sink);
    else if (this.#container === 'snoop') this.#format = new SnoopFormat(this.#sink);
    else if (this.#container === 'text') {
      this.#listing = new TcpdumpTextFormat(this.#sink, this.#onSegment);
      this.#format = this.#listing;
    }
  }

  #addToCarry(chunk: Uint8Array, from: number, to: number): void {
    const added = to - from;
    if (added === 0) return;
    const held = this.#carryEnd - this.#carryStart;
    if (this.#carryEnd + added > this.#carry.length) {
      const carry =
        held + added > this.#carry.length ? new Uint8Array(Math.max(2 * this.#carry.length, held + added)) : this.#carry;
      carry.set(this.#carry.subarray(this.#carryStart, this.#carryEnd));
      this.#carry = carry;
      this.#carryStart = 0;
      this.#carryEnd = held;
    }
    this.#carry.set(chunk.subarray(from, to), this.#carryEnd);
    this.#carryEnd += added;
  }
}
