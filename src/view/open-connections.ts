/**
 * How many connections were open over time, and how many ended badly, for any number of connections of unknown length: bins of equal
 * width from a first moment on, their width doubled whenever a connection lies beyond them.
 */
const binCount = 256;
const firstWidthNs = 1e6;

export interface OpenBin {
  readonly startNs: number;
  readonly endNs: number;
  /** Connections open, on average over the bin. */
  readonly open: number;
  /** Endings that lost work. */
  readonly badEndings: number;
}

export class OpenConnections {
  connections = 0;
  #originNs = 0;
  #widthNs = firstWidthNs;
  readonly #openNs = new Float64Array(binCount);
  readonly #bad = new Float64Array(binCount);

  add(openedNs: number, endNs: number, bad: boolean): void {
    if (this.connections++ === 0) this.#originNs = openedNs;
    if (openedNs < this.#originNs) this.#moveOrigin(openedNs);
    while (Math.max(openedNs, endNs) >= this.#originNs + binCount * this.#widthNs) this.#widen();
    const first = this.#binOf(openedNs);
    const last = this.#binOf(Math.max(openedNs, endNs));
    for (let bin = first; bin <= last; bin++) {
      const from = Math.max(openedNs, this.#originNs + bin * this.#widthNs);
      const to = Math.min(endNs, this.#originNs + (bin + 1) * this.#widthNs);
      this.#openNs[bin]! += Math.max(0, to - from);
    }
    if (bad) this.#bad[last]!++;
  }

  bins(): OpenBin[] {
    const bins: OpenBin[] = [];
    for (let bin = 0; bin < binCount; bin++) {
      const startNs = this.#originNs + bin * this.#widthNs;
      bins.push({
        startNs,
        endNs: startNs + this.#widthNs,
        open: this.#openNs[bin]! / this.#widthNs,
        badEndings: this.#bad[bin]!,
      });
    }
    while (bins.length > 0 && bins.at(-1)!.open === 0 && bins.at(-1)!.badEndings === 0) bins.pop();
    return bins;
  }

  #binOf(ns: number): number {
    return Math.min(binCount - 1, Math.floor((ns - this.#originNs) / this.#widthNs));
  }

  #widen(): void {
    for (const values of [this.#openNs, this.#bad]) {
      for (let bin = 0; bin < binCount / 2; bin++) values[bin] = values[2 * bin]! + values[2 * bin + 1]!;
      values.fill(0, binCount / 2);
    }
    this.#widthNs *= 2;
  }

  /** Packets out of order of time: rare. The bins move by whole widths. */
  #moveOrigin(ns: number): void {
    for (;;) {
      const bins = Math.ceil((this.#originNs - ns) / this.#widthNs);
      const used = binCount - 1 - this.#lastUsed();
      if (bins <= used) {
        for (const values of [this.#openNs, this.#bad]) {
          values.copyWithin(bins, 0, binCount - bins);
          values.fill(0, 0, bins);
        }
        this.#originNs -= bins * this.#widthNs;
        return;
      }
      this.#widen();
    }
  }

  #lastUsed(): number {
    for (let bin = binCount - 1; bin > 0; bin--) if (this.#openNs[bin]! > 0 || this.#bad[bin]! > 0) return bin;
    return 0;
  }
}
