/** Numbers in network byte order. No bounds are checked here: callers have compared with the cursor's end. */

export function short(data: Uint8Array, at: number): number {
  return (data[at]! << 8) | data[at + 1]!;
}

/** A signed 32-bit word: a small integer to the engine, whatever its bits. */
export function word(data: Uint8Array, at: number): number {
  return (data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!;
}
