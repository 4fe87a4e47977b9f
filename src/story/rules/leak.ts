import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';
import type { ConnectionOutline } from '../facts-outline.js';
import type { PairFacts } from '../facts-pair.js';

const least = 5;
/** Unused for so long: a pool would have used or closed it. */
const leastIdleNs = 30e9;
/** In a shorter capture: so many that were used once and lay idle when the newest was opened, nearly all that there are. */
const leastAtOnce = 10;
const nearlyAll = 0.8;

export const leak: Rule = {
  id: 'leak',
  level: 'warning',
  confidence: 'medium',
  owner: 'client',
  title: 'Idle connections pile up and are never used again',
  prose:
    'Connections were used, then left open and idle, and new ones were opened beside them instead of using them again. Their number only ' +
    'grows, until a limit of open files, of ports or of the server’s connections is reached. The program loses hold of them: responses ' +
    'that are not read to the end, or a new client object (with a pool of its own) for every request.',
  notToConfuseWith:
    'A pool that is large because many requests once ran at once, and uses its connections again later; and connections that the server ' +
    'closes for idleness before many lie beside each other (churn).',
  fixes: [
    {
      for: 'the client',
      setting: 'one client object for the life of the process',
      why: 'a new one each time has a new pool each time',
    },
    {
      for: 'Go',
      setting: 'read the body to its end, then response.Body.Close()',
      why: 'otherwise the connection is neither free nor closed',
    },
    { for: 'the server', setting: 'an idle timeout', why: 'then leaked connections at least end' },
  ],
  asksPair: { count: 'usedConnections', least },
  onPair: (pair, { latestNs, isLeaky }) => {
    const { clientAddress } = pair;
    const left = leftIdle(pair, latestNs);
    // Where the capture misses packets, their closes may be some of them.
    if (left === null || (isLeaky && 2 * left.length < pair.connections)) return null;
    const first = left[0]!;
    const untilNs = Math.min(latestNs, first.why === 'still-open' ? latestNs : first.endedNs);
    return {
      count: left.length,
      connections: left.map(({ id }) => id),
      packets: left.map(({ openedPacket }) => openedPacket),
      text: () =>
        `Client ${clientAddress} left ${counted(left.length, 'connection')} open, the first unused for ${durationWords(untilNs - first.lastUseNs)}, while it went on opening others.`,
    };
  },
  sum: () => '',
};

/** Idle connections that pile up, the longest idle first; null when there are none. `latestNs`: of the capture. */
export function leftIdle(pair: PairFacts, latestNs: number): readonly ConnectionOutline[] | null {
  const { stillOpen, singleUse, usedConnections } = pair;
  const mostlyOnce = singleUse.idle >= nearlyAll * usedConnections && usedConnections >= leastAtOnce;
  if (stillOpen < least && !mostlyOnce) return null;
  const whole = pair.recent.filter(({ whole, requests }) => whole && requests > 0).sort((a, b) => a.lastUseNs - b.lastUseNs);
  const long = whole.filter(({ why, lastUseNs }) => why === 'still-open' && latestNs - lastUseNs >= leastIdleNs);
  if (long.length >= least && pilesUp(long)) return long;
  if (!mostlyOnce) return null;
  const newestNs = whole.reduce((newest, { openedNs }) => Math.max(newest, openedNs), 0);
  // What its own end closed later, at the end of the program say, had piled up as well.
  const together = whole.filter(
    ({ why, by, requests, lastUseNs, endedNs }) =>
      requests === 1 && lastUseNs < newestNs && (why === 'still-open' || (by === 'client' && endedNs > newestNs)),
  );
  return together.length >= leastAtOnce && together.length >= nearlyAll * whole.length && pilesUp(together) ? together : null;
}

/** One after the other: each was opened when an earlier one lay idle already, over a time that is no single burst. */
function pilesUp(idle: readonly ConnectionOutline[]): boolean {
  const beside = idle.filter(({ openedNs }, index) => index > 0 && idle[index - 1]!.lastUseNs < openedNs);
  return beside.length >= idle.length * 0.8 - 1;
}
