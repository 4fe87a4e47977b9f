/**
 * What a scenario is judged by: the packets that were recorded, as the observer explains them. The file that is left behind is read anew
 * from its first byte, so whoever explains it later sees the same.
 */

import { createReadStream } from 'node:fs';
import type { Observer, SourceSummary } from '../base/index.js';
import { observeCapture } from '../packets/index.js';
import {
  type Connection,
  Diagnosis,
  type Finding,
  type ServerInference,
  Story,
  type Totals,
  type Verdict,
} from '../story/index.js';

export interface Evidence {
  /** All connections in the order they were opened, with every mark. */
  readonly connections: readonly Connection[];
  readonly totals: Totals;
  readonly findings: readonly Finding[];
  readonly inferences: readonly ServerInference[];
  readonly verdict: Verdict;
  readonly source: SourceSummary;
  /** What the kernel's table of sockets said, by name. */
  readonly counted: ReadonlyMap<string, number>;
}

/** Every connection keeps all its marks. */
class All extends Set<number> {
  override has(): boolean {
    return true;
  }
}

/** Gathers observations, whatever they come from. */
export class EvidenceCollector {
  readonly #connections: Connection[] = [];
  readonly #diagnosis = new Diagnosis();
  readonly #story = new Story({
    onConnection: (connection) => {
      this.#connections.push(connection);
      this.#diagnosis.take(connection);
    },
    detailOf: new All(),
  });

  readonly observe: Observer = this.#story.observe;

  end(source: SourceSummary, counted: ReadonlyMap<string, number>): Evidence {
    this.#story.end();
    const findings = this.#diagnosis.findings();
    return {
      connections: this.#connections.sort((a, b) => a.id - b.id),
      totals: this.#story.totals,
      findings,
      inferences: this.#diagnosis.inferences(),
      verdict: this.#diagnosis.verdict(findings),
      source,
      counted,
    };
  }
}

/** Reads a recording from its first byte. */
export async function readEvidence(file: string, counted: ReadonlyMap<string, number>): Promise<Evidence> {
  const collector = new EvidenceCollector();
  const capture = observeCapture({ observe: collector.observe });
  for await (const chunk of createReadStream(file)) capture.push(chunk as Uint8Array);
  return collector.end(capture.end(), counted);
}
