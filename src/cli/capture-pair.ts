/** `explain` of exactly two captures: what they say together, if they are of the same traffic. */
import type { Comparison, SourceSummary } from '../base/index.js';
import { CaptureComparer, type SegmentTap } from '../packets/index.js';
import { renderComparison, type TerminalStyle } from '../view/index.js';

/** One of the two, while it is read. */
export interface PairReading {
  readonly tap: SegmentTap;
  ended(source: SourceSummary): void;
}

export class CapturePair {
  readonly #comparer = new CaptureComparer();
  readonly #names: readonly [first: string, second: string];
  #first: SourceSummary | null = null;
  #second: SourceSummary | null = null;

  constructor(names: readonly [first: string, second: string]) {
    this.#names = names;
  }

  reading(index: number): PairReading {
    return {
      tap: this.#comparer.tap(index === 0 ? 'first' : 'second'),
      ended: (source) => {
        if (index === 0) this.#first = source;
        else this.#second = source;
      },
    };
  }

  asText(style: TerminalStyle): string[] {
    const comparison = this.#compare();
    const [first, second] = this.#names;
    return comparison === null ? [] : renderComparison(comparison, { first, second }, style);
  }

  /** Null: they have nothing in common. */
  asJson(): string | null {
    const comparison = this.#compare();
    if (comparison === null || comparison.matchedConnections === 0) return null;
    const [first, second] = this.#names;
    const text = JSON.stringify({ schema: 'holdfast.comparison.v1', captures: { first, second }, comparison });
    return text.replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  }

  #compare(): Comparison | null {
    if (this.#first === null || this.#second === null) return null;
    return this.#comparer.end({ first: this.#first, second: this.#second });
  }
}
