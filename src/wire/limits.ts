/** Named limits on everything that a peer can make grow. */

export interface Limits {
  /** Bytes of a head, from the first byte of its start line to the last of its empty line. Beyond: `head-too-large` (431). */
  readonly headByteCount: number;
  /** Bytes of a request target. Beyond: `target-too-long` (414). */
  readonly targetByteCount: number;
  /** Bytes of a method. Beyond: `method-too-long` (501). */
  readonly methodByteCount: number;
  /** Field lines of a head or of a trailer section. Beyond: `too-many-fields` (431). */
  readonly fieldLineCount: number;
  /** Empty lines before a request line. Beyond: `too-many-empty-lines`. */
  readonly emptyLineCount: number;
  /** Hexadecimal digits of a chunk size, leading zeros too. Beyond: `chunk-size-too-large`. Sizes above 2^53 − 1 are too large in any case. */
  readonly chunkSizeDigitCount: number;
  /** Bytes of all chunk extensions of one message (CVE-2023-39326, CVE-2024-22019). Beyond: `chunk-extensions-too-large`. */
  readonly chunkExtensionByteCount: number;
  /** Bytes of a trailer section. Beyond: `trailers-too-large` (431). */
  readonly trailerByteCount: number;
}

/** For servers and clients. */
export const strictLimits: Limits = {
  headByteCount: 32 * 1024,
  targetByteCount: 16 * 1024,
  methodByteCount: 32,
  fieldLineCount: 128,
  emptyLineCount: 8,
  chunkSizeDigitCount: 14,
  chunkExtensionByteCount: 4 * 1024,
  trailerByteCount: 8 * 1024,
};

/** For passive reading: whatever any real peer may have accepted. */
export const observingLimits: Limits = {
  headByteCount: 256 * 1024,
  targetByteCount: 128 * 1024,
  methodByteCount: 64,
  fieldLineCount: 4096,
  emptyLineCount: 1024,
  chunkSizeDigitCount: 16,
  chunkExtensionByteCount: 1024 * 1024,
  trailerByteCount: 256 * 1024,
};
