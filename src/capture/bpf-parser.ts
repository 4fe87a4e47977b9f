/**
 * Filter expressions as libpcap reads them (pcap-filter(7); its grammar.y where the manual is silent).
 *
 * Rules that surprise
 * - `and` and `or` bind equally, from left to right; `not` binds tighter.
 * - A value without a qualifier takes those of the primitive before it: `tcp dst port ftp or 80 or 443`.
 *   Behind a primitive that has none (`tcp or 80`), it is an error.
 * - `%` and `^` have no precedence in libpcap's grammar: what stands right of them is all theirs.
 *
 * Deliberately absent: names of hosts and networks (they need a resolver), and link types, tunnels and switches that nobody looks at
 * HTTP with (vlan, mpls, pppoes, wlan …). They are refused as `unsupported`, for tcpdump to try.
 */
import { readIpv4, readIpv6, readMac, readNetworkNumber } from './bpf-address.js';
import { ArithmeticParser, isRelation } from './bpf-arithmetic-parser.js';
import type { FilterDirection, FilterExpression, Qualifiers, Relation } from './bpf-expression.js';
import { protocolNumbers, protocolOfWord, serviceOf, unsupportedWords } from './bpf-names.js';
import { FilterRefusal } from './bpf-refusal.js';
import type { FilterToken } from './bpf-token.js';
import { tokenise } from './bpf-token.js';
import { TokenStream } from './bpf-token-stream.js';

/** Primitives of one expression, and parentheses within parentheses. */
const primitiveLimit = 2048;
const nestingLimit = 100;

/** The tree of an expression. Throws FilterRefusal. */
export function parseFilterExpression(text: string): FilterExpression {
  const tokens = new TokenStream(tokenise(text));
  if (tokens.peek().kind === 'end') return { kind: 'everything' };
  const { expression } = new FilterParser(tokens).expression(null);
  const rest = tokens.peek();
  if (rest.kind !== 'end') throw wrongAt(rest);
  return expression;
}

/** An expression, and the qualifiers that a value behind it takes. */
interface Parsed {
  readonly expression: FilterExpression;
  readonly qualifiers: Qualifiers | null;
}

const directionWords = new Set(['src', 'dst']);
const typeWords = new Set(['host', 'net', 'port', 'portrange', 'proto']);

class FilterParser {
  readonly #tokens: TokenStream;
  readonly #arithmetic: ArithmeticParser;
  #primitives = 0;
  #nesting = 0;

  constructor(tokens: TokenStream) {
    this.#tokens = tokens;
    this.#arithmetic = new ArithmeticParser(tokens);
  }

  expression(inherited: Qualifiers | null): Parsed {
    let left = this.#term(inherited);
    for (;;) {
      const kind = this.#tokens.takeSign('&&') ? 'and' : this.#tokens.takeSign('||') ? 'or' : null;
      if (kind === null) return left;
      const right = this.#term(left.qualifiers);
      left = { expression: { kind, left: left.expression, right: right.expression }, qualifiers: right.qualifiers };
    }
  }

