/**
 * Classic BPF (the machine of McCanne and Jacobson, 1993; Linux Documentation/networking/filter.rst): an accumulator A, an index
 * register X, sixteen words of scratch memory, jumps that only go forward. A program is run on one packet and returns how many of
 * its bytes to keep; 0 rejects it, and so does a load behind the packet's end.
 *
 *     struct sock_filter    0  u16  code
 *                           2  u8   jt     instructions to skip when the test holds
 *                           3  u8   jf     … and when it does not
 *                           4  u32  k
 */

export interface BpfInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  /** Unsigned, 32 bits. */
  readonly k: number;
}

/** Instructions that the kernels take (BPF_MAXINSNS of Linux; the BSDs allow 512). */
export const bpfProgramLimit = 4096;
export const bpfScratchWords = 16;

/** What a program returns for a packet to keep: as libpcap's default snapshot length, more than any packet has. */
export const keepAllBytes = 262_144;

/** The instructions that are used, by the mnemonics of tcpdump -d. */
export const bpf = {
  ldImmediate: 0x00,
  ld: 0x20,
  ldh: 0x28,
  ldb: 0x30,
  ldIndexed: 0x40,
  ldhIndexed: 0x48,
  ldbIndexed: 0x50,
  ldMemory: 0x60,
  ldLength: 0x80,
  ldxImmediate: 0x01,
  ldxMemory: 0x61,
  ldxLength: 0x81,
  /** X = 4 × (the low four bits of a byte): the length of an IPv4 header. */
  ldxHeaderLength: 0xb1,
  st: 0x02,
  stx: 0x03,
  ja: 0x05,
  jeq: 0x15,
  jgt: 0x25,
  jge: 0x35,
  jset: 0x45,
  ret: 0x06,
  retA: 0x16,
  tax: 0x07,
  txa: 0x87,
  neg: 0x84,
} as const;

/** Added to a jump, or to an operation of `alu`: the operand is X, not k. */
export const operandX = 0x08;

/** Operations on A, with k as operand. */
export const alu = {
  '+': 0x04,
  '-': 0x14,
  '*': 0x24,
  '/': 0x34,
  '|': 0x44,
  '&': 0x54,
  '<<': 0x64,
  '>>': 0x74,
  '%': 0x94,
  '^': 0xa4,
} as const;

/** An instruction that does not jump. */
export const step = (code: number, k = 0): BpfInstruction => ({ code, jt: 0, jf: 0, k: k >>> 0 });

/** The program as the kernel reads it: an array of `struct sock_filter`, little-endian as on every machine that Node runs on. */
export function encodeProgram(program: readonly BpfInstruction[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(program.length * 8));
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    bytes.setUint16(index * 8, code, true);
    bytes.setUint8(index * 8 + 2, jt);
    bytes.setUint8(index * 8 + 3, jf);
    bytes.setUint32(index * 8 + 4, k, true);
  }
  return new Uint8Array(bytes.buffer);
}
