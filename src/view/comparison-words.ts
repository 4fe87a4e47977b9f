/** What two captures say together, in the words that the terminal and the page share. */
import type { ClockComparison, ComparedConnection, DelaySummary, OneSidedCounts, OneSidedPacket } from '../base/index.js';
import { formatCount, formatCounted, formatDuration, type Script } from './quantity.js';

export const nothingInCommon =
  'The two captures have no connection in common: they are not of the same traffic, or not of the same time.';

export function comparisonHeadline(oneSided: { readonly client: OneSidedCounts; readonly server: OneSidedCounts }): string {
  const lost = oneSided.client.lost + oneSided.server.lost;
  const forged = oneSided.client.forged + oneSided.server.forged;
  if (lost === 0 && forged === 0) return 'Between the two captures nothing was lost and nothing was forged';
  const parts: string[] = [];
  if (forged > 0) parts.push(`${formatCounted(forged, 'packet')} ${forged === 1 ? 'was' : 'were'} forged`);
  if (lost > 0) parts.push(`${formatCounted(lost, 'packet')} ${lost === 1 ? 'was' : 'were'} lost`);
  return `Between the two captures ${parts.join(' and ')}`;
}

/** Something to tell beyond that both captures have it. */
export const isTelling = ({ oneSided, isTranslated, hasShiftedNumbers, rewritten }: ComparedConnection): boolean =>
  [oneSided.client, oneSided.server].some(({ lost, forged }) => lost + forged > 0) ||
  isTranslated ||
  hasShiftedNumbers ||
  rewritten.length > 0;

/** `second`: the name of the second capture, harmless. */
export function clockText({ offsetNs, uncertaintyNs, driftPpm }: ClockComparison, second: string, script?: Script): string {
  const uncertainty = uncertaintyNs === null ? '' : `, right within ${formatDuration(uncertaintyNs, script)}`;
  const drift = Math.abs(driftPpm) < 0.05 ? '' : `, drifting by ${driftPpm.toFixed(1)} parts per million`;
  const sign = offsetNs < 0 ? 'behind' : 'ahead of';
  return `the clock of ${second} is ${formatDuration(Math.abs(offsetNs), script)} ${sign} the other's${uncertainty}${drift}`;
}

/** What of one direction is in one capture only, and how long the rest took. */
export function directionText(counts: OneSidedCounts, delay: DelaySummary | null, script?: Script): string {
  const items = [...countItems(counts), ...delayItems(delay, script)];
  return items.length === 0 ? 'nothing missing' : items.join(', ');
}

function countItems({ lost, forged, notCaptured, unclear }: OneSidedCounts): string[] {
  const items: string[] = [];
  if (lost > 0) items.push(`${formatCount(lost)} lost`);
  if (forged > 0) items.push(`${formatCount(forged)} forged`);
  if (notCaptured > 0) items.push(`${formatCount(notCaptured)} passed but missing in one capture`);
  if (unclear > 0) items.push(`${formatCount(unclear)} in one capture only, unclear why`);
  return items;
}

function delayItems(delay: DelaySummary | null, script?: Script): string[] {
  if (delay === null) return [];
  const [least, median, most] = [delay.leastNs, delay.medianNs, delay.mostNs].map((ns) => formatDuration(ns, script));
  return [`on the way ${least} at least, median ${median}, at most ${most}`];
}

/** What stands before and behind the packet's number. `seenIn`: the name of the capture that has it, harmless. */
export function oneSidedPacketWords(
  { from, kind, byteCount, timeToLive, usualTimeToLive }: OneSidedPacket,
  seenIn: string,
): readonly [before: string, behind: string] {
  const what =
    kind === 'data' ? `${formatCounted(byteCount, 'byte')} of data` : kind === 'reset' ? 'a reset' : kind.toUpperCase();
  const hops =
    timeToLive !== null && usualTimeToLive !== null && timeToLive !== usualTimeToLive
      ? `; time to live ${timeToLive}, the ${from}'s other packets have ${usualTimeToLive}`
      : '';
  return [`${what} in the name of the ${from}, packet `, `, only in ${seenIn}${hops}`];
}
