/** The bytes of a section (a head, or trailers) that was cut: gathered until its end is there, never more than its limit. */

const noBytes = new Uint8Array(0);
const smallestByteCount = 1024;
/** How much is copied at a time while the end of the section is looked for: what lies behind it is copied in vain. */
const stepByteCount = 4096;

export class SectionBuffer {
  /** The section so far is bytes[0, length). */
  bytes: Uint8Array = noBytes;
  length = 0;

  /** Copies the next piece of data[start, end), so that no more than `limit` bytes are held. Returns how many. */
  append(data: Uint8Array, start: number, end: number, limit: number): number {
    const byteCount = Math.min(end - start, stepByteCount, limit - this.length);
    const needed = this.length + byteCount;
    if (needed > this.bytes.length) {
      let capacity = Math.max(this.bytes.length, smallestByteCount);
      while (capacity < needed) capacity *= 2;
      const larger = new Uint8Array(capacity);
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    this.bytes.set(data.subarray(start, start + byteCount), this.length);
    this.length = needed;
    return byteCount;
  }

  /** Lets the memory go, too: most connections never need it again. */
  drop(): void {
    if (this.bytes.length === 0) return;
    this.bytes = noBytes;
    this.length = 0;
  }
}
