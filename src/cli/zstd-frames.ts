/**
 * Whether a stream of zstd (RFC 8878 §3.1) ends where one of its frames does. Some versions of Node say nothing of a stream that is cut
 * short. Only the sizes are read here, of frames and their blocks; whether what they hold is good is the decompressor's to say.
 */

type Part = 'magic' | 'header' | 'block-header' | 'block' | 'checksum' | 'skippable-size' | 'skippable';

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;

export class ZstdFrames {
  #part: Part = 'magic';
  /** Bytes of the part that is read, as a number (little-endian, the first four), how many there are, and how many there must be. */
  #value = 0;
  #count = 0;
  #needed = 4;
  #hasChecksum = false;
  #isLastBlock = false;
  #isUnknown = false;

  /** Takes the next bytes of the stream. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#isUnknown; ) {
      if (this.#part === 'block' || this.#part === 'skippable') {
        const taken = Math.min(bytes.length - at, this.#needed - this.#count);
        this.#count += taken;
        at += taken;
      } else {
        if (this.#count < 4) this.#value += bytes[at]! * 256 ** this.#count;
        this.#count++;
        at++;
      }
      while (this.#count === this.#needed && !this.#isUnknown) this.#next();
    }
  }

  /** False when the stream stops within a frame. What is no zstd is left to the decompressor. */
  get isWhole(): boolean {
    return this.#isUnknown || (this.#part === 'magic' && this.#count === 0);
  }

  /** The part is whole. */
  #next(): void {
    const value = this.#value;
    switch (this.#part) {
      case 'magic':
        if (value === frameMagic) this.#begin('header', 1);
        else if ((value & 0xffff_fff0) >>> 0 === skippableMagic) this.#begin('skippable-size', 4);
        else this.#isUnknown = true;
        break;
      case 'header':
        if (this.#count === 1) this.#readDescriptor(value);
        else this.#begin('block-header', 3);
        break;
      case 'block-header':
        this.#isLastBlock = (value & 1) === 1;
        // A block of one repeated byte has just that.
        this.#begin('block', ((value >> 1) & 3) === 1 ? 1 : value >> 3);
        break;
      case 'block':
        if (!this.#isLastBlock) this.#begin('block-header', 3);
        else if (this.#hasChecksum) this.#begin('checksum', 4);
        else this.#begin('magic', 4);
        break;
      case 'skippable-size':
        this.#begin('skippable', value);
        break;
      case 'checksum':
      case 'skippable':
        this.#begin('magic', 4);
    }
  }

  /** RFC 8878 §3.1.1.1: the first byte says how long the header is. */
  #readDescriptor(descriptor: number): void {
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const contentSizeFlag = descriptor >> 6;
    const contentSize = contentSizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << contentSizeFlag;
    const dictionary = [0, 1, 2, 4][descriptor & 3]!;
    this.#hasChecksum = (descriptor & 4) !== 0;
    const more = (isSingleSegment ? 0 : 1) + dictionary + contentSize;
    this.#needed = 1 + more;
  }

  #begin(part: Part, needed: number): void {
    this.#part = part;
    this.#value = 0;
    this.#count = 0;
    this.#needed = needed;
  }
}
