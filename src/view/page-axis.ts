/** The axis of a page or picture: from the first thing that happened to the last. */
import type { SourceSummary } from '../base/index.js';
import type { PageData } from './page-collector.js';
import { type TimeAxis, timeAxisOf } from './time-axis.js';

export function axisOfPage({ lanes, busy }: PageData, { firstAtNs, lastAtNs, originSeconds }: SourceSummary): TimeAxis {
  const startNs = lanes.reduce((first, { openedNs }) => Math.min(first, openedNs), busy[0]?.startNs ?? firstAtNs ?? 0);
  const endNs = lanes.reduce((last, lane) => Math.max(last, lane.endNs), busy.at(-1)?.endNs ?? lastAtNs ?? 0);
  return timeAxisOf({ startNs, endNs, busy, originSeconds });
}
