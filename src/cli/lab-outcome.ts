/** What a scenario came to: its verdict and its expectations, for people and as JSON. */
import type { ScenarioResult } from '../lab/index.js';
import type { Connection } from '../story/index.js';
import { escapeText, formatCounted, type TerminalStyle, wrapWords } from '../view/index.js';

const mark = (met: boolean, { unicode }: TerminalStyle): string => (met ? (unicode ? '✓' : 'ok') : unicode ? '✗' : 'NO');

/** A relay has no packets: their numbers are 0. */
const packetsOf = (numbers: readonly number[]): string => {
  const packets = numbers.filter((number) => number > 0);
  if (packets.length === 0) return '';
  return ` (${packets.length === 1 ? 'packet' : 'packets'} ${packets.join(', ')})`;
};

export const peersOf = ({ server, client }: ScenarioResult): string => `${client.title} asks ${server.title}`;

/** The expectations with what the packets showed. */
function expectationLines(result: ScenarioResult, style: TerminalStyle): string[] {
  const { palette, width } = style;
  const lines: string[] = [];
  const indented = (first: string, text: string): string[] =>
    wrapWords(text, Math.max(40, width - 6)).map((line, index) => `${index === 0 ? first : '    '} ${line}`);
  for (const { met, words, showed, packets } of result.expectations) {
    const paint = met ? palette.good : palette.bad;
    lines.push(...indented(`  ${paint(mark(met, style))}`, words));
    lines.push(
      ...wrapWords(`${showed}${packetsOf(packets)}`, Math.max(40, width - 6)).map((line) => palette.faint(`    ${line}`)),
    );
  }
  for (const { words, why } of result.skipped) {
    lines.push(...indented(`  ${palette.warning('-')}`, words));
    lines.push(palette.faint(`    skipped: ${why}`));
  }
  return lines;
}

/** One scenario in full, as it ends. */
export function outcomeLines(result: ScenarioResult, style: TerminalStyle): string[] {
  const { palette } = style;
  const { verdict, totals } = result.evidence;
  const counts = [
    formatCounted(totals.connections, 'connection'),
    formatCounted(totals.requests, 'request'),
    formatCounted(result.evidence.source.packets, 'packet'),
  ];
  const met = result.expectations.filter((one) => one.met).length;
  const skipped = result.skipped.length > 0 ? `, ${result.skipped.length} skipped` : '';
  const says = result.passed ? palette.good('passed') : palette.bad('FAILED');
  return [
    '',
    `${palette.strong('Verdict')}  ${escapeText(verdict.headline)}`,
    palette.faint(`         ${counts.join(', ')}; recorded by ${result.recordedBy}`),
    ...(result.dropped > 0 ? [palette.warning(`         ${result.dropped} packets were not recorded`)] : []),
    '',
    palette.strong('What the packets must show'),
    ...expectationLines(result, style),
    '',
    `${result.scenario.name} ${says}: ${met} of ${result.expectations.length} expectations met${skipped}, in ${(result.tookMs / 1000).toFixed(1)} s`,
  ];
}

/** A scenario that could not be played here, and why. */
export interface SkippedJson {
  readonly scenario: string;
  readonly passed: null;
  readonly why: string;
}

/** Connections that are told one by one. */
const livesLimit = 20;

/** What the packets of a connection say about its end. */
const lifeOf = ({ exchangeCount, exchanges, ending }: Connection) => {
  const hint = exchanges.find((one) => one.hint !== null)?.hint ?? null;
  const last = exchanges.at(-1);
  return {
    exchanges: exchangeCount,
    statuses: exchanges.slice(0, livesLimit).map(({ status }) => status),
    keepAlive: hint,
    closeAskedBy: last?.closeAskedBy ?? null,
    endedBy: ending.by,
    how: ending.how,
    why: ending.why,
    /** From the end of the last response to the first FIN or RST. */
    afterMs: last?.responseEnd == null ? null : Number(((ending.at.atNs - last.responseEnd.atNs) / 1e6).toFixed(3)),
  };
};

/** The same for programs. */
export const outcomeJson = (result: ScenarioResult) => ({
  scenario: result.scenario.name,
  passed: result.passed,
  server: result.server.name,
  client: result.client.name,
  speed: result.speed,
  seconds: Number((result.tookMs / 1000).toFixed(3)),
  recordedBy: result.recordedBy,
  file: result.file,
  packetsDropped: result.dropped,
  expectations: result.expectations.map(({ words, met, showed, packets }) => ({ words, met, showed, packets })),
  skipped: result.skipped,
  packets: result.evidence.source.packets,
  totals: result.evidence.totals,
  counted: Object.fromEntries(result.evidence.counted),
  verdict: result.evidence.verdict.headline,
  lives: result.evidence.connections.slice(0, livesLimit).map(lifeOf),
  findings: result.evidence.findings.map(({ rule, level, title }) => ({ rule, level, title })),
});

export type OutcomeJson = ReturnType<typeof outcomeJson>;
