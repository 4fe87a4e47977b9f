/**
 * The fields of one head or trailer section: places in its bytes, decoded when first asked for. The bytes are borrowed from
 * the reader's caller; `keep` turns them into one string that every name and value is cut from.
 */

import { matches, matchesIgnoringCase } from './characters.js';
import { latin1 } from './latin1.js';
import type { Fields } from './message.js';

const noBytes = new Uint8Array(0);

export class FieldSection implements Fields {
  count = 0;
  /** Four numbers a line, counted from the start of the section: name start, name end, value start, value end. */
  places: number[] = [];
  kept = false;
  private bytes: Uint8Array = noBytes;
  private base = 0;
  private byteCount = 0;
  private text: string | null = null;

  /** Forgets everything, for the next section. */
  reset(): void {
    this.count = 0;
    this.text = null;
  }

  add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const places = this.places;
    const at = this.count++ * 4;
    places[at] = nameStart;
    places[at + 1] = nameEnd;
    places[at + 2] = valueStart;
    places[at + 3] = valueEnd;
  }

  /** The section is bytes[base, base + byteCount), until `release`. */
  lend(bytes: Uint8Array, base: number, byteCount: number): void {
    this.bytes = bytes;
    this.base = base;
    this.byteCount = byteCount;
  }

  /** Ends the loan. Without `keep` the section is empty from here on, rather than wrong. */
  release(): void {
    this.bytes = noBytes;
    if (!this.kept) this.count = 0;
  }

  keep(): this {
    this.kept = true;
    this.decoded();
    return this;
  }

  name(index: number): string {
    if (!(index >= 0 && index < this.count)) return '';
    return this.cut(this.places[index * 4]!, this.places[index * 4 + 1]!);
  }

  value(index: number): string {
    if (!(index >= 0 && index < this.count)) return '';
    return this.cut(this.places[index * 4 + 2]!, this.places[index * 4 + 3]!);
  }

  has(name: string): boolean {
    return this.next(name.toLowerCase(), 0) !== -1;
  }

  get(name: string): string | null {
    const lowerCase = name.toLowerCase();
    const first = this.next(lowerCase, 0);
    if (first === -1) return null;
    let value = this.value(first);
    for (let index = this.next(lowerCase, first + 1); index !== -1; index = this.next(lowerCase, index + 1)) {
      value += `, ${this.value(index)}`;
    }
    return value;
  }

  getAll(name: string): string[] {
    const lowerCase = name.toLowerCase();
    const values: string[] = [];
    for (let index = this.next(lowerCase, 0); index !== -1; index = this.next(lowerCase, index + 1))
      values.push(this.value(index));
    return values;
  }

  lines(): (readonly [name: string, value: string])[] {
    return [...this];
  }

  *[Symbol.iterator](): Iterator<readonly [name: string, value: string]> {
    for (let index = 0; index < this.count; index++) yield [this.name(index), this.value(index)];
  }

  /** Index of the first line of that name from line `from` on, or −1. */
  private next(lowerCase: string, from: number): number {
    for (let index = from; index < this.count; index++) {
      const start = this.places[index * 4]!;
      const end = this.places[index * 4 + 1]!;
      if (end - start !== lowerCase.length) continue;
      if (this.text === null) {
        if (matchesIgnoringCase(this.bytes, this.base + start, this.base + end, lowerCase)) return index;
      } else if (this.text.slice(start, end).toLowerCase() === lowerCase) return index;
    }
    return -1;
  }

  /** While the bytes are there, only what is asked for is decoded, so that it does not keep the whole section alive. */
  private cut(start: number, end: number): string {
    return this.text === null ? latin1(this.bytes, this.base + start, this.base + end) : this.text.slice(start, end);
  }

  /** Whether the value of line `index` is `text`, without decoding it. */
  valueIs(index: number, text: string): boolean {
    const start = this.places[index * 4 + 2]!;
    const end = this.places[index * 4 + 3]!;
    if (this.text === null) return matches(this.bytes, this.base + start, this.base + end, text);
    return this.text.slice(start, end) === text;
  }

  private decoded(): string {
    if (this.text === null) this.text = latin1(this.bytes, this.base, this.base + this.byteCount);
    return this.text;
  }
}
