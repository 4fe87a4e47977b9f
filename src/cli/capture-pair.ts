/** `explain` of exactly two captures: what they say together, if they are of the same traffic. */
import type { Comparison, SourceSummary } from '../base/index.js';
import { CaptureComparer, type SegmentTap } from '../packets/index.js';
import { type ComparedPage, renderComparison, type TerminalStyle } from '../view/index.js';

/** One of the two, while it is read. */
export interface PairReading {
  readonly tap: SegmentTap;
  readonly isFirst: boolean;
  /** `headline`: the verdict on it alone. */
  ended(source: SourceSummary, headline: string): void;
  /** The page of the first is written when the second has been read. */
  hold(write: WritePage): void;
}

export type WritePage = (compared: ComparedPage | null) => Promise<void>;

export class CapturePair {
  readonly #comparer = new CaptureComparer();
  readonly #names: readonly [first: string, second: string];
  #first: SourceSummary | null = null;
  #second: SourceSummary | null = null;
  #secondHeadline = '';
  #writePage: WritePage | null = null;
  #comparison: Comparison | null = null;

  constructor(names: readonly [first: string, second: string]) {
    this.#names = names;
  }

  reading(index: number): PairReading {
    return {
      tap: this.#comparer.tap(index === 0 ? 'first' : 'second'),
      isFirst: index === 0,
      ended: (source, headline) => {
        if (index === 0) this.#first = source;
        else {
          this.#second = source;
          this.#secondHeadline = headline;
        }
      },
      hold: (write) => {
        this.#writePage = write;
      },
    };
  }

  /** Writes the page that was held, if one was. */
  async writePage(): Promise<void> {
    const comparison = this.#compare();
    if (comparison === null) return;
    const [first, second] = this.#names;
    await this.#writePage?.({ comparison, names: { first, second }, secondHeadline: this.#secondHeadline });
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
    this.#comparison ??= this.#comparer.end({ first: this.#first, second: this.#second });
    return this.#comparison;
  }
}
