/**
 * Runs the differential fuzzer against every server that is installed.
 *
 *     npm run fuzz [-- --minutes 1] [--seed 1] [--at-once 12] [--quiet 60] [--document]
 *
 * Prints each difference that no rule explains, with the seed that makes it again, and at the end how often each rule was needed; with `--document`
 * writes that into docs/fuzz.md. Exits 1 when there was a find.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { differenceRules } from './peers/difference-rules.js';
import { type Find, type FuzzReport, fuzz } from './peers/fuzz.js';
import { startPeers } from './peers/start.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    count: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'at-once': { type: 'string', default: '12' },
    quiet: { type: 'string', default: '60' },
    document: { type: 'boolean', default: false },
  },
});

const brief = (reading: Find['ours']) =>
  `${reading.responses.map((each) => `${each.status}${each.code === '' ? '' : ` ${each.code}`} [${each.seen}]`).join(', ')} → ${reading.state}`;

function show(find: Find): void {
  console.log(`\nseed ${find.seed}, ${find.peer}: ${JSON.stringify(find.difference)}`);
  console.log(`  ${JSON.stringify(find.stream)}`);
  console.log(`  ours:   ${brief(find.ours)}\n  theirs: ${brief(find.theirs)}`);
}

function progress(report: FuzzReport): void {
  console.error(`${report.streams} streams, ${report.finds.length} unexplained`);
}

function writeDocument(report: FuzzReport, titles: readonly string[], minutes: number): void {
  const first = Number(values.seed);
  const needed = differenceRules.filter(({ id }) => report.explained.has(id));
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const lines = [
    '# The same random bytes to five servers',
    '',
    `Written by \`npm run fuzz -- --document\`: seeds ${first} to ${first + report.streams - 1}, ${minutes.toFixed(0)} minutes.`,
    'Streams are requests as people and as smugglers send them, most of them damaged. Where our server reads on, it must read what the others read',
    'that read on; every other difference must have a rule that says why, by an RFC or by a known habit of the other server.',
    '',
    `${titles.join(', ')}: **${report.streams} streams, ${report.comparisons} comparisons, ${report.finds.length} differences without an explanation.**`,
    '',
    '| rule | times | why they differ |',
    '|---|--:|---|',
    ...needed.map(({ id, why }) => `| ${id} | ${report.explained.get(id)} | ${cell(why)} |`),
    '',
  ];
  mkdirSync('docs', { recursive: true });
  writeFileSync('docs/fuzz.md', lines.join('\n'));
}

const { peers, missing, stop } = await startPeers(['holdfast', 'node:http', 'Go', 'nginx', 'Apache']);
if (missing.length > 0) console.error(`not installed: ${missing.join(', ')}`);
const startedAtMs = performance.now();
const endsAtMs = startedAtMs + Number(values.minutes) * 60_000;
let interrupted = false;
process.once('SIGINT', () => {
  interrupted = true;
});
try {
  const report = await fuzz(peers, {
    firstSeed: Number(values.seed),
    count: values.count === undefined ? Number.POSITIVE_INFINITY : Number(values.count),
    atOnce: Number(values['at-once']),
    quietMs: Number(values.quiet),
    shouldStop: () => interrupted || performance.now() > endsAtMs,
    onFind: show,
    onProgress: progress,
  });
  console.log(
    `\n${report.streams} streams, ${report.comparisons} comparisons, ${report.finds.length} differences without an explanation`,
  );
  for (const rule of differenceRules) {
    const times = report.explained.get(rule.id);
    if (times !== undefined) console.log(`${String(times).padStart(8)}  ${rule.id}: ${rule.why}`);
  }
  if (values.document) {
    const titles = peers.map(({ title }) => title);
    writeDocument(report, titles, (performance.now() - startedAtMs) / 60_000);
  }
  if (report.finds.length > 0) process.exitCode = 1;
} finally {
  await stop();
}
