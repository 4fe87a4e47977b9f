/**
 * Compares what `packets` and `story` find in a capture with what tshark found (a row of truth.tsv: see the README beside it).
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { observeCapture } from 'holdfast/packets';
import { type Connection, Story } from 'holdfast/story';

/** The counts that are compared, by their column in truth.tsv. */
const comparedCounts = {
  tcp_streams: 'connections',
  http_requests: 'requests',
  http_responses: 'responses',
  rst: 'resets',
  fin: 'fins',
  tcp_keepalive_probes: 'keepAliveProbes',
} as const;

export type ComparedCount = (typeof comparedCounts)[keyof typeof comparedCounts];

export interface TruthRow {
  readonly path: string;
  readonly counts: Readonly<Record<ComparedCount, number>>;
  /** With out-of-order reassembly switched on. */
  readonly requestsReordered: number;
  readonly responsesReordered: number;
}

export function readTruth(file: string): TruthRow[] {
  const [header, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const columns = header!.split('\t');
  return lines.map((line) => {
    const cells = line.split('\t');
    const cell = (name: string): number => Number(cells[columns.indexOf(name)] || 0);
    const counts = Object.fromEntries(Object.entries(comparedCounts).map(([column, name]) => [name, cell(column)]));
    return {
      path: cells[0]!,
      counts: counts as Record<ComparedCount, number>,
      requestsReordered: cell('http_requests_ooo'),
      responsesReordered: cell('http_responses_ooo'),
    };
  });
}

export interface Explained {
  readonly counts: Readonly<Record<ComparedCount, number>>;
  readonly connections: readonly Connection[];
}

export function explainFile(file: string): Explained {
  let bytes: Uint8Array = readFileSync(file);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes);
  const connections: Connection[] = [];
  const story = new Story({ onConnection: (connection) => connections.push(connection) });
  const capture = observeCapture({ observe: (observation) => story.observe(observation) });
  capture.push(bytes);
  capture.end();
  story.end();
  return { counts: story.totals, connections };
}

export interface Difference {
  readonly path: string;
  readonly count: ComparedCount;
  readonly tshark: number;
  readonly holdfast: number;
}

export function compareRow(row: TruthRow, explained: Explained): Difference[] {
  return (Object.values(comparedCounts) as ComparedCount[])
    .filter((count) => row.counts[count] !== explained.counts[count])
    .map((count) => ({ path: row.path, count, tshark: row.counts[count], holdfast: explained.counts[count] }));
}
