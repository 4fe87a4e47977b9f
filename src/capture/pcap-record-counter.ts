/**
 * Counts the records of a pcap stream as it passes, cut anywhere. It reads lengths only; what a program on this side of a pipe
 * writes is believed.
 */

const fileHeaderByteCount = 24;
const recordHeaderByteCount = 16;
const capturedLengthOffset = 8;
const littleEndianMagics: ReadonlySet<number> = new Set([0xa1b2c3d4, 0xa1b23c4d]);

export class PcapRecordCounter {
  /** Records of which the last byte has passed. */
  count = 0;
  /** Bytes of the current record (or file header) still to come, once its header is known. */
  #left = fileHeaderByteCount;
  /** Bytes of the header that is being gathered; a chunk may end inside it. */
  readonly #header = new DataView(new ArrayBuffer(fileHeaderByteCount));
  #gathered = 0;
  #state: 'file-header' | 'record-header' | 'record' = 'file-header';
  #littleEndian = true;

  push(chunk: Uint8Array): void {
    let position = 0;
    while (position < chunk.length) {
      const take = Math.min(this.#left, chunk.length - position);
      if (this.#state !== 'record') {
        for (let at = 0; at < take; at += 1) this.#header.setUint8(this.#gathered + at, chunk[position + at]!);
        this.#gathered += take;
      }
      position += take;
      this.#left -= take;
      if (this.#left === 0) this.#next();
    }
  }

  #next(): void {
    this.#gathered = 0;
    if (this.#state === 'record-header') {
      this.#left = this.#header.getUint32(capturedLengthOffset, this.#littleEndian);
      this.#state = 'record';
      if (this.#left > 0) return;
    }
    if (this.#state === 'file-header') this.#littleEndian = littleEndianMagics.has(this.#header.getUint32(0, true));
    else this.count += 1;
    this.#left = recordHeaderByteCount;
    this.#state = 'record-header';
  }
}
