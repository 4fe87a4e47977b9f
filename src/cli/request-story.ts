/** The reuse story: how many connections carried how many requests, what that saved, and why a connection was not used again. */
import { formatCounted, formatDuration, type TerminalStyle } from '../view/index.js';
import type { Outcome } from './request-send.js';
import type { TalkedConnection } from './request-talk.js';

/** Reasons that are printed. */
const reasonsLimit = 8;

export function reuseLines(
  connections: readonly TalkedConnection[],
  outcomes: readonly Outcome[],
  retries: number,
  style: TerminalStyle,
): string[] {
  if (connections.length === 0) return ['No connection was made.'];
  const { palette } = style;
  const requests = connections.reduce((sum, each) => sum + each.requests, 0);
  const used = connections.filter((each) => each.requests > 0).length;
  const reused = requests - used;
  const openingMs = outcomes.flatMap(({ timings }) =>
    timings === null || timings.connectMs === null ? [] : [(timings.nameMs ?? 0) + timings.connectMs + (timings.tlsMs ?? 0)],
  );
  const usualMs = openingMs.sort((a, b) => a - b)[openingMs.length >> 1] ?? null;
  const head = `${formatCounted(requests, 'request')} on ${formatCounted(connections.length, 'connection')}`;
  const saved =
    reused === 0
      ? requests > 1
        ? 'none was reused'
        : 'nothing to reuse yet'
      : `${formatCounted(reused, 'reuse')}${usualMs === null ? '' : `, each saved the ${formatDuration(usualMs * 1e6, style)} that opening takes (${formatDuration(reused * usualMs * 1e6, style)} in all)`}`;
  const lines = [`${(reused > 0 ? palette.good : palette.strong)(head)}: ${saved}.`];
  if (retries > 0)
    lines.push(`${formatCounted(retries, 'request')} sent once more on a new connection, because the first had died.`);
  const reasons = new Map<string, number[]>();
  for (const { number, over } of connections) {
    if (over === null || over.startsWith('this end closed')) continue;
    reasons.set(over, [...(reasons.get(over) ?? []), number]);
  }
  for (const [reason, numbers] of [...reasons].slice(0, reasonsLimit)) {
    const which =
      numbers.length > 4 ? formatCounted(numbers.length, 'connection') : numbers.map((number) => `#${number}`).join(', ');
    lines.push(`  ${which} could not be used again: ${reason}.`);
  }
  if (reasons.size > reasonsLimit) lines.push(`  ${reasons.size - reasonsLimit} more reasons.`);
  return lines;
}
