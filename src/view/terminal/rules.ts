/** The rules themselves, for a terminal. Their words are ours, so nothing needs escaping. */
import type { FindingLevel, Rule } from '../../story/index.js';
import { plainInk } from './ink.js';
import { labelled, wrapWords } from './lines.js';
import type { Paint, TerminalStyle } from './style.js';

const order: readonly FindingLevel[] = ['bad', 'warning', 'info', 'good'];

/** A line each: the worst first. */
export function renderRules(rules: readonly Rule[], style: TerminalStyle): string[] {
  const idWidth = Math.max(...rules.map(({ id }) => id.length));
  const levelWidth = Math.max(...order.map((level) => level.length));
  const sorted = [...rules].sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level) || a.id.localeCompare(b.id));
  return sorted.flatMap((rule) => {
    const start = `${rule.id.padEnd(idWidth)}  ${rule.level.padEnd(levelWidth)}  `;
    const words = wrapWords(plainInk(rule.title, style), Math.max(20, style.width - start.length));
    return words.map((line, index) =>
      index === 0
        ? `${style.palette.strong(rule.id.padEnd(idWidth))}  ${paintOf(rule.level, style)(rule.level.padEnd(levelWidth))}  ${line}`
        : ' '.repeat(start.length) + line,
    );
  });
}

/** One in full: what it means, what it is not, and every setting. */
export function renderRule(rule: Rule, style: TerminalStyle): string[] {
  const { palette, width } = style;
  const lines = [
    `${palette.strong(rule.id)}  ${paintOf(rule.level, style)(rule.level)}, confidence ${rule.confidence}, owner: ${rule.owner}`,
    ...wrapWords(plainInk(`${rule.title}.`, style), width).map(palette.strong),
    '',
    ...wrapWords(plainInk(rule.prose, style), width),
    '',
    ...labelled('Not', wrapWords(plainInk(rule.notToConfuseWith, style), width - labelWidth - 4), labelWidth),
  ];
  if (rule.fixes.length === 0 && rule.noFix !== undefined)
    lines.push(...labelled('Fix', wrapWords(plainInk(rule.noFix, style), width - labelWidth - 4), labelWidth));
  for (const [index, fix] of rule.fixes.entries()) {
    const setting = wrapWords(plainInk(`${fix.for}: ${fix.setting}`, style), width - labelWidth - 4);
    lines.push(...labelled(index === 0 ? 'Fix' : '', setting, labelWidth));
    lines.push(
      ...labelled(
        '',
        wrapWords(plainInk(fix.why, style), width - labelWidth - 6).map((line) => `  ${line}`),
        labelWidth,
      ).map(palette.faint),
    );
  }
  return lines;
}

const labelWidth = 4;

function paintOf(level: FindingLevel, { palette }: TerminalStyle): Paint {
  if (level === 'bad') return palette.bad;
  if (level === 'warning') return palette.warning;
  return level === 'good' ? palette.good : palette.notable;
}
