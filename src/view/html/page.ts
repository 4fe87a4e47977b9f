/**
 * The report as one page that needs nothing: no network, no server, no script. It opens from disk, prints, and reads aloud.
 *
 * Whatever came from outside is put into templates as text (markup.ts), and no data is handed to scripts: the script sorts and filters the
 * rows that are there. Should text ever act all the same, the policy in the head stops it: nothing may be loaded, and only the style
 * and the script whose hashes it names may run.
 */
import type { ConnectionId, SourceSummary } from '../../base/index.js';
import type { Connection, Totals } from '../../story/index.js';
import { clockOf } from '../clock.js';
import type { Diagnosed } from '../diagnosed.js';
import { type LadderRow, ladderOf } from '../ladder.js';
import { type Markup, markup, trusted } from '../markup.js';
import { axisOfPage } from '../page-axis.js';
import { type PageData, pageLimits } from '../page-collector.js';
import { formatCounted, formatDuration } from '../quantity.js';
import { symbolDefinitions } from '../svg/symbols.js';
import { captureSection } from './capture-section.js';
import { type ComparedPage, comparisonSection } from './comparison-section.js';
import { connectionsSection } from './connections-section.js';
import { exchangesSection } from './exchanges-section.js';
import { factsSection } from './facts-section.js';
import { findingsSection } from './findings-section.js';
import { laddersSection } from './ladders-section.js';
import { pageLinks } from './page-links.js';
import { pageScript, pageScriptHash } from './page-script.js';
import { pageStyle, pageStyleHash } from './page-style.js';
import { notTheCauseSection, verdictSection } from './verdict-section.js';

export interface PageInput {
  /** Of the source, as the user called it. */
  readonly name: string;
  readonly source: SourceSummary;
  readonly totals: Totals;
  readonly diagnosed: Diagnosed;
  readonly data: PageData;
  /** Connections of interest with all their marks, in the order to be told. */
  readonly detailed: readonly Connection[];
  /** Why ladders are missing; null when none is. */
  readonly laddersMissing: string | null;
  readonly chosenBy: string | null;
  /** A second capture of the same traffic; null when there is none. */
  readonly compared?: ComparedPage | null;
}

export function renderPage(input: PageInput): string {
  const { name, source, totals, diagnosed, data, detailed, laddersMissing, chosenBy, compared = null } = input;
  const { verdict, findings, inferences } = diagnosed;
  const clock = clockOf(source);
  const evidence = new Set(findings.flatMap(({ packets }) => packets));
  const ladders = new Map<ConnectionId, readonly LadderRow[]>(
    detailed.map((connection) => [
      connection.id,
      ladderOf(connection, { rowsLimit: pageLimits.ladderRows, keepPackets: evidence }),
    ]),
  );
  const rowIds = new Set(data.lanes.map(({ id }) => id));
  const links = pageLinks({ ladders, rows: rowIds });
  const axis = axisOfPage(data, source);
  const sections: (Markup | null)[] = [
    compared === null ? null : comparisonSection(compared, links),
    findingsSection(findings, links),
    notTheCauseSection(verdict.notTheCause),
    factsSection(inferences),
    connectionsSection({ data, axis, clock, links }),
    exchangesSection(data, clock, links),
    laddersSection({
      connections: detailed,
      ladders,
      evidence,
      clock,
      links,
      missing: laddersMissing,
      hasRow: (id) => rowIds.has(id),
    }),
    captureSection({ name, source, totals, clock, chosenBy }),
  ];
  const parts: readonly (readonly [id: string, title: string])[] = [
    ['comparison', 'Two captures'],
    ['findings', 'Findings'],
    ['not-the-cause', 'Not the cause'],
    ['facts', 'Servers'],
    ['connections', 'Connections'],
    ['exchanges', 'Exchanges'],
    ['ladders', 'Ladders'],
    ['capture', 'Capture'],
  ];
  const contents = parts.filter((_, index) => sections[index] !== null);
  const facts = [
    formatCounted(source.packets, 'packet'),
    formatCounted(totals.connections, 'connection'),
    formatCounted(totals.requests, 'request'),
  ];
  if (source.firstAtNs !== null) facts.push(`${formatDuration(clock.spanNs)} from ${clock.dateAndTime(source.firstAtNs, 3)} UTC`);
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${pageStyleHash}'; script-src 'sha256-${pageScriptHash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="Holdfast">
<title>${name} – Holdfast</title>
<style>${trusted(pageStyle)}</style>
</head>
<body>
<a class="skip" href="#headline">To the verdict</a>
<svg class="definitions" width="0" height="0" aria-hidden="true">${symbolDefinitions}</svg>
<header class="page-head"><p class="maker">Holdfast</p><p class="source"><b>${name}</b> <span class="soft">${facts.join(' · ')}</span></p></header>
<main>
${verdictSection(verdict)}
<nav aria-label="On this page"><ul>${contents.map(([id, title]) => markup`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
${sections}
</main>
<footer><p>Made by Holdfast. This page holds everything it shows and loads nothing.</p></footer>
<script>${trusted(pageScript)}</script>
</body>
</html>
`.text;
}
