/**
 * A display filter: `tcp.port == 8191 and http.response.code >= 500`, as people know it from Wireshark, over whole connections.
 *
 * Rules
 * - The field names are Wireshark's where the field means the same; `ending.by`, `ending.how` and `ending.why` are Holdfast's own.
 * - A field may have several values (a connection has two ports and many requests). `==`, `<`, `contains` … hold when any
 *   value does; `!=` holds when no value is equal, as in Wireshark since 3.6. A bare field holds when it has any value.
 * - Two tests on one connection need not be met by the same exchange: a filter chooses connections, not packets.
 *
 * Deliberately absent: functions, slices, arithmetic, layers (`#1`), and byte-level fields.
 */
import { type Field, fields, filterFields, type Value } from './filter-fields.js';
import { inNetwork, parseNetwork } from './ip-network.js';
import type { Connection } from './model.js';

/** A filter that cannot be read. `message` is one line; `position` counts characters from 0; `hint` says what to write instead. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
  readonly code = 'bad-filter';
  readonly position: number;
  readonly hint: string;

  constructor(message: string, position: number, hint: string) {
    super(message);
    this.position = position;
    this.hint = hint;
  }
}

export type ConnectionPredicate = (connection: Connection) => boolean;

/** Nesting of parentheses and `not`. */
const depthLimit = 100;

/** Reads a filter; an empty one lets every connection through. Throws FilterError. */
export function parseFilter(text: string): ConnectionPredicate {
  const reader = new FilterReader(text);
  return reader.read();
}

/** Connections with this port on either side. */
export const hasPort =
  (port: number): ConnectionPredicate =>
  ({ client, server }) =>
    client.port === port || server.port === port;

/**
 * Connections of this host: an address or network (`10.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`) on either side, or else a name in
 * a Host field (with or without its port) or in a TLS server name, in any case of letters.
 */
export function hasHost(host: string): ConnectionPredicate {
  const network = parseNetwork(host.replace(/^\[(.*)\]$/, '$1'));
  if (network !== null) return ({ client, server }) => inNetwork(client.address, network) || inNetwork(server.address, network);
  const name = host.toLowerCase();
  const isName = (value: string | null): boolean => {
    const lower = value?.toLowerCase();
    return lower === name || lower?.replace(/:\d*$/, '') === name;
  };
  return ({ exchanges, protocol }) => isName(protocol.serverName) || exchanges.some((exchange) => isName(exchange.host));
}

type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'contains' | 'matches' | 'in';

const comparisons: Readonly<Record<string, Comparison>> = {
  '==': '==',
  '=': '==',
  eq: '==',
  '!=': '!=',
  ne: '!=',
  '<': '<',
  lt: '<',
  '<=': '<=',
  le: '<=',
  '>': '>',
  gt: '>',
  '>=': '>=',
  ge: '>=',
  contains: 'contains',
  matches: 'matches',
  '~': 'matches',
  in: 'in',
};

interface Token {
  readonly kind: 'word' | 'text' | 'symbol' | 'end';
  readonly text: string;
  readonly position: number;
}

const tokenPattern =
  /\s*(?:("(?:[^"\\]|\\.)*"|'[^']*')|(==|!=|<=|>=|&&|\|\||\.\.|[<>=!~(){},])|((?:[^\s"'=!<>&|~(){},.]|\.(?!\.)|&(?!&)|\|(?!\|))+)|(.))/gsy;

function readTokens(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.trimEnd().matchAll(tokenPattern)) {
    const [whole, quoted, symbol, word, other] = match;
    const found = quoted ?? symbol ?? word ?? other ?? '';
    const position = match.index + whole.length - found.length;
    if (other !== undefined) {
      const hint =
        other === '"' || other === "'" ? 'close the quotation mark' : 'put text with special characters into double quotes';
      throw new FilterError(`unexpected ${JSON.stringify(other)}`, position, hint);
    }
    if (quoted !== undefined) tokens.push({ kind: 'text', text: unquote(quoted), position });
    else tokens.push({ kind: symbol === undefined ? 'word' : 'symbol', text: found, position });
  }
  tokens.push({ kind: 'end', text: '', position: text.trimEnd().length });
  return tokens;
}

