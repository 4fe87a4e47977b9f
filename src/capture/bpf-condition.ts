/**
 * Conditions on one packet: tests of a number loaded from it, joined by and, or, not. The order has meaning: a load behind the
 * packet's end rejects the packet, so what is tested first decides which loads are tried.
 */
import { alu, type BpfInstruction, bpf, step } from './bpf-instruction.js';

export type Condition =
  | { readonly kind: 'constant'; readonly holds: boolean }
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly inner: Condition }
  | PacketTest;

export interface PacketTest {
  readonly kind: 'test';
  /** Loads A (and X, when the jump compares with it). */
  readonly steps: readonly BpfInstruction[];
  /** One of the jumps, or one with `operandX`. */
  readonly jump: number;
  readonly k: number;
}

export const constant = (holds: boolean): Condition => ({ kind: 'constant', holds });
export const not = (inner: Condition): Condition => ({ kind: 'not', inner });
export const allOf = (first: Condition, ...others: readonly Condition[]): Condition =>
  others.length === 0 ? first : { kind: 'and', left: first, right: allOf(others[0]!, ...others.slice(1)) };
export const anyOf = (first: Condition, ...others: readonly Condition[]): Condition =>
  others.length === 0 ? first : { kind: 'or', left: first, right: anyOf(others[0]!, ...others.slice(1)) };

export const test = (steps: readonly BpfInstruction[], jump: number, k: number): PacketTest => ({
  kind: 'test',
  steps,
  jump,
  k: k >>> 0,
});

/** A number at a fixed place of the packet. */
export const loadAt = (offset: number, size: 1 | 2 | 4): BpfInstruction =>
  step(size === 1 ? bpf.ldb : size === 2 ? bpf.ldh : bpf.ld, offset);

/** A number behind an IPv4 header that begins at `headerOffset`, `offset` bytes into what it carries. */
export const loadBehindIpv4 = (headerOffset: number, offset: number, size: 1 | 2 | 4): BpfInstruction[] => [
  step(bpf.ldxHeaderLength, headerOffset),
  step(size === 1 ? bpf.ldbIndexed : size === 2 ? bpf.ldhIndexed : bpf.ldIndexed, headerOffset + offset),
];

/** Bits of a number are as they should be. */
export function equals(load: readonly BpfInstruction[], value: number, mask = 0xffff_ffff): Condition {
  if (mask === 0) return constant(value === 0);
  if (mask >>> 0 === 0xffff_ffff) return test(load, bpf.jeq, value);
  return test([...load, step(alu['&'], mask)], bpf.jeq, value);
}

/** Six bytes at a place, the last four first, as libpcap compares them. */
export function macEquals(offset: number, bytes: readonly number[]): Condition {
  const [a, b, c, d, e, f] = bytes as [number, number, number, number, number, number];
  const last = ((c << 24) | (d << 16) | (e << 8) | f) >>> 0;
  return allOf(equals([loadAt(offset + 2, 4)], last), equals([loadAt(offset, 2)], (a << 8) | b));
}
