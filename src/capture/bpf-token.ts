/**
 * Words of a filter expression (pcap-filter(7)). As libpcap's scanner does, the longest word that fits is taken, and a keyword only
 * where the whole word is one: `8080-8090` and `tcp-syn` are single words, `port80` is a name.
 */
import { isIPv6 } from 'node:net';
import { FilterRefusal } from './bpf-refusal.js';

export type FilterToken = { readonly position: number; readonly text: string } & (
  | { readonly kind: 'word' }
  | { readonly kind: 'number'; readonly value: number }
  /** Two to four numbers with dots: part of an IPv4 address, or all of it. */
  | { readonly kind: 'ipv4' }
  | { readonly kind: 'ipv6' }
  | { readonly kind: 'mac' }
  /** Also the words `and`, `or`, `not`, as `&&`, `||`, `!`. */
  | { readonly kind: 'sign' }
  | { readonly kind: 'end' }
);

/** Characters of an expression. */
const expressionLimit = 65_536;

const space = /[ \r\n\t]+/y;
const sign = /\|\||&&|>=|<=|!=|==|<<|>>|[+\-*/%:[\]!<>()&|^=]/y;
const word = /\\[^ !()\n\t]+|[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?/y;
const number = /^(?:0[xX][0-9a-fA-F]+|\d+)$/;
const ipv4 = /^\d+(?:\.\d+){1,3}$/;
const withColons = /[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/y;
const mac =
  /^(?:[\da-f]{1,2}(?::[\da-f]{1,2}){5}|[\da-f]{1,2}(?:-[\da-f]{1,2}){5}|[\da-f]{1,2}(?:\.[\da-f]{1,2}){5}|[\da-f]{4}(?:\.[\da-f]{4}){2}|[\da-f]{12})$/i;
const signOfWord: Readonly<Record<string, string>> = { and: '&&', or: '||', not: '!' };

/** All tokens, the last of kind `end`. Throws FilterRefusal. */
export function tokenise(expression: string): FilterToken[] {
  if (expression.length > expressionLimit)
    throw new FilterRefusal('unsupported', `an expression of more than ${expressionLimit} characters`, expressionLimit);
  const tokens: FilterToken[] = [];
  let position = 0;
  const match = (pattern: RegExp): string => {
    pattern.lastIndex = position;
    return pattern.exec(expression)?.[0] ?? '';
  };
  while (position < expression.length) {
    const blank = match(space);
    if (blank !== '') {
      position += blank.length;
      continue;
    }
    const token =
      addressWithColons(match(withColons), position) ?? wordToken(match(word), position) ?? signToken(match(sign), position);
    if (token === null) throw new FilterRefusal('wrong', `${JSON.stringify(expression[position])} has no place here`, position);
    tokens.push(token.token);
    position += token.length;
  }
  tokens.push({ kind: 'end', text: '', position });
  return tokens;
}

interface Scanned {
  readonly token: FilterToken;
  readonly length: number;
}

function addressWithColons(text: string, position: number): Scanned | null {
  if (isIPv6(text)) return { token: { kind: 'ipv6', text, position }, length: text.length };
  return mac.test(text) ? { token: { kind: 'mac', text, position }, length: text.length } : null;
}

function wordToken(text: string, position: number): Scanned | null {
  if (text === '') return null;
  const { length } = text;
  const inSigns = signOfWord[text];
  if (inSigns !== undefined) return { token: { kind: 'sign', text: inSigns, position }, length };
  if (mac.test(text)) return { token: { kind: 'mac', text, position }, length };
  if (number.test(text)) return { token: { kind: 'number', text, position, value: readNumber(text, position) }, length };
  return { token: { kind: ipv4.test(text) ? 'ipv4' : 'word', text, position }, length };
}

function signToken(text: string, position: number): Scanned | null {
  if (text === '') return null;
  return { token: { kind: 'sign', text: text === '==' ? '=' : text, position }, length: text.length };
}

/** Decimal, hexadecimal behind 0x, octal behind 0, as C reads them. */
function readNumber(text: string, position: number): number {
  const isOctal = /^0\d/.test(text);
  if (isOctal && /[89]/.test(text)) throw new FilterRefusal('wrong', `${text} is no number: a leading 0 means octal`, position);
  const value = isOctal ? Number.parseInt(text, 8) : Number(text);
  if (value <= 0xffff_ffff) return value;
  throw new FilterRefusal('wrong', `${text} does not fit into 32 bits`, position);
}