const unquote = (quoted: string): string =>
  quoted.startsWith("'") ? quoted.slice(1, -1) : quoted.slice(1, -1).replace(/\\(.)/gs, '$1');

/** Recursive descent: or → and → not → ( … ) or a test. */
class FilterReader {
  readonly #tokens: Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#tokens = readTokens(text);
  }

  read(): ConnectionPredicate {
    if (this.#peek().kind === 'end') return () => true;
    const predicate = this.#or();
    const rest = this.#peek();
    if (rest.kind !== 'end')
      throw new FilterError(`unexpected ${JSON.stringify(rest.text)}`, rest.position, 'join two tests with "and" or "or"');
    return predicate;
  }

  #peek(): Token {
    return this.#tokens[this.#at]!;
  }

  #next(): Token {
    const token = this.#tokens[this.#at]!;
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  #accept(...texts: readonly string[]): boolean {
    const token = this.#peek();
    const found = token.kind !== 'text' && token.kind !== 'end' && texts.includes(token.text.toLowerCase());
    if (found) this.#at++;
    return found;
  }

  #or(): ConnectionPredicate {
    const parts = [this.#and()];
    while (this.#accept('or', '||')) parts.push(this.#and());
    return parts.length === 1 ? parts[0]! : (connection) => parts.some((part) => part(connection));
  }

  #and(): ConnectionPredicate {
    const parts = [this.#not()];
    while (this.#accept('and', '&&')) parts.push(this.#not());
    return parts.length === 1 ? parts[0]! : (connection) => parts.every((part) => part(connection));
  }

  #not(): ConnectionPredicate {
    const start = this.#peek();
    if (++this.#depth > depthLimit) throw new FilterError('too deeply nested', start.position, `at most ${depthLimit} levels`);
    try {
      if (this.#accept('not', '!')) {
        const part = this.#not();
        return (connection) => !part(connection);
      }
      if (!this.#accept('(')) return this.#test();
      const inner = this.#or();
      const close = this.#peek();
      if (!this.#accept(')'))
        throw new FilterError(
          'a closing parenthesis is missing',
          close.position,
          `for the "(" at character ${start.position + 1}`,
        );
      return inner;
    } finally {
      this.#depth--;
    }
  }

  #test(): ConnectionPredicate {
    const token = this.#next();
    if (token.kind === 'end')
      throw new FilterError('the filter ends too early', token.position, 'a test is missing, for example tcp.port == 80');
    if (token.kind !== 'word')
      throw new FilterError(
        `unexpected ${JSON.stringify(token.text)}`,
        token.position,
        'a test begins with a field, for example tcp.port == 80',
      );
    const name = token.text.toLowerCase();
    const field = Object.hasOwn(fields, name) ? fields[name]! : null;
    if (field === null) throw new FilterError(`unknown field ${JSON.stringify(token.text)}`, token.position, hintForField(name));
    const values = valuesOf(field);
    const comparison = this.#comparison();
    if (comparison === null) return (connection) => values(connection).some((value) => field.type !== 'flag' || value === 1);
    if (comparison !== 'in') {
      const test = testOf(field, comparison, this.#value(name), name);
      // `!=` says of every value what `==` denies of each, and nothing of a field without values.
      if (comparison === '!=') return (connection) => values(connection).length > 0 && values(connection).every(test);
      return (connection) => values(connection).some(test);
    }
    const tests = this.#set(field, name);
    return (connection) => values(connection).some((value) => tests.some((test) => test(value)));
  }

  #comparison(): Comparison | null {
    const token = this.#peek();
    if (token.kind === 'text' || token.kind === 'end') return null;
    const name = token.text.toLowerCase();
    const comparison = Object.hasOwn(comparisons, name) ? comparisons[name]! : null;
    if (comparison !== null) this.#at++;
    return comparison;
  }

  #value(field: string): Token {
    const token = this.#next();
    if (token.kind === 'word' || token.kind === 'text') return token;
    throw new FilterError(`a value for ${field} is missing`, token.position, 'a number, an address, or text in double quotes');
  }

  /** `{80, 443, 8000..8100}`; the commas may be left out. */
  #set(field: Field, name: string): ((value: Value) => boolean)[] {
    const open = this.#peek();
    if (!this.#accept('{'))
      throw new FilterError('"in" needs a set', open.position, `for example ${name} in {80, 443, 8000..8100}`);
    const tests: ((value: Value) => boolean)[] = [];
    while (!this.#accept('}')) {
      if (this.#peek().kind === 'end') throw new FilterError('the set is not closed', this.#peek().position, 'with "}"');
      const low = this.#value(name);
      if (this.#accept('..')) {
        const from = testOf(field, '>=', low, name);
        const to = testOf(field, '<=', this.#value(name), name);
        tests.push((value) => from(value) && to(value));
      } else {
        tests.push(testOf(field, '==', low, name));
      }
      this.#accept(',');
    }
    return tests;
  }
}

function valuesOf(field: Field): Field['values'] {
  const { family } = field;
  if (family === undefined) return field.values;
  return (connection) => field.values(connection).filter((address) => String(address).includes(':') === (family === 6));
}

function hintForField(name: string): string {
  const group = name.split('.')[0]!;
  const near = filterFields.filter((field) => field.split('.')[0] === group);
  return near.length > 0
    ? `known: ${near.join(', ')}`
    : `known: ${[...new Set(filterFields.map((field) => field.split('.')[0]))].join(', ')}`;
}

function testOf(field: Field, comparison: Comparison, token: Token, name: string): (value: Value) => boolean {
  switch (field.type) {
    case 'address':
      return addressTest(field, comparison, token, name);
    case 'number':
    case 'flag':
      return numberTest(comparison, token, name);
    case 'text':
      return textTest(comparison, token, name);
  }
}

function numberTest(comparison: Comparison, token: Token, name: string): (value: Value) => boolean {
  const text = token.text.toLowerCase();
  const wanted = text === 'true' ? 1 : text === 'false' ? 0 : /^(\d+(\.\d+)?|0x[\da-f]+)$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(wanted))
    throw new FilterError(`${JSON.stringify(token.text)} is no number`, token.position, `${name} is compared with a number`);
  if (comparison === 'contains' || comparison === 'matches')
    throw new FilterError(`${name} is a number`, token.position, 'compare it with ==, !=, <, <=, >, >= or in { … }');
  return (value) => compare(Number(value), wanted, comparison);
}

function textTest(comparison: Comparison, token: Token, name: string): (value: Value) => boolean {
  const wanted = token.text;
  if (comparison === 'contains') return (value) => String(value).includes(wanted);
  if (comparison !== 'matches') return (value) => compare(String(value), wanted, comparison);
  try {
    const pattern = new RegExp(wanted, 'i');
    return (value) => pattern.test(String(value));
  } catch {
    throw new FilterError(
      `${name} matches: not a regular expression`,
      token.position,
      'write \\ before a special character that is meant as itself',
    );
  }
}

function addressTest(field: Field, comparison: Comparison, token: Token, name: string): (value: Value) => boolean {
  const network = parseNetwork(token.text);
  if (network === null || network.family !== field.family) {
    const example = field.family === 6 ? '2001:db8::1 or 2001:db8::/32' : '10.0.0.1 or 10.0.0.0/8';
    throw new FilterError(
      `${JSON.stringify(token.text)} is no IPv${field.family} address`,
      token.position,
      `${name} is compared with ${example}`,
    );
  }
  if (comparison === '==') return (value) => inNetwork(String(value), network);
  if (comparison === '!=') return (value) => !inNetwork(String(value), network);
  throw new FilterError(`${name} cannot be compared with ${comparison}`, token.position, 'use ==, != or in { … }');
}

function compare<T extends Value>(value: T, wanted: T, comparison: Comparison): boolean {
  switch (comparison) {
    case '==':
      return value === wanted;
    case '!=':
      return value !== wanted;
    case '<':
      return value < wanted;
    case '<=':
      return value <= wanted;
    case '>':
      return value > wanted;
    case '>=':
      return value >= wanted;
    default:
      return false;
  }
}
