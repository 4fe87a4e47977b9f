/**
 * `holdfast lab --compare`: the same scenario against every server there is, and what the packets say of each, side by side: who closes,
 * after how long, what is announced.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Scenario, serverPeers } from '../lab/index.js';
import { escapeName, formatDuration, type TerminalStyle } from '../view/index.js';
import type { Streams } from './command-context.js';
import { exitCodes } from './failure.js';
import type { LabOptions } from './lab.js';
import type { OutcomeJson } from './lab-outcome.js';
import { type Outcome, playInOwnProcess } from './lab-process.js';
import { terminalStyle } from './terminal-style.js';

/** What is compared when nothing is named. */
const usualScenarios = ['timeout-idle', 'timeout-zero', 'keep-alive-1.0', 'bad-request'];

interface Compared {
  readonly server: string;
  readonly title: string;
  readonly outcome: Outcome;
}

export async function compareServers(scenario: Scenario | null, options: LabOptions, streams: Streams): Promise<number> {
  const { output, screen, environment } = streams;
  const style = terminalStyle(options, screen, environment);
  const folder = options.out ?? (await mkdtemp(join(tmpdir(), 'holdfast-lab-')));
  const names = scenario === null ? usualScenarios : [scenario.name];
  const all: { readonly scenario: string; readonly servers: readonly object[] }[] = [];
  try {
    for (const name of names) {
      const compared: Compared[] = [];
      for (const { name: server, title, version, abilities } of serverPeers) {
        // It says bytes as told and has no habits of its own.
        if (abilities.includes('literal')) continue;
        const has = await version();
        const outcome = await playInOwnProcess(name, { ...options, out: folder, server });
        compared.push({ server, title: has === null || has === '' ? title : `${title} ${has}`, outcome });
      }
      all.push({ scenario: name, servers: compared.map(({ server, title, outcome }) => ({ server, title, ...outcome })) });
      if (options.json === true) continue;
      for (const line of tableOf(name, compared, style)) output.line(line);
      await output.flush();
    }
  } finally {
    if (options.out === undefined) await rm(folder, { recursive: true, force: true });
  }
  if (options.json === true) output.line(JSON.stringify({ schema: 'holdfast.lab-comparison.v1', compared: all }, null, 2));
  return exitCodes.fine;
}

const heads = ['server', 'conn.', 'answers', 'announced', 'first to close', 'after the response', 'expected'];

function tableOf(name: string, compared: readonly Compared[], style: TerminalStyle): string[] {
  const { palette } = style;
  const rows = compared.map(({ title, outcome }) => ({
    title,
    cells: 'lives' in outcome ? cellsOf(outcome, style) : null,
    outcome,
  }));
  const columns = [heads, ...rows.flatMap(({ title, cells }) => (cells === null ? [] : [[title, ...cells]]))];
  const widths = heads.map((_, column) => Math.max(...columns.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  return [
    palette.strong(name),
    palette.faint(line(heads)),
    ...rows.map(({ title, cells, outcome }) => {
      if (cells !== null) return line([title, ...cells]);
      const why = 'why' in outcome ? outcome.why : 'broken' in outcome ? outcome.broken : '';
      return `${title.padEnd(widths[0]!)}  ${palette.faint(escapeName(why))}`;
    }),
    '',
  ];
}

function cellsOf({ lives, totals, passed, expectations }: OutcomeJson, style: TerminalStyle): string[] {
  const first = lives[0];
  if (first === undefined) return ['0', '', '', '', '', 'no'];
  const met = expectations.filter((one) => one.met).length;
  return [
    String(totals.connections),
    first.statuses.map((status) => status ?? 'none').join(' '),
    announcedOf(first),
    `${first.endedBy}, ${first.how === 'rst' ? 'RST' : first.how === 'fin' ? 'FIN' : first.how}`,
    first.afterMs === null ? '' : formatDuration(first.afterMs * 1e6, style),
    passed ? 'yes' : `${met} of ${expectations.length}`,
  ];
}

function announcedOf({ keepAlive, closeAskedBy }: OutcomeJson['lives'][number]): string {
  const parts: string[] = [];
  if (keepAlive !== null) {
    if (keepAlive.timeoutSeconds !== null) parts.push(`timeout=${keepAlive.timeoutSeconds}`);
    if (keepAlive.max !== null) parts.push(`max=${keepAlive.max}`);
  }
  if (closeAskedBy === 'server' || closeAskedBy === 'both') parts.push('Connection: close');
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}
