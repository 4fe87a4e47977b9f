/**
 * Memory in which bytes stay readable for a while: whatever is put in lies in one piece, and is overwritten when as much again as
 * the ring is large has come. Places are counted on from lap to lap and never come twice.
 */
export class ByteRing {
  readonly memory: Uint8Array;
  /** Place of the next byte. */
  next = 0;

  constructor(memory: ArrayBufferLike) {
    this.memory = new Uint8Array(memory);
  }

  get size(): number {
    return this.memory.length;
  }

  /** The place of the next `byteCount` bytes in one piece (at most the ring's size): `next`, or the beginning of the next lap. */
  placeFor(byteCount: number): number {
    const left = this.size - (this.next % this.size);
    return byteCount <= left ? this.next : this.next + left;
  }

  /** Where a place lies in the memory. */
  offsetOf(place: number): number {
    return place % this.size;
  }
}
