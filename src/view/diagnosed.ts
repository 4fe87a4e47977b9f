/** What the rules say of a whole input: the same value for every renderer. */
import type { Finding, ServerInference, Verdict } from '../story/index.js';

export interface Diagnosed {
  readonly verdict: Verdict;
  /** Worst first. */
  readonly findings: readonly Finding[];
  /** What was inferred of each server over many connections, the busiest first. */
  readonly inferences: readonly ServerInference[];
}
