import type { Finding } from 'holdfast/story';

/** A conversation, and what one rule says of it. */
export interface RuleCase {
  readonly rule: string;
  /** What happens, in words. */
  readonly name: string;
  readonly story: string;
  /** In seconds. */
  readonly roundTrip?: number;
  /** Null: a near miss, the rule must be silent. Otherwise members of the finding, and words of its detail. */
  readonly finding: (Partial<Finding> & { readonly says?: RegExp }) | null;
}
