/**
 * Writes a synthetic capture and says on stderr, as one line of JSON, what it holds.
 *
 *     node .test-out/bench/make-capture.js --kind mixed --packets 1000000 -o /tmp/mixed.pcap
 *     node .test-out/bench/make-capture.js --kind fat --packets 300000 -o - | holdfast explain -
 */

import { parseArgs } from 'node:util';
import { CaptureWriter } from './capture-writer.js';
import { type Kind, kinds, makeTraffic } from './traffic.js';

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'mixed' },
    packets: { type: 'string', default: '1000000' },
    concurrency: { type: 'string' },
    seed: { type: 'string', default: '1' },
    output: { type: 'string', short: 'o', default: '-' },
  },
});
if (!kinds.includes(values.kind as Kind)) throw new Error(`--kind is one of ${kinds.join(', ')}`);

const kind = values.kind as Kind;
const writer = new CaptureWriter(values.output);
const concurrency = Number(values.concurrency ?? (kind === 'fat' ? 4 : 500));
const tally = makeTraffic(writer, { kind, packets: Number(values.packets), concurrency, seed: Number(values.seed) });
writer.close();
console.error(JSON.stringify({ kind, packets: writer.packets, bytes: writer.bytes, ...tally }));