  #term(inherited: Qualifiers | null): Parsed {
    return this.#nested(() => {
      const tokens = this.#tokens;
      if (tokens.takeSign('!')) {
        const { expression, qualifiers } = this.#term(inherited);
        return { expression: { kind: 'not', inner: expression }, qualifiers };
      }
      const relation = this.#relation();
      if (relation !== null) return { expression: relation, qualifiers: null };
      if (tokens.takeSign('(')) {
        const { expression } = this.expression(inherited);
        tokens.expectSign(')');
        return { expression, qualifiers: inherited };
      }
      return this.#primitive(inherited);
    });
  }

  /** A comparison of numbers, if one begins here. */
  #relation(): FilterExpression | null {
    const start = this.#tokens.place;
    const left = this.#arithmetic.tryRead();
    const token = this.#tokens.peek();
    if (left !== null && token.kind === 'sign' && isRelation(token.text)) {
      this.#tokens.next();
      return this.#counted({ kind: 'relation', relation: token.text as Relation, left, right: this.#arithmetic.read() });
    }
    this.#tokens.place = start;
    return null;
  }

  #primitive(inherited: Qualifiers | null): Parsed {
    const tokens = this.#tokens;
    const start = tokens.peek();
    if (start.kind !== 'word') return { expression: this.#value(inherited), qualifiers: inherited };
    if (unsupportedWords.has(start.text))
      throw new FilterRefusal('unsupported', `${start.text} is not known here`, start.position);
    if (start.text === 'less' || start.text === 'greater') {
      tokens.next();
      return { expression: this.#length(start.text), qualifiers: null };
    }
    const protocol = protocolOfWord(start.text);
    if (protocol !== null) tokens.next();
    const group = tokens.takeWord('broadcast', 'multicast');
    if (group !== null) {
      const { position } = start;
      const address = group as 'broadcast' | 'multicast';
      return { expression: this.#counted({ kind: 'group-address', address, protocol, position }), qualifiers: null };
    }
    const direction = this.#direction();
    const type = tokens.takeWord(...typeWords) as Qualifiers['type'];
    const unknown = tokens.peek();
    if (unknown.kind === 'word' && (unknown.text === 'protochain' || unknown.text === 'gateway'))
      throw new FilterRefusal('unsupported', `${unknown.text} is not known here`, unknown.position);
    if (direction === null && type === null) {
      if (protocol === null) return { expression: this.#value(inherited), qualifiers: inherited };
      return { expression: this.#counted({ kind: 'protocol', protocol, position: start.position }), qualifiers: null };
    }
    const qualifiers: Qualifiers = { protocol, direction: direction ?? 'either', type };
    return { expression: this.#values(qualifiers), qualifiers };
  }

  #direction(): FilterDirection | null {
    const tokens = this.#tokens;
    const first = tokens.takeWord(...directionWords);
    if (first === null) return null;
    const join = tokens.peek();
    const second = tokens.peek(1);
    const joins = join.kind === 'sign' && (join.text === '||' || join.text === '&&');
    if (joins && second.kind === 'word' && directionWords.has(second.text) && second.text !== first) {
      tokens.next();
      tokens.next();
      return join.text === '||' ? 'either' : 'both';
    }
    return first as FilterDirection;
  }

  /** `less` and `greater` mean at most and at least. */
  #length(text: 'less' | 'greater'): FilterExpression {
    const token = this.#tokens.next();
    if (token.kind !== 'number') throw wrongAt(token);
    const right = { kind: 'number', value: token.value } as const;
    return this.#counted({ kind: 'relation', relation: text === 'less' ? '<=' : '>=', left: { kind: 'length' }, right });
  }

  /** A value, or several in parentheses: `(80 or 8080)`. */
  #values(qualifiers: Qualifiers): FilterExpression {
    return this.#nested(() => {
      const tokens = this.#tokens;
      if (tokens.takeSign('!')) return { kind: 'not', inner: this.#values(qualifiers) };
      if (!tokens.takeSign('(')) return this.#value(qualifiers);
      let left = this.#values(qualifiers);
      for (;;) {
        const kind = tokens.takeSign('&&') ? 'and' : tokens.takeSign('||') ? 'or' : null;
        if (kind === null) break;
        left = { kind, left, right: this.#values(qualifiers) };
      }
      tokens.expectSign(')');
      return left;
    });
  }

  #value(qualifiers: Qualifiers | null): FilterExpression {
    const token = this.#tokens.next();
    const { position } = token;
    if (token.kind === 'end' || token.kind === 'sign') throw wrongAt(token);
    if (qualifiers === null) {
      throw token.kind === 'word'
        ? new FilterRefusal('unsupported', `${token.text} is not known here`, position)
        : new FilterRefusal('wrong', `what ${token.text} is has to be said: host, net or port`, position);
    }
    const { type } = qualifiers;
    switch (token.kind) {
      case 'mac':
        return this.#counted({ kind: 'mac', qualifiers, bytes: readMac(token.text), position });
      case 'ipv4':
      case 'ipv6': {
        if (type !== null && type !== 'host' && type !== 'net')
          throw new FilterRefusal('wrong', `${token.text} is an address, and ${type} wants none`, position);
        const network = token.kind === 'ipv4' ? this.#ipv4Network(token, type) : this.#ipv6Network(token, type);
        return this.#counted({ kind: 'network', qualifiers, network, position });
      }
      case 'number':
        return this.#counted(numberedValue(token, qualifiers));
      case 'word':
        return this.#counted(namedValue(token, qualifiers));
    }
  }

  #ipv4Network(token: FilterToken, type: Qualifiers['type']): ReturnType<typeof readIpv4> {
    const tokens = this.#tokens;
    if (tokens.takeSign('/')) return netOnly(readIpv4(token, this.#prefixLength(32)), type, token);
    if (tokens.takeWord('mask') === null) return readIpv4(token, null);
    const mask = tokens.next();
    if (mask.kind !== 'ipv4') throw wrongAt(mask);
    return netOnly(readIpv4(token, mask), type, token);
  }

  #ipv6Network(token: FilterToken, type: Qualifiers['type']): ReturnType<typeof readIpv6> {
    if (!this.#tokens.takeSign('/')) return readIpv6(token, 128);
    const bits = this.#prefixLength(128);
    return bits === 128 ? readIpv6(token, bits) : netOnly(readIpv6(token, bits), type, token);
  }

  #prefixLength(most: number): number {
    const token = this.#tokens.next();
    if (token.kind === 'number' && token.value <= most) return token.value;
    throw new FilterRefusal('wrong', `a network has 0 to ${most} bits behind the slash`, token.position);
  }

  #counted(expression: FilterExpression): FilterExpression {
    this.#primitives++;
    if (this.#primitives <= primitiveLimit) return expression;
    const { position } = this.#tokens.peek();
    throw new FilterRefusal('unsupported', `more than ${primitiveLimit} conditions`, position);
  }

  #nested<Value>(read: () => Value): Value {
    this.#nesting++;
    if (this.#nesting > nestingLimit)
      throw new FilterRefusal('unsupported', `more than ${nestingLimit} levels of nesting`, this.#tokens.peek().position);
    const value = read();
    this.#nesting--;
    return value;
  }
}

function netOnly<Network>(network: Network, type: Qualifiers['type'], { text, position }: FilterToken): Network {
  if (type === 'net') return network;
  throw new FilterRefusal('wrong', `${text} with a mask is a network: net ${text}/…`, position);
}

function numberedValue(token: FilterToken & { kind: 'number' }, qualifiers: Qualifiers): FilterExpression {
  const { position, value, text } = token;
  switch (qualifiers.type) {
    case null:
    case 'host':
    case 'net':
      return { kind: 'network', qualifiers, network: readNetworkNumber(value, qualifiers.type === 'net'), position };
    case 'port':
    case 'portrange':
      if (value > 65_535) throw new FilterRefusal('wrong', `${text} is no port`, position);
      return { kind: 'ports', qualifiers, from: value, to: value, service: null, position };
    case 'proto':
      return { kind: 'proto', qualifiers, number: value, position };
  }
}

/** Behind `port` the name of a service, behind `portrange` two ports, behind `proto` a protocol (keywords with a backslash). */
function namedValue({ text, position }: FilterToken, qualifiers: Qualifiers): FilterExpression {
  const name = text.replace(/^\\/, '');
  switch (qualifiers.type) {
    case 'portrange':
    case 'port': {
      const range = /^(\d+)-(\d+)$/.exec(name);
      if (range !== null && qualifiers.type === 'portrange') {
        const [from, to] = [Number(range[1]), Number(range[2])];
        if (Math.max(from, to) > 65_535) throw new FilterRefusal('wrong', `${name} are no ports`, position);
        return { kind: 'ports', qualifiers, from: Math.min(from, to), to: Math.max(from, to), service: null, position };
      }
      const service = serviceOf(name);
      if (service === null)
        throw new FilterRefusal('unsupported', `the service ${name} is not known here; a number is`, position);
      return { kind: 'ports', qualifiers, from: service.port, to: service.port, service: service.protocols, position };
    }
    case 'proto': {
      const number = protocolNumbers.get(name);
      if (number === undefined || qualifiers.protocol === 'link')
        throw new FilterRefusal('unsupported', `the protocol ${name} is not known here; a number is`, position);
      return { kind: 'proto', qualifiers, number, position };
    }
    default:
      throw new FilterRefusal('unsupported', `names are not looked up here: write the address of ${name}`, position);
  }
}

function wrongAt({ kind, text, position }: FilterToken): FilterRefusal {
  return new FilterRefusal('wrong', kind === 'end' ? 'something is missing at the end' : `${text} has no place here`, position);
}
