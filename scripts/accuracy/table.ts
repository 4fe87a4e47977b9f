/** The result as a page in Markdown. */

import type { BadlyRecorded, Score } from './score.js';

interface Circumstances {
  readonly connections: number;
  readonly requests: number;
  readonly packets: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly nearMisses: readonly (readonly [string, number])[];
}

const percent = (part: number, whole: number): string =>
  whole === 0 ? '–' : `${(Math.floor((1000 * part) / whole) / 10).toFixed(1).replace('.0', '')} %`;

export function accuracyTable(
  scores: readonly Score[],
  badRecordings: readonly (readonly [string, BadlyRecorded])[],
  { connections, requests, packets, bytes, seconds, nearMisses }: Circumstances,
): string {
  const sum = (count: (score: Score) => number): number => scores.reduce((total, one) => total + count(one), 0);
  const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const cells = (name: string, unit: string, injected: number, found: number, missed: number, wrong: number): string =>
    row([name, unit, injected, found, missed, wrong, percent(found, found + wrong), percent(found, injected)]);
  return `${[
    '# How often the diagnosis is right',
    '',
    `\`npm run accuracy\` made this page. It lets real software talk over real TCP (node:http and its Agent, undici, raw sockets, Go net/http,`,
    'nginx, Apache, HAProxy; the loopback device and a link with a round trip of 40 ms), does known things to known connections among healthy',
    'ones, records everything with one tcpdump, and compares what `holdfast explain` finds with what was written down while it was done.',
    '',
    `This run: ${connections} connections, ${requests} requests, ${packets} packets, ${(bytes / 1e6).toFixed(1)} MB, ${seconds} s.`,
    '',
    'A fault of a connection counts as found when a finding of the rule names that connection; a fault of a server, or of a client of it,',
    'when a finding of the rule is about that server. Wrong is whatever else a finding names: at any level for the rules that were put to',
    'the test, and for every other rule when it says bad or warning.',
    '',
    row(['rule', 'unit', 'injected', 'found', 'missed', 'wrong', 'precision', 'recall']),
    row(['---', '---', '--:', '--:', '--:', '--:', '--:', '--:']),
    ...scores.map(({ rule, unit, injected, found, missed, wrong }) =>
      cells(rule, unit, injected, found, missed.length, wrong.length),
    ),
    cells(
      '**all**',
      '',
      sum(({ injected }) => injected),
      sum(({ found }) => found),
      sum(({ missed }) => missed.length),
      sum(({ wrong }) => wrong.length),
    ),
    '',
    '## The same traffic, badly recorded',
    '',
    'Out of the recording others are made as people bring them, some drawn by chance (with the seed in brackets). There a finding may be',
    'missing; the question is whether one is made up. Counted are the connections, or servers, that findings name: those that are bad with',
    'high confidence, and all others that say bad or warning.',
    '',
    row(['how it was recorded', 'bad, high confidence', 'wrong', 'other bad and warnings', 'wrong']),
    row(['---', '--:', '--:', '--:', '--:']),
    ...badRecordings.map(([name, { surelyBad, wronglyBad, others, wrongOthers }]) =>
      row([name, surelyBad, wronglyBad.length, others, wrongOthers.length]),
    ),
    '',
    '## What was done',
    '',
    ...scores.filter(({ variants }) => variants.length > 0).map(({ rule, variants }) => `- ${rule}: ${variants.join('; ')}`),
    '',
    '## Near misses and healthy traffic among it',
    '',
    ...nearMisses.map(([what, count]) => `- ${count} × ${what}`),
  ].join('\n')}\n`;
}
