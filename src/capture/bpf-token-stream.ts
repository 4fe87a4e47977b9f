/** The tokens of an expression, read one after the other, with a way back. */
import { FilterRefusal } from './bpf-refusal.js';
import type { FilterToken } from './bpf-token.js';

export class TokenStream {
  /** Index of the next token. */
  place = 0;
  readonly #tokens: readonly FilterToken[];

  constructor(tokens: readonly FilterToken[]) {
    this.#tokens = tokens;
  }

  peek(ahead = 0): FilterToken {
    return this.#tokens[Math.min(this.place + ahead, this.#tokens.length - 1)]!;
  }

  next(): FilterToken {
    const token = this.peek();
    this.place++;
    return token;
  }

  takeSign(text: string): boolean {
    const token = this.peek();
    if (token.kind !== 'sign' || token.text !== text) return false;
    this.place++;
    return true;
  }

  expectSign(text: string): void {
    if (this.takeSign(text)) return;
    const { kind, text: found, position } = this.peek();
    throw new FilterRefusal('wrong', `${text} is missing before ${kind === 'end' ? 'the end' : found}`, position);
  }

  /** The next token when it is one of these words. */
  takeWord(...texts: string[]): string | null {
    const token = this.peek();
    if (token.kind !== 'word' || !texts.includes(token.text)) return null;
    this.place++;
    return token.text;
  }
}
