/**
 * `holdfast lab --all`: every scenario in a process and a network of its own, a few at a time, since they mostly wait. Those that measure
 * come last and alone.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Scenario, scenarios } from '../lab/index.js';
import { escapeName, formatCounted, type TerminalStyle } from '../view/index.js';
import type { Streams } from './command-context.js';
import { exitCodes } from './failure.js';
import type { LabOptions } from './lab.js';
import { type Outcome, playInOwnProcess } from './lab-process.js';
import { terminalStyle } from './terminal-style.js';

/** At a time, when nobody says how many. */
const usualJobs = 3;
export async function playAll(options: LabOptions, { output, screen, environment }: Streams): Promise<number> {
  const style = terminalStyle(options, screen, environment);
  const folder = options.out ?? (await mkdtemp(join(tmpdir(), 'holdfast-lab-')));
  const outcomes: Outcome[] = [];
  const longest = Math.max(...scenarios.map(({ name }) => name.length));
  const play = async (scenario: Scenario): Promise<void> => {
    const outcome = await playInOwnProcess(scenario.name, { ...options, out: folder });
    outcomes.push(outcome);
    if (options.json === true) return;
    for (const line of linesOf(outcome, longest, style)) output.line(line);
    await output.flush();
  };
  try {
    const together = scenarios.filter(({ measures }) => measures !== true);
    const workers = Array.from({ length: options.jobs ?? usualJobs }, async () => {
      for (let next = together.shift(); next !== undefined; next = together.shift()) await play(next);
    });
    await Promise.all(workers);
    for (const scenario of scenarios) if (scenario.measures === true) await play(scenario);
  } finally {
    if (options.out === undefined) await rm(folder, { recursive: true, force: true });
  }
  const failed = outcomes.filter(({ passed }) => passed === false).length;
  const skipped = outcomes.filter(({ passed }) => passed === null).length;
  if (options.json === true) {
    const inOrder = scenarios.flatMap(({ name }) => outcomes.filter(({ scenario }) => scenario === name));
    output.line(JSON.stringify({ schema: 'holdfast.lab.v1', passed: failed === 0, scenarios: inOrder }, null, 2));
  } else output.line(totalLine(outcomes.length, failed, skipped, style));
  return failed === 0 ? exitCodes.fine : exitCodes.findings;
}

function linesOf(outcome: Outcome, longest: number, { palette }: TerminalStyle): string[] {
  const name = outcome.scenario.padEnd(longest);
  const indented = (text: string): string => `${' '.repeat(longest + 2)}${escapeName(text)}`;
  if ('why' in outcome) return [`${name}  ${palette.warning('skipped')}  ${palette.faint(escapeName(outcome.why))}`];
  if ('broken' in outcome) return [`${name}  ${palette.bad('FAILED')}  ${escapeName(outcome.broken)}`];
  const met = outcome.expectations.filter((one) => one.met).length;
  const skipped = outcome.skipped.length === 0 ? '' : `, ${outcome.skipped.length} skipped`;
  const facts = `${met} of ${outcome.expectations.length} expectations${skipped}, ${outcome.seconds.toFixed(1)} s, ${outcome.client} asks ${outcome.server}`;
  const says = outcome.passed ? palette.good('passed ') : palette.bad('FAILED ');
  return [
    `${name}  ${says}  ${palette.faint(facts)}`,
    ...outcome.expectations
      .filter((one) => !one.met)
      .map(({ words, showed }) => palette.bad(indented(`not met: ${words}: ${showed}`))),
    ...outcome.skipped.map(({ words, why }) => palette.faint(indented(`skipped: ${words}: ${why}`))),
  ];
}

function totalLine(count: number, failed: number, skipped: number, { palette }: TerminalStyle): string {
  const parts = [formatCounted(count - failed - skipped, 'scenario passed', 'scenarios passed')];
  if (skipped > 0) parts.push(`${skipped} skipped`);
  if (failed > 0) parts.push(`${failed} failed`);
  return `\n${(failed > 0 ? palette.bad : palette.good)(parts.join(', '))}`;
}
