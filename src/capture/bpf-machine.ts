/**
 * Runs a classic BPF program on one packet, as libpcap's interpreter does in user space. For sources that the kernel does not
 * filter, and for tests.
 *
 * Rules
 * - A load that reaches behind the captured bytes rejects the packet, and so does a division by zero.
 * - Arithmetic is unsigned, 32 bits, and wraps around.
 * - A program is checked by nobody here: one that runs off its end, or holds an instruction that is not known, rejects.
 *
 * Deliberately absent: the negative offsets of Linux (SKF_AD_OFF …), which ask the kernel for what is not in the packet.
 */
import { alu, type BpfInstruction, bpf, bpfScratchWords, operandX } from './bpf-instruction.js';

/**
 * How many bytes of the packet to keep; 0: rejected.
 * @param wireLength bytes that the packet had on the wire (what `len` says). Default: those that are there.
 */
export function runFilter(program: readonly BpfInstruction[], packet: Uint8Array, wireLength = packet.length): number {
  const memory = new Uint32Array(bpfScratchWords);
  let a = 0;
  let x = 0;
  for (let at = 0; at < program.length; at++) {
    const { code, jt, jf, k } = program[at]!;
    switch (code) {
      case bpf.ld:
      case bpf.ldIndexed: {
        const value = readWord(packet, code === bpf.ld ? k : k + x);
        if (value < 0) return 0;
        a = value;
        break;
      }
      case bpf.ldh:
      case bpf.ldhIndexed: {
        const offset = code === bpf.ldh ? k : k + x;
        if (offset + 2 > packet.length) return 0;
        a = (packet[offset]! << 8) | packet[offset + 1]!;
        break;
      }
      case bpf.ldb:
      case bpf.ldbIndexed: {
        const offset = code === bpf.ldb ? k : k + x;
        if (offset >= packet.length) return 0;
        a = packet[offset]!;
        break;
      }
      case bpf.ldxHeaderLength:
        if (k >= packet.length) return 0;
        x = (packet[k]! & 15) * 4;
        break;
      case bpf.ldImmediate:
        a = k;
        break;
      case bpf.ldxImmediate:
        x = k;
        break;
      case bpf.ldMemory:
        a = memory[k]!;
        break;
      case bpf.ldxMemory:
        x = memory[k]!;
        break;
      case bpf.ldLength:
        a = wireLength;
        break;
      case bpf.ldxLength:
        x = wireLength;
        break;
      case bpf.st:
        memory[k] = a;
        break;
      case bpf.stx:
        memory[k] = x;
        break;
      case bpf.tax:
        x = a;
        break;
      case bpf.txa:
        a = x;
        break;
      case bpf.neg:
        a = -a >>> 0;
        break;
      case bpf.ja:
        at += k;
        break;
      case bpf.ret:
        return k;
      case bpf.retA:
        return a;
      default: {
        const operand = (code & operandX) === 0 ? k : x;
        const operation = code & ~operandX;
        const holds = compare(operation, a, operand);
        if (holds !== null) {
          at += holds ? jt : jf;
          break;
        }
        const value = calculate(operation, a, operand);
        if (value === null) return 0;
        a = value;
      }
    }
  }
  return 0;
}

function readWord(packet: Uint8Array, offset: number): number {
  if (offset + 4 > packet.length) return -1;
  return ((packet[offset]! << 24) | (packet[offset + 1]! << 16) | (packet[offset + 2]! << 8) | packet[offset + 3]!) >>> 0;
}

/** What a test of A says; null when the operation is none. */
export function compare(operation: number, a: number, operand: number): boolean | null {
  switch (operation) {
    case bpf.jeq:
      return a === operand;
    case bpf.jgt:
      return a > operand;
    case bpf.jge:
      return a >= operand;
    case bpf.jset:
      return (a & operand) !== 0;
    default:
      return null;
  }
}

/** A after an operation; null for a division by zero and for operations that do not exist. */
export function calculate(operation: number, a: number, operand: number): number | null {
  switch (operation) {
    case alu['+']:
      return (a + operand) >>> 0;
    case alu['-']:
      return (a - operand) >>> 0;
    case alu['*']:
      return Math.imul(a, operand) >>> 0;
    case alu['/']:
      return operand === 0 ? null : Math.floor(a / operand);
    case alu['%']:
      return operand === 0 ? null : a % operand;
    case alu['|']:
      return (a | operand) >>> 0;
    case alu['&']:
      return (a & operand) >>> 0;
    case alu['^']:
      return (a ^ operand) >>> 0;
    // Shifts by more than the word has give 0, as in libpcap.
    case alu['<<']:
      return operand > 31 ? 0 : (a << operand) >>> 0;
    case alu['>>']:
      return operand > 31 ? 0 : a >>> operand;
    default:
      return null;
  }
}
