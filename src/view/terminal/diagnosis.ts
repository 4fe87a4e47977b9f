/**
 * The verdict and the findings, for a terminal: whose it is, what it cost, the one setting to change, the packets that prove it,
 * what else was found, and what is not the cause. Details name wire text: all of it is escaped here.
 */
import type { Finding } from '../../story/index.js';
import type { Diagnosed } from '../diagnosed.js';
import { clipEnd, escapeName } from '../escape.js';
import { formatCount, formatCounted, formatEndpoint } from '../quantity.js';
import { plainInk } from './ink.js';
import { labelled, wrapWords } from './lines.js';
import { glyphsOf, type Paint, type TerminalStyle } from './style.js';

const labelWidth = 9;
/** Findings told with their details, besides the one of the verdict. */
const toldFindings = 6;
/** Numbers of packets and connections named for one finding. */
const namedPackets = 12;
const namedConnections = 8;

export function verdictPaint({ verdict }: Diagnosed, { palette }: TerminalStyle): Paint {
  if (verdict.level === 'bad') return palette.bad;
  if (verdict.level === 'warning') return palette.warning;
  return verdict.level === 'unknown' ? (text) => text : palette.good;
}

export function renderDiagnosis({ verdict, findings }: Diagnosed, style: TerminalStyle): string[] {
  const { palette } = style;
  const lines: string[] = [];
  const main = verdict.finding;
  if (main !== null) {
    const cost = verdict.cost === null ? '' : `; cost: ${verdict.cost}`;
    lines.push(
      ...paragraph('Owner', `the ${main.owner} (${main.rule}, ${main.level}, confidence ${main.confidence})${cost}`, style),
    );
    lines.push(...paragraph('What', escapeName(main.detail), style));
    if (verdict.change !== null) {
      const { for: product, setting, why } = verdict.change;
      lines.push(...paragraph('Change', `${product}: ${setting}`, style, palette.strong));
      lines.push(...paragraph('', `${why}${otherFixes(main)}`, style, palette.faint));
    }
    lines.push(...paragraph('Proof', proofOf(main), style));
  }
  const others = findings.filter((finding) => finding !== main);
  for (const finding of others.slice(0, toldFindings)) lines.push(...told(finding, style));
  if (others.length > toldFindings)
    lines.push(
      ...paragraph('', `and ${formatCounted(others.length - toldFindings, 'finding')} more (--json has them all)`, style),
    );
  if (verdict.notTheCause.length > 0 && main !== null)
    lines.push(
      ...verdict.notTheCause.flatMap(({ text }, index) => paragraph(index === 0 ? 'Not it' : '', escapeName(text), style)),
    );
  lines.push(
    ...verdict.limits.flatMap((text, index) => paragraph(index === 0 ? 'Unsure' : '', escapeName(text), style, palette.faint)),
  );
  return lines;
}

const labels = { bad: 'Bad', warning: 'Warning', info: 'Seen', good: 'Good' } as const;

function told(finding: Finding, style: TerminalStyle): string[] {
  const { palette } = style;
  const paint = finding.level === 'bad' ? palette.bad : finding.level === 'warning' ? palette.warning : undefined;
  const text = `${finding.title}. ${finding.detail}`;
  const fix = finding.fixes[0];
  const lines = paragraph(labels[finding.level], escapeName(text), style, paint);
  if ((finding.level === 'bad' || finding.level === 'warning') && fix !== undefined)
    lines.push(...paragraph('', `${fix.for}: ${fix.setting}`, style, palette.strong));
  if (finding.level !== 'good') lines.push(...paragraph('', `${finding.rule}: ${proofOf(finding)}`, style, palette.faint));
  return lines;
}

function otherFixes({ fixes, rule }: Finding): string {
  return fixes.length > 1
    ? `; ${formatCounted(fixes.length - 1, 'other setting')} for other software: holdfast rules ${rule}`
    : '';
}

function proofOf({ packets, connections, connectionCount, server }: Finding): string {
  const parts: string[] = [];
  if (packets.length > 0) {
    const more = packets.length > namedPackets ? ` and ${formatCount(packets.length - namedPackets)} more` : '';
    parts.push(`${packets.length === 1 ? 'packet' : 'packets'} ${packets.slice(0, namedPackets).join(' ')}${more}`);
  }
  if (connections.length > 0) {
    const named = connections.slice(0, namedConnections).map((id) => `#${id}`);
    const rest = connectionCount - named.length;
    parts.push(`${named.join(' ')}${rest > 0 ? ` and ${formatCount(rest)} more` : ''}`);
  }
  return parts.length === 0 ? `all connections to ${escapeName(formatEndpoint(server))}` : parts.join(', ');
}

function paragraph(label: string, text: string, style: TerminalStyle, paint?: Paint): string[] {
  const room = style.width - labelWidth - 4;
  const words = wrapWords(plainInk(text, style), room).map((line) => clipEnd(line, room, glyphsOf(style).ellipsis));
  return labelled(label, words, labelWidth).map((line, index) => {
    const start = line.slice(0, labelWidth + 4);
    const rest = line.slice(labelWidth + 4);
    const head = index === 0 && label !== '' ? `  ${style.palette.faint(label)}${start.slice(2 + label.length)}` : start;
    return head + (paint === undefined ? rest : paint(rest));
  });
}
