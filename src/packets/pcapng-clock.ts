/**
 * The clock of one pcapng interface: 64-bit counts of a stated unit (if_tsresol: 10^-n or 2^-n seconds) from a stated offset
 * (if_tsoffset, whole seconds) → nanoseconds since the source's origin.
 *
 * Counts of nanoseconds since 1970 are beyond 2^53, so two 32-bit halves are compared with the origin's halves: the difference
 * is small and exact. Units that are no whole number of nanoseconds go through BigInt, off the common path.
 */
import type { PacketSink } from './packet-sink.js';

const halfRange = 4_294_967_296;
/** 10^-19 is the finest decimal unit of which one second fits 64 bits; 2^-63 likewise. */
const finestDecimalExponent = 19;
const finestBinaryExponent = 63;

export class InterfaceClock {
  /** Decimals of a second that the unit has. */
  readonly decimals: number;
  readonly #unitsPerSecond: bigint;
  /** Nanoseconds in a unit when that is a whole number, else 0. */
  readonly #nanosecondsPerUnit: number;
  readonly #offsetSeconds: bigint;
  #hasOrigin = false;
  #originHigh = 0;
  #originLow = 0;

  /** `resolution`: the option's byte, its first bit choosing powers of 2. */
  constructor(resolution: number, offsetSeconds: bigint) {
    const isBinary = (resolution & 0x80) !== 0;
    const exponent = Math.min(resolution & 0x7f, isBinary ? finestBinaryExponent : finestDecimalExponent);
    this.#unitsPerSecond = (isBinary ? 2n : 10n) ** BigInt(exponent);
    this.#nanosecondsPerUnit = isBinary || exponent > 9 ? 0 : 10 ** (9 - exponent);
    this.#offsetSeconds = offsetSeconds;
    this.decimals = isBinary ? Math.ceil(exponent * Math.log10(2)) : exponent;
  }

  /** The first packet of the source sets its origin. */
  atNs(high: number, low: number, sink: PacketSink): number {
    if (!this.#hasOrigin) this.#startAt(high, low, sink);
    if (this.#nanosecondsPerUnit === 0) return this.#slowAtNs(high, low, sink);
    return ((high - this.#originHigh) * halfRange + (low - this.#originLow)) * this.#nanosecondsPerUnit;
  }

  #startAt(high: number, low: number, sink: PacketSink): void {
    this.#hasOrigin = true;
    if (!sink.hasOrigin) sink.setOrigin(Number(count(high, low) / this.#unitsPerSecond + this.#offsetSeconds));
    const origin = (BigInt(sink.originSeconds) - this.#offsetSeconds) * this.#unitsPerSecond;
    this.#originHigh = Number(origin >> 32n);
    this.#originLow = Number(origin & 0xffffffffn);
  }

  #slowAtNs(high: number, low: number, sink: PacketSink): number {
    const origin = (BigInt(sink.originSeconds) - this.#offsetSeconds) * this.#unitsPerSecond;
    return Number(((count(high, low) - origin) * 1_000_000_000n) / this.#unitsPerSecond);
  }
}

function count(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
