/** Numbers in a filter expression, and what is calculated from them: `tcp[12] >> 2`, `ip[2:2] - 40`, `len`. */
import type { Arithmetic, ArithmeticOperator } from './bpf-expression.js';
import { namedNumbers, protocolOfWord } from './bpf-names.js';
import { FilterRefusal } from './bpf-refusal.js';
import type { TokenStream } from './bpf-token-stream.js';

const relations = new Set(['>', '>=', '=', '<', '<=', '!=']);
export const isRelation = (text: string): boolean => relations.has(text);

const precedences: Readonly<Record<string, number>> = { '|': 1, '&': 2, '<<': 3, '>>': 3, '+': 4, '-': 4, '*': 5, '/': 5 };
const withoutPrecedence = new Set(['%', '^']);
const nestingLimit = 50;

export class ArithmeticParser {
  readonly #tokens: TokenStream;
  #nesting = 0;

  constructor(tokens: TokenStream) {
    this.#tokens = tokens;
  }

  /** Throws FilterRefusal when here is nothing to calculate. */
  read(): Arithmetic {
    const { position, kind, text } = this.#tokens.peek();
    const value = this.tryRead();
    if (value !== null) return value;
    throw new FilterRefusal('wrong', `a number is missing ${kind === 'end' ? 'at the end' : `before ${text}`}`, position);
  }

  /** Null, with the tokens anywhere, when what begins here is nothing to calculate. */
  tryRead(): Arithmetic | null {
    this.#nesting = 0;
    return this.#binary(0);
  }

  #binary(least: number): Arithmetic | null {
    if (this.#nesting >= nestingLimit) return null;
    this.#nesting++;
    let left = this.#unary();
    while (left !== null) {
      const { kind, text } = this.#tokens.peek();
      const precedence = precedences[text];
      const takesAll = withoutPrecedence.has(text);
      if (kind !== 'sign' || (!takesAll && (precedence === undefined || precedence <= least))) break;
      this.#tokens.next();
      const right: Arithmetic | null = this.#binary(takesAll ? 0 : precedence!);
      if (right === null) return null;
      left = { kind: 'operation', operator: text as ArithmeticOperator, left, right };
    }
    this.#nesting--;
    return left;
  }

  #unary(): Arithmetic | null {
    const tokens = this.#tokens;
    if (tokens.takeSign('-')) {
      const inner = this.#binary(5);
      return inner === null ? null : { kind: 'negation', inner };
    }
    if (tokens.takeSign('(')) {
      const inner = this.#binary(0);
      return inner !== null && tokens.takeSign(')') ? inner : null;
    }
    const token = tokens.next();
    if (token.kind === 'number') return { kind: 'number', value: token.value };
    if (token.kind !== 'word') return null;
    if (token.text === 'len' || token.text === 'length') return { kind: 'length' };
    const named = namedNumbers.get(token.text);
    if (named !== undefined) return { kind: 'number', value: named };
    const protocol = protocolOfWord(token.text);
    if (protocol === null || !tokens.takeSign('[')) return null;
    const offset = this.#binary(0);
    if (offset === null) throw new FilterRefusal('wrong', 'an offset is missing behind [', tokens.peek().position);
    const size = tokens.takeSign(':') ? this.#size() : 1;
    tokens.expectSign(']');
    return { kind: 'load', protocol, offset, size, position: token.position };
  }

  #size(): 1 | 2 | 4 {
    const token = this.#tokens.next();
    if (token.kind === 'number' && (token.value === 1 || token.value === 2 || token.value === 4)) return token.value;
    throw new FilterRefusal('wrong', 'behind the colon is 1, 2 or 4', token.position);
  }
}
