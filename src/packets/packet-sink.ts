/**
 * Where the file formats hand over their packets: keeps the scale of time and the limit on packets, and passes each packet on
 * to the decoder.
 *
 * The origin of time is the whole second of the first packet. Times may run backwards; nothing is sorted.
 */
import type { PacketDecoder } from './packet-decoder.js';
import type { ProblemList } from './problems.js';

/** Finer clocks exist in headers, not in `atNs`. */
const maximumTimeDecimals = 9;

export class PacketSink {
  originSeconds = 0;
  timeDecimals = 0;
  firstAtNs = Number.POSITIVE_INFINITY;
  lastAtNs = Number.NEGATIVE_INFINITY;
  /** The limit on packets was reached: whoever reads the file stops. */
  full = false;
  readonly decoder: PacketDecoder;
  readonly problems: ProblemList;
  /**
   * The origin as a float from the beginning (a #name would begin as undefined). Between small integers the arithmetic below would
   * be compiled for such, and thrown away when the third second of the capture is no small integer in nanoseconds.
   */
  private origin = -0;
  readonly #maximumPackets: number;
  #hasOrigin = false;

  constructor(decoder: PacketDecoder, problems: ProblemList, maximumPackets: number) {
    this.decoder = decoder;
    this.problems = problems;
    this.#maximumPackets = maximumPackets;
    this.full = maximumPackets <= 0;
  }

  /** Number that the next packet will have. */
  get nextPacket(): number {
    return this.decoder.packets + 1;
  }

  get hasOrigin(): boolean {
    return this.#hasOrigin;
  }

  setOrigin(seconds: number): void {
    this.#hasOrigin = true;
    this.originSeconds = seconds;
    this.origin = seconds;
  }

  /** The clock's resolution, as decimals of a second; the finest of several counts. */
  noteDecimals(decimals: number): void {
    this.timeDecimals = Math.max(this.timeDecimals, Math.min(maximumTimeDecimals, decimals));
  }

  /** A packet with its time in seconds and nanoseconds of Unix time. */
  packet(
    data: Uint8Array,
    start: number,
    end: number,
    wireByteCount: number,
    linkType: number,
    seconds: number,
    nanoseconds: number,
  ): void {
    if (!this.#hasOrigin) this.setOrigin(seconds);
    const atNs = (seconds - this.origin) * 1e9 + nanoseconds;
    if (atNs < this.firstAtNs) this.firstAtNs = atNs;
    if (atNs > this.lastAtNs) this.lastAtNs = atNs;
    const decoder = this.decoder;
    // A time that were handed on as an argument would be put into a box.
    decoder.segment.atNs = atNs;
    decoder.decode(data, start, end, wireByteCount, linkType);
    if (decoder.packets >= this.#maximumPackets) this.full = true;
  }

  /** A packet with its time on the scale of `atNs`. Without an origin so far the packet has no time at all, and `atNs` is 0. */
  packetAt(data: Uint8Array, start: number, end: number, wireByteCount: number, linkType: number, atNs: number): void {
    if (atNs < this.firstAtNs) this.firstAtNs = atNs;
    if (atNs > this.lastAtNs) this.lastAtNs = atNs;
    this.decoder.segment.atNs = atNs;
    this.decoder.decode(data, start, end, wireByteCount, linkType);
    if (this.decoder.packets >= this.#maximumPackets) this.full = true;
  }

  /** A packet of which only words are known was told and counted. */
  noteListed(atNs: number): void {
    this.firstAtNs = Math.min(this.firstAtNs, atNs);
    this.lastAtNs = Math.max(this.lastAtNs, atNs);
    if (this.decoder.packets >= this.#maximumPackets) this.full = true;
  }
}

/** A file format: parses whole records in place. */
export interface Format {
  /** Bytes that must stand from the returned position on before `parse` is called again (unless the input has ended). */
  needed: number;
  /**
   * Parses the records that stand whole in `data[position, end)` and returns the position behind the last one. With `final` no
   * more bytes will come.
   */
  parse(data: Uint8Array, position: number, end: number, final: boolean): number;
}
