/** Addresses and networks of filter expressions, as words and masks. */
import type { FilterNetwork } from './bpf-expression.js';
import { FilterRefusal } from './bpf-refusal.js';
import type { FilterToken } from './bpf-token.js';

const allBits = 0xffff_ffff;
const maskOf = (bits: number): number => (bits === 0 ? 0 : (allBits << (32 - bits)) >>> 0);

/**
 * `10.1.2.3`, or the beginning of one (`10.1`), which stands for the network that begins so.
 * @param mask bits of the network, or a token with a mask; null: as many as are written
 */
export function readIpv4(token: FilterToken, mask: number | FilterToken | null): FilterNetwork {
  const { word, written } = dottedWord(token);
  const bits = mask === null ? written : typeof mask === 'number' ? maskOf(mask) : dottedWord(mask).word;
  if ((word & ~bits) !== 0) throw hasHostBits(token);
  return { words: [word], masks: [bits] };
}

/** A word from numbers with dots, and a mask of the bytes that are written. */
function dottedWord({ text, position }: FilterToken): { readonly word: number; readonly written: number } {
  const parts = text.split('.').map(Number);
  if (parts.some((part) => part > 255)) throw new FilterRefusal('wrong', `${text} is no IPv4 address`, position);
  const missing = 4 - parts.length;
  const word = parts.reduce((sum, part) => sum * 256 + part, 0) * 256 ** missing;
  return { word, written: maskOf(32 - 8 * missing) };
}

/** A bare number: an address as a whole, or, of a network, its first bytes (`net 10`). */
export function readNetworkNumber(value: number, isNet: boolean): FilterNetwork {
  let word = value;
  let mask = allBits;
  while (isNet && word !== 0 && word < 0x0100_0000) {
    word *= 256;
    mask = (mask << 8) >>> 0;
  }
  return { words: [word], masks: [mask] };
}

/** The token is a valid IPv6 address (`isIPv6` of node:net). */
export function readIpv6(token: FilterToken, bits: number): FilterNetwork {
  const words = ipv6Words(token.text);
  const masks = [0, 1, 2, 3].map((index) => maskOf(Math.min(32, Math.max(0, bits - 32 * index))));
  if (words.some((word, index) => (word & ~masks[index]!) !== 0)) throw hasHostBits(token);
  return { words, masks };
}

function ipv6Words(text: string): number[] {
  const [before, after] = text.split('::').map(groupsOf);
  const groups =
    after === undefined ? before! : [...before!, ...new Array<number>(8 - before!.length - after.length).fill(0), ...after];
  return [0, 2, 4, 6].map((index) => groups[index]! * 65_536 + groups[index + 1]!);
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a, b, c, d] = group.split('.').map(Number);
    return [a! * 256 + b!, c! * 256 + d!];
  });
}

/** The token is six bytes, in one of the ways of writing them. */
export function readMac(text: string): number[] {
  const parts = text.split(/[:.-]/);
  const digits = parts.length === 6 ? parts.map((part) => part.padStart(2, '0')).join('') : parts.join('');
  return Array.from({ length: 6 }, (_, index) => Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16));
}

const hasHostBits = ({ text, position }: FilterToken): FilterRefusal =>
  new FilterRefusal('wrong', `${text} has bits behind the mask of its network`, position);
