import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';

const least = 5;
/** Unused for so long: a pool would have used or closed it. */
const leastIdleNs = 30e9;

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
  notToConfuseWith: 'A pool that is large because many requests once ran at once, and uses its connections again later.',
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
  asksPair: { count: 'stillOpen', least },
  onPair: (pair, { latestNs, isLeaky }) => {
    const { clientAddress } = pair;
    const idle = pair.recent
      .filter(
        ({ why, lastUseNs, requests, whole }) =>
          why === 'still-open' && whole && requests > 0 && latestNs - lastUseNs >= leastIdleNs,
      )
      .sort((a, b) => a.lastUseNs - b.lastUseNs);
    if (idle.length < least) return null;
    // Where the capture misses packets, their closes may be some of them.
    if (isLeaky && 2 * idle.length < pair.connections) return null;
    // One after the other: each was opened when an earlier one lay idle already, over a time that is no single burst.
    const beside = idle.filter(({ openedNs }, index) => index > 0 && idle[index - 1]!.lastUseNs < openedNs);
    if (beside.length < idle.length * 0.8 - 1) return null;
    const first = idle[0]!;
    return {
      count: idle.length,
      connections: idle.map(({ id }) => id),
      packets: idle.map(({ openedPacket }) => openedPacket),
      text: () =>
        `Client ${clientAddress} left ${counted(idle.length, 'connection')} open, the first unused for ${durationWords(latestNs - first.lastUseNs)}, while it went on opening others.`,
    };
  },
  sum: () => '',
};
