/**
 * What a scenario is judged by: the packets that were recorded, as the observer explains them. The file that is left behind is read anew
 * from its first byte, so whoever explains it later sees the same.
 */

import { createReadStream } from 'node:fs';
import type { SourceSummary } from '../base/index.js';
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

export async function readEvidence(file: string, counted: ReadonlyMap<string, number>): Promise<Evidence> {
  const connections: Connection[] = [];
  const diagnosis = new Diagnosis();
  const story = new Story({
    onConnection: (connection) => {
      connections.push(connection);
      diagnosis.take(connection);
    },
    detailOf: new All(),
  });
  const capture = observeCapture({ observe: story.observe });
  for await (const chunk of createReadStream(file)) capture.push(chunk as Uint8Array);
  const source = capture.end();
  story.end();
  connections.sort((a, b) => a.id - b.id);
  const findings = diagnosis.findings();
  return {
    connections,
    totals: story.totals,
    findings,
    inferences: diagnosis.inferences(),
    verdict: diagnosis.verdict(findings),
    source,
    counted,
  };
}
