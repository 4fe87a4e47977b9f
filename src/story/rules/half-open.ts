import type { Hit, Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';
import { type HalfOpen, leastHalfOpenNs, serverLimits } from '../facts-server.js';

/** From here on it is neglect, and not a slow reaction. */
const longNs = 60e9;

export const halfOpen: Rule = {
  id: 'half-open',
  level: 'warning',
  confidence: 'high',
  owner: 'client',
  title: 'A side did not close after the other had closed',
  prose:
    'One side closed (its FIN arrived and was acknowledged), and the other kept its half of the connection open for long (its socket is ' +
    'in state CLOSE_WAIT). Nothing more can come on it. Each such socket takes a file descriptor and a port, and a pool that does not ' +
    'notice may use it for a request that is lost. The program does not read the end of the connection: it looks at idle sockets only ' +
    'when it needs one, or it leaks them.',
  notToConfuseWith:
    'A client that closes only its sending side and still reads an answer: that is allowed, and data come back. A side that has ' +
    'vanished: its machine would not acknowledge (path-lost).',
  fixes: [
    {
      for: 'the program that stays',
      setting: 'read idle sockets to their end (on “end”/EOF: close)',
      why: 'CLOSE_WAIT ends only when the program closes',
    },
    {
      for: 'Apache HttpClient',
      setting: 'evictIdleConnections(…), evictExpiredConnections()',
      why: 'a thread that looks after idle connections',
    },
    { for: 'Node.js', setting: 'allowHalfOpen: false', why: 'the default: closes when the other side does' },
  ],
  onServer: ({ halfOpen }, { latestNs, isLeaky }) => {
    // In a leaky capture the other FIN may merely be missing.
    const candidates = isLeaky ? halfOpen.filter(({ endedNs }) => endedNs !== null) : halfOpen;
    return [...groups(candidates, latestNs).values()].map((group): Hit => {
      const [first] = group;
      const longest = group.reduce((most, one) => Math.max(most, one.forNs), 0);
      return {
        level: longest >= longNs ? 'warning' : 'info',
        owner: first!.stays,
        count: group.length,
        connections: group.map(({ connection }) => connection),
        packets: group.flatMap(({ finPacket, endPacket }) => [finPacket, endPacket]).slice(0, 40),
        text: () => {
          const { connection, finPacket, stays, forNs, endedBy } = first!;
          const end = `until ${endedBy ?? 'the capture ended'}`;
          const many = group.length >= serverLimits.halfOpen ? ' at least' : '';
          return `${counted(group.length, 'connection')}${many}, for up to ${durationWords(longest)}. For example #${connection}: behind the FIN in packet ${finPacket} the ${stays} stayed for ${durationWords(forNs)}, ${end}.`;
        },
      };
    });
  },
  sum: () => '',
};

function groups(candidates: readonly HalfOpen[], latestNs: number): Map<string, (HalfOpen & { forNs: number })[]> {
  const found = new Map<string, (HalfOpen & { forNs: number })[]>();
  for (const candidate of candidates) {
    const forNs = (candidate.endedNs ?? latestNs) - candidate.sinceNs;
    if (forNs < leastHalfOpenNs) continue;
    const group = found.get(candidate.stays) ?? [];
    group.push({ ...candidate, forNs });
    found.set(candidate.stays, group);
  }
  return found;
}
