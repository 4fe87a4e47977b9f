import type { Rule } from '../diagnosis-rule.js';
import { counted, countWords, durationWords } from '../diagnosis-words.js';
import type { ConnectionOutline } from '../facts-outline.js';
import type { PairFacts } from '../facts-pair.js';
import { fixesFor } from '../fixes.js';

const leastPromptCloses = 5;
const promptShare = 0.3;

export const tinyPool: Rule = {
  id: 'tiny-pool',
  level: 'warning',
  confidence: 'medium',
  owner: 'client',
  title: 'The client keeps too few idle connections for its bursts',
  prose:
    'When several requests run at once the client opens a connection for each; when they are done it keeps a few and closes the others at ' +
    'once. The next burst opens them anew. The pool’s limit of idle connections is smaller than the number of requests that run at once: ' +
    'in Go it is two per host unless MaxIdleConnsPerHost says otherwise.',
  notToConfuseWith: 'A client without any pool (churn): there nothing is reused at all.',
  fixes: [
    {
      for: 'Go net/http client',
      setting: 'http.Transport{MaxIdleConnsPerHost: 100, MaxIdleConns: 1000}',
      why: 'the default keeps two per host',
    },
    {
      for: 'Node.js client',
      setting: 'new http.Agent({ keepAlive: true, maxFreeSockets: 256 })',
      why: 'its limit of idle sockets per host',
    },
    { for: 'nginx as proxy', setting: 'upstream { … keepalive 100; }', why: 'idle connections kept per worker' },
    { for: 'Apache HttpClient', setting: 'setMaxConnPerRoute(50)', why: 'its default is 5 per route (2 in version 4)' },
    {
      for: 'aiohttp',
      setting: 'TCPConnector(limit_per_host=0, keepalive_timeout=15)',
      why: 'connections beyond the limits are closed',
    },
  ],
  asksPair: { count: 'promptCloses', least: leastPromptCloses },
  onPair: (pair) => {
    if (!isTinyPool(pair)) return null;
    const closed = pair.recent.filter(({ by, why }) => by === 'client' && why === 'after-response');
    return {
      fixes: () => fixesFor(tinyPool.fixes, pair.software),
      count: closed.length,
      connections: closed.map(({ id }) => id),
      packets: closed.slice(0, 20).map(({ endPacket }) => endPacket),
      delayNs: pair.handshakeNs,
      text: () => {
        const kept = keptBetweenBursts(pair);
        const handshakes = pair.handshakes === 0 ? '' : `, ${durationWords(pair.handshakeNs)} of handshakes`;
        return `Client ${pair.clientAddress}: up to ${pair.mostAtOnce()} requests at once, ${kept === null ? 'few' : `about ${kept}`} kept between them, ${counted(closed.length, 'connection')} closed right behind their answers; ${countWords(pair.requests)} requests took ${countWords(pair.usedConnections)} connections${handshakes}.`;
      },
    };
  },
  sum: () => '',
};

export function isTinyPool(pair: PairFacts): boolean {
  const { reusedConnections, requests, usedConnections } = pair;
  if (pair.promptCloses < leastPromptCloses || reusedConnections === 0 || requests > 3 * usedConnections) return false;
  // One is kept at least, and half of those at once are not.
  const atOnce = pair.mostAtOnce();
  if (atOnce < 2) return false;
  // Of a connection whose opening was not captured nobody knows since when it was there.
  const recent = pair.recent.filter(({ whole }) => whole);
  const prompt = recent.filter(({ by, why }) => by === 'client' && why === 'after-response');
  if (prompt.length < leastPromptCloses || prompt.length < promptShare * recent.length) return false;
  // What a burst opens and nobody keeps serves one request; more on each is somebody's way of working.
  if (2 * prompt.filter((one) => one.requests === 1).length < prompt.length) return false;
  const kept = keptBetweenBursts(pair);
  return kept !== null && kept > 0 && 2 * Math.max(kept, mostIdle(recent)) <= atOnce;
}

/** The most connections that lay idle at once until somebody closed them for it: so many the pool does keep. */
function mostIdle(recent: readonly ConnectionOutline[]): number {
  const idle = recent.filter(({ why }) => why === 'idle');
  const lyingAt = (momentNs: number) => idle.filter(({ lastUseNs, endedNs }) => lastUseNs <= momentNs && momentNs < endedNs);
  return Math.max(0, ...idle.map(({ lastUseNs }) => lyingAt(lastUseNs).length));
}

/** How many connections there were at the calm between bursts, as a median; null without such a calm. */
function keptBetweenBursts({ recent }: PairFacts): number | null {
  const moments = recent.flatMap(({ openedNs, endedNs }) => [
    { atNs: openedNs, step: 1 },
    { atNs: endedNs, step: -1 },
  ]);
  moments.sort((a, b) => a.atNs - b.atNs || a.step - b.step);
  const calms: number[] = [];
  let now = 0;
  let falling = false;
  for (const { step } of moments) {
    if (step > 0 && falling && now > 0) calms.push(now);
    falling = step < 0;
    now += step;
  }
  calms.sort((a, b) => a - b);
  return calms.length === 0 ? null : calms[calms.length >> 1]!;
}
